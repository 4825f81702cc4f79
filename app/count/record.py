"""The one way in which the count changes: slots, lines, findings, ledger and head, in one transaction."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from app.count import queries as rows
from app.count.change import Change, ChangedMeanwhileError
from app.errors import PetitionClosedError, UnknownPetitionError
from app.law.canonical import canonical_text
from app.law.line import Finding, Line, Place, line_after, outcomes_by_slot, restated
from app.law.reasons import VALID
from app.law.ruleset import Ruleset
from app.law.tally import Tally
from app.ledger.entries import SALT_BYTES, EntryType, StoredFinding, next_entry


async def record(
    change: Change,
    entry_type: EntryType,
    findings: Sequence[Finding],
    *,
    voters: Collection[str] = (),
    facts: Mapping[str, object] | None = None,
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

    Raises:
        ChangedMeanwhileError: a line is not as it was read.
        PetitionClosedError: the count has ended.
        UnknownPetitionError: there is no such petition.
    """
    connection, petition = change.connection, change.petition
    affected = sorted({*voters, *(voter for finding in findings for voter in _voters(finding))})
    withdrawn = await rows.lock_slots(connection, petition.key, affected) if affected else {}
    read = {finding.place: finding.before for finding in findings if finding.before}
    locked = await rows.lock_lines(connection, petition.key, read, withdrawn) if read or withdrawn else {}
    if any(locked.get(place) != line for place, line in read.items()):
        raise ChangedMeanwhileError
    rivals = [line for place, line in locked.items() if place not in read]
    gone = frozenset(voter for voter, day in withdrawn.items() if day)
    return await write(change, entry_type, resolve(findings, rivals, gone, petition.ruleset), facts=facts)


def _voters(finding: Finding) -> Iterable[str]:
    """The voters whose slot a finding affects: the one that it names, and the one the line was eligible for before."""
    if finding.outcome == VALID and finding.voter_id:
        yield finding.voter_id
    if finding.before and finding.before.outcome.eligible and finding.before.voter_id:
        yield finding.before.voter_id


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
        decided.append((replace(finding, counted_place=counted) if counted else finding, line))
    return decided


async def write(
    change: Change,
    entry_type: EntryType,
    decided: Sequence[tuple[Finding, Line]],
    *,
    facts: Mapping[str, object] | None = None,
    close: bool = False,
) -> dict[Place, Line]:
    """Write the lines, their findings, one ledger entry and the tally under the head's lock. Returns the lines.

    Args:
        change: the transaction; it holds the slots and the lines.
        entry_type: of the ledger's entry.
        decided: findings, each with the line as it leaves it.
        facts: go into the ledger's payload, free of personal data.
        close: whether this ends the count.

    Raises:
        PetitionClosedError: the count has ended.
        UnknownPetitionError: there is no such petition.
    """
    connection, petition = change.connection, change.petition
    head = await rows.lock_head(connection, petition.key)
    if head is None:
        raise UnknownPetitionError
    if (head.state == "open") == (entry_type == "retention"):  # after the end only retention is allowed
        raise PetitionClosedError
    version, at = head.version + 1, change.now.isoformat()
    lines = [replace(line, version=version) for _, line in decided]
    if stepping_down := [line.place for finding, line in decided if _stops_counting(finding.before, line)]:
        await rows.step_down(connection, petition.key, stepping_down)
    await rows.write_lines(connection, petition.key, lines, [petition.ruleset.people_needed(i.outcome) for i in lines])
    salts = [secrets.token_bytes(SALT_BYTES) for _ in lines]
    contents = [finding_content(finding, line, petition.ruleset_name, at) for finding, line in decided]
    stored = [
        StoredFinding(line.place, line.finding_no, version, number, salt, content)
        for number, (line, salt, content) in enumerate(zip(lines, salts, contents, strict=True))
    ]
    await rows.write_findings(connection, petition.key, stored)
    counts = head.counts.moved((finding.before, line) for finding, line in decided)
    payload = {"at": at, "leaves": len(lines), "tally": counts.as_json(), **(facts or {})}
    change.tally = Tally(version, change.now, "closed" if close else head.state, counts)
    await rows.append_entry(connection, petition.key, next_entry(head, entry_type, stored, payload), change.tally)
    return {line.place: line for line in lines}


def _stops_counting(before: Line | None, after: Line) -> bool:
    """Whether a line counted and now does not, or counts for another voter."""
    if before is None or before.outcome != VALID:
        return False
    return (after.outcome, after.voter_id) != (before.outcome, before.voter_id)


def finding_content(finding: Finding, line: Line, ruleset: str, decided_at: str) -> str:
    """The canonical JSON of a finding: what is stored, shown as evidence, and hashed into the ledger.

    The evidence, most of it, is canonical JSON already: it is put between the keys before and after it in the order.
    """
    head: dict[str, object] = {
        "confirmed_by": line.confirmed_by,
        "counted_place": str(finding.counted_place) if finding.counted_place else None,
        "decided_at": decided_at,
        "decided_by": finding.decided_by,
    }
    tail: dict[str, object] = {
        "finding_no": line.finding_no,
        "mismatch_by": line.mismatch_by,
        "note": finding.note,
        "person": finding.person,
        "place": str(line.place),
        "reason": line.outcome.reason,
        "reason_open": finding.reason_open,
        "registration_no": finding.registration_no,
        "roll_version": finding.roll_version,
        "ruleset": ruleset,
        "secondary": finding.secondary,
        "settled": line.settled,
        "status": line.outcome.status,
        "voter_id": line.voter_id,
        "writing_sha256": finding.writing_sha256.hex() or None,
    }
    return f'{canonical_text(head)[:-1]},"evidence":{finding.evidence or "null"},{canonical_text(tail)[1:]}'
