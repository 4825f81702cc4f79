"""Which lines a newer roll version asks about again."""

from uuid import UUID

import asyncpg

from app.db.count import LINE_COLUMNS, line_of
from app.domain.count import Line

# The lines that were decided by what another roll did not hold. Written as ranges (and not IS DISTINCT FROM) to ride
# line_reexamination, so that asking costs nothing while there are none.
_OUTDATED = f"""
SELECT {LINE_COLUMNS} FROM line
WHERE county_id = $1 AND petition_id = $2 AND reason IN ('not_registered', 'no_roll')
  AND (roll_version < $3 OR roll_version > $3 OR roll_version IS NULL)
ORDER BY section, page, line LIMIT $4
"""  # noqa: S608  # a literal of ours

_COUNTIES_WITH_ROLL = "SELECT county_id FROM roll WHERE state = 'active' ORDER BY county_id"


async def outdated_lines(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, roll_version: int, limit: int
) -> list[Line]:
    """Lines that nobody was found for in another version of the roll than this one, in paper order."""
    return [line_of(r) for r in await connection.fetch(_OUTDATED, county_id, petition_id, roll_version, limit)]


async def counties_with_roll(connection: asyncpg.Connection) -> list[str]:
    """The counties that have a roll in use."""
    return [row["county_id"] for row in await connection.fetch(_COUNTIES_WITH_ROLL)]
