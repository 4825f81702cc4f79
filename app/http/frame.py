"""The frame of every request: its log, metrics and limits, the key and its role, the petition in the path."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import KeyRing
from app.access.principals import Principal, Role
from app.count.intake import GroupCommit
from app.count.line_queries import get_petition
from app.count.queries import Change
from app.count.record import Count, WriteRequest
from app.database.pools import Database
from app.errors import BusyError, UnknownPetitionError
from app.http.body import BodyReader
from app.http.problems import (
    MAX_ERRORS,
    FieldError,
    Problem,
    field_error,
    invalid,
    log_failure,
    problem_of,
    render,
    unknown_field,
)
from app.law.line import canonical
from app.law.petition import Petition, PetitionKey
from app.ledger.notes import Signer
from app.matching.workers import Matchers
from app.roll.loading import RollUploads

_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What a process counts while it runs. No label holds a name, an address, a voter, a path or a query."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        route, petition = ["method", "route"], ["petition_id"]
        seconds = "Time until a request was answered."
        agrees = "1 if the last verification by this process found the count as recorded, otherwise 0."
        verified = "When this process last verified the count."
        self._requests = Counter("recall_http_requests", "Requests answered.", [*route, "status"], registry=registry)
        self._seconds = Histogram(
            "recall_http_request_duration_seconds", seconds, route, buckets=_LATENCIES, registry=registry
        )
        self._agrees = Gauge("recall_verification_agrees", agrees, petition, registry=registry)
        self._verified_at = Gauge("recall_verification_timestamp_seconds", verified, petition, registry=registry)
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}  # looked up at each request

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            method: the HTTP method.
            route: the route's pattern, not the path.
            status: the HTTP status.
            seconds: the time until the answer was sent.
        """
        known = self._of_route.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._of_route[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def verified(self, petition_id: UUID, *, agrees: bool, now: datetime) -> None:
        """Remember a verification's result."""
        self._agrees.labels(str(petition_id)).set(agrees)
        self._verified_at.labels(str(petition_id)).set(now.timestamp())

    def text(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self._registry)


_MAX_IN_FLIGHT: Final = 1_000  # requests of a process, streams included
_NEVER_REFUSED: Final = ("/health/live", "/health/ready", "/metrics")  # needed most when the process is overloaded
_ENDING: Final = Problem(503, "unavailable", "The service is stopping. Try again.")
_CLIENT_LEFT: Final = 499  # in the log: the client left before there was an answer
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
logger = logging.getLogger("app.request")


@dataclass
class InFlightLimit:
    """Middleware: a bounded number of requests at once, and no endless queue behind them."""

    app: ASGIApp
    most: int = _MAX_IN_FLIGHT
    in_flight: int = 0

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


@dataclass
class Observe:
    """Middleware. Logs, metrics and spans name the route's pattern, never the path, the query or a header."""

    app: ASGIApp
    metrics: Metrics
    tracer: Tracer | None = None

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
        span.set_attributes({"http.request.method": self._method, "http.response.status_code": self.status})
        span.set_attributes({"http.route": route, "request_id": self.request_id})
        if self.status >= 500:  # noqa: PLR2004  # the server's own
            span.set_status(Status(StatusCode.ERROR))
        span.end()


def _span(tracer: Tracer, scope: Scope) -> Span:
    """A request's span, below the client's where `traceparent` names one; `tracestate` may be any text: left out."""
    parent = Headers(scope=scope).get("traceparent", "")
    context = TraceContextTextMapPropagator().extract({"traceparent": parent})
    return tracer.start_span("request", context, SpanKind.SERVER)


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass
class State:
    """What one process holds. A petition's terms never change, so they are cached; its count is not here."""

    database: Database
    uploads: RollUploads
    matchers: Matchers
    metrics: Metrics
    rate: RateLimit
    signer: Signer  # of the ledger's checkpoints
    now: Callable[[], datetime] = utc_now
    petitions: dict[PetitionKey, Petition] = field(default_factory=dict)
    tally_bodies: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)  # by petition: version, and as JSON
    verifying: asyncio.Lock = field(default_factory=asyncio.Lock)  # one verification of a count at a time

    def __post_init__(self) -> None:
        """Begin the parts that work on the others."""
        processes = sum(self.matchers.states().values())
        self.count = Count(self.database)
        self.group_commit = GroupCommit(self.count, self.now, self.matchers.decide_lines, at_once=max(2, processes))
        self.keys = KeyRing(self.database)


