"""The frame of every request: its log, metrics and limits, the key and its role, the petition in the path."""

import asyncio
import collections
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from hashlib import sha256
from math import ceil
from os import urandom
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import KeyRing, parse
from app.access.principals import Principal, Role
from app.count.intake import GroupCommit
from app.count.queries import Change
from app.count.record import Count, WriteRequest
from app.database.engine import is_damage, takes_no_write
from app.database.pools import Database
from app.database.queries import DatabaseHistory
from app.errors import BusyError
from app.examination.queues import QueueBoard
from app.examination.reads import ReadBudget, VoterRead
from app.http import problems
from app.http.limits import NEVER_REFUSED, Limits
from app.http.problems import Problem
from app.http.wire import BodyReader, RequestModel
from app.law.line import canonical
from app.law.petition import Petition, PetitionKey
from app.ledger.notes import Signer
from app.ledger.proofs import Prover
from app.ledger.queries import read_petition
from app.matching.workers import Matchers
from app.roll.loading import RollUploads
from app.telemetry import REQUEST_LOG

utc_now = partial(datetime.now, UTC)
Result = TypeVar("Result")
Answer = tuple[int, BaseModel]  # its status and body

PUBLIC: Final = frozenset({"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/{asset}"})
KEY_PATTERN: Final = "[!-~]{1,200}"
REPLAYED: Final = {"Idempotent-Replayed": "true"}
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UUIDS: Final = TypeAdapter(UUID)


class Metrics:
    """What a process counts while it runs. No label holds a name, an address, a voter, a path or a query.

    `shown_to_all` is for every client. `requests` is for a key that may see counts: how many signatures were posted is
    not public (GC 7924.110).
    """

    def __init__(self) -> None:
        """Begin at zero."""
        self.shown_to_all = CollectorRegistry()
        self.requests = registry = CollectorRegistry()
        ProcessCollector(registry=self.shown_to_all)
        route, petition = ["method", "route"], ["petition_id"]
        seconds = "Time until a request was answered."
        agrees = "1 if the last verification by this process found the count as recorded, otherwise 0."
        verified = "When this process last verified the count."
        self._requests = Counter("recall_http_requests", "Requests answered.", [*route, "status"], registry=registry)
        self._seconds = Histogram(
            "recall_http_request_duration_seconds", seconds, route, buckets=_LATENCIES, registry=registry
        )
        self._faults = Counter("recall_faults", "Requests answered 500.", registry=self.shown_to_all)
        self._agrees = Gauge("recall_verification_agrees", agrees, petition, registry=registry)
        self._verified_at = Gauge("recall_verification_timestamp_seconds", verified, petition, registry=registry)
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}  # looked up at each request

    def answered(self, route: tuple[str, str, int], seconds: float) -> None:
        """Count one request, by its method, its route's pattern and its status."""
        if route not in self._of_route:
            self._of_route[route] = self._requests.labels(*route), self._seconds.labels(*route[:2])
        requests, times = self._of_route[route]
        requests.inc()
        self._faults.inc(route[2] == 500)  # noqa: PLR2004  # its status
        times.observe(seconds)

    def verified(self, petition_id: UUID, *, agrees: bool, now: datetime) -> None:
        """Remember a verification's result."""
        self._agrees.labels(petition_id).set(agrees)
        self._verified_at.labels(petition_id).set(now.timestamp())


@dataclass
class InFlightLimit:
    """Middleware: a bounded number of requests at once, and no endless queue behind them."""

    app: ASGIApp
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        limits = self.limits
        if scope["type"] != "http" or scope["path"] in NEVER_REFUSED:
            await self.app(scope, receive, send)
        elif limits.in_flight >= limits.most:
            await problems.render(problems.problem_of(BusyError()), scope["state"]["request_id"])(scope, receive, send)
        else:
            limits.in_flight += 1
            try:
                await self.app(scope, receive, send)
            finally:
                if admission := scope["state"].get("admission"):  # it was counted as one of its kind
                    admission.leave()
                else:
                    limits.in_flight -= 1


