"""SQL of the sections that stations were given."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection, Range

from app.access.principals import Ranges

# Whether a station or system of this name was ever given a key. A county has few keys: by the primary key's first part.
IS_STATION = """
SELECT EXISTS (SELECT FROM api_key WHERE county_id = $1 AND principal = $2 AND role IN ('station', 'system'))
"""

# Appends the next assignment of a principal, by the primary key. Of two simultaneous ones the second finds the number
# taken, and gets no row.
ASSIGN = """
INSERT INTO section_assignment (county_id, principal, assignment_no, sections, assigned_by, assigned_at)
SELECT $1, $2, coalesce(max(assignment_no), 0) + 1, $3::int4multirange, $4::text, $5::timestamptz
FROM section_assignment WHERE county_id = $1 AND principal = $2
ON CONFLICT DO NOTHING RETURNING sections
"""

# The last assignment of each principal of a county, by the primary key.
_LAST = """
SELECT DISTINCT ON (principal) principal, sections, assigned_by, assigned_at FROM section_assignment
WHERE county_id = $1 ORDER BY principal, assignment_no DESC
"""


class Assignment(NamedTuple):
    """The sections to which a principal may post, and who assigned them."""

    principal: str
    sections: Ranges
    assigned_by: str
    assigned_at: datetime


def ranges_of(stored: Sequence[Range]) -> Ranges:
    """Ranges as the database keeps them: without the end of each, and neighbors joined."""
    return tuple((one.lower, one.upper - 1) for one in stored)


async def list_assignments(connection: Connection, county_id: str) -> list[Assignment]:
    """The assignments of a county that are in force, by principal."""
    found = await connection.fetch(_LAST, county_id)
    return [Assignment(row[0], ranges_of(row[1]), *row[2:]) for row in found]
