"""The route of the tally, which monitors poll all day."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, cast
from uuid import UUID

from fastapi import Request, Response

from app.api.context import State, state_of
from app.api.direct import DirectRoute, petition_id_of
from app.domain.keys import Principal, parse


class _Endpoint(Protocol):
    def __call__(
        self, principal: Principal, state: State, petition_id: UUID, request: Request
    ) -> Awaitable[Response]: ...


class PolledRoute(DirectRoute):
    """A route of one petition's tally."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The way from a request to its answer.

        Raises:
            RuntimeError: the route declares no role.
        """
        guard, endpoint = self.guard(), cast("_Endpoint", self.endpoint)

        async def handle(request: Request) -> Response:
            _read_ahead(request)
            principal = await guard(request)
            return await endpoint(principal, state_of(request), petition_id_of(request), request)

        return handle


def _read_ahead(request: Request) -> None:
    """Have the tally read while the key is looked up, so that the one does not wait for the other.

    Nothing is told of it before the key is known to be live, and whoever has none costs no more than the look-up does.
    """
    parts = parse(request.headers.get("authorization", "").partition(" ")[2].strip())
    try:
        watched = (parts.county_id, UUID(request.path_params["petition_id"])) if parts else None
    except ValueError:
        return
    state = state_of(request)
    if watched in state.petitions:
        state.tallies.read_ahead(watched)
