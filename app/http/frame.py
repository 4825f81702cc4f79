"""The frame of every request: state, authentication, rate, petition in the path."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from pydantic import BaseModel
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.keys import KeyRing
from app.access.principals import Principal, Role
from app.count.group_commit import GroupCommit
from app.count.line_queries import get_petition
from app.count.record import WriteRequest, once
from app.count.tally import Tallies, TallyWatch
from app.database.engine import Database
from app.errors import BusyError, UnknownPetitionError
from app.http.problems import Problem, field_error, problem_of, render
from app.law.canonical import canonical
from app.law.petition import Petition, PetitionKey
from app.ledger.checkpoints import Signer
from app.matching.workers import Matchers
from app.roll.uploads import RollUploads

_AT_ONCE: Final = 1_000  # requests under way, streams among them
_ALWAYS: Final = ("/health/live", "/health/ready", "/metrics")  # who asks how we are must hear it when it is worst


class Limit:
    """Middleware: so many requests at once, and no queue without end behind them."""

    def __init__(self, app: ASGIApp, at_once: int = _AT_ONCE) -> None:
        """Wrap the application."""
        self.app = app
        self.at_once = at_once
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self.app(scope, receive, send)
        elif self.under_way >= self.at_once:
            await render(problem_of(BusyError()), scope["state"]["request_id"])(scope, receive, send)
        else:
            self.under_way += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.under_way -= 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until the whole limit is there again; where nothing is allowed, until something is

    def headers(self) -> dict[str, str]:
        """As clients know them, in the small letters of ASGI."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }


class RateLimit:
    """A bucket of requests for each key, filled steadily: a burst of two seconds' worth is fine."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow each key so many requests a second."""
        self._per_second = per_second
        self._size = 2 * per_second
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> how full it was, and when

    def take(self, key: str) -> Allowance:
        """Take one request out of the key's bucket, if there is one."""
        now = self._clock()
        content, then = self._buckets.get(key, (float(self._size), now))
        content = min(float(self._size), content + (now - then) * self._per_second)
        allowed = content >= 1
        content -= 1 if allowed else 0
        self._buckets[key] = content, now
        missing = self._size - content if allowed else 1 - content
        return Allowance(allowed, self._size, int(content), ceil(missing / self._per_second))


_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counters and gauges of a process. No label holds a name, an address, a voter, a path or a query."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "recall_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "recall_http_request_duration_seconds",
            "Time until a request was answered.",
            ["method", "route"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}  # looked up at each request
        self._verified = Gauge(
            "recall_verification_agrees",
            "1 where the last verification by this process found the count as recorded, 0 where it did not.",
            ["petition_id"],
            registry=self.registry,
        )
        self._verified_at = Gauge(
            "recall_verification_timestamp_seconds",
            "When this process last verified the count.",
            ["petition_id"],
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern."""
        known = self._of_route.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._of_route[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def verified(self, petition_id: UUID, *, agrees: bool, now: datetime) -> None:
        """Remember a verification's result."""
        self._verified.labels(str(petition_id)).set(agrees)
        self._verified_at.labels(str(petition_id)).set(now.timestamp())


@dataclass
class State:
    """What one process holds. A petition's terms never change, so they are read once; its count is not here."""

    database: Database
    group_commit: GroupCommit
    matchers: Matchers
    now: Callable[[], datetime]
    keys: KeyRing
    tallies: Tallies
    watch: TallyWatch
    rate: RateLimit
    measures: Measures
    uploads: RollUploads
    petitions: dict[tuple[str, UUID], Petition] = field(default_factory=dict)
    tally_bodies: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)  # by petition: version, and as JSON

    @classmethod
    def over(
        cls,
        database: Database,
        uploads: RollUploads,
        measures: Measures,
        now: Callable[[], datetime],
        requests_per_second: int,
        matchers: Matchers,
    ) -> "State":
        """The state of a process that works on this database and takes so many requests a second from each key."""
        tallies, processes = Tallies(database), sum(matchers.states().values())
        return cls(
            database=database,
            group_commit=GroupCommit(database, now, matchers.decide_lines, at_once=max(2, processes)),
            matchers=matchers,
            now=now,
            keys=KeyRing(database),
            tallies=tallies,
            watch=TallyWatch(tallies),
            rate=RateLimit(requests_per_second),
            measures=measures,
            uploads=uploads,
        )


def state_of(request: Request) -> State:
    """The process's state."""
    state: State = request.app.state.recall
    return state


# Dependencies are coroutines, also where they wait for nothing: FastAPI sends any other to a thread, which costs more
# than most answers, and under load waits for its turn with the interpreter.
async def _state(request: Request) -> State:
    return state_of(request)


AppState = Annotated[State, Depends(_state)]


async def signer_of(request: Request) -> Signer:
    """The key that signs the ledger's checkpoints."""
    signer: Signer = request.app.state.signer
    return signer


