"""Opening, closing and reading petitions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from app.count import line_queries as rows
from app.errors import UnknownPetitionError
from app.http.body import Cursor, IsoDate, Limit, Name, RequestModel, ResponseModel, Title, body, short_page, wrong
from app.http.frame import AppState, Decider, PathPetition, Reader, Supervisor
from app.law.line import CALIFORNIA
from app.law.petition import Terms
from app.ledger.evidence import make_checkpoint

router = APIRouter(prefix="/v1/petitions", tags=["petitions"])


class PetitionIn(RequestModel):
    """A petition to open, with `required`, or with `registered_voters` to derive it from (EC 11221)."""

    title: Title
    officer: Title
    required: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    registered_voters: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    circulation_from: IsoDate
    circulation_to: IsoDate
    filed_on: IsoDate
    ruleset: Name = CALIFORNIA.name

    @model_validator(mode="after")
    def _one_of_two(self) -> "PetitionIn":
        if (self.required is None) == (self.registered_voters is None):
            raise wrong("contradiction")
        return self


class PetitionOut(ResponseModel):
    """A petition."""

    petition_id: UUID
    county_id: str
    title: str
    officer: str
    required: int
    registered_voters: int | None
    circulation_from: date
    circulation_to: date
    filed_on: date
    ruleset: str = Field(validation_alias="ruleset_name")
    state: Literal["open", "closed"]
    created_at: datetime


class PetitionsOut(ResponseModel):
    """A page of a county's petitions."""

    petitions: list[PetitionOut]
    next_cursor: str | None


@router.post("", status_code=201)
async def open_petition(
    principal: Decider, state: AppState, new: Annotated[PetitionIn, body(PetitionIn)]
) -> PetitionOut:
    """Open a petition in the key's county. `required` is given, or derived from the registration (EC 11221)."""
    facts = new.model_dump(exclude={"ruleset"})
    terms = Terms(county_id=principal.county_id, ruleset_name=new.ruleset, **facts)
    petition = await state.count.open_petition(terms, opened_by=principal.name, now=state.now())
    return PetitionOut.model_validate(petition)


@router.get("")
async def list_petitions(principal: Reader, state: AppState, cursor: Cursor = None, limit: Limit = 100) -> PetitionsOut:
    """The petitions of the key's county, the oldest first."""
    async with state.database.begin() as connection:
        found = await rows.list_petitions(connection, county_id=principal.county_id)
    shown, following = short_page(found, cursor, limit, lambda petition: petition.petition_id)
    return PetitionsOut.model_validate({"petitions": shown, "next_cursor": following})


@router.get("/{petition_id}")
async def get_petition(_: Reader, state: AppState, petition: PathPetition) -> PetitionOut:
    """One petition."""
    async with state.database.begin() as connection:
        current = await rows.get_petition(connection, petition.key)  # its state is not that of the cached terms
    if current is None:
        raise UnknownPetitionError
    return PetitionOut.model_validate(current)


@router.post("/{petition_id}/close")
async def close_petition(principal: Supervisor, state: AppState, petition: PathPetition) -> PetitionOut:
    """End the count, with the ledger's closing entry and a last checkpoint. Later changes of the count are refused.

    If there are as many lines as are required, none may be received, in review or unsettled.
    """
    closed = await state.count.close_petition(petition, closed_by=principal.name, now=state.now())
    await make_checkpoint(state.database, state.signer, petition.key, now=state.now())
    return PetitionOut.model_validate(closed)
