"""Recording that a voter withdrew, and taking back what was recorded by mistake."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from app.count.queries import lock_slots
from app.count.record import record
from app.database.ids import new_id
from app.errors import UnknownWithdrawalError, WithdrawalRefusedError
from app.examination import queries as rows
from app.examination.findings import roll_with_voter
from app.law.line import Line
from app.law.petition import Petition
from app.law.withdrawal import Revocation, Withdrawal, check_received
from app.ledger.entries import SALT_BYTES, leaf_hash


@dataclass(frozen=True, slots=True)
class WithdrawalDone:
    """A withdrawal as it holds now, the lines that it moved, and whether anything changed."""

    read: rows.WithdrawalRead
    lines: Collection[Line] = ()
    changed: bool = True


async def withdraw(
    connection: asyncpg.Connection,
    petition: Petition,
    voter_id: str,
    received_on: date,
    *,
    by: str,
    note: str,
    now: datetime,
) -> WithdrawalDone:
    """Record a voter's withdrawal: none of the voter's lines counts, neither those handed in nor those to come.

    Within the caller's transaction. A voter who is withdrawn already stays so: nothing changes.

    Raises:
        WithdrawalRefusedError: it was received on the day of filing or later (EC 11303).
        UnknownVoterError: the active roll has no such voter.
        PetitionClosedError
    """
    check_received(received_on, filed_on=petition.filed_on, today=now.date())
    await roll_with_voter(connection, petition.county_id, voter_id)
    await lock_slots(connection, petition.key, [voter_id])
    holding = await rows.holding_withdrawal(connection, petition.key, voter_id)
    if holding:
        return WithdrawalDone(holding, changed=False)
    new, salt = Withdrawal(new_id(now), voter_id, received_on, by, now, note), secrets.token_bytes(SALT_BYTES)
    await rows.add_withdrawal(connection, petition.key, new, salt)
    await rows.set_withdrawn(connection, petition.key, voter_id, received_on)
    facts = {"withdrawal": leaf_hash(salt, new.content().encode()).hex()}
    recorded = await record(connection, petition, "withdrawal", [], voters=[voter_id], now=now, facts=facts)
    return WithdrawalDone(rows.WithdrawalRead(new, None), recorded.lines.values())


async def revoke_withdrawal(
    connection: asyncpg.Connection, petition: Petition, withdrawal_id: UUID, *, by: str, note: str, now: datetime
) -> WithdrawalDone:
    """Take back a withdrawal that was recorded by mistake: the voter's lowest good line counts again.

    Within the caller's transaction. One that was taken back already stays so. Both records are kept.

    Raises:
        UnknownWithdrawalError, PetitionClosedError
        WithdrawalRefusedError: the note says nothing.
    """
    if not note.strip():
        raise WithdrawalRefusedError("say in the note why the withdrawal is taken back")
    read = await rows.get_withdrawal(connection, petition.key, withdrawal_id)
    if read is None:
        raise UnknownWithdrawalError
    voter_id = read.withdrawal.voter_id
    await lock_slots(connection, petition.key, [voter_id])
    holding = await rows.holding_withdrawal(connection, petition.key, voter_id)
    if holding is None or holding.withdrawal.withdrawal_id != withdrawal_id:
        again = await rows.get_withdrawal(connection, petition.key, withdrawal_id)
        return WithdrawalDone(again or read, changed=False)
    new, salt = Revocation(withdrawal_id, by, now, note), secrets.token_bytes(SALT_BYTES)
    await rows.add_revocation(connection, petition.key, new, salt)
    await rows.set_withdrawn(connection, petition.key, voter_id, None)
    facts = {"revocation": leaf_hash(salt, new.content().encode()).hex()}
    recorded = await record(connection, petition, "withdrawal", [], voters=[voter_id], now=now, facts=facts)
    return WithdrawalDone(rows.WithdrawalRead(read.withdrawal, new), recorded.lines.values())
