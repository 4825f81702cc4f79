"""Opening, closing and reading petitions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from app.access.principals import Principal
from app.count import petitions as actions
from app.errors import UnknownPetitionError
from app.http.body import SAFE, IsoDate, Wire, body, wrong
from app.http.frame import AppState, PetitionId, ServiceSigner, allow, petition_of
from app.law.petition import Petition, PetitionKey
from app.law.ruleset import CALIFORNIA
from app.ledger.checkpoints import make_checkpoint

router = APIRouter(prefix="/v1/petitions", tags=["petitions"])


class PetitionIn(Wire):
    """A petition to open: `required`, or `registered_voters` to derive it from (EC 11221)."""

    title: Annotated[str, Field(min_length=1, max_length=200), SAFE]
    officer: Annotated[str, Field(min_length=1, max_length=200), SAFE]
    required: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    registered_voters: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    circulation_from: IsoDate
    circulation_to: IsoDate
    filed_on: IsoDate
    ruleset: Annotated[str, Field(min_length=1, max_length=100), SAFE] = CALIFORNIA.name

    @model_validator(mode="after")
    def _one_of_two(self) -> "PetitionIn":
        if (self.required is None) == (self.registered_voters is None):
            raise wrong("contradiction")
        return self


class PetitionOut(BaseModel):
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
    ruleset: str
    state: Literal["open", "closed"]
    created_at: datetime

    @classmethod
    def of(cls, petition: Petition) -> "PetitionOut":
        """The petition as it is shown."""
        return cls(
            petition_id=petition.petition_id,
            county_id=petition.county_id,
            title=petition.title,
            officer=petition.officer,
            required=petition.required,
            registered_voters=petition.registered_voters,
            circulation_from=petition.circulation_from,
            circulation_to=petition.circulation_to,
            filed_on=petition.filed_on,
            ruleset=petition.ruleset_name,
            state=petition.state,
            created_at=petition.created_at,
        )


class PetitionsOut(BaseModel):
    """A county's petitions."""

    petitions: list[PetitionOut]


Closer = Annotated[Principal, allow("supervisor")]
Opener = Annotated[Principal, allow("clerk", "supervisor")]
Reader = Annotated[Principal, allow("clerk", "supervisor", "auditor")]


@router.post("", status_code=201, operation_id="open_petition", summary="Open a petition")
async def open_petition(
    principal: Opener, state: AppState, new: Annotated[PetitionIn, body(PetitionIn)]
) -> PetitionOut:
    """Open a petition in the key's county. `required` is given, or derived from the registration (EC 11221)."""
    terms: dict[str, Any] = new.model_dump(exclude={"ruleset"})
    petition = await actions.open_petition(
        state.database,
        actions.Terms(county_id=principal.county_id, ruleset_name=new.ruleset, **terms),
        opened_by=principal.name,
        now=state.now(),
    )
    return PetitionOut.of(petition)


@router.get("", operation_id="list_petitions", summary="List the county's petitions")
async def list_petitions(principal: Reader, state: AppState) -> PetitionsOut:
    """The petitions of the key's county, the oldest first."""
    found = await actions.list_petitions(state.database, principal.county_id)
    return PetitionsOut(petitions=[PetitionOut.of(p) for p in found])


@router.get("/{petition_id}", operation_id="get_petition", summary="Read a petition")
async def get_petition(principal: Reader, state: AppState, petition_id: PetitionId) -> PetitionOut:
    """One petition."""
    petition = await actions.get_petition(state.database, PetitionKey(principal.county_id, petition_id))
    if petition is None:
        raise UnknownPetitionError
    return PetitionOut.of(petition)


@router.post("/{petition_id}/close", operation_id="close_petition", summary="Close a petition")
async def close_petition(
    principal: Closer, state: AppState, petition_id: PetitionId, signer: ServiceSigner
) -> PetitionOut:
    """End the count, with the ledger's closing entry and a last checkpoint. Afterwards any change of it is refused.

    Where there are as many lines as are required, none may be received, in review or unsettled.
    """
    petition = await petition_of(state, principal, petition_id)
    closed = await actions.close_petition(state.database, petition, closed_by=principal.name, now=state.now())
    await make_checkpoint(state.database, signer, petition.key, now=state.now())
    return PetitionOut.of(closed)