def state_of(request: Request) -> State:
    """The process's state."""
    state: State = request.app.state.recall
    return state


# Dependencies are coroutines even where they wait for nothing: FastAPI runs any other in a thread, which costs more
# than most answers, and under load waits for the interpreter.
async def _state(request: Request) -> State:
    return state_of(request)


AppState = Annotated[State, Depends(_state)]


class Guard:
    """A dependency that admits the declared roles. A route without one does not start."""

    def __init__(self, *roles: Role) -> None:
        """Admit these roles."""
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        """The principal of the request's bearer key.

        Raises:
            Problem: 401 without a live key, 429 above its rate, 403 for another role, 422 for an unknown parameter.
        """
        principal = await principal_of(request)
        if principal is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "unauthorized", "A valid bearer key is required.", headers=challenge)
        _count_request(request, principal)
        if principal.role not in self.roles:
            raise Problem(403, "wrong_role", "This key's role does not permit this.")
        _check_parameters(request)
        request.state.principal = principal
        return principal


def allow(*roles: Role) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the principal. Declare it first: nothing else of the request is read without a good key."""
    return Depends(Guard(*roles))


Admin = Annotated[Principal, allow("admin")]
Decider = Annotated[Principal, allow("clerk", "supervisor")]
Supervisor = Annotated[Principal, allow("supervisor")]
Reader = Annotated[Principal, allow("clerk", "supervisor", "auditor")]
MONITORS: Final = Guard("monitor", "clerk", "supervisor", "auditor")
Monitor = Annotated[Principal, Depends(MONITORS)]
POSTERS: Final = Guard("station", "clerk", "supervisor", "system")
Poster = Annotated[Principal, Depends(POSTERS)]


async def principal_of(request: Request) -> Principal | None:
    """The sender of a request; None where it bears no key, several, or one that is not live."""
    credentials = request.headers.getlist("authorization")
    scheme, _, key = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    state = state_of(request)
    return await state.keys.recognize(key.strip(), now=state.now())


def _count_request(request: Request, principal: Principal) -> None:
    """Count the request against its principal's rate, even if it is refused later. Raises Problem, 429."""
    allowance = state_of(request).rate.take(f"{principal.county_id} {principal.name} {principal.role}")
    request.state.headers = allowance.headers()
    if not allowance.allowed:
        retry = {"Retry-After": str(allowance.reset)}
        raise Problem(429, "too_many_requests", "This key sends more requests than allowed.", headers=retry)


def _check_parameters(request: Request) -> None:
    """Refuse an unknown parameter, or anything given twice: a misspelled filter would list everything."""
    given = [name for name, _ in request.query_params.multi_items()] if request.scope["query_string"] else []
    route: BaseRoute = request.scope["route"]
    documented = {known.alias for known in route.dependant.query_params} if isinstance(route, APIRoute) else set()
    unknown = [name for name in dict.fromkeys(given) if name not in documented]
    errors = [unknown_field("query", name) for name in unknown[:MAX_ERRORS]]
    if len(given) != len(set(given)):
        errors.append(field_error("query", "repeated"))
    if len(request.headers.getlist("idempotency-key")) > 1:
        errors.append(field_error("header.idempotency-key", "repeated"))
    if errors:
        raise invalid(*errors)


async def petition_of(state: State, key: PetitionKey) -> Petition:
    """The petition; another county's is as unknown as one that does not exist.

    Raises:
        UnknownPetitionError: there is no such petition in the county.
    """
    known = state.petitions.get(key)
    if known is None:
        async with state.database.begin() as connection:
            known = await get_petition(connection, key)
        if known is None:
            raise UnknownPetitionError
        state.petitions[key] = known
    return known


async def _petition(request: Request, petition_id: Annotated[UUID, Path()]) -> Petition:
    principal: Principal = request.state.principal  # of the guard, which every route declares first
    return await petition_of(state_of(request), PetitionKey(principal.county_id, petition_id))


PathPetition = Annotated[Petition, Depends(_petition)]
_KEY: Final = "[!-~]{1,200}"
IdempotencyKey = Annotated[str | None, Header(pattern=f"^{_KEY}$")]
_UUIDS: Final = TypeAdapter(UUID)

Endpoint = Callable[[Request, Principal], Awaitable[Response]]


