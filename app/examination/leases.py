"""Leases: which person works on which lines now. They are no part of the count, and end by themselves."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection

from app import errors
from app.access.names import is_among
from app.access.principals import Principal
from app.count.line_queries import LineRead, read_lines
from app.count.queries import Change, Places
from app.count.record import ChangedMeanwhileError, record
from app.examination import queue_queries as rows
from app.examination.confidential_queries import give_back
from app.examination.earlier import remember
from app.examination.queue_queries import Lease, Wanted
from app.law.line import LARGEST_NUMBER, Finding, Line, Place
from app.law.petition import Petition
from app.law.queues import MOST_HELD, refusal

Put = Callable[[Change, list[Finding], Principal], Awaitable[dict[Place, Line]]]
"""Puts a person's findings on record; returns at least the lines that they are about."""


class Claimed(NamedTuple):
    """The lines that a claim gave a person, as they are decided now."""

    leases: Sequence[Lease]
    reads: Mapping[Place, LineRead]  # empty where the signatures are to be compared


async def claim(
    connection: Connection, petition: Petition, wanted: Wanted, claim_id: UUID, *, who: Principal, runs: timedelta
) -> Claimed:
    """Give a person lines of a queue for some time.

    They are neighbors in paper order, from a random section on. Until the leases end, no other person gets them or may
    decide them. Who compares a signature sees only the place at first (2 CCR 20960(b)).

    Args:
        connection: in a transaction.
        petition: whose lines.
        wanted: which, and how many at most.
        claim_id: a new id.
        who: the person; gets no line of which the person has said anything.
        runs: how long the leases do.

    Raises:
        PetitionClosedError: the count has ended.
        ClaimLimitError: the person holds as many lines as one may.
    """
    state, held = await rows.state_and_held(connection, petition.key, who)
    if state != "open":
        raise errors.PetitionClosedError
    if held >= MOST_HELD:
        raise errors.ClaimLimitError
    leases = await _take(
        connection, petition, wanted._replace(limit=min(wanted.limit, MOST_HELD - held)), claim_id, who, runs
    )
    shown = [lease.place for lease in leases] if wanted.queue != "to_compare" else []
    return Claimed(leases, await read_lines(connection, petition.key, shown) if shown else {})


async def _take(
    connection: Connection, petition: Petition, wanted: Wanted, claim_id: UUID, who: Principal, runs: timedelta
) -> list[Lease]:
    """The lines from a random section on, and if these are too few, those before."""
    ends = await rows.sections_of(connection, petition.key, wanted.queue)
    if ends is None:
        return []
    begin = random.randint(*ends)  # noqa: S311  # where people begin is no secret
    leases = list[Lease]()
    for sections in ((wanted.section,) * 2,) if wanted.section else ((begin, LARGEST_NUMBER), (1, begin - 1)):
        missing = wanted._replace(limit=wanted.limit - len(leases))
        if missing.limit:
            leases += await rows.take(connection, petition.key, missing, sections, claim_id, who=who, runs=runs)
    return sorted(leases)


async def refusals(change: Change, places: Places, who: Principal) -> dict[Place, errors.RecallError]:
    """Which of these lines the person may not decide now, and why: another person holds them, or they are escalated."""
    holds = await rows.holds_on(change, places, apart=who.role == "confidential")
    found = ((place, refusal(hold, who)) for place, hold in holds.items())
    return {place: error for place, error in found if error}


async def record_findings(change: Change, findings: list[Finding], who: Principal) -> dict[Place, Line]:
    """Put a person's findings on record, and end the leases on their lines. Returns every line that changed.

    A supervisor's finding ends an escalation. A held line that is returned to review is the officer's again.

    Raises ChangedMeanwhileError if another person claimed one of the lines just now, and what `record` raises.
    """
    lines = await record(change, "finding", findings)
    await remember(change, findings)
    places = [finding.place for finding in findings]
    ends = {"apart": who.role == "confidential", "escalations": who.role == "supervisor"}
    holders = await rows.end_holds(change, places, **ends)
    if not all(is_among(holder, [who.name]) for holder in holders):
        raise ChangedMeanwhileError
    if returned := [finding.place for finding in findings if finding.outcome.status == "review"]:
        await give_back(change, returned)
    return lines
