"""What every route shares: the process's state, the principal behind the key, the petition in the path."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.routing import APIRoute

from app.actions.checkpoints import Signer
from app.actions.group_commit import GroupCommit
from app.actions.keys import KeyRing
from app.actions.matcher import Matchers
from app.actions.roll_uploads import RollUploads
from app.actions.tally import Tallies, TallyWatch
from app.api.field_errors import field_error
from app.api.limits import RateLimit
from app.api.measures import Measures
from app.api.problems import Problem
from app.db.engine import Database
from app.db.petitions import get_petition
from app.domain.errors import UnknownPetitionError
from app.domain.keys import Principal, Role
from app.domain.petition import Petition


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
    return await state.keys.recognise(key.strip(), now=state.now())


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
    known = state.petitions.get((principal.county_id, petition_id))
    if known is None:
        async with state.database.begin() as connection:
            known = await get_petition(connection, principal.county_id, petition_id)
        if known is None:
            raise UnknownPetitionError
        state.petitions[principal.county_id, petition_id] = known
    return known


PetitionId = Annotated[UUID, Path(description="The petition.")]