class Allowance(NamedTuple):
    """What a key may still send."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until the whole limit is available again; where nothing is allowed, until one request is


class RateLimit:
    """A token bucket for each key, which holds two seconds' worth of requests."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow each key this many requests a second."""
        self._per_second, self._size, self._clock = per_second, 2 * per_second, clock
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
            refusal: Problem | None = exchange.scope["state"].get("refusal")  # by the protocol
            await (exchange.answer(refusal, receive) if refusal else self.app(exchange.scope, receive, exchange.send))
        except ClientDisconnect:
            exchange.status = exchange.status or 499  # in the log: the client left before there was an answer
        except asyncio.CancelledError:  # the process ends and cannot wait any longer: the client asks another one
            await exchange.answer(Problem(503, "unavailable", "The service is stopping. Try again."), receive)
            raise
        except Exception as error:  # noqa: BLE001  # the last resort: nothing of it reaches the client
            problems.log_failure(error, exchange.request_id)
            await exchange.answer(problems.problem_of(error), receive)
        finally:
            exchange.record(self.metrics)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, tracer: Tracer | None) -> None:
        self.request_id, self.status = urandom(16).hex(), 0
        self._send, self._ended, self._started = send, False, time.perf_counter()
        self._span = None
        if tracer:  # below the client's span, where `traceparent` names one; `tracestate` may be any text: left out
            parent = {"traceparent": Headers(scope=scope).get("traceparent", "")}
            context = TraceContextTextMapPropagator().extract(parent)
            self._span = tracer.start_span("request", context, SpanKind.SERVER)
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        # HEAD is answered as GET is, without the content (RFC 9110, 9.3.2).
        self.scope = {**scope, "method": "GET"} if self._method == "HEAD" else scope
        self.scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        """Send the application's answer, with the headers that every answer has."""
        if self._ended:
            return
        if message["type"] == "http.response.start":
            ours = [(b"x-request-id", self.request_id.encode()), *problems.HARMLESS]
            ours += [(name.encode(), value.encode()) for name, value in self.scope["state"].get("headers", {}).items()]
            names = {name for name, _ in ours}
            kept = [header for header in message.get("headers", ()) if header[0] not in names]
            if all(name != b"cache-control" for name, _ in kept):
                ours.append((b"cache-control", b"no-store"))  # most answers hold what only this client may see
            message["headers"], self.status = (
                kept + ours,
                message["status"],
            )  # the status last: then an answer has begun
        elif self._method == "HEAD":
            message, self._ended = {"type": "http.response.body", "body": b""}, True
        await self._send(message)

    async def answer(self, problem: Problem, receive: Receive) -> None:
        """Answer with a problem where no answer has begun."""
        if not self.status:
            await problems.render(problem, self.request_id)(self.scope, receive, self.send)

    def record(self, metrics: Metrics) -> None:
        """Write the log line, the metrics and the span."""
        method, route, status = self._method, getattr(self.scope.get("route"), "path", "unmatched"), self.status
        seconds = time.perf_counter() - self._started
        metrics.answered((method, route, status), seconds)
        facts = {"request_id": self.request_id, "method": method, "route": route, "status": status}
        peer, caller = (self.scope.get("client") or ("", 0))[0], self.scope["state"].get("caller", {})
        if REQUEST_LOG.format:
            REQUEST_LOG.write({**facts, "ms": round(seconds * 1000, 2), "peer": peer, **caller})
        if self._span:
            self._span.update_name(f"{method} {route}")
            names = ("request_id", "http.request.method", "http.route", "http.response.status_code")
            self._span.set_attributes(dict(zip(names, facts.values(), strict=True)))
            if status >= 500:  # noqa: PLR2004  # the server's own
                self._span.set_status(Status(StatusCode.ERROR))
            self._span.end()


@dataclass(eq=False)
class PostedLines:
    """When each station last posted, and how many lines of each outcome.

    Stations are those with a key, and outcomes those of the law, so neither grows with what is sent.
    """

    last_at: dict[tuple[str, str], float] = field(default_factory=dict)  # by county and station
    lines: dict[tuple[str, str], collections.Counter[str]] = field(default_factory=dict)

    def note(self, who: Principal, now: datetime, found: Iterable[str]) -> None:
        """Note that a station posted lines with these outcomes."""
        station = who.county_id, who.name
        self.last_at[station] = now.timestamp()
        self.lines.setdefault(station, collections.Counter()).update(found)

    def of_county(self, county_id: str) -> Mapping[str, tuple[float, collections.Counter[str]]]:
        """The stations of a county: when each last posted, and its lines by outcome."""
        mine = [name for county, name in self.lines if county == county_id]
        return {name: (self.last_at[county_id, name], self.lines[county_id, name]) for name in mine}


