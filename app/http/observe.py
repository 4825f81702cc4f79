"""Around every request: its id, a line in the log, its measure, a span if wanted, an answer even to the unexpected."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.frame import Measures
from app.http.problems import Problem, problem_of, render, where

_ENDING: Final = Problem(503, "unavailable", "The service is about to end. Try again.")
_GONE: Final = 499  # in the log: the client left before there was an answer
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
logger = logging.getLogger("app.request")


class Observe:
    """Middleware. What is logged, measured and traced is the route's pattern, never the path, the query or a header."""

    def __init__(self, app: ASGIApp, measures: Measures, tracer: Tracer | None = None) -> None:
        """Wrap the application."""
        self.app = app
        self.measures = measures
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self.tracer)
        try:
            await self.app(exchange.scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = exchange.status or _GONE
        except asyncio.CancelledError:  # the process ends and cannot wait any longer: the client asks another one
            if not exchange.status:
                await render(_ENDING, exchange.request_id)(exchange.scope, receive, exchange.send)
            raise
        except Exception as error:  # noqa: BLE001  # the last resort: nothing of it reaches the client
            facts = {"request_id": exchange.request_id, "error": type(error).__qualname__, "stack": where(error)}
            logger.error("request failed", extra=facts)  # noqa: TRY400  # its text may hold what was sent
            if not exchange.status:
                await render(problem_of(error), exchange.request_id)(exchange.scope, receive, exchange.send)
        finally:
            exchange.over(self.measures)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, tracer: Tracer | None) -> None:
        self.request_id = uuid4().hex
        self._span = _span(tracer, scope) if tracer else None
        self.status = 0
        self._started = time.perf_counter()
        self._send = send
        self._ended = False
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        # HEAD is answered as GET is, without the content (RFC 9110, 9.3.2).
        self.scope = {**scope, "method": "GET"} if self._method == "HEAD" else scope
        self.scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        """Send what the application says, with the headers that every answer has."""
        if self._ended:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._with_ours(message.get("headers", ()))
        elif self._method == "HEAD":
            message, self._ended = {"type": "http.response.body", "body": b""}, True
        await self._send(message)

    def _with_ours(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """An answer's headers, and those that every answer has."""
        ours = [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff")]
        ours += [(name.encode(), value.encode()) for name, value in self.scope["state"].get("headers", {}).items()]
        names = {name for name, _ in ours}
        kept = [header for header in headers if header[0] not in names]
        if all(name != b"cache-control" for name, _ in kept):
            ours.append((b"cache-control", b"no-store"))  # most answers hold what only this client may see
        return kept + ours

    def over(self, measures: Measures) -> None:
        """Put it on record."""
        route = getattr(self.scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - self._started
        measures.answered(self._method, route, self.status, seconds)
        seen = {"request_id": self.request_id, "method": self._method, "route": route, "status": self.status}
        logger.info("request", extra={**seen, "ms": round(seconds * 1000, 2)})
        if self._span:
            self._end_span(self._span, route)

    def _end_span(self, span: Span, route: str) -> None:
        span.update_name(f"{self._method} {route}")
        span.set_attributes(
            {
                "http.request.method": self._method,
                "http.route": route,
                "http.response.status_code": self.status,
                "request_id": self.request_id,
            }
        )
        if self.status >= 500:  # noqa: PLR2004  # the server's own
            span.set_status(Status(StatusCode.ERROR))
        span.end()


def _span(tracer: Tracer, scope: Scope) -> Span:
    """A request's span, below the client's where `traceparent` names one; `tracestate` may be any text: left out."""
    parent = Headers(scope=scope).get("traceparent", "")
    context = TraceContextTextMapPropagator().extract({"traceparent": parent})
    return tracer.start_span("request", context, SpanKind.SERVER)
