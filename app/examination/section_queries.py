"""SQL of sections: their registration at receipt, their dates, and their control totals; and of the filing."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from asyncpg import Connection

from app.count.queries import Change
from app.examination.defect_queries import ACT_COLUMNS, act_of
from app.law.defect import DefectAct
from app.law.line import RawCountStage
from app.law.petition import PetitionKey, SectionDates
from app.law.section import ReceivedSection, Totals, totals_of

# Waits for transactions that examine lines of this petition; later ones start again with the new dates. Also the lock
# under which sections are registered and their registration ends. By the primary key.
_BEGIN = "UPDATE petition SET sections_version = sections_version + 1 WHERE county_id = $1 AND petition_id = $2"

# The newest declaration of each of these sections, along the primary key.
_NEWEST = """
SELECT DISTINCT ON (section) section, declaration_no, signed_from, signed_to, declared_by, declared_at FROM section
WHERE county_id = $1 AND petition_id = $2 AND section = ANY ($3::int[]) ORDER BY section, declaration_no DESC
"""

# `begin` holds the lock, so the numbers are free.
_ADD_DATES = """
INSERT INTO section (county_id, petition_id, section, declaration_no, signed_from, signed_to, declared_by, declared_at)
SELECT $1, $2, section, declaration_no, signed_from, signed_to, declared_by, $3
FROM unnest($4::int[], $5::int[], $6::date[], $7::date[], $8::text[])
  AS new (section, declaration_no, signed_from, signed_to, declared_by)
"""

_FIELDS = ", ".join(ReceivedSection._fields)

# By the primary key.
_REGISTERED = f"""
SELECT DISTINCT ON (section) {_FIELDS} FROM section_registration
WHERE county_id = $1 AND petition_id = $2 AND section = ANY ($3::int[]) ORDER BY section, registration_no DESC
"""  # noqa: S608  # names of ours

_ADD_REGISTRATIONS = f"""
INSERT INTO section_registration (county_id, petition_id, registered_at, {_FIELDS}, registration_no, registered_by,
                                  salt, content)
SELECT $1, $2, $3, {_FIELDS}, registration_no, registered_by, salt, content
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::date[], $10::date[], $11::date[], $12::text[],
            $13::bool[], $14::bool[], $15::bool[], $16::int[], $17::text[], $18::bytea[], $19::text[])
  AS new ({_FIELDS}, registration_no, registered_by, salt, content)
"""  # noqa: S608  # names of ours

# Every section from $3 to $4 that was registered, has dates or has lines, with its totals. Reads all their lines along
# the primary key: 0.3 s for 715,833.
_STATES = f"""
SELECT section, {", ".join(f"r.{field}" for field in ReceivedSection._fields[1:])}, r.registered_by, r.registered_at,
       coalesce(scanned.seen, 0), coalesce(scanned.blank, 0), coalesce(scanned.struck, 0),
       coalesce(scanned.beyond_pages, 0), dates.signed_from, dates.signed_to, dates.declared_by, dates.confirmed_by,
       {", ".join(f"defect.{column}" for column in ACT_COLUMNS[1:])}