ServiceSigner = Annotated[Signer, Depends(signer_of)]


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Guard:
    """A dependency that lets the declared roles in. A route without one does not start."""

    def __init__(self, *roles: Role) -> None:
        """Let these roles in."""
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        """The principal of the request's bearer key."""
        principal = await principal_of(request)
        if principal is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "unauthorized", "A valid bearer key is needed.", headers=challenge)
        _take_turn(request, principal)
        if principal.role not in self.roles:
            raise Problem(403, "wrong_role", "This key's role may not do that.")
        _check_envelope(request)
        return principal


async def principal_of(request: Request) -> Principal | None:
    """Who sends a request; None where it bears no key, several, or one that is not live."""
    credentials = request.headers.getlist("authorization")
    scheme, _, key = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    state = state_of(request)
    return await state.keys.recognize(key.strip(), now=state.now())


def _take_turn(request: Request, principal: Principal) -> None:
    """Count the request against its principal's rate, whatever becomes of it.

    Raises:
        Problem: 429, the principal asks more often than allowed.
    """
    allowance = state_of(request).rate.take(f"{principal.county_id} {principal.name} {principal.role}")
    request.state.headers = allowance.headers()
    if not allowance.allowed:
        retry = {"Retry-After": str(allowance.reset)}
        raise Problem(429, "too_many_requests", "This key asks more often than it may.", headers=retry)


def _check_envelope(request: Request) -> None:
    """Refuse what would otherwise be passed over: a misspelt filter would list everything.

    Raises:
        Problem: 422, a parameter of the query that the route does not have, or anything that is given twice.
    """
    route: APIRoute = request.scope["route"]
    given = [name for name, _ in request.query_params.multi_items()] if request.scope["query_string"] else []
    unknown = given and set(given) - {parameter.alias for parameter in route.dependant.query_params}
    errors = [field_error("query", "unknown_field")] if unknown else []
    if len(given) != len(set(given)):
        errors.append(field_error("query", "repeated"))
    if len(request.headers.getlist("idempotency-key")) > 1:
        errors.append(field_error("header.idempotency-key", "repeated"))
    if errors:
        raise Problem(422, "invalid", "The input is not as documented.", errors=errors)


def allow(*roles: Role) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the principal; declare it first, so that a stranger gets no further."""
    return Depends(Guard(*roles))


async def petition_of(state: State, principal: Principal, petition_id: UUID) -> Petition:
    """The petition, if it is of the principal's county; another county's is as unknown as one that does not exist.

    Raises:
        UnknownPetitionError: the principal's county has no such petition.
    """
    known = state.petitions.get(PetitionKey(principal.county_id, petition_id))
    if known is None:
        async with state.database.begin() as connection:
            known = await get_petition(connection, PetitionKey(principal.county_id, petition_id))
        if known is None:
            raise UnknownPetitionError
        state.petitions[PetitionKey(principal.county_id, petition_id)] = known
    return known


PetitionId = Annotated[UUID, Path(description="The petition.")]


PUBLIC: Final = frozenset(
    {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/oauth2-redirect"}
)


def calls(dependant: Dependant) -> Iterator[object]:
    """Every dependency below a route."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from calls(dependency)


def guard_of(route: APIRoute) -> Guard | None:
    """The guard of a route."""
    return next((call for call in calls(route.dependant) if isinstance(call, Guard)), None)


def routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Every route of the application with its whole path."""
    return [(c.path or "", c.original_route) for c in iter_route_contexts(app.routes)]


def check_guards(app: FastAPI) -> None:
    """Refuse an application with an unguarded route.

    Raises:
        RuntimeError: it names the route.
    """
    for path, route in routes(app):
        if path not in PUBLIC and not (isinstance(route, APIRoute) and guard_of(route)):
            msg = f"the route {path} declares no role"
            raise RuntimeError(msg)


Verb = Callable[[asyncpg.Connection], Awaitable[tuple[int, BaseModel]]]


def request_of(principal: Principal, key: str | None, verb: str, what: str, body: BaseModel) -> WriteRequest:
    """The request with the fingerprint of its meaning: the verb, what it is about, and the fields of its body."""
    meaning = canonical([verb, what, body.model_dump(mode="json")])
    return WriteRequest(principal.name, key, sha256(meaning).digest())


async def carry_out(state: State, petition: Petition, request: WriteRequest, verb: Verb) -> Response:
    """Run a verb once, in one transaction with its answer; the same request again gets the same answer."""

    async def act(connection: asyncpg.Connection) -> str:
        status, out = await verb(connection)
        return f"{status} {out.model_dump_json()}"

    done = await once(state.database, petition, request, act, now=state.now())
    status, _, out = done.text.partition(" ")
    headers = {"Idempotent-Replayed": "true"} if done.replayed else None
    return Response(out, int(status), headers=headers, media_type="application/json")
