"""The one way in which anything changes the count: slots, lines, head, in one transaction."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from app.count import queries as rows
from app.count.finding import Finding, displaced, finding_content
from app.count.queries import store_answers, stored_answers
from app.database.engine import Database
from app.errors import BusyError, IdempotencyConflictError, PetitionClosedError, UnknownPetitionError
from app.law.line import Line, Merits, Place, counted_places, standing_of
from app.law.petition import Petition
from app.law.reasons import Reason
from app.law.tally import LineState, Tally
from app.ledger.entries import SALT_BYTES, EntryType, StoredFinding, next_entry


class ChangedMeanwhileError(Exception):
    """Another transaction changed a line between our reading and our lock: the caller starts again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a transaction wants to say about one line: its merits, who says so, and the line as it was read."""

    place: Place
    merits: Merits
    writing_sha256: bytes
    decided_by: str = "machine"
    person: bool = False
    note: str = ""
    before: Line | None = None  # None: the line is new
    confirmed_by: tuple[str, ...] = ()
    mismatch_by: tuple[str, ...] = ()
    station: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a transaction did: the tally as it leaves it, and where each claimed line stands."""

    tally: Tally
    lines: dict[Place, Line]


async def record(
    connection: asyncpg.Connection,
    petition: Petition,
    entry_type: EntryType,
    claims: Sequence[Claim],
    *,
    now: datetime,
    voters: Collection[str] = (),
    facts: Mapping[str, object] | None = None,
) -> Recorded:
    """Give every claimed line its standing, and every voter's other lines theirs. Within the caller's transaction.

    `voters` are those whose lines are decided anew besides the claims' own, since they withdrew; `facts` go into the
    ledger's payload, free of personal data.

    The locks are taken in one order everywhere: slots by voter, lines by place, the head last, so that no two
    transactions wait for each other. Which line counts is computed from the set of the voter's lines under the slot's
    lock, never nudged, so every kind of change has the same succession.

    Raises:
        ChangedMeanwhileError: a claimed line is not as it was read.
        PetitionClosedError: the count has ended.
        UnknownPetitionError: there is no such petition.
    """
    affected = sorted({*voters, *(v for claim in claims for v in _voters(claim))})
    withdrawn = await rows.lock_slots(connection, petition.key, affected) if affected else {}
    read = {claim.place: claim.before for claim in claims if claim.before}
    locked = await rows.lock_lines(connection, petition.key, read, withdrawn) if read or withdrawn else {}
    if any(locked.get(place) != line for place, line in read.items()):
        raise ChangedMeanwhileError
    rivals = [line for place, line in locked.items() if place not in read]
    findings = _resolve(petition, claims, rivals, frozenset(v for v, day in withdrawn.items() if day))
    return await write(connection, petition, entry_type, findings, now=now, facts=facts)


def _voters(claim: Claim) -> Iterable[str]:
    """The voters whose slot a claim touches: the one it names, and the one the line counted for before."""
    if claim.merits.status == "valid" and claim.merits.voter_id:
        yield claim.merits.voter_id
    if claim.before and claim.before.eligible and claim.before.standing.voter_id:
        yield claim.before.standing.voter_id


def _resolve(
    petition: Petition, claims: Sequence[Claim], rivals: Sequence[Line], withdrawn: frozenset[str]
) -> list[Finding]:
    """The findings that follow: one for every claim, and one for every other line whose standing changes."""
    eligible: dict[str, list[Place]] = {}
    for claim in claims:
        if claim.merits.status == "valid" and claim.merits.voter_id:
            eligible.setdefault(claim.merits.voter_id, []).append(claim.place)
    for rival in rivals:
        if rival.standing.voter_id:
            eligible.setdefault(rival.standing.voter_id, []).append(rival.place)
    outcome = counted_places(eligible, withdrawn)
    counted = {voter: min(places) for voter, places in eligible.items()}
    findings = [_claimed(claim, outcome.get(claim.place), counted, petition) for claim in claims]
    moved = (displaced(rival, outcome[rival.place], counted, petition.ruleset) for rival in rivals)
    return [*findings, *(finding for finding in moved if finding)]


def _claimed(claim: Claim, outcome: Reason | None, counted: dict[str, Place], petition: Petition) -> Finding:
    standing = standing_of(claim.merits, outcome, claim.confirmed_by, claim.mismatch_by, petition.ruleset)
    before = claim.before
    line = Line(
        place=claim.place,
        standing=standing,
        finding_no=before.finding_no + 1 if before else 1,
        confirmed_by=claim.confirmed_by,
        mismatch_by=claim.mismatch_by,
        roll_version=claim.merits.roll_version,
        station=before.station if before else claim.station,
        aliases_version=before.aliases_version if before and claim.person else claim.merits.aliases_version,
    )
    counts_instead = counted.get(standing.voter_id or "") if standing.reason == "duplicate" else None
    return Finding(
        line=line,
        before=before.standing if before else None,
        merits=claim.merits,
        decided_by=claim.decided_by,
        person=claim.person,
        note=claim.note,
        counted_place=counts_instead,
        writing_sha256=claim.writing_sha256,
    )


