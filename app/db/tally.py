"""Reading the tally: from the head row, never by counting."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import counts_of
from app.domain.tally import Counts

# One row by its primary key, whatever the petition's size.
_HEAD = """
SELECT version, as_of, state, received, valid, invalid, review, unsettled, by_reason FROM head
WHERE county_id = $1 AND petition_id = $2
"""


class TallyRow(NamedTuple):
    """The head row as monitors see it."""

    version: int
    as_of: datetime
    state: str
    counts: Counts


async def read_tally(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> TallyRow | None:
    """The tally as of the last commit."""
    row = await connection.fetchrow(_HEAD, county_id, petition_id)
    return row and TallyRow(row["version"], row["as_of"], row["state"], counts_of(row))
