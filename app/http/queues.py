"""The queues of the people who decide, and their claims: lines that one person holds for some time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from app.access.principals import Principal
from app.database.tables import new_id
from app.errors import UnknownClaimError
from app.examination import leases
from app.examination import queue_queries as rows
from app.examination.queue_queries import Lease, Wanted
from app.examination.queues import WaitingLines
from app.examination.reads import VoterRead, line_read
from app.http import wire
from app.http.frame import (
    AppState,
    ClaimHolder,
    ConfidentialOfficer,
    Decider,
    PathPetition,
    QueueReader,
    State,
    Supervisor,
)
from app.http.signatures import LineDetailOut, as_seen_by, detail_out
from app.law.petition import Petition
from app.law.queues import Queue

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["queues"])

READABLE: Final[Sequence[Queue]] = ("to_decide", "to_confirm", "to_compare", "escalated")
"""The queues of clerks and supervisors; the other one is for the officer of confidential voters alone."""


class QueuePartOut(wire.ResponseModel):
    """The lines of a queue that wait for the same cause."""

    reason: wire.LineReason | None
    lines: int
    waiting_since: datetime


class QueueOut(wire.ResponseModel):
    """A queue: how many lines wait in it, how many of the petition's are held by people, and the oldest."""

    queue: wire.Queue
    lines: int
    claimed: int
    waiting_since: datetime | None
    seconds_waiting: int | None
    by_reason: list[QueuePartOut]


class QueuesOut(wire.ResponseModel):
    """The queues that the reader's role may see."""

    queues: list[QueueOut]


def queues_out(found: Sequence[WaitingLines], now: datetime) -> QueuesOut:
    """Queues as they are shown."""
    return QueuesOut(queues=[_queue_out(one, now) for one in found])


def _queue_out(found: WaitingLines, now: datetime) -> QueueOut:
    since = found.waiting_since
    return QueueOut(
        queue=found.queue,
        lines=found.lines,
        claimed=found.claimed,
        waiting_since=since,
        seconds_waiting=None if since is None else max(0, int((now - since).total_seconds())),
        by_reason=[QueuePartOut.model_validate(part) for part in found.parts],
    )


@router.get("/queues")
async def get_queues(
    who: QueueReader,
    state: AppState,
    petition: PathPetition,
    section: wire.Number | None = None,
    reason: wire.LineReason | None = None,
) -> QueuesOut:
    """How many lines wait for a person, by cause, and since when. Of the whole petition counted every few seconds.

    The queue of confidential voters is shown to their officer alone, who sees no other.
    """
    queues: Sequence[Queue] = ("confidential",) if who.role == "confidential" else READABLE
    found = await state.queues.read(petition.key, queues, section=section, reason=reason)
    return queues_out(found, state.now())


class ClaimIn(wire.RequestModel):
    """Which lines to claim, and how many at most."""

    limit: Annotated[int, Field(ge=1, le=50)] = 10
    reason: wire.LineReason | None = None
    section: wire.Whole | None = None


class ClaimedLineOut(wire.ResponseModel):
    """A line that a person holds; `detail` is null where its signature is to be compared (2 CCR 20960(b))."""

    place: str
    detail: LineDetailOut | None


class ClaimOut(wire.ResponseModel):
    """The lines that one claim gave a person, and until when."""

    claim_id: UUID
    queue: wire.Queue
    claimed_at: datetime | None
    expires_at: datetime | None
    lines: list[ClaimedLineOut]


class ClaimsOut(wire.ResponseModel):
    """What a person holds."""

    claims: list[ClaimOut]


def _claim_out(
    claim_id: UUID, queue: Queue, held: Sequence[Lease], details: Mapping[str, LineDetailOut] | None = None
) -> ClaimOut:
    lines = [ClaimedLineOut(place=str(lease.place), detail=(details or {}).get(str(lease.place))) for lease in held]
    since, until = (held[0].claimed_at, held[0].expires_at) if held else (None, None)
    return ClaimOut(claim_id=claim_id, queue=queue, claimed_at=since, expires_at=until, lines=lines)


