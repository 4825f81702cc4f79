"""The route of single signatures, which stations post all day."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast
from uuid import UUID

from fastapi import Request, Response

from app.api.body import BodyReader
from app.api.context import State, state_of
from app.api.direct import DirectRoute, petition_id_of
from app.api.field_errors import field_error
from app.api.guards import calls
from app.domain.keys import Principal

_KEY: Final = re.compile("[!-~]{1,200}")
KEY_PATTERN: Final = f"^{_KEY.pattern}$"
"""Of an idempotency key."""


class _Endpoint(Protocol):
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
        guard, endpoint = self.guard(), cast("_Endpoint", self.endpoint)
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
