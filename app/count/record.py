"""The one way in which the count changes: slots, lines, findings, ledger and head, in one transaction."""

import json
import secrets
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import asyncpg

from app.access.queries import add_county
from app.count import queries as rows
from app.count.line_queries import add_petition
from app.count.queries import Change
from app.count.ruleset_queries import find_ruleset, parameters_sha256, ruleset_of
from app.count.tally import TallyBoard
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import (
    BusyError,
    IdempotencyConflictError,
    PetitionClosedError,
    RawCountFrozenError,
    UnknownPetitionError,
)
from app.law.line import Finding, Line, Place, canonical_text, line_after, outcomes_by_slot, restated
from app.law.petition import Petition, PetitionKey, Terms, check_district, check_terms
from app.law.reasons import NOT_RAW, VALID
from app.law.ruleset import Ruleset
from app.ledger.entries import SALT_BYTES, Entry, EntryType, StoredFinding, merkle_root
from app.matching.queries import districts_in_use

Result = TypeVar("Result")
Act = Callable[[Change], Awaitable[Result]]
"""What to do in a transaction."""
Facts = Mapping[str, object] | None

ATTEMPTS: Final = 8
"""How often a transaction is tried: each lost race is lost to another transaction's commit, so a few are plenty."""


class ChangedMeanwhileError(Exception):
    """Another transaction changed a line between our reading and our lock: the caller starts again."""


