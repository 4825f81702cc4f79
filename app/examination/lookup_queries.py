"""SQL of the record of voter lookups and of the daily budget."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

# One lookup less for the day. The row's lock, held to the end of the transaction, makes the lookups of one principal
# take turns, so that no two of them take the last one. No row comes back where none is left. Rides the primary key.
_TAKE = """
INSERT INTO lookup_budget AS b (county_id, principal, day, used) VALUES ($1, $2, $3, 1)
ON CONFLICT (county_id, principal, day) DO UPDATE SET used = b.used + 1 WHERE b.used < $4
RETURNING used
"""

_ADD = """
INSERT INTO lookup_audit (county_id, lookup_id, principal, role, kind, roll_version, candidates, confidential,
                          looked_up_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


class Lookup(NamedTuple):
    """A lookup as it is recorded: who, when and how much was shown, never who was looked for."""

    lookup_id: UUID
    principal: str
    role: str
    kind: str
    roll_version: int
    candidates: int
    confidential: bool
    looked_up_at: datetime


async def take_lookup(connection: asyncpg.Connection, county_id: str, principal: str, day: date, most: int) -> bool:
    """Take one of the principal's `most` lookups of a day; False where none is left."""
    return await connection.fetchval(_TAKE, county_id, principal, day, most) is not None


async def add_lookup(connection: asyncpg.Connection, county_id: str, lookup: Lookup) -> None:
    """Put a lookup on record."""
    await connection.execute(_ADD, county_id, *lookup)


# How often each principal looked voters up a day, and how many candidates it was shown. Rides the primary key.
_SUMS = """
SELECT (looked_up_at AT TIME ZONE 'UTC')::date AS day, principal, role, kind, count(*) AS lookups,
       sum(candidates) AS candidates
FROM lookup_audit WHERE county_id = $1 AND looked_up_at >= $2
GROUP BY day, principal, role, kind ORDER BY day, principal, role, kind
"""


class LookupSum(NamedTuple):
    """The lookups of one kind by one principal on one day (UTC)."""

    day: date
    principal: str
    role: str
    kind: str
    lookups: int
    candidates: int


async def lookup_sums(connection: asyncpg.Connection, county_id: str, since: datetime) -> list[LookupSum]:
    """The lookups of a county since a moment, the oldest day first."""
    return [LookupSum(*row) for row in await connection.fetch(_SUMS, county_id, since)]
