"""SQL of what people put on record, and of lines to examine again."""

from asyncpg import Connection

from app.count.queries import LINE_COLUMNS, line_of
from app.law.line import TEXT_COLUMNS, Line

_BATCH = 500  # lines that one transaction examines again

_LINE = f"SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2"  # noqa: S608  # a literal of ours

# Lines for which another roll version than $3 had no voter, or a confidential one, or did not show a district or the
# day of a cancellation, in paper order. Written as ranges instead of IS DISTINCT FROM to use the index
# line_reexamination, so that the query costs nothing while there are none.
OUTDATED = f"""
{_LINE} AND reason IN ('not_registered', 'no_roll', 'no_district', 'undated_cancellation', 'confidential')
  AND (roll_version < $3 OR roll_version > $3 OR roll_version IS NULL)
ORDER BY section, page, line LIMIT {_BATCH}
"""

# Lines that were read under older aliases than $3 and whose decision these may change. By the index line_aliases, which
# has the same reasons in its condition.
READ_BEFORE = f"""
{_LINE} AND aliases_version < $3
  AND reason IN ('not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled',
                 'out_of_district', 'different_address', 'out_of_county', 'ambiguous', 'weak_match', 'possible_move',
                 'undated_cancellation')
LIMIT {_BATCH}
"""

# Every line of these sections in paper order, by the primary key.
OF_SECTIONS = f"{_LINE} AND section = ANY ($3::int[]) ORDER BY section, page, line"

# Notes that a version of the aliases reads these lines as the version before did, so that their decisions remain.
# By the primary key; the lines are locked.
READ_NOW = """
UPDATE line SET aliases_version = $6
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND line.section = place.section AND line.page = place.page AND line.line = place.line
"""


async def lines(connection: Connection, query: str, *values: object) -> list[Line]:
    """The lines that one of these queries asks for."""
    return [line_of(row) for row in await connection.fetch(query, *values)]


# Appends the next revision of a place, by the primary key. Of two simultaneous ones the second finds the number taken,
# and gets no row.
ADD_REVISION = f"""
INSERT INTO signature_revision (county_id, petition_id, section, page, line, revision_no, {TEXT_COLUMNS}, note,
                                revised_by, revised_at)
SELECT $1, $2, $3, $4, $5, coalesce(max(revision_no), 0) + 1, $6::text, $7::text, $8::text, $9::text, $10::text,
       $11::boolean, $12::text, $13::boolean, $14::bytea, $15::text, $16::text, $17::timestamptz
FROM signature_revision
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
ON CONFLICT DO NOTHING RETURNING revision_no
"""  # noqa: S608  # a literal of ours
