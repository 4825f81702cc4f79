"""The running tally: read, followed, and over time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.access.principals import Principal
from app.count.line_queries import read_history
from app.database.engine import UNAVAILABLE
from app.errors import UnknownPetitionError
from app.http.body import DIGITS, Limit, ResponseModel
from app.http.frame import (
    MONITORS,
    AppState,
    DirectRoute,
    Monitor,
    PathPetition,
    State,
    direct_petition,
    principal_of,
    state_of,
)
from app.law.line import Outlook, Tally, invalid_by_published, outlook, rate
from app.law.petition import Petition, PetitionKey

_PREFIX = "/v1/petitions/{petition_id}/tally"
router = APIRouter(prefix=_PREFIX, tags=["tally"])


class CountsOut(ResponseModel):
    """How many lines have which status."""

    raw: int
    received: int
    valid: int
    invalid: int
    review: int
    unsettled: int


class TallyOut(CountsOut):
    """The count against the number required."""

    petition_id: UUID
    version: int
    as_of: datetime
    required: int
    invalid_by_reason: dict[str, int]
    invalid_by_code: dict[str, int]
    margin: int
    validity_rate: float | None
    break_even_rate: float | None
    outlook: Outlook


class PastTallyOut(CountsOut):
    """The counts as one version left them."""

    version: int
    at: datetime
    by_reason: dict[str, int]


class HistoryOut(ResponseModel):
    """The tally over time, in the order of versions."""

    petition_id: UUID
    required: int
    history: list[PastTallyOut]
    next_cursor: str | None


def tally_out(petition: Petition, tally: Tally) -> TallyOut:
    """The tally of a petition as it is shown."""
    counts = tally.counts
    return TallyOut(
        **dict(CountsOut.model_validate(counts)),
        petition_id=petition.petition_id,
        version=tally.version,
        as_of=tally.as_of,
        required=petition.required,
        invalid_by_reason=dict(invalid_by_published(counts.by_reason)),
        invalid_by_code=dict(counts.by_reason),
        margin=counts.valid - petition.required,
        validity_rate=rate(counts.valid, counts.raw),
        break_even_rate=rate(petition.required, counts.raw),
        outlook=outlook(counts, petition.required),
    )


async def get_tally(request: Request, principal: Principal) -> Response:
    """The tally, with its version as ETag. An unfinished count is not public: no shared cache may keep it."""
    state, petition = state_of(request), await direct_petition(request, principal)
    tally = await state.count.tallies.read(PetitionKey(principal.county_id, petition.petition_id))
    if tally is None:
        raise UnknownPetitionError
    etag = f'"{tally.version}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has_tag(request.headers.getlist("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    version, body = state.tally_bodies.get(petition.petition_id, (None, b""))
    if version != tally.version:  # it is written once for each version
        body = tally_out(petition, tally).model_dump_json().encode()
        state.tally_bodies[petition.petition_id] = tally.version, body
    return Response(body, media_type="application/json", headers=headers)


def has_tag(values: list[str], etag: str) -> bool:
    """Whether `If-None-Match`, given any number of times, names this tag (RFC 9110, 13.1.2: compared weakly)."""
    listed = [tag.strip().removeprefix("W/") for value in values for tag in value.split(",")]
    return "*" in listed or etag in listed


GET_TALLY = DirectRoute("GET", _PREFIX, MONITORS, get_tally)


@router.get("/history")
async def get_tally_history(
    _: Monitor,
    state: AppState,
    petition: PathPetition,
    since_version: Annotated[int, Query(ge=0, lt=2**63), DIGITS] = 0,
    limit: Limit = 200,
) -> HistoryOut:
    """The tally as past versions left it: all later ones, or `limit` evenly spaced ones that end with the current one.

    The list is thinned out rather than paged, so `next_cursor` is always null.
    """
    async with state.database.reading() as connection:
        past = await read_history(connection, petition.key, after=since_version, limit=limit)
    history = [PastTallyOut(version=version, at=at, **counts) for version, at, counts in past]
    return HistoryOut(petition_id=petition.petition_id, required=petition.required, history=history, next_cursor=None)


_LONGEST: Final = 600.0  # seconds of a stream; then the client connects again
_CHECK_EVERY: Final = 10.0  # seconds between checks of a stream's key
_RETRY: Final = b"retry: 2000\n\n"  # milliseconds until a client connects again
_KEEP_ALIVE: Final = b": alive\n\n"

LastEventId = Annotated[str | None, Header(pattern="^[0-9]{1,18}$")]


@router.get("/stream", response_class=StreamingResponse)
async def stream_tally(
    principal: Monitor, state: AppState, petition: PathPetition, request: Request, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The tally at once and after each change, at most once a second, with a comment to keep the connection alive.

    The stream ends after ten minutes and when the service stops: clients connect again automatically. It ends within
    half a minute after its key was revoked or has expired.
    """
    state.count.tallies.check_room()
    version = int(last_event_id) if last_event_id else None
    headers = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
    events = _events(state, petition, version, lambda: _is_live(request, principal))
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _is_live(request: Request, principal: Principal) -> bool:
    """Whether the key is still its bearer's; true while the database cannot be asked."""
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
    async with aclosing(state.count.tallies.follow(petition.key, version)) as versions:
        async for tally in versions:
            if clock() - began > _LONGEST:
                return
            if clock() - checked > _CHECK_EVERY:
                if not await is_live():
                    return
                checked = clock()
            if tally is None:
                yield _KEEP_ALIVE
            else:
                data = tally_out(petition, tally).model_dump_json()
                yield f"id: {tally.version}\nevent: tally\ndata: {data}\n\n".encode()
