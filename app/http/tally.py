"""The running tally."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.access.principals import Principal
from app.count.line_queries import read_history
from app.errors import UnknownPetitionError
from app.http.body import PLAIN
from app.http.direct import PolledRoute
from app.http.frame import AppState, PetitionId, State, allow, petition_of, principal_of
from app.http.problems import UNAVAILABLE
from app.law.petition import Petition, PetitionKey
from app.law.tally import Outlook, Tally, invalid_by_published, outlook, rate

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
    row = await state.tallies.read(PetitionKey(principal.county_id, petition_id))
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
        past = await read_history(connection, PetitionKey(principal.county_id, petition_id), after=after, limit=limit)
    history = [PastTallyOut(version=p.version, at=p.at, **p.counts) for p in past]
    return HistoryOut(petition_id=petition_id, required=petition.required, history=history)


_LONGEST = 600.0  # seconds; then the client comes again
_CHECK_EVERY = 10.0  # seconds between looks at the key, at most one for all who listen with it
_RETRY = b"retry: 2000\n\n"  # milliseconds until a client comes again
_ALIVE = b": alive\n\n"

LastEventId = Annotated[
    str | None, Header(pattern="^[0-9]{1,18}$", description="The version the client has; it is not told again.")
]


@router.get(
    "/stream",
    operation_id="stream_tally",
    summary="Follow the tally",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events named `tally`, whose id is the version and whose data is a TallyOut",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream_tally(
    principal: Watcher, state: AppState, petition_id: PetitionId, request: Request, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The tally at once, and then whenever it has changed, at most once a second; a comment as a sign of life.

    The stream ends after ten minutes and when the service does: clients come again by themselves. It ends within half a
    minute after its key was revoked or has expired.
    """
    petition = await petition_of(state, principal, petition_id)
    state.watch.check_room()
    version = int(last_event_id) if last_event_id else None
    headers = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
    events = _events(state, petition, version, lambda: _is_live(request, principal))
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _is_live(request: Request, principal: Principal) -> bool:
    """Whether the key is still its bearer's; where the database cannot be asked, as it was."""
    try:
        return await principal_of(request) == principal
    except UNAVAILABLE:
        return True


async def _events(
    state: State, petition: Petition, version: int | None, is_live: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[bytes]:
    clock = asyncio.get_running_loop().time
    checked = began = clock()
    yield _RETRY
    async with aclosing(state.watch.follow((petition.key), version)) as versions:
        async for row in versions:
            if clock() - began > _LONGEST:
                return
            if clock() - checked > _CHECK_EVERY:
                if not await is_live():
                    return
                checked = clock()
            if row is None:
                yield _ALIVE
            else:
                data = tally_out(petition, row).model_dump_json()
                yield f"id: {row.version}\nevent: tally\ndata: {data}\n\n".encode()
