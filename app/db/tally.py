"""Reading the tally: from the head row, never by counting."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import counts_of
from app.domain.tally import Tally

Watched = tuple[str, UUID]
"""A petition to look at: its county and id."""

# The head rows of several petitions, each by its primary key, whatever the petition's size.
_HEADS = """
SELECT county_id, petition_id, version, as_of, state, received, valid, invalid, review, unsettled, by_reason
FROM head JOIN unnest($1::text[], $2::uuid[]) AS watched (county_id, petition_id) USING (county_id, petition_id)
"""

# Up to $4 ledger entries behind $3, evenly spaced and the last among them: each by its primary key, none in between.
_HISTORY = """
SELECT ledger.seq, ledger.payload
FROM head
CROSS JOIN LATERAL (SELECT version - $3 AS entries, least($4, version - $3) AS points) AS span
CROSS JOIN LATERAL generate_series(1, points) AS point
JOIN ledger ON ledger.county_id = head.county_id AND ledger.petition_id = head.petition_id
    AND ledger.seq = $3 + entries * point / points
WHERE head.county_id = $1 AND head.petition_id = $2
ORDER BY ledger.seq
"""


class PastTally(NamedTuple):
    """The tally as one ledger entry left it."""

    version: int
    at: datetime
    counts: dict[str, Any]


async def read_tallies(connection: asyncpg.Connection, petitions: Collection[Watched]) -> dict[Watched, Tally]:
    """The tallies of these petitions as of the last commit."""
    rows = await connection.fetch(_HEADS, [county for county, _ in petitions], [number for _, number in petitions])
    return {
        (row["county_id"], row["petition_id"]): Tally(row["version"], row["as_of"], row["state"], counts_of(row))
        for row in rows
    }


async def read_tally(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> Tally | None:
    """The tally as of the last commit."""
    return (await read_tallies(connection, [(county_id, petition_id)])).get((county_id, petition_id))


async def read_history(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, *, after: int, limit: int
) -> list[PastTally]:
    """The tally at up to `limit` versions behind `after`, evenly spaced, the present one among them."""
    rows = await connection.fetch(_HISTORY, county_id, petition_id, after, limit)
    entries = [(row["seq"], json.loads(row["payload"])) for row in rows]
    return [PastTally(seq, datetime.fromisoformat(entry["at"]), entry["tally"]) for seq, entry in entries]
