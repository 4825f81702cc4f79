"""Routes that are asked all day: they take their parameters themselves, since FastAPI's way costs more than that."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from app.api.context import Guard
from app.api.field_errors import FieldError, field_error
from app.api.guards import guard_of
from app.api.problems import Problem

_UUIDS: Final = TypeAdapter(UUID)


class DirectRoute(APIRoute):
    """A route whose handler gets the request and answers with a response.

    Its parameters are declared as everywhere, for the check at the start and for the document; a subclass takes them,
    behind the declared guard. What the handler raises is answered as everywhere. A dependency that has something to
    close is not for such a route.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401  # FastAPI's own
        """As any route; FastAPI's stacks of contexts and second look at exceptions are left out."""
        super().__init__(*arguments, **more)
        handle = self.get_route_handler()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            response = await handle(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = app

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The way from a request to its answer."""
        raise NotImplementedError

    def guard(self) -> Guard:
        """The declared guard.

        Raises:
            RuntimeError: the route declares no role.
        """
        guard = guard_of(self)
        if guard is None:
            msg = f"the route {self.path} declares no role"
            raise RuntimeError(msg)
        return guard


def petition_id_of(request: Request, *others: FieldError) -> UUID:
    """The petition's id in the path.

    Raises:
        Problem: 422, it is none, or `others` are wrong.
    """
    try:
        result: UUID | None = _UUIDS.validate_python(request.path_params["petition_id"])
    except ValidationError:
        result, others = None, (field_error("path.petition_id", "wrong_format"), *others)
    if result is None or others:
        raise Problem(422, "invalid", "The input is not as documented.", errors=others)
    return result
