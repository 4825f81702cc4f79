"""Routes that are asked all day: they take their parameters themselves, since FastAPI's way costs more than that."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from app.access.principals import Principal, parse
from app.http.body import BodyReader
from app.http.frame import Guard, State, calls, guard_of, state_of
from app.http.problems import FieldError, Problem, field_error
from app.law.petition import PetitionKey

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


class _PollEndpoint(Protocol):
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
        guard, endpoint = self.guard(), cast("_PollEndpoint", self.endpoint)

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
        watched = PetitionKey(parts.county_id, UUID(request.path_params["petition_id"])) if parts else None
    except ValueError:
        return
    state = state_of(request)
    if watched in state.petitions:
        state.tallies.read_ahead(watched)


_KEY: Final = re.compile("[!-~]{1,200}")
KEY_PATTERN: Final = f"^{_KEY.pattern}$"
"""Of an idempotency key."""


class _PostEndpoint(Protocol):
    def __call__(
        self,
        principal: Principal,
        state: State,
        petition_id: UUID,
        line: Any,  # noqa: ANN401  # of the declared model
        idempotency_key: str | None,
    ) -> Awaitable[Response]: ...


class PostedRoute(DirectRoute):
    """A route of one petition that takes a body and perhaps an idempotency key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The way from a request to its answer: the guard first, so that nobody reads a stranger's body.

        Raises:
            RuntimeError: the route declares no role.
        """
        guard, endpoint = self.guard(), cast("_PostEndpoint", self.endpoint)
        read = next(call for call in calls(self.dependant) if isinstance(call, BodyReader))

        async def handle(request: Request) -> Response:
            principal = await guard(request)
            line = await read(request)
            key = request.headers.get("idempotency-key")
            wrong = (
                [] if key is None or _KEY.fullmatch(key) else [field_error("header.idempotency-key", "wrong_format")]
            )
            petition_id = petition_id_of(request, *wrong)
            return await endpoint(principal, state_of(request), petition_id, line, key)

        return handle
