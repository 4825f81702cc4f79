"""SQL of the reads of voter data: the record, and the budget of a day."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.review import Searches

# Counts a read against the budget of a day, and returns how many lines it counts as: $6, and each place that its reader
# has not read on this day. No row if fewer are left than that: then the transaction must end without effect. Of two
# simultaneous reads of a place the primary key lets one count it, and the row of the day is locked to the end of the
# transaction, so that two reads cannot both take the last line. Places are locked in one order, before the day.
SPEND = """
WITH seen AS (
    INSERT INTO lookup_seen (county_id, principal, day, petition_id, place)
    SELECT $1, $2, $3, $4, place FROM unnest($5::text[]) AS place ORDER BY place
    ON CONFLICT DO NOTHING RETURNING 1
), cost AS (
    SELECT $6::integer + count(*)::integer AS lines FROM seen
), taken AS (
    INSERT INTO lookup_budget AS b (county_id, principal, day, used)
    SELECT $1, $2, $3, lines FROM cost WHERE lines BETWEEN 1 AND $7
    ON CONFLICT (county_id, principal, day) DO UPDATE SET used = b.used + excluded.used
    WHERE b.used + excluded.used <= $7
    RETURNING 1
)
SELECT lines FROM cost WHERE lines = 0 OR EXISTS (SELECT FROM taken)
"""

# Forgets which lines were read on days before $1: only the budget of their own day needs them, and a clerk reads some
# thousands a day. By the primary key, for the readers and days of the last two months.
FORGET_SEEN = """
DELETE FROM lookup_seen AS s USING lookup_budget AS b
WHERE b.day BETWEEN $1::date - 60 AND $1::date - 1
  AND (s.county_id, s.principal, s.day) = (b.county_id, b.principal, b.day)
"""

# Puts a read on record: by whom, of what, and how much was shown, but neither what was shown nor what was searched for.
ADD_READ = """
INSERT INTO lookup_audit (county_id, lookup_id, principal, role, kind, petition_id, places, candidates, roll_version,
                          counted, looked_up_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


def _page(condition: str) -> str:
    """A page of the record before $2, the newest first, by the primary key or the index lookup_audit_principal.

    Which lines the officer of confidential voters reads, others must not learn (EC 2166): these reads are not shown.
    The officer's searches are, as a clerk's: a finding of `not_registered` names its searches.
    """
    return f"""
SELECT lookup_id, principal, CASE role WHEN 'confidential' THEN 'clerk' ELSE role END, kind, petition_id, places,
       candidates, counted, looked_up_at
FROM lookup_audit
WHERE county_id = $1 AND ($2::uuid IS NULL OR lookup_id < $2) {condition}
  AND (role <> 'confidential' OR kind IN ('name', 'address', 'name_and_address'))
ORDER BY lookup_id DESC LIMIT $3
"""  # noqa: S608  # a literal of ours


_PAGE_OF_ALL = _page("")
_PAGE_OF_ONE = _page("AND principal = $4")

# How much each principal read per day of the time zone $3. Uses the primary key.
_SUMS = """
SELECT (looked_up_at AT TIME ZONE $3)::date AS day, principal, role, kind, count(*) AS reads,
       sum(counted) AS counted, sum(candidates) AS candidates
FROM lookup_audit WHERE county_id = $1 AND looked_up_at >= $2
GROUP BY day, principal, role, kind ORDER BY day, principal, role, kind
"""


# The newest search by name and the newest one by address that people made for each of these lines against the roll in
# use, by the index lookup_audit_line and roll_one_active.
_SEARCHES = """
SELECT DISTINCT ON (places[1], kind) places[1] AS place, lookup_id, roll_version FROM lookup_audit
WHERE county_id = $1 AND petition_id = $2 AND places[1] = ANY ($3::text[]) AND kind IN ('name', 'address')
  AND role IN ('clerk', 'supervisor', 'confidential')
  AND roll_version = (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active')
ORDER BY places[1], kind, lookup_id DESC
"""


async def searches_for(
    connection: Connection, petition: PetitionKey, places: Collection[Place]
) -> dict[Place, Searches]:
    """The searches for these lines; a line without one by name and one by address is absent."""
    by_name = {str(place): place for place in places}
    found: dict[Place, list[Record]] = {}
    for row in await connection.fetch(_SEARCHES, *petition, list(by_name)):
        found.setdefault(by_name[row["place"]], []).append(row)
    return {
        place: Searches(rows[0]["roll_version"], tuple(str(row["lookup_id"]) for row in rows))
        for place, rows in found.items()
        if len(rows) == _BOTH
    }


_BOTH = 2  # kinds of search


class ReadOnRecord(NamedTuple):
    """One read of voter data, as it is on record."""

    read_id: UUID
    principal: str
    role: str
    kind: str
    petition_id: UUID | None
    places: Sequence[str]
    voters: int  # shown
    counted: int  # lines of the reader's budget
    read_at: datetime


async def page_of_reads(
    connection: Connection, county_id: str, *, before: UUID | None, limit: int, principal: str | None = None
) -> list[ReadOnRecord]:
    """Up to `limit` reads, the newest first.

    Args:
        connection: any; only read.
        county_id: whose reads.
        before: the last read of the page before; None: the first page.
        limit: how many reads at most.
        principal: who read; None: any.
    """
    query, who = (_PAGE_OF_ONE, [principal]) if principal else (_PAGE_OF_ALL, [])
    return [ReadOnRecord(*row) for row in await connection.fetch(query, county_id, before, limit, *who)]


async def read_sums(connection: Connection, county_id: str, since: datetime) -> list[Record]:
    """The reads of a county since a moment, by the days of its time zone, the oldest first: `_SUMS` has the columns."""
    return list(await connection.fetch(_SUMS, county_id, since, str(since.tzinfo)))
