"""A route that is asked all day."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from app.api.context import State, state_of
from app.api.field_errors import field_error
from app.api.guards import guard_of
from app.api.problems import Problem
from app.domain.keys import Principal, parse

_UUIDS: Final = TypeAdapter(UUID)


class _Endpoint(Protocol):
    def __call__(
        self, principal: Principal, state: State, petition_id: UUID, request: Request
    ) -> Awaitable[Response]: ...


class PolledRoute(APIRoute):
    """A route of one petition's tally whose parameters are taken here: FastAPI's way costs more than the answer.

    They are declared as everywhere, for the check at the start and for the document; the guard is the declared one and
    comes first.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The way from a request to its answer.

        Raises:
            RuntimeError: the route declares no role.
        """
        guard, endpoint = guard_of(self), cast("_Endpoint", self.endpoint)
        if guard is None:
            msg = f"the route {self.path} declares no role"
            raise RuntimeError(msg)

        async def handle(request: Request) -> Response:
            _read_ahead(request)
            principal = await guard(request)
            petition_id = _petition_id(request.path_params["petition_id"])
            return await endpoint(principal, state_of(request), petition_id, request)

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


def _petition_id(text: str) -> UUID:
    try:
        return _UUIDS.validate_python(text)
    except ValidationError:
        errors = [field_error("path.petition_id", "wrong_format")]
        raise Problem(422, "invalid", "The input is not as documented.", errors=errors) from None