async def write(
    connection: asyncpg.Connection,
    petition: Petition,
    entry_type: EntryType,
    findings: Sequence[Finding],
    *,
    now: datetime,
    facts: Mapping[str, object] | None = None,
    close: bool = False,
) -> Recorded:
    """Write findings under the head's lock: where the lines stand, their findings, one ledger entry, the tally."""
    head = await rows.lock_head(connection, petition.key)
    if head is None:
        raise UnknownPetitionError
    if (head.state == "open") == (entry_type == "retention"):  # after the end there is retention and nothing else
        raise PetitionClosedError
    version = head.version + 1
    lines = [replace(f.line, version=version) for f in findings]
    stored = _stored(findings, version, petition, now)
    if stepping_down := _stepping_down(findings):
        await rows.step_down(connection, petition.key, stepping_down)
    needed = [petition.ruleset.people_needed(line.standing.status, line.standing.reason) for line in lines]
    await rows.write_lines(connection, petition.key, list(zip(lines, needed, strict=True)))
    await rows.write_findings(connection, petition.key, stored)
    counts = head.counts.moved((f.before, f.line.standing) for f in findings)
    payload = {"at": now.isoformat(), "leaves": len(stored), "tally": counts.as_json(), **(facts or {})}
    entry = next_entry(head, entry_type, stored, payload)
    state = "closed" if close else head.state
    await rows.append_entry(connection, petition.key, entry=entry, state=state, counts=counts, now=now)
    return Recorded(Tally(version, now, state, counts), {line.place: line for line in lines})


def _stepping_down(findings: Sequence[Finding]) -> list[Place]:
    """The lines that counted and now do not, or count for another voter."""
    return [f.line.place for f in findings if f.before and f.before.status == "valid" and _moves(f.before, f)]


def _moves(before: LineState, finding: Finding) -> bool:
    after = finding.line.standing
    return (after.status, after.voter_id) != (before.status, before.voter_id)


def _stored(findings: Sequence[Finding], version: int, petition: Petition, now: datetime) -> list[StoredFinding]:
    salts = secrets.token_bytes(SALT_BYTES * len(findings))
    at, ruleset = now.isoformat(), petition.ruleset_name
    return [
        StoredFinding(
            place=f.line.place,
            finding_no=f.line.finding_no,
            version=version,
            leaf_no=i,
            salt=salts[i * SALT_BYTES : (i + 1) * SALT_BYTES],
            content=finding_content(f, ruleset=ruleset, decided_at=at),
        )
        for i, f in enumerate(findings)
    ]


_ATTEMPTS = 8  # each lost race is lost to somebody's commit


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Who asks, and the key and fingerprint by which the same request is known when it comes again."""

    principal: str
    key: str | None = None
    fingerprint: bytes = b""  # SHA-256 of the request's meaning


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The text that answers a request; `replayed` where it is the stored answer to the same one before."""

    text: str
    replayed: bool = False


async def once(
    database: Database,
    petition: Petition,
    request: WriteRequest,
    act: Callable[[asyncpg.Connection], Awaitable[str]],
    *,
    now: datetime,
) -> StoredReply:
    """Run `act` in one transaction, and keep the answer it returns beside what it changed.

    Where another transaction got in between, it is run again from the start.

    Raises:
        IdempotencyConflictError: the key was used before with other content.
        BusyError: others were faster, again and again.
        RecallError: whatever `act` refuses; nothing is changed then.
    """
    for _ in range(_ATTEMPTS):
        try:
            async with database.intake() as connection, connection.transaction():
                return await _attempt(connection, petition, request, act, now)
        except ChangedMeanwhileError:
            continue
    raise BusyError


async def _attempt(
    connection: asyncpg.Connection,
    petition: Petition,
    request: WriteRequest,
    act: Callable[[asyncpg.Connection], Awaitable[str]],
    now: datetime,
) -> StoredReply:
    key = request.key
    if key is None:
        return StoredReply(await act(connection))
    known = await stored_answers(connection, petition.key, [(request.principal, key)])
    for answer in known.values():
        if answer.fingerprint != request.fingerprint:
            raise IdempotencyConflictError
        return StoredReply(answer.answer, replayed=True)
    text = await act(connection)
    if not await store_answers(connection, petition.key, [(request.principal, key, request.fingerprint, text)], now):
        raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer stands
    return StoredReply(text)