@dataclass
class State:
    """What one process holds. A petition's terms never change, so they are cached; its count is not here."""

    database: Database
    uploads: RollUploads
    matchers: Matchers
    metrics: Metrics
    rate: RateLimit
    signer: Signer  # of the ledger's checkpoints
    history: DatabaseHistory
    budget: ReadBudget
    limits: Limits
    now: Callable[[], datetime] = utc_now
    folders: Mapping[str, FilePath] = field(default_factory=dict)  # on disks that may fill: `data`, `backups`
    embedded: bool = False  # whether the database is in the folder `data`
    readiness: tuple[asyncio.Task[Any], float] | None = None  # what /health/ready tried last, and when it began
    damaged: bool = False  # whether a request met a damaged page; until the process ends
    no_write_at: float = float("-inf")  # when a request last failed since the database took no write; monotonic
    posted: PostedLines = field(default_factory=PostedLines)
    petitions: dict[PetitionKey, Petition] = field(default_factory=dict)
    tally_bodies: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)  # by petition: version, and as JSON
    lease_seconds: int = 900  # that a person holds claimed lines, unless the person renews the claim

    def __post_init__(self) -> None:
        """Begin the parts that work on the others."""
        processes = sum(self.matchers.states().values())
        self.count = Count(self.database)
        self.group_commit = GroupCommit(self.count, self.now, self.matchers.decide_lines, at_once=max(2, processes))
        self.keys = KeyRing(self.database)
        self.queues = QueueBoard(self.database)
        self.prover = Prover(self.database)

    async def put_on_record(self, who: Principal, read: VoterRead) -> None:
        """Put a read of voter data on record, before it is answered; without a place it shows none.

        Raises ReadBudgetError if it is more than is left.
        """
        if read.places or read.anew:
            async with self.database.reading() as connection, connection.transaction():
                await self.budget.put_on_record(connection, who, read, now=self.now())

    def notice(self, error: BaseException) -> None:
        """Remember what an error says of the database: a readiness check alone may not meet it."""
        self.damaged |= is_damage(error)
        if takes_no_write(error):
            self.no_write_at = time.monotonic()


def state_of(request: Request) -> State:
    """The process's state."""
    state: State = request.app.state.recall
    return state


# Dependencies are coroutines even where they wait for nothing: FastAPI runs any other in a thread, which costs more
# than most answers, and under load waits for the interpreter.
async def _state(request: Request) -> State:
    return state_of(request)


@dataclass(eq=False)
class Guard:
    """A dependency that admits the declared roles. A route without one does not start."""

    roles: tuple[Role, ...]

    async def __call__(self, request: Request) -> Principal:
        """The principal of the request's bearer key. The request counts against its rate even if it is refused later.

        It is refused: 401 without a live key, 429 above its rate, 403 for another role, 422 for an unknown parameter,
        503 where too many of its kind are under way.
        """
        principal = await principal_of(request)
        if principal is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "unauthorized", "A valid bearer key is required.", headers=challenge)
        allowance = state_of(request).rate.take(f"{principal.county_id} {principal.name} {principal.role}")
        limit, remaining, reset = map(str, allowance[1:])
        request.state.headers = {"ratelimit-limit": limit, "ratelimit-remaining": remaining, "ratelimit-reset": reset}
        if not allowance.allowed:
            wait = {"Retry-After": reset}
            raise Problem(429, "too_many_requests", "This key sends more requests than allowed.", headers=wait)
        if principal.role not in self.roles:
            raise Problem(403, "wrong_role", "This key's role does not permit this.")
        _check_parameters(request)
        request.state.principal = principal
        limits = state_of(request).limits
        if bulkhead := limits.of.get(request.scope["route"].name):
            await limits.enter(bulkhead, request.scope["state"], f"{principal.county_id} {principal.name}")
        return principal


