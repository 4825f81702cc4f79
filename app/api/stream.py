"""The tally as it changes: server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from app.api.context import AppState, PetitionId, State, petition_of, principal_of
from app.api.problems import UNAVAILABLE
from app.api.tally import Watcher, tally_out
from app.domain.keys import Principal
from app.domain.petition import Petition

router = APIRouter(prefix="/v1/petitions/{petition_id}/tally", tags=["tally"])

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
    async with aclosing(state.watch.follow((petition.county_id, petition.petition_id), version)) as versions:
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
