"""Corrections of lines: a new reading of the text, and the dates of a section."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.count.examine import interval_of
from app.count.line_queries import LineRead, read_line
from app.count.queries import SectionDates, hold_basis
from app.count.record import ChangedMeanwhileError, record
from app.errors import UnknownLineError
from app.examination import queries as rows
from app.examination.queries import add_revision
from app.examination.reexamination import examined_again
from app.law.line import Submitted
from app.law.petition import Petition


async def revise(
    connection: asyncpg.Connection, petition: Petition, revised: Submitted, *, by: str, note: str, now: datetime
) -> tuple[LineRead, bool]:
    """Append the corrected writing of a line and examine it again. Within the caller's transaction.

    Returns the line as it stands afterwards, and whether anything changed: the writing that stands there already has
    no effect. Every earlier writing stays, and a station that repeats one is answered as before.

    Raises:
        UnknownLineError, PetitionClosedError
        ChangedMeanwhileError: somebody else revised or decided the line just now.
    """
    place = revised.place
    await hold_basis(connection, petition.key)
    read = await read_line(connection, petition.key, place)
    if read is None:
        raise UnknownLineError
    if read.writing_sha256 == revised.writing_sha256:
        return read, False
    if not await add_revision(connection, petition.key, revised, note=note, by=by, now=now):
        raise ChangedMeanwhileError
    claims = await examined_again(connection, petition, [read.line], "new_writing")
    await record(connection, petition, "revision", claims, now=now)
    after = await read_line(connection, petition.key, place)
    if after is None:
        raise UnknownLineError
    return after, True


@dataclass(frozen=True, slots=True)
class Declared:
    """A section's dates as they hold now, and how many of its lines were examined again for them."""

    declaration: rows.Declaration
    examined: int


async def declare_section(
    connection: asyncpg.Connection, petition: Petition, section: int, dates: SectionDates, *, by: str, now: datetime
) -> Declared:
    """Enter a section's dates. Where they move the interval of its lines, every line is examined again.

    Within the caller's transaction. Dates that are missing or contradict each other or the circulation window are
    entered as well: that is what the paper says, and its lines go to a person.

    Raises:
        PetitionClosedError
        ChangedMeanwhileError: somebody decided one of the lines just now.
    """
    await rows.begin_declaration(connection, petition.key)
    held = await rows.newest_declaration(connection, petition.key, section)
    if held and held.dates == dates:
        return Declared(held, 0)
    number = held.declaration_no + 1 if held else 1
    declaration = rows.Declaration(number, dates, by, now)
    await rows.add_declaration(connection, petition.key, section, declaration)
    await hold_basis(connection, petition.key)
    moved = interval_of(petition, held.dates if held else None) != interval_of(petition, dates)
    lines = await rows.lines_of_section(connection, petition.key, section) if moved else []
    claims = await examined_again(connection, petition, lines, "new_dates") if lines else []
    signed_from, signed_to = (day.isoformat() if day else None for day in dates)
    facts = {"section": section, "signed_from": signed_from, "signed_to": signed_to}
    await record(connection, petition, "section", claims, now=now, facts=facts)
    return Declared(declaration, len(lines))
