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
from app.domain.keys import Principal

_UUIDS: Final = TypeAdapter(UUID)


class _Endpoint(Protocol):
    def __call__(
        self, principal: Principal, state: State, petition_id: UUID, request: Request
    ) -> Awaitable[Response]: ...


class PolledRoute(APIRoute):
    """A route of one petition whose parameters are taken here, since FastAPI's way to them costs more than the answer.

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
            principal = await guard(request)
            petition_id = _petition_id(request.path_params["petition_id"])
            return await endpoint(principal, state_of(request), petition_id, request)

        return handle


def _petition_id(text: str) -> UUID:
    try:
        return _UUIDS.validate_python(text)
    except ValidationError:
        errors = [field_error("path.petition_id", "wrong_format")]
        raise Problem(422, "invalid", "The input is not as documented.", errors=errors) from None
