"""The frame of every request: the process's state, the key and its role, the rate, the petition in the path."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.access.keys import KeyRing
from app.access.principals import Principal, Role
from app.count.group_commit import GroupCommit
from app.count.line_queries import get_petition
from app.count.record import Change, Count, WriteRequest, once
from app.database.engine import Database
from app.errors import UnknownPetitionError
from app.http.body import BodyReader
from app.http.metrics import Metrics
from app.http.middleware import RateLimit
from app.http.problems import MAX_ERRORS, FieldError, Problem, field_error, invalid, unknown_field
from app.law.canonical import canonical
from app.law.petition import Petition, PetitionKey
from app.ledger.notes import Signer
from app.matching.workers import Matchers
from app.roll.loading import RollUploads


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
    """Count the request against its principal's rate, even if it is refused later.

    Raises:
        Problem: 429, the principal sends more requests than allowed.
    """
    allowance = state_of(request).rate.take(f"{principal.county_id} {principal.name} {principal.role}")
    request.state.headers = allowance.headers()
    if not allowance.allowed:
        retry = {"Retry-After": str(allowance.reset)}
        raise Problem(429, "too_many_requests", "This key sends more requests than allowed.", headers=retry)


def _check_parameters(request: Request) -> None:
    """Refuse what would otherwise be ignored: a misspelled filter would list everything.

    Raises:
        Problem: 422, an unknown parameter of the query, or anything that is given twice.
    """
    given = [name for name, _ in request.query_params.multi_items()] if request.scope["query_string"] else []
    documented = _query_names(request.scope["route"]) if given else set()
    unknown = [name for name in dict.fromkeys(given) if name not in documented]
    errors = [unknown_field("query", name) for name in unknown[:MAX_ERRORS]]
    if len(given) != len(set(given)):
        errors.append(field_error("query", "repeated"))
    if len(request.headers.getlist("idempotency-key")) > 1:
        errors.append(field_error("header.idempotency-key", "repeated"))
    if errors:
        raise invalid(*errors)


def _query_names(route: BaseRoute) -> set[str]:
    return {parameter.alias for parameter in route.dependant.query_params} if isinstance(route, APIRoute) else set()


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
        self,
        method: str,
        path: str,
        guard: Guard,
        endpoint: Endpoint,
        *,
        body: BodyReader[Any] | None = None,
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

    done = await once(state.count, petition, request, act, plain, now=state.now())
    headers = {"Idempotent-Replayed": "true"} if done.replayed else None
    return JSONResponse(done.content["body"], done.content["status"], headers)
