"""Declaring when a section was signed: the only dates that a line has (EC 104)."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.actions.count import record
from app.actions.examination import interval_of
from app.actions.reexamination import examined_again
from app.db import sections as rows
from app.db.intake import SectionDates, hold_basis
from app.domain.petition import Petition


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
    county_id, petition_id = petition.county_id, petition.petition_id
    await rows.begin_declaration(connection, county_id, petition_id)
    held = await rows.newest_declaration(connection, county_id, petition_id, section)
    if held and held.dates == dates:
        return Declared(held, 0)
    number = held.declaration_no + 1 if held else 1
    declaration = rows.Declaration(number, dates, by, now)
    await rows.add_declaration(connection, county_id, petition_id, section, declaration)
    await hold_basis(connection, county_id, petition_id)
    moved = interval_of(petition, held.dates if held else None) != interval_of(petition, dates)
    lines = await rows.lines_of_section(connection, county_id, petition_id, section) if moved else []
    claims = await examined_again(connection, petition, lines, "new_dates") if lines else []
    signed_from, signed_to = (day.isoformat() if day else None for day in dates)
    facts = {"section": section, "signed_from": signed_from, "signed_to": signed_to}
    await record(connection, petition, "section", claims, now=now, facts=facts)
    return Declared(declaration, len(lines))