class DirectRoute(Route):
    """A plain Starlette route behind a guard, for the requests that are sent most.

    FastAPI's handling costs more than their answers do. The OpenAPI document describes them from its data file.
    """

    def __init__(
        self, method: str, path: str, guard: Guard, endpoint: Endpoint, *, body: BodyReader[Any] | None = None
    ) -> None:
        """Declare the route.

        Args:
            method: its HTTP method.
            path: its pattern.
            guard: admits the principal before the endpoint runs.
            endpoint: answers the request of the admitted principal; its name is the operation's id.
            body: reads the body; the endpoint calls it.
        """
        super().__init__(path, endpoint, methods=[method])
        self.methods, self.app = {method}, self._serve
        self.guard, self.body = guard, body

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request, and name the route as FastAPI does: the metrics need its pattern."""
        match, matched = super().matches(scope)
        return match, {**matched, "route": self} if matched else matched

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self.endpoint(request, await self.guard(request))
        await response(scope, receive, send)


def direct_key(request: Request) -> tuple[str | None, list[FieldError]]:
    """The idempotency key of a direct route, and what is wrong with it."""
    key = request.headers.get("idempotency-key")
    good = key is None or re.fullmatch(_KEY, key)
    return key, [] if good else [field_error("header.idempotency-key", "wrong_format")]


async def direct_petition(request: Request, principal: Principal, *others: FieldError) -> Petition:
    """The petition in the path of a direct route.

    Raises:
        Problem: 422, the petition's id is not a UUID, or there are other errors.
        UnknownPetitionError: there is no such petition in the principal's county.
    """
    try:
        petition_id: UUID | None = _UUIDS.validate_python(request.path_params["petition_id"])
    except ValidationError:
        petition_id, others = None, (field_error("path.petition_id", "wrong_format"), *others)
    if petition_id is None or others:
        raise invalid(*others)
    return await petition_of(state_of(request), PetitionKey(principal.county_id, petition_id))


PUBLIC: Final = frozenset({"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/{asset}"})
GuardedRoute = APIRoute | DirectRoute


def guard_of(route: BaseRoute) -> Guard | None:
    """The guard of a route. It must be its first dependency."""
    if isinstance(route, DirectRoute):
        return route.guard
    first = route.dependant.dependencies[:1] if isinstance(route, APIRoute) else []
    return next((dependency.call for dependency in first if isinstance(dependency.call, Guard)), None)


def body_of(route: GuardedRoute) -> type[BaseModel] | None:
    """The model of a route's JSON body."""
    if isinstance(route, DirectRoute):
        return route.body.model if route.body else None
    calls = (dependency.call for dependency in route.dependant.dependencies)
    return next((call.model for call in calls if isinstance(call, BodyReader)), None)


def routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Every route of the application with its whole path."""
    return [(c.path or "", c.original_route) for c in iter_route_contexts(app.routes)]


def guarded_routes(app: FastAPI) -> dict[str, GuardedRoute]:
    """The routes that need a key, by operation id, which is the name of the route's function."""
    return {r.name: r for _, r in routes(app) if isinstance(r, GuardedRoute) and guard_of(r)}


def check_guards(app: FastAPI) -> None:
    """Refuse an application with an unguarded route.

    Raises:
        RuntimeError: it names the route.
    """
    for path, route in routes(app):
        if path not in PUBLIC and not guard_of(route):
            msg = f"the route {path} declares no role"
            raise RuntimeError(msg)


Result = TypeVar("Result")


def request_of(principal: Principal, key: str | None, verb: str, what: str, body: BaseModel) -> WriteRequest:
    """The request with the fingerprint of its meaning, by which it is recognized when it is repeated.

    Args:
        principal: who sends it.
        key: its idempotency key, if it has one.
        verb: what it does.
        what: what it is about, such as a place.
        body: its fields.
    """
    meaning = canonical([verb, what, body.model_dump(mode="json")])
    return WriteRequest(principal.name, key, sha256(meaning).digest())


async def carry_out(
    state: State,
    petition: Petition,
    request: WriteRequest,
    act: Callable[[Change], Awaitable[Result]],
    answer: Callable[[Result], tuple[int, BaseModel]],
) -> Response:
    """Carry a request out once; the same request again gets the same answer.

    Args:
        state: the process's.
        petition: which the request is about.
        request: with its idempotency key.
        act: what to do in the transaction.
        answer: the status and the body that answer the result of `act`.
    """

    def plain(result: Result) -> dict[str, Any]:
        status, body = answer(result)
        return {"status": status, "body": body.model_dump(mode="json")}

    content, replayed = await state.count.once(petition, request, act, plain, now=state.now())
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return JSONResponse(content["body"], content["status"], headers)