async def _claim(state: State, who: Principal, petition: Petition, queue: Queue, wanted: ClaimIn) -> ClaimOut:
    """Claim lines; what it shows of voters is put on record in the same transaction."""
    claim_id, runs = new_id(state.now()), timedelta(seconds=state.lease_seconds)
    asked = Wanted(queue, wanted.limit, wanted.reason, wanted.section)
    async with state.database.intake() as connection, connection.transaction():
        held, found = await leases.claim(connection, petition, asked, claim_id, who=who, runs=runs)
        seen = {place: as_seen_by(who, read) for place, read in found.items()}
        if seen:
            read = _shown(
                petition,
                who,
                {str(place): line_read(petition.petition_id, place, one.finding).voters for place, one in seen.items()},
            )
            await state.budget.put_on_record(connection, who, read, now=state.now())
    return _claim_out(claim_id, queue, held, {str(place): detail_out(one) for place, one in seen.items()})


def _shown(petition: Petition, who: Principal, voters: Mapping[str, int]) -> VoterRead:
    """What a claim shows. The officer's places are not on record, since others may read it."""
    if who.role == "confidential":
        return VoterRead("lines", petition.petition_id, voters=sum(voters.values()), anew=len(voters))
    return VoterRead("lines", petition.petition_id, tuple(voters), sum(voters.values()))


@router.post("/queues/escalated/claims", status_code=201)
async def claim_escalated(
    who: Supervisor, state: AppState, petition: PathPetition, wanted: wire.Body[ClaimIn]
) -> ClaimOut:
    """Lines that were escalated, for a supervisor; otherwise like other claims."""
    return await _claim(state, who, petition, "escalated", wanted)


@router.post("/queues/confidential/claims", status_code=201)
async def claim_confidential(
    who: ConfidentialOfficer, state: AppState, petition: PathPetition, wanted: wire.Body[ClaimIn]
) -> ClaimOut:
    """Lines that a confidential voter may have signed, for the officer. No other role meets these claims."""
    return await _claim(state, who, petition, "confidential", wanted)


@router.post("/queues/{queue}/claims", status_code=201)
async def claim_lines(
    who: Decider, state: AppState, petition: PathPetition, queue: wire.DecidersQueue, wanted: wire.Body[ClaimIn]
) -> ClaimOut:
    """Lines of a queue for one person, who holds them for some minutes: no other person gets or decides them meanwhile.

    They are neighbors in paper order, of which the person has said nothing yet. There may be none. The text and the
    finding of a line are on record and count like other reads; lines to compare are given by their places alone.
    """
    return await _claim(state, who, petition, queue, wanted)


@router.get("/claims")
async def get_claims(who: ClaimHolder, state: AppState, petition: PathPetition) -> ClaimsOut:
    """The lines that the person holds, by claim, such as after an answer that was lost."""
    async with state.database.reading() as connection:
        held = await rows.leases_of(connection, petition.key, who)
    by_claim: dict[tuple[UUID, Queue], list[Lease]] = {}
    for lease in held:
        by_claim.setdefault((lease.claim_id, lease.queue), []).append(lease)
    return ClaimsOut(claims=[_claim_out(claim_id, queue, some) for (claim_id, queue), some in by_claim.items()])


@router.post("/claims/{claim_id}/renewal")
async def renew_claim(who: ClaimHolder, state: AppState, petition: PathPetition, claim_id: UUID) -> ClaimOut:
    """The lines of the claim that the person still holds are held for the whole time again, from now."""
    runs = timedelta(seconds=state.lease_seconds)
    async with state.database.intake() as connection:
        held = await rows.renew(connection, petition.key, claim_id, who=who, runs=runs)
    if not held:
        raise UnknownClaimError
    return _claim_out(claim_id, held[0].queue, held)


@router.delete("/claims/{claim_id}", status_code=204)
async def release_claim(who: ClaimHolder, state: AppState, petition: PathPetition, claim_id: UUID) -> Response:
    """The lines of the claim are free for others."""
    async with state.database.intake() as connection:
        if not await rows.release(connection, petition.key, claim_id, who=who):
            raise UnknownClaimError
    return Response(status_code=204)
