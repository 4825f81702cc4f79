"""A county's figures for the measures of its operation."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import counts_of
from app.domain.tally import Counts

# The heads and terms of a county's petitions, by the primary keys; and of the lines that wait for a person the one that
# changed first, from the partial index of the review queue: when, says the ledger's entry of that version.
_PETITIONS = """
SELECT head.*, petition.required, (oldest.payload::json ->> 'at')::timestamptz AS waiting_since
FROM head JOIN petition USING (county_id, petition_id)
LEFT JOIN LATERAL (
    SELECT ledger.payload FROM ledger
    WHERE ledger.county_id = head.county_id AND ledger.petition_id = head.petition_id AND ledger.seq = (
        SELECT min(line.version) FROM line
        WHERE line.county_id = head.county_id AND line.petition_id = head.petition_id AND line.status = 'review'
    )
) AS oldest ON true
WHERE head.county_id = $1
ORDER BY head.petition_id
"""

# Rides roll_one_active.
_ROLL = "SELECT roll_version, complete_through, activated_at FROM roll WHERE county_id = $1 AND state = 'active'"


class PetitionFigures(NamedTuple):
    """Where one petition's count stands."""

    petition_id: UUID
    version: int
    required: int
    counts: Counts
    waiting_since: datetime | None  # of the line that waits longest for a person


class RollFigures(NamedTuple):
    """The roll in use."""

    roll_version: int
    complete_through: date
    activated_at: datetime


async def petition_figures(connection: asyncpg.Connection, county_id: str) -> list[PetitionFigures]:
    """The figures of each petition of a county."""
    return [
        PetitionFigures(row["petition_id"], row["version"], row["required"], counts_of(row), row["waiting_since"])
        for row in await connection.fetch(_PETITIONS, county_id)
    ]


async def roll_figures(connection: asyncpg.Connection, county_id: str) -> RollFigures | None:
    """The figures of the county's roll; None before the first is in use."""
    row = await connection.fetchrow(_ROLL, county_id)
    return RollFigures(*row) if row else None


async def answers(connection: asyncpg.Connection) -> bool:
    """Whether the database does."""
    return bool(await connection.fetchval("SELECT true"))