FROM (
    SELECT DISTINCT ON (section) * FROM section_registration
    WHERE county_id = $1 AND petition_id = $2 AND section BETWEEN $3 AND $4 ORDER BY section, registration_no DESC
) AS r
FULL JOIN (
    SELECT line.section, count(*) AS seen, count(*) FILTER (WHERE status = 'blank') AS blank,
           count(*) FILTER (WHERE status = 'struck') AS struck,
           count(*) FILTER (WHERE line.page > s.pages) AS beyond_pages
    FROM line LEFT JOIN section_registration AS s ON s.county_id = $1 AND s.petition_id = $2
        AND s.section = line.section AND s.registration_no = 1
    WHERE line.county_id = $1 AND line.petition_id = $2 AND line.section BETWEEN $3 AND $4 GROUP BY line.section
) AS scanned USING (section)
FULL JOIN (
    SELECT DISTINCT ON (section) section, signed_from, signed_to, declared_by, confirmed_by
    FROM section LEFT JOIN section_confirmation USING (county_id, petition_id, section, declaration_no)
    WHERE county_id = $1 AND petition_id = $2 AND section BETWEEN $3 AND $4 ORDER BY section, declaration_no DESC
) AS dates USING (section)
LEFT JOIN (
    SELECT DISTINCT ON (section) * FROM section_defect
    WHERE county_id = $1 AND petition_id = $2 AND section BETWEEN $3 AND $4 ORDER BY section, act_no DESC
) AS defect USING (section)
ORDER BY section LIMIT $5
"""  # noqa: S608  # names of ours

# By the primary key; the second confirmation of the same dates changes nothing.
_CONFIRM = """
INSERT INTO section_confirmation (county_id, petition_id, section, declaration_no, confirmed_by, confirmed_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING confirmed_by
"""

# The pages of a section on which lines were scanned, along the primary key.
_PAGES = "SELECT DISTINCT page FROM line WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY page"

# Where the raw count stands, by the primary key. Filing and freezing change it under `begin`'s lock as well.
_STAGE = "SELECT raw_count FROM head WHERE county_id = $1 AND petition_id = $2"


class Declaration(NamedTuple):
    """The dates that a circulator declared for a section, and who entered them."""

    section: int
    declaration_no: int
    signed_from: date | None
    signed_to: date | None
    declared_by: str
    declared_at: datetime

    @property
    def dates(self) -> SectionDates:
        """The dates alone."""
        return SectionDates(self.signed_from, self.signed_to)


class SectionState(NamedTuple):
    """A section: as it was registered, its dates as they hold now, and its control totals."""

    section: int
    registration: ReceivedSection | None  # None: it was not registered
    registered_by: str | None
    registered_at: datetime | None
    totals: Totals
    dates: SectionDates | None  # None: none were declared
    declared_by: str | None
    confirmed_by: str | None  # the person who confirmed that the paper has these dates
    defect: DefectAct | None  # the newest act about a defect; None: none was ever found


async def begin(connection: Connection, petition: PetitionKey) -> RawCountStage:
    """Keep examinations and other registrations out until this transaction ends. Returns where the raw count stands."""
    await connection.execute(_BEGIN, *petition)
    return await stage_of(connection, petition)


async def stage_of(connection: Connection, petition: PetitionKey) -> RawCountStage:
    """Where the raw count stands."""
    stage: RawCountStage = await connection.fetchval(_STAGE, *petition)
    return stage


async def newest_dates(
    connection: Connection, petition: PetitionKey, sections: Collection[int]
) -> dict[int, Declaration]:
    """The newest declaration of each of these sections that has one."""
    rows = await connection.fetch(_NEWEST, *petition, list(sections))
    return {row["section"]: Declaration(*row) for row in rows}


async def registrations(
    connection: Connection, petition: PetitionKey, sections: Collection[int]
) -> dict[int, ReceivedSection]:
    """Those of these sections that are registered."""
    rows = await connection.fetch(_REGISTERED, *petition, list(sections))
    return {row["section"]: ReceivedSection(*row) for row in rows}


async def add_dates(change: Change, declared: Sequence[Declaration]) -> None:
    """Append declarations of dates."""
    await change.insert(_ADD_DATES, change.now, [one[:-1] for one in declared])


async def add_registrations(change: Change, new: Sequence[tuple[ReceivedSection, int, bytes]], *, by: str) -> None:
    """Store registrations, each with its number within the section and the salt of its hash in the ledger."""
    rows = [(*one, number, by, salt, one.sealed()) for one, number, salt in new]
    await change.insert(_ADD_REGISTRATIONS, change.now, rows)


async def confirm_dates(change: Change, declared: Declaration, *, by: str) -> bool:
    """Store that a person confirmed these dates; False if one did before."""
    values = (declared.section, declared.declaration_no, by, change.now)
    return bool(await change.connection.fetchval(_CONFIRM, *change.petition.key, *values))


async def section_states(
    connection: Connection, petition: PetitionKey, *, first: int = 1, last: int = 2**31 - 1, limit: int | None = None
) -> list[SectionState]:
    """The sections from one number to another, in order.

    Args:
        connection: any; only read.
        petition: whose sections.
        first: the lowest number.
        last: the highest number.
        limit: how many at most; None: all.
    """
    found = []
    for section, *row in await connection.fetch(_STATES, *petition, first, last, limit):
        registered = ReceivedSection(section, *row[:11]) if row[0] is not None else None
        totals = totals_of((registered.pages, registered.lines) if registered else None, *row[13:17])
        dates = SectionDates(*row[17:19]) if row[19] is not None else None
        defect = act_of((section, *row[21:])) if row[21] is not None else None
        found.append(SectionState(section, registered, row[11], row[12], totals, dates, row[19], row[20], defect))
    return found


async def scanned_pages(connection: Connection, petition: PetitionKey, section: int) -> list[int]:
    """The pages of a section on which lines were scanned."""
    return [row["page"] for row in await connection.fetch(_PAGES, *petition, section)]
