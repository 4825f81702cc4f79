"""Around every request: its id, one line in the log, and an answer even to what nobody expected."""

import logging
import time
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_of, render, where

logger = logging.getLogger("app.request")


class Observe:
    """Middleware. What is logged is the route's pattern, never the path, the query or a header."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status, ended = uuid4().hex, time.perf_counter(), 0, False
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}  # answered as GET is, without the content (RFC 9110, 9.3.2)
        Request(scope).state.request_id = request_id

        async def answer(message: Message) -> None:
            nonlocal status, ended
            if ended:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            elif head:
                message, ended = {"type": "http.response.body", "body": b""}, True
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  # the last resort: nothing of it reaches the client
            facts = {"request_id": request_id, "error": type(error).__qualname__, "stack": where(error)}
            logger.error("request failed", extra=facts)  # noqa: TRY400  # its text may hold what was sent
            if not status:
                await render(problem_of(error), request_id)(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            milliseconds = round((time.perf_counter() - started) * 1000, 2)
            seen = {"request_id": request_id, "method": scope["method"], "route": route, "status": status}
            logger.info("request", extra={**seen, "ms": milliseconds})
