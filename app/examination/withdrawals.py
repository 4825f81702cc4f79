"""Recording that a voter withdrew, and revoking what was recorded by mistake. Both raise what `record` raises."""

import secrets
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from app.count.queries import lock_slots
from app.count.record import Change, record
from app.database.tables import new_id
from app.errors import UnknownWithdrawalError, WithdrawalRefusedError
from app.examination import queries as rows
from app.examination.findings import check_voter
from app.law.line import Line, Place
from app.law.withdrawal import Revocation, Withdrawal, check_received
from app.ledger.entries import SALT_BYTES, leaf_hash

Changed = tuple[Withdrawal, Mapping[Place, Line] | None]
"""A withdrawal, and the lines that changed with it; None if it was recorded like this before."""


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
    await lock_slots(connection, key, [voter_id])
    if held := await rows.withdrawal_in_force(connection, key, voter_id):
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
        raise WithdrawalRefusedError("say in the note why the withdrawal is revoked")
    connection, key = change.connection, change.petition.key
    held = await rows.get_withdrawal(connection, key, withdrawal_id)
    if held is None:
        raise UnknownWithdrawalError
    await lock_slots(connection, key, [held.voter_id])
    # Read again under the slot's lock: another supervisor may have revoked it just now.
    held = await rows.get_withdrawal(connection, key, withdrawal_id) or held
    if held.revocation:
        return held, None
    return await _put_on_record(change, held._replace(revocation=Revocation(withdrawal_id, by, change.now, note)))


async def _put_on_record(change: Change, withdrawal: Withdrawal) -> Changed:
    """Append a withdrawal, or the revocation that it has now, and decide the voter's lines again."""
    salt = secrets.token_bytes(SALT_BYTES)
    content = await rows.add_withdrawal(change, withdrawal, salt)
    facts = {"revocation" if withdrawal.revocation else "withdrawal": leaf_hash(salt, content.encode()).hex()}
    return withdrawal, await record(change, "withdrawal", [], voters=[withdrawal.voter_id], facts=facts)
