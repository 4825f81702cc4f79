"""What happens around every request: limits, its id, its log line, its metrics, a span, and an answer to any error."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from math import ceil
from typing import Final, NamedTuple
from uuid import uuid4

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BusyError
from app.http.metrics import Metrics
from app.http.problems import Problem, log_failure, problem_of, render

_MAX_IN_FLIGHT: Final = 1_000  # requests of a process, streams included
_NEVER_REFUSED: Final = ("/health/live", "/health/ready", "/metrics")  # needed most when the process is overloaded
_ENDING: Final = Problem(503, "unavailable", "The service is stopping. Try again.")
_CLIENT_LEFT: Final = 499  # in the log: the client left before there was an answer
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
logger = logging.getLogger("app.request")


class InFlightLimit:
    """Middleware: a bounded number of requests at once, and no endless queue behind them."""

    def __init__(self, app: ASGIApp, most: int = _MAX_IN_FLIGHT) -> None:
        """Wrap the application."""
        self.app = app
        self.most = most
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _NEVER_REFUSED:
            await self.app(scope, receive, send)
        elif self.in_flight >= self.most:
            await render(problem_of(BusyError()), scope["state"]["request_id"])(scope, receive, send)
        else:
            self.in_flight += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.in_flight -= 1


class Allowance(NamedTuple):
    """What a key may still send."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until the whole limit is available again; where nothing is allowed, until one request is

    def headers(self) -> dict[str, str]:
        """The headers that report it."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }


class RateLimit:
    """A token bucket for each key, which holds two seconds' worth of requests."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow each key this many requests a second."""
        self._per_second = per_second
        self._size = 2 * per_second
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> its tokens, and when they were counted

    def take(self, key: str) -> Allowance:
        """Take one token out of the key's bucket, if there is one."""
        now = self._clock()
        tokens, then = self._buckets.get(key, (float(self._size), now))
        tokens = min(float(self._size), tokens + (now - then) * self._per_second)
        allowed = tokens >= 1
        tokens -= 1 if allowed else 0
        self._buckets[key] = tokens, now
        missing = self._size - tokens if allowed else 1 - tokens
        return Allowance(allowed, self._size, int(tokens), ceil(missing / self._per_second))


class Observe:
    """Middleware. Logs, metrics and spans name the route's pattern, never the path, the query or a header."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer | None = None) -> None:
        """Wrap the application."""
        self.app = app
        self.metrics = metrics
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
            exchange.status = exchange.status or _CLIENT_LEFT
        except asyncio.CancelledError:  # the process ends and cannot wait any longer: the client asks another one
            await exchange.answer(_ENDING, receive)
            raise
        except Exception as error:  # noqa: BLE001  # the last resort: nothing of it reaches the client
            log_failure(error, exchange.request_id)
            await exchange.answer(problem_of(error), receive)
        finally:
            exchange.record(self.metrics)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, tracer: Tracer | None) -> None:
        self.request_id = uuid4().hex
        self.status = 0
        self._span = _span(tracer, scope) if tracer else None
        self._started = time.perf_counter()
        self._send = send
        self._ended = False
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        # HEAD is answered as GET is, without the content (RFC 9110, 9.3.2).
        self.scope = {**scope, "method": "GET"} if self._method == "HEAD" else scope
        self.scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        """Send the application's answer, with the headers that every answer has."""
        if self._ended:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._with_ours(message.get("headers", ()))
        elif self._method == "HEAD":
            message, self._ended = {"type": "http.response.body", "body": b""}, True
        await self._send(message)

    async def answer(self, problem: Problem, receive: Receive) -> None:
        """Answer with a problem where no answer has begun."""
        if not self.status:
            await render(problem, self.request_id)(self.scope, receive, self.send)

    def _with_ours(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """An answer's headers, and those that every answer has."""
        ours = [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff")]
        ours += [(name.encode(), value.encode()) for name, value in self.scope["state"].get("headers", {}).items()]
        names = {name for name, _ in ours}
        kept = [header for header in headers if header[0] not in names]
        if all(name != b"cache-control" for name, _ in kept):
            ours.append((b"cache-control", b"no-store"))  # most answers hold what only this client may see
        return kept + ours

    def record(self, metrics: Metrics) -> None:
        """Write the log line, the metrics and the span."""
        route = getattr(self.scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - self._started
        metrics.answered(self._method, route, self.status, seconds)
        facts = {"request_id": self.request_id, "method": self._method, "route": route, "status": self.status}
        logger.info("request", extra={**facts, "ms": round(seconds * 1000, 2)})
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
