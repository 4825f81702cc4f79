"""The dates that circulators declared for their sections."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import LINE_COLUMNS, line_of
from app.db.intake import SectionDates
from app.domain.count import Line

# Waits for whatever examines lines of this petition, and makes it start again with the new dates. By the primary key.
_BEGIN = "UPDATE petition SET sections_version = sections_version + 1 WHERE county_id = $1 AND petition_id = $2"

# The newest declaration of a section, by the primary key.
_NEWEST = """
SELECT declaration_no, signed_from, signed_to, declared_by, declared_at FROM section
WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY declaration_no DESC LIMIT 1
"""

_ADD = """
INSERT INTO section (county_id, petition_id, section, declaration_no, signed_from, signed_to, declared_by, declared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

# A section's lines in paper order, by the primary key.
_LINES = f"""
SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY section, page, line
"""  # noqa: S608  # a literal of ours


class Declaration(NamedTuple):
    """What a circulator declared of a section, and who entered it."""

    declaration_no: int
    dates: SectionDates
    declared_by: str
    declared_at: datetime


async def begin_declaration(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> None:
    """Keep every examination of the petition's lines out until this transaction ends."""
    await connection.execute(_BEGIN, county_id, petition_id)


async def newest_declaration(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, section: int
) -> Declaration | None:
    """The declaration that holds; None where the section was never declared."""
    row = await connection.fetchrow(_NEWEST, county_id, petition_id, section)
    return row and Declaration(row[0], SectionDates(row[1], row[2]), row[3], row[4])


async def add_declaration(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, section: int, declaration: Declaration
) -> None:
    """Append a declaration. The transaction has begun it, so its number is free."""
    number, dates, by, at = declaration
    await connection.execute(_ADD, county_id, petition_id, section, number, *dates, by, at)


async def lines_of_section(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, section: int
) -> list[Line]:
    """Every line of a section."""
    return [line_of(row) for row in await connection.fetch(_LINES, county_id, petition_id, section)]
