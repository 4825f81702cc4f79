"""Withdrawals and their revocations, appended; what holds of them now stands in the voter's slot."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.domain.withdrawal import Revocation, Withdrawal

_WITHDRAWAL = """
SELECT w.withdrawal_id, w.voter_id, w.received_on, w.recorded_by, w.recorded_at, w.note,
       r.revoked_by, r.revoked_at, r.note AS revoked_note
FROM withdrawal w LEFT JOIN withdrawal_revocation r USING (county_id, petition_id, withdrawal_id)
WHERE county_id = $1 AND petition_id = $2
"""

# The one that holds for a voter, riding withdrawal_voter. Asked under the slot's lock, so there is at most one.
_HOLDING = f"{_WITHDRAWAL} AND w.voter_id = $3 AND r.withdrawal_id IS NULL"

# One, by the primary key.
_ONE = f"{_WITHDRAWAL} AND withdrawal_id = $3"

# A page in the order of recording, which is the order of the ids, by the primary key.
_PAGE = f"{_WITHDRAWAL} AND ($3::uuid IS NULL OR withdrawal_id > $3) ORDER BY withdrawal_id LIMIT $4"

_ADD = """
INSERT INTO withdrawal (county_id, petition_id, withdrawal_id, voter_id, received_on, recorded_by, recorded_at, note,
                        salt, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

_REVOKE = """
INSERT INTO withdrawal_revocation (county_id, petition_id, withdrawal_id, revoked_by, revoked_at, note, salt, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_SET_SLOT = "UPDATE slot SET withdrawn_on = $4 WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3"


class WithdrawalRead(NamedTuple):
    """A withdrawal, and its revocation where it was recorded by mistake."""

    withdrawal: Withdrawal
    revocation: Revocation | None


def _read(row: asyncpg.Record) -> WithdrawalRead:
    withdrawal = Withdrawal(
        row["withdrawal_id"],
        row["voter_id"],
        row["received_on"],
        row["recorded_by"],
        row["recorded_at"],
        row["note"],
    )
    revoked = Revocation(row["withdrawal_id"], row["revoked_by"], row["revoked_at"], row["revoked_note"])
    return WithdrawalRead(withdrawal, revoked if revoked.revoked_by else None)


async def holding_withdrawal(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, voter_id: str
) -> WithdrawalRead | None:
    """The voter's withdrawal that was not revoked; None without one."""
    row = await connection.fetchrow(_HOLDING, county_id, petition_id, voter_id)
    return row and _read(row)


async def get_withdrawal(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, withdrawal_id: UUID
) -> WithdrawalRead | None:
    """One withdrawal of a petition."""
    row = await connection.fetchrow(_ONE, county_id, petition_id, withdrawal_id)
    return row and _read(row)


async def page_of_withdrawals(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, *, after: UUID | None, limit: int
) -> list[WithdrawalRead]:
    """Up to `limit` withdrawals behind `after`, the oldest first."""
    return [_read(row) for row in await connection.fetch(_PAGE, county_id, petition_id, after, limit)]


async def add_withdrawal(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, new: Withdrawal, salt: bytes
) -> None:
    """Append a withdrawal."""
    await connection.execute(
        _ADD,
        county_id,
        petition_id,
        new.withdrawal_id,
        new.voter_id,
        new.received_on,
        new.recorded_by,
        new.recorded_at,
        new.note,
        salt,
        new.content(),
    )


async def add_revocation(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, new: Revocation, salt: bytes
) -> None:
    """Append a revocation."""
    await connection.execute(
        _REVOKE,
        county_id,
        petition_id,
        new.withdrawal_id,
        new.revoked_by,
        new.revoked_at,
        new.note,
        salt,
        new.content(),
    )


async def set_withdrawn(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, voter_id: str, received_on: date | None
) -> None:
    """Say in the voter's slot, which the transaction holds, since when the voter is withdrawn; None: is not."""
    await connection.execute(_SET_SLOT, county_id, petition_id, voter_id, received_on)
