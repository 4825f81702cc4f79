"""What a person decides: findings on lines, and withdrawals of voters. Each raises what `record` raises besides."""

import secrets
from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from asyncpg import Connection

from app import errors
from app.access.principals import Principal
from app.count.line_queries import LineRead, read_line, read_lines
from app.count.queries import Change, lock_slots
from app.count.record import record
from app.database.tables import new_id
from app.examination import queries as rows
from app.law.line import Finding, Line, Place
from app.law.petition import Revocation, Withdrawal, check_received
from app.law.review import PersonFinding, judge
from app.ledger.entries import SALT_BYTES, leaf_hash
from app.matching.queries import SearchedRoll
from app.roll.queries import get_roll, registrations_of_voters

Changed = tuple[Withdrawal, Mapping[Place, Line] | None]
"""A withdrawal, and the lines that changed with it; None if it was recorded like this before."""


async def decide_by_person(
    change: Change, said: Mapping[Place, PersonFinding], *, who: Principal
) -> dict[Place, Line | errors.RecallError]:
    """Record a person's findings on several lines. Returns each line as it is afterwards, or why it was refused.

    A refused finding (UnknownLineError, UnknownVoterError, FindingRefusedError, SupervisorNeededError) never fails
    another one.
    """
    reads = await read_lines(change.connection, change.petition.key, said)
    named = {  # the voters whose lines these were not yet found to be
        place: voter_id
        for place, read in reads.items()
        if (voter_id := said[place].voter_id) and voter_id != read.line.voter_id
    }
    roll_version, known = await _known_voters(change.connection, change.petition.county_id, named.values())
    results: dict[Place, Line | errors.RecallError] = {}
    findings: list[Finding] = []
    for place in sorted(said):
        try:
            if place not in reads:
                raise errors.UnknownLineError
            finding = judge(reads[place].line, said[place], who, change.petition.ruleset)
            if finding and place in named:
                if named[place] not in known:
                    raise errors.UnknownVoterError
                finding = finding._replace(roll_version=roll_version)
        except errors.RecallError as error:
            results[place] = error
            continue
        results[place] = reads[place].line
        if finding:
            findings.append(finding._replace(writing_sha256=reads[place].signature.sha256))
    lines = await record(change, "finding", findings) if findings else {}
    return results | {finding.place: lines[finding.place] for finding in findings}


async def decide_line(change: Change, place: Place, said: PersonFinding, *, who: Principal) -> tuple[LineRead, bool]:
    """Record a person's finding on one line. Returns the line as it is afterwards, and whether it changed.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        said: what the person decided.
        who: the person, whose role decides what is allowed.

    Raises:
        UnknownLineError: there is no signature at this place.
        RecallError: what `decide_by_person` refuses.
    """
    result = (await decide_by_person(change, {place: said}, who=who))[place]
    if isinstance(result, errors.RecallError):
        raise result
    return await read_line(change.connection, change.petition.key, place), change.tally is not None


async def withdraw(change: Change, voter_id: str, received_on: date, *, by: str, note: str) -> Changed:
    """Record a voter's withdrawal: none of the voter's lines counts, neither those submitted nor those to come.

    A voter who has withdrawn already stays so: nothing changes.

    Args:
        change: the transaction.
        voter_id: who withdrew.
        received_on: when the written request was received.
        by: who records it.
        note: is recorded.

    Raises:
        WithdrawalRefusedError: it was received on the day of filing or later (EC 11303).
        UnknownVoterError: the active roll has no such voter.
    """
    connection, key = change.connection, change.petition.key
    check_received(received_on, filed_on=change.petition.filed_on, today=change.now.date())
    await check_voter(connection, key.county_id, voter_id)
    await lock_slots(change, [voter_id])
    if held := await rows.find_withdrawal(connection, rows.IN_FORCE, *key, voter_id):
        return held, None
    return await _put_on_record(change, Withdrawal(new_id(change.now), voter_id, received_on, by, change.now, note))


async def revoke_withdrawal(change: Change, withdrawal_id: UUID, *, by: str, note: str) -> Changed:
    """Revoke a withdrawal that was recorded by mistake: the voter's lowest eligible line counts again.

    A withdrawal that was revoked already stays so. Both records are kept.

    Args:
        change: the transaction, its petition and the time.
        withdrawal_id: the withdrawal to revoke.
        by: the user who revokes it; goes on record.
        note: why; not empty.

    Raises:
        UnknownWithdrawalError: the petition has no such withdrawal.
        WithdrawalRefusedError: the note is empty.
    """
    if not note.strip():
        raise errors.WithdrawalRefusedError("say in the note why the withdrawal is revoked")
    connection, key = change.connection, change.petition.key
    held = await rows.find_withdrawal(connection, rows.BY_ID, *key, withdrawal_id)
    if held is None:
        raise errors.UnknownWithdrawalError
    await lock_slots(change, [held.voter_id])
    # Read again under the slot's lock: another supervisor may have revoked it just now.
    held = await rows.find_withdrawal(connection, rows.BY_ID, *key, withdrawal_id) or held
    if held.revocation:
        return held, None
    return await _put_on_record(change, held._replace(revocation=Revocation(withdrawal_id, by, change.now, note)))


async def _put_on_record(change: Change, withdrawal: Withdrawal) -> Changed:
    """Append a withdrawal, or the revocation that it has now, and decide the voter's lines again."""
    salt = secrets.token_bytes(SALT_BYTES)
    content = await rows.add_withdrawal(change, withdrawal, salt)
    facts = {"revocation" if withdrawal.revocation else "withdrawal": leaf_hash(salt, content.encode()).hex()}
    return withdrawal, await record(change, "withdrawal", [], voters=[withdrawal.voter_id], facts=facts)


async def check_voter(connection: Connection, county_id: str, voter_id: str) -> None:
    """Raise UnknownVoterError if there is no active roll, or it has no voter of this number."""
    _, known = await _known_voters(connection, county_id, [voter_id])
    if voter_id not in known:
        raise errors.UnknownVoterError


async def _known_voters(connection: Connection, county_id: str, voters: Collection[str]) -> tuple[int | None, set[str]]:
    """The active roll's version, and which of these voters it has."""
    roll = await get_roll(connection, county_id) if voters else None
    if roll is None:
        return None, set()
    searched = SearchedRoll(connection, county_id, roll.roll_version)
    found = await registrations_of_voters(searched, sorted(set(voters)))
    return roll.roll_version, {registration.voter_id for registration in found}