def allow(*roles: Role) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the principal. Declare it first: nothing else of the request is read without a good key."""
    return Depends(Guard(roles))


AppState = Annotated[State, Depends(_state)]
Admin = Annotated[Principal, allow("admin")]
Decider = Annotated[Principal, allow("clerk", "supervisor")]
Supervisor = Annotated[Principal, allow("supervisor")]
Reader = Annotated[Principal, allow("clerk", "supervisor", "auditor")]
RulesetReader = Annotated[Principal, allow("clerk", "supervisor", "auditor", "admin")]
Monitor = Annotated[Principal, allow("monitor", "clerk", "supervisor", "auditor")]
Poster = Annotated[Principal, allow("station", "clerk", "supervisor", "system")]
LineReader = Annotated[Principal, allow("station", "system", "clerk", "supervisor", "auditor")]
Searcher = Annotated[Principal, allow("clerk", "supervisor", "system", "confidential")]
ConfidentialOfficer = Annotated[Principal, allow("confidential")]
QueueReader = Annotated[Principal, allow("clerk", "supervisor", "auditor", "confidential")]
ClaimHolder = Annotated[Principal, allow("clerk", "supervisor", "confidential")]
Verifier = Annotated[Principal, allow("supervisor", "auditor")]


async def principal_of(request: Request) -> Principal | None:
    """The sender of a request; None where it bears no key, several, or one that is not live."""
    credentials = request.headers.getlist("authorization")
    scheme, _, key = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    state, parts = state_of(request), parse(key.strip())
    caller = {"key": parts.prefix} if parts else {}
    request.state.caller = caller  # for the log, also where the key is refused: then nothing else of it is believed
    principal = await state.keys.recognize(parts, now=state.now())
    if principal:
        caller |= {"county": principal.county_id, "principal": principal.name, "role": principal.role}
    return principal


def _check_parameters(request: Request) -> None:
    """Refuse an unknown parameter, or anything given twice: a misspelled filter would list everything."""
    given = [name for name, _ in request.query_params.multi_items()] if request.scope["query_string"] else []
    route: APIRoute = request.scope["route"]
    parts = (route.dependant, *route.dependant.dependencies) if given else ()
    documented = {known.alias for part in parts for known in part.query_params}
    unknown = [name for name in dict.fromkeys(given) if name not in documented]
    errors = [problems.unknown_field("query", name) for name in unknown[: problems.MAX_ERRORS]]
    if len(given) != len(set(given)):
        errors.append(problems.field_error("query", "repeated"))
    if len(request.headers.getlist("idempotency-key")) > 1:
        errors.append(problems.field_error("header.idempotency-key", "repeated"))
    if errors:
        raise problems.invalid(*errors)


async def petition_of(state: State, key: PetitionKey) -> Petition:
    """The petition; another county's is as unknown as one that does not exist (UnknownPetitionError)."""
    known = state.petitions.get(key)
    if known is None:
        async with state.database.brief() as connection:  # stations wait for it, however busy the readers are
            known, _ = await read_petition(connection, key)
        state.petitions[key] = known
    return known


async def _petition(request: Request, petition_id: Annotated[UUID, Path()]) -> Petition:
    principal: Principal = request.state.principal  # of the guard, which every route declares first
    return await petition_of(state_of(request), PetitionKey(principal.county_id, petition_id))


PathPetition = Annotated[Petition, Depends(_petition)]
IdempotencyKey = Annotated[str | None, Header(alias="idempotency-key", pattern=f"^{KEY_PATTERN}$")]


class DirectRoute(APIRoute):
    """A route for the requests that are sent most: FastAPI's handling costs more than their answers do.

    Its endpoint takes the request, and dependencies that need nothing but the request: a guard, and a reader of the
    body. It reads its other parameters itself; the OpenAPI document takes them from its data file.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401  # those of FastAPI
        """Declare the route as FastAPI does."""
        super().__init__(*args, **settings)
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values = {need.name or "": await need.call(request) for need in self.dependant.dependencies if need.call}
        await (await self.endpoint(request, **values))(scope, receive, send)


@lru_cache(maxsize=1024)
def _uuid_of(text: str) -> UUID:
    return _UUIDS.validate_python(text)


async def direct_petition(request: Request, principal: Principal, *others: problems.FieldError) -> Petition:
    """The petition in the path of a direct route. What else is wrong with the request is named together with it."""
    try:
        petition_id = _uuid_of(request.path_params["petition_id"])
    except ValidationError:
        raise problems.invalid(problems.field_error("path.petition_id", "wrong_format"), *others) from None
    if others:
        raise problems.invalid(*others)
    return await petition_of(state_of(request), PetitionKey(principal.county_id, petition_id))


def guard_of(route: BaseRoute) -> Guard | None:
    """The guard of a route. It must be the first dependency that is called."""
    first = route.dependant if isinstance(route, APIRoute) else None
    while first and first.dependencies:
        first = first.dependencies[0]
    return first.call if first and isinstance(first.call, Guard) else None


def body_of(route: APIRoute) -> type[BaseModel] | None:
    """The model of a route's JSON body."""
    calls = (dependency.call for dependency in route.dependant.dependencies)
    return next((call.model for call in calls if isinstance(call, BodyReader)), None)


def routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Every route of the application with its whole path."""
    return [(c.path or "", c.original_route) for c in iter_route_contexts(app.routes)]


def guarded_routes(app: FastAPI) -> dict[str, APIRoute]:
    """The routes that need a key, by operation id, which is the name of the route's function."""
    return {r.name: r for _, r in routes(app) if isinstance(r, APIRoute) and guard_of(r)}


def check_guards(app: FastAPI) -> None:
    """Refuse an application with an unguarded route: a RuntimeError names it."""
    for path, route in routes(app):
        if path not in PUBLIC and not guard_of(route):
            msg = f"the route {path} declares no role"
            raise RuntimeError(msg)


def posted(state: State, principal: Principal, outcomes: Iterable[str], *, replayed: bool) -> dict[str, str]:
    """Note what a station posted; returns the headers of the answer, which stands while the database's history does.

    Args:
        state: of the process.
        principal: the station.
        outcomes: of its lines, which do not count again if the answer is a stored one.
        replayed: whether it is.
    """
    state.posted.note(principal, state.now(), () if replayed else outcomes)
    return {"Database-History": state.history.name} | (REPLAYED if replayed else {})


@dataclass(frozen=True, slots=True)
class Write:
    """A request of a person that changes a petition's count. Sent again, it gets the same answer."""

    principal: Principal
    state: State
    petition: Petition
    key: str | None = None

    async def carry_out(
        self,
        act: Callable[[Change], Awaitable[Result]],
        answer: Callable[[Result], Answer],
        *meaning: str | RequestModel,
        shows: Callable[[dict[str, Any]], VoterRead] | None = None,
    ) -> Response:
        """Carry the request out once. If its answer shows voter data, that is put on record in the same transaction.

        Args:
            act: does it in one transaction.
            answer: turns the result of `act` into the answer.
            meaning: what the request does, what it is about, and its body: by that it is recognized again.
            shows: what an answer's body shows of voter data; None: nothing.

        Raises ReadBudgetError, and then nothing is changed.
        """

        def plain(result: Result) -> dict[str, Any]:
            status, content = answer(result)
            return {"status": status, "body": content.model_dump(mode="json")}

        parts = [part if isinstance(part, str) else part.meaning() for part in meaning]
        fingerprint = sha256(canonical(parts)).digest()
        request = WriteRequest(self.petition, self.principal.name, self.key, fingerprint, self.state.now())

        async def put_on_record(change: Change, content: dict[str, Any]) -> None:
            if shows:
                read = shows(content["body"])
                await self.state.budget.put_on_record(change.connection, self.principal, read, now=change.now)

        content, replayed = await self.state.count.once(request, act, plain, put_on_record)
        return JSONResponse(content["body"], content["status"], REPLAYED if replayed else None)


def _write(*roles: Role) -> Any:  # noqa: ANN401  # a dependency marker
    async def _request(
        who: Annotated[Principal, allow(*roles)], state: AppState, petition: PathPetition, key: IdempotencyKey = None
    ) -> Write:
        return Write(who, state, petition, key)

    return Depends(_request)


DeciderWrite = Annotated[Write, _write("clerk", "supervisor")]
SupervisorWrite = Annotated[Write, _write("supervisor")]
ConfidentialWrite = Annotated[Write, _write("confidential")]
WithdrawalWrite = Annotated[Write, _write("clerk", "supervisor", "confidential")]
