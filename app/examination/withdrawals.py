"""Recording that a voter withdrew, and taking back what was recorded by mistake."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.count.change import Change
from app.count.queries import lock_slots
from app.count.record import record
from app.database.ids import new_id
from app.errors import UnknownWithdrawalError, WithdrawalRefusedError
from app.examination import queries as rows
from app.examination.findings import roll_with_voter
from app.law.line import Line
from app.law.withdrawal import Revocation, Withdrawal, check_received
from app.ledger.entries import SALT_BYTES, leaf_hash


@dataclass(frozen=True, slots=True)
class WithdrawalDone:
    """A withdrawal as it holds now, the lines that changed, and whether the request changed anything."""

    read: rows.WithdrawalRead
    lines: Collection[Line] = ()
    changed: bool = True


async def withdraw(change: Change, voter_id: str, received_on: date, *, by: str, note: str) -> WithdrawalDone:
    """Record a voter's withdrawal: none of the voter's lines counts, neither those handed in nor those to come.

    A voter who is withdrawn already stays so: nothing changes.

    Args:
        change: the transaction.
        voter_id: who withdrew.
        received_on: when the written request was received.
        by: who records it.
        note: goes on record.

    Raises:
        WithdrawalRefusedError: it was received on the day of filing or later (EC 11303).
        UnknownVoterError: the active roll has no such voter.
        PetitionClosedError: the count has ended.
    """
    connection, key = change.connection, change.petition.key
    check_received(received_on, filed_on=change.petition.filed_on, today=change.now.date())
    await roll_with_voter(connection, key.county_id, voter_id)
    await lock_slots(connection, key, [voter_id])
    holding = await rows.holding_withdrawal(connection, key, voter_id)
    if holding:
        return WithdrawalDone(holding, changed=False)
    new = Withdrawal(new_id(change.now), voter_id, received_on, by, change.now, note)
    salt = secrets.token_bytes(SALT_BYTES)
    await rows.add_withdrawal(connection, key, new, salt)
    await rows.set_withdrawn(connection, key, voter_id, received_on)
    facts = {"withdrawal": leaf_hash(salt, new.content().encode()).hex()}
    lines = await record(change, "withdrawal", [], voters=[voter_id], facts=facts)
    return WithdrawalDone(rows.WithdrawalRead(new, None), lines.values())


async def revoke_withdrawal(change: Change, withdrawal_id: UUID, *, by: str, note: str) -> WithdrawalDone:
    """Take back a withdrawal that was recorded by mistake: the voter's lowest good line counts again.

    One that was taken back already stays so. Both records are kept.

    Raises:
        UnknownWithdrawalError: the petition has no such withdrawal.
        WithdrawalRefusedError: the note is empty.
        PetitionClosedError: the count has ended.
    """
    if not note.strip():
        raise WithdrawalRefusedError("say in the note why the withdrawal is taken back")
    connection, key = change.connection, change.petition.key
    read = await rows.get_withdrawal(connection, key, withdrawal_id)
    if read is None:
        raise UnknownWithdrawalError
    voter_id = read.withdrawal.voter_id
    await lock_slots(connection, key, [voter_id])
    holding = await rows.holding_withdrawal(connection, key, voter_id)
    if holding is None or holding.withdrawal.withdrawal_id != withdrawal_id:
        again = await rows.get_withdrawal(connection, key, withdrawal_id)
        return WithdrawalDone(again or read, changed=False)
    new, salt = Revocation(withdrawal_id, by, change.now, note), secrets.token_bytes(SALT_BYTES)
    await rows.add_revocation(connection, key, new, salt)
    await rows.set_withdrawn(connection, key, voter_id, None)
    facts = {"revocation": leaf_hash(salt, new.content().encode()).hex()}
    lines = await record(change, "withdrawal", [], voters=[voter_id], facts=facts)
    return WithdrawalDone(rows.WithdrawalRead(read.withdrawal, new), lines.values())
