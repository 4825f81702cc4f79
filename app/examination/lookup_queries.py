"""SQL of the recorded voter lookups and of the daily budgets."""

from datetime import datetime

from asyncpg import Connection, Record

# Takes one lookup of the day. The row's lock, held to the end of the transaction, makes concurrent lookups of one
# principal wait for each other, so that two cannot take the last one. Returns no row if none is left. Uses the primary
# key.
TAKE = """
INSERT INTO lookup_budget AS b (county_id, principal, day, used) VALUES ($1, $2, $3, 1)
ON CONFLICT (county_id, principal, day) DO UPDATE SET used = b.used + 1 WHERE b.used < $4
RETURNING used
"""

# Records a lookup: by whom, of which kind, and how much was shown, but not the search itself.
ADD = """
INSERT INTO lookup_audit (county_id, lookup_id, principal, role, kind, roll_version, candidates, confidential,
                          looked_up_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

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