class RulesetChangedError(ChangedMeanwhileError):
    """Another ruleset is in force than this process thought: the caller starts again with it."""

    def __init__(self, ruleset: Ruleset) -> None:
        """Keep the one in force."""
        super().__init__()
        self.ruleset = ruleset


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A request about a petition. It is recognized by principal, key and fingerprint when it is repeated."""

    petition: Petition
    principal: str
    key: str | None  # the Idempotency-Key
    fingerprint: bytes  # SHA-256 of the request's meaning
    now: datetime  # goes on record


StoredAnswer = tuple[dict[str, Any], bool]
"""The answer to a request as plain JSON data, and whether it was stored when the same request came before."""


class Count:
    """The counts as one process reads and changes them."""

    def __init__(self, database: Database) -> None:
        """Work on `database`."""
        self.database = database
        self.tallies = TallyBoard(database)
        self._rulesets: dict[PetitionKey, Ruleset] = {}  # that were put into force after their petitions were read

    @asynccontextmanager
    async def change(self, connection: asyncpg.Connection, petition: Petition, now: datetime) -> AsyncIterator[Change]:
        """A transaction that may change the count. The tally that it leaves is published before the caller is answered.

        If the commit fails, it may have taken effect all the same: then the tally is read anew.
        """
        change = Change(connection, self.up_to_date(petition), now)
        before_commit, committed = None, False
        try:
            async with connection.transaction():
                yield change
                before_commit = get_running_loop().time()  # the head is still locked: this tally is the newest
            committed = True
        except RulesetChangedError as error:
            self._rulesets[petition.key] = error.ruleset
            raise
        finally:
            if change.tally and before_commit is not None:
                if committed:
                    self.tallies.publish(petition.key, change.tally, before_commit)
                else:
                    self.tallies.invalidate(petition.key)

    def up_to_date(self, petition: Petition) -> Petition:
        """The petition with the ruleset in force, as far as this process knows."""
        known = self._rulesets.get(petition.key)
        return replace(petition, ruleset=known) if known else petition

    async def attempt(self, petition: Petition, act: Act[Result], *, now: datetime) -> Result:
        """Run `act` in one transaction; run it again from the start if another transaction changed the same lines.

        Raises BusyError if others were faster, again and again, and what `act` refuses; nothing is changed then.
        """
        for _ in range(ATTEMPTS):
            with suppress(ChangedMeanwhileError):
                async with self.database.intake() as connection, self.change(connection, petition, now) as change:
                    return await act(change)
        raise BusyError

    async def once(
        self,
        request: WriteRequest,
        act: Act[Result],
        answer: Callable[[Result], dict[str, Any]],
        before_commit: Callable[[Change, dict[str, Any]], Awaitable[None]],
    ) -> StoredAnswer:
        """Carry a request out in one transaction, and store its answer with what it changed.

        Args:
            request: by which it is recognized again.
            act: what to do.
            answer: a pure function that makes JSON data of the result of `act`.
            before_commit: called with each answer, new or stored; what it raises undoes all.

        Raises IdempotencyConflictError if the key was used before with other content, and what `attempt` raises.
        """
        key, petition = request.key, request.petition

        async def carry_out(change: Change) -> StoredAnswer:
            if key is None:
                return answer(await act(change)), False
            stored = await rows.stored_answers(change.connection, petition.key, [(request.principal, key)])
            for fingerprint, text in stored.values():
                if fingerprint != request.fingerprint:
                    raise IdempotencyConflictError
                if text.startswith("{"):
                    return json.loads(text), True
                status, _, body = text.partition(" ")  # in the earlier format
                return {"status": int(status), "body": json.loads(body)}, True
            content = answer(await act(change))
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
            if not await rows.store_answers(change, [(request.principal, key, request.fingerprint, text)]):
                raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer counts
            return content, False

        async def carry_out_and_show(change: Change) -> StoredAnswer:
            stored = await carry_out(change)
            await before_commit(change, stored[0])
            return stored

        return await self.attempt(petition, carry_out_and_show, now=request.now)

    async def open_petition(self, terms: Terms, *, opened_by: str, now: datetime) -> Petition:
        """Open a petition, with its head and the ledger's first entry; a new county is created.

        Raises InvalidPetitionError if the terms contradict each other or the law, and CountyCodeError.
        """
        async with self.database.reading() as connection:
            ruleset = await ruleset_of(connection, terms)
            required = terms.required or ruleset.required_signatures(terms.registered_voters or 0)
            values = asdict(terms) | {"required": required, "ruleset_name": ruleset.name, "ruleset": ruleset}
            petition = Petition(**values, petition_id=new_id(now), state="open", created_at=now)
            check_terms(petition)
            check_district(petition, await districts_in_use(connection, petition.county_id))
            sealed = await parameters_sha256(connection, ruleset.name)
            await add_county(connection, petition.county_id)
        async with self.database.begin() as connection:
            await add_petition(connection, petition, opened_by)
            raw = (await connection.get_raw_connection()).driver_connection
            await write(Change(raw, petition, now), "open", [], facts=petition.facts() | {"ruleset_sha256": sealed})
        return petition


async def record(
    change: Change, entry_type: EntryType, findings: list[Finding], *, voters: Iterable[str] = (), facts: Facts = None
) -> dict[Place, Line]:
    """Put findings on record, and decide the other lines of the same voters again. Returns every line that changed.

    The locks are taken in one order everywhere: slots by voter, lines by place, the head last, so that no two
    transactions wait for each other. Which line counts is computed from the set of the voter's lines under the slot's
    lock, never adjusted step by step, so every kind of change has the same succession.

    Args:
        change: the transaction.
        entry_type: of the ledger's entry.
        findings: at most one for each place.
        voters: whose lines are decided again besides those of the findings, since their withdrawal changed.
        facts: go into the ledger's payload, free of personal data.

    Raises ChangedMeanwhileError if a line is not as it was read, and what `write` raises.
    """
    named = {finding.voter_id for finding in findings if finding.outcome == VALID and finding.voter_id}
    read = {finding.place: finding.before for finding in findings if finding.before}
    left = {line.voter_id for line in read.values() if line.outcome.eligible and line.voter_id}
    affected = sorted({*voters, *named, *left})
    withdrawn = await rows.lock_slots(change, affected) if affected else {}
    locked = await rows.lock_lines(change, read, withdrawn) if read or withdrawn else {}
    if any(locked.get(place) != line for place, line in read.items()):
        raise ChangedMeanwhileError
    rivals = [line for place, line in locked.items() if place not in read]
    gone = frozenset(voter for voter, day in withdrawn.items() if day)
    return await write(change, entry_type, resolve(findings, rivals, gone, change.petition.ruleset), facts=facts)


def resolve(
    findings: Sequence[Finding], rivals: Sequence[Line], withdrawn: frozenset[str], ruleset: Ruleset
) -> list[tuple[Finding, Line]]:
    """The findings, and one for every rival whose slot now decides otherwise, each with the line as it leaves it.

    Args:
        findings: what a transaction finds.
        rivals: the other eligible lines of the voters concerned.
        withdrawn: which of these voters withdrew.
        ruleset: of the petition.
    """
    every = [*findings, *map(restated, rivals)]
    eligible: dict[str, list[Place]] = {}
    for finding in every:
        if finding.outcome == VALID and finding.voter_id:
            eligible.setdefault(finding.voter_id, []).append(finding.place)
    by_slot = outcomes_by_slot(eligible, withdrawn)
    decided = []
    for number, finding in enumerate(every):
        line, before = line_after(finding, by_slot.get(finding.place), ruleset), finding.before
        if number >= len(findings) and before and (line.outcome, line.settled) == (before.outcome, before.settled):
            continue  # a rival that stays as it is
        counted = min(eligible[finding.voter_id or ""]) if line.outcome.reason == "duplicate" else None
        decided.append((finding._replace(counted_place=counted) if counted else finding, line))
    return decided


async def write(
    change: Change, entry_type: EntryType, decided: Sequence[tuple[Finding, Line]], *, facts: Facts = None
) -> dict[Place, Line]:
    """Write the lines, their findings, one ledger entry and the tally under the head's lock. Returns the lines.

    Raises PetitionClosedError if the count has ended, RawCountFrozenError if the raw count would change and must not,
    UnknownPetitionError, and RulesetChangedError.

    Args:
        change: the transaction; it holds the slots and the lines.
        entry_type: of the ledger's entry.
        decided: findings, each with the line as it leaves it.
        facts: go into the ledger's payload, free of personal data.
    """
    head = await rows.lock_head(change)
    if head is None:
        raise UnknownPetitionError
    if (head.state == "open") == (entry_type == "retention"):  # after the end only retention is allowed
        raise PetitionClosedError
    await _check_ruleset(change, head.ruleset)
    if head.raw_count == "frozen" and any(_moves_raw_count(finding.before, line) for finding, line in decided):
        raise RawCountFrozenError
    version, at = head.version + 1, change.now.isoformat()
    lines = [line._replace(version=version) for _, line in decided]
    counted = {old.place: old.voter_id for finding, _ in decided if (old := finding.before) and old.outcome == VALID}
    stay = {line.place: line.voter_id for line in lines if line.outcome == VALID}
    if stepping_down := sorted(place for place, _ in counted.items() - stay.items()):
        await rows.step_down(change, stepping_down)
    await rows.write_lines(change, version, lines)
    shared = {"decided_at": at, "ruleset": head.ruleset}
    contents = [finding_content(finding, line, shared) for finding, line in decided]
    stored = [
        StoredFinding(line.place, line.finding_no, version, number, secrets.token_bytes(SALT_BYTES), content)
        for number, (line, content) in enumerate(zip(lines, contents, strict=True))
    ]
    await rows.write_findings(change, version, stored, [finding.place for finding, _ in decided if finding.held])
    counts = head.counts.moved((finding.before, line) for finding, line in decided)
    payload = {"at": at, "leaves": len(lines), "tally": counts.as_json(), **(facts or {})}
    leaves = [finding.leaf_hash() for finding in stored]
    entry = Entry(version, entry_type, merkle_root(leaves), b"".join(leaves), canonical_text(payload)).after(head.hash)
    state = "closed" if entry_type == "close" else head.state
    tally = head._replace(version=version, as_of=change.now, state=state, counts=counts, hash=entry.hash)
    tally = tally._replace(raw_count=change.raw_count or head.raw_count)
    new = [finding.place for finding, _ in decided if finding.before is None]
    change.tally = await rows.append_entry(change, entry, tally, new)
    return {line.place: line for line in lines}


def _moves_raw_count(before: Line | None, after: Line) -> bool:
    """Whether a line is new, or enters or leaves the raw count."""
    return before is None or (before.outcome.status in NOT_RAW) != (after.outcome.status in NOT_RAW)


async def check_in_force(change: Change) -> None:
    """Raise RulesetChangedError if another ruleset is in force than this transaction takes for it."""
    await _check_ruleset(change, await rows.ruleset_in_force(change))


async def _check_ruleset(change: Change, in_force: str) -> None:
    if in_force != change.petition.ruleset.name:
        ruleset = await find_ruleset(change.connection, change.petition.county_id, in_force)
        raise RulesetChangedError(ruleset or change.petition.ruleset)


def _where_given(finding: Finding) -> dict[str, object]:
    """What is absent from the content of most findings, so that earlier ones read the same."""
    data = finding.by_data and {"status": finding.by_data[0].status, "reason": finding.by_data[0].reason}
    given = {
        "against_data": finding.against_data,
        "by_data": data and data | {"voter_id": finding.by_data and finding.by_data[1]},
        "comparison": finding.comparison and finding.comparison._asdict(),
        "looked_at": finding.looked_at,
        "searches": finding.searches,
        "uncompared": finding.uncompared,
    }
    return {name: value for name, value in given.items() if value}


def finding_content(finding: Finding, line: Line, shared: Mapping[str, str]) -> str:
    """The canonical JSON of a finding: what is stored, shown as evidence, and hashed into the ledger.

    `line` is as the finding leaves it; `shared` has the facts that all findings of a transaction share. The evidence,
    most of the text, is canonical JSON already, and is put in as it is.
    """
    content = {
        "confirmed_by": line.confirmed_by,
        "counted_place": str(finding.counted_place) if finding.counted_place else None,
        "decided_by": finding.decided_by,
        "evidence": None,
        "finding_no": line.finding_no,
        "mismatch_by": line.mismatch_by,
        "note": finding.note,
        "person": finding.person,
        "place": str(line.place),
        "reason": line.outcome.reason,
        "reason_open": finding.reason_open,
        "registration_no": finding.registration_no,
        "roll_version": finding.roll_version,
        "secondary": finding.secondary,
        "settled": line.settled,
        "status": line.outcome.status,
        "voter_id": line.voter_id,
        "writing_sha256": finding.writing_sha256.hex() or None,
        **shared,
        **(_where_given(finding) if finding.before else {}),
    }
    text = canonical_text(content)
    # No other part of it can look like the one that is replaced: in a text the quotes are escaped.
    return text.replace(',"evidence":null,', f',"evidence":{finding.evidence},', 1) if finding.evidence else text
