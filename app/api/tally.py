"""The running tally."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.body import PLAIN
from app.api.context import AppState, PetitionId, State, allow, petition_of
from app.api.polled import PolledRoute
from app.db.tally import read_history
from app.domain.errors import UnknownPetitionError
from app.domain.keys import Principal
from app.domain.petition import Petition
from app.domain.tally import Outlook, Tally, invalid_by_published, outlook, rate

router = APIRouter(prefix="/v1/petitions/{petition_id}/tally", tags=["tally"])

Watcher = Annotated[Principal, allow("monitor", "clerk", "supervisor", "auditor")]


class TallyOut(BaseModel):
    """Where the count stands against the number required."""

    petition_id: UUID
    version: int
    as_of: datetime
    required: int
    raw: int
    received: int
    valid: int
    invalid: int
    review: int
    unsettled: int
    invalid_by_reason: dict[str, int]
    invalid_by_code: dict[str, int]
    margin: int
    validity_rate: float | None
    break_even_rate: float | None
    outlook: Outlook


class PastTallyOut(BaseModel):
    """The counts as one version left them."""

    version: int
    at: datetime
    raw: int
    received: int
    valid: int
    invalid: int
    review: int
    unsettled: int
    by_reason: dict[str, int]


class HistoryOut(BaseModel):
    """The tally over time, in the order of versions."""

    petition_id: UUID
    required: int
    history: list[PastTallyOut]


def tally_out(petition: Petition, row: Tally) -> TallyOut:
    """The tally of a petition as it is shown."""
    counts = row.counts
    return TallyOut(
        petition_id=petition.petition_id,
        version=row.version,
        as_of=row.as_of,
        required=petition.required,
        raw=counts.raw,
        received=counts.received,
        valid=counts.valid,
        invalid=counts.invalid,
        review=counts.review,
        unsettled=counts.unsettled,
        invalid_by_reason=dict(invalid_by_published(counts.by_reason)),
        invalid_by_code=dict(counts.by_reason),
        margin=counts.valid - petition.required,
        validity_rate=rate(counts.valid, counts.raw),
        break_even_rate=rate(petition.required, counts.raw),
        outlook=outlook(counts, petition.required),
    )


def has(tags: list[str], etag: str) -> bool:
    """Whether `If-None-Match`, given any number of times, names this tag (RFC 9110, 13.1.2: compared weakly)."""
    listed = [tag.strip().removeprefix("W/") for value in tags for tag in value.split(",")]
    return "*" in listed or etag in listed


async def get_tally(principal: Watcher, state: AppState, petition_id: PetitionId, request: Request) -> Response:
    """The tally, with its version as ETag. An unfinished count is not public: no shared cache may keep it."""
    petition = await petition_of(state, principal, petition_id)
    row = await state.tallies.read((principal.county_id, petition_id))
    if row is None:
        raise UnknownPetitionError
    etag = f'"{row.version}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has(request.headers.getlist("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(_body(state, petition, row), media_type="application/json", headers=headers)


def _body(state: State, petition: Petition, row: Tally) -> bytes:
    """The tally as JSON, written once for each version."""
    version, body = state.tally_bodies.get(petition.petition_id, (None, b""))
    if version != row.version:
        body = tally_out(petition, row).model_dump_json().encode()
        state.tally_bodies[petition.petition_id] = row.version, body
    return body


router.add_api_route(
    "",
    get_tally,
    route_class_override=PolledRoute,
    operation_id="get_tally",
    summary="Read the tally",
    response_model=TallyOut,
    responses={304: {"description": "Not changed since the version in If-None-Match"}},
)


@router.get("/history", operation_id="get_tally_history", summary="Read the tally over time")
async def get_tally_history(
    principal: Watcher,
    state: AppState,
    petition_id: PetitionId,
    after: Annotated[int, Query(ge=0, lt=2**63, description="A version; only later ones are shown."), PLAIN] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many versions at most."), PLAIN] = 200,
) -> HistoryOut:
    """The tally as past versions left it: all behind `after`, or `limit` evenly spaced ones, the present one last."""
    petition = await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        past = await read_history(connection, principal.county_id, petition_id, after=after, limit=limit)
    history = [PastTallyOut(version=p.version, at=p.at, **p.counts) for p in past]
    return HistoryOut(petition_id=petition_id, required=petition.required, history=history)
