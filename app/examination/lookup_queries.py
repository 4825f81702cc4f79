"""SQL of the recorded voter lookups and of the daily budgets."""

from datetime import date, datetime

from asyncpg import Connection, Record

from app.access.principals import Principal
from app.database.tables import new_id
from app.matching.candidates import FoundCandidates, Kind

# Takes one lookup of the day. The row's lock, held to the end of the transaction, makes concurrent lookups of one
# principal wait for each other, so that two cannot take the last one. Returns no row if none is left. Uses the primary
# key.
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


async def take_lookup(connection: Connection, who: Principal, day: date, limit: int) -> bool:
    """Take one lookup of a principal's daily budget; return False if none is left.

    Args:
        connection: in a transaction; the budget stays locked to its end.
        who: the principal.
        day: in UTC.
        limit: the principal's lookups a day.
    """
    return await connection.fetchval(_TAKE, who.county_id, who.name, day, limit) is not None


async def add_lookup(
    connection: Connection, who: Principal, kind: Kind, found: FoundCandidates, *, now: datetime
) -> None:
    """Record a lookup: by whom, of which kind, and how much was shown, but not the search itself.

    Args:
        connection: in the transaction that took the lookup from the budget.
        who: the principal.
        kind: what the search went by.
        found: the answer.
        now: the time of the lookup.
    """
    shown = (found.roll_version, len(found.candidates), found.confidential)
    await connection.execute(_ADD, who.county_id, new_id(now), who.name, who.role, kind, *shown, now)


# How many lookups each principal made per day, and how many candidates it was shown. Uses the primary key.
_SUMS = """
SELECT (looked_up_at AT TIME ZONE 'UTC')::date AS day, principal, role, kind, count(*) AS lookups,
       sum(candidates) AS candidates
FROM lookup_audit WHERE county_id = $1 AND looked_up_at >= $2
GROUP BY day, principal, role, kind ORDER BY day, principal, role, kind
"""


async def lookup_sums(connection: Connection, county_id: str, since: datetime) -> list[Record]:
    """The lookups of a county since a moment, the oldest day (UTC) first: see `_SUMS` for the columns."""
    return list(await connection.fetch(_SUMS, county_id, since))
