"""Corrections of lines: a new reading of the text, and the dates of a section."""

from app.count.intake import interval_of
from app.count.line_queries import LineRead, read_line
from app.count.queries import SectionDates, hold_basis
from app.count.record import Change, ChangedMeanwhileError, record
from app.examination import queries as rows
from app.examination.queries import Declaration
from app.examination.reexamination import examined_again
from app.law.line import Signature


async def revise(change: Change, revised: Signature, *, by: str, note: str) -> tuple[LineRead, bool]:
    """Append the corrected text of a line and examine it again.

    Returns the line as it is afterwards, and whether anything changed: the text that is recorded already has no
    effect. Every earlier text stays, and a station that repeats one is answered as before.

    Args:
        change: the transaction, its petition and the time.
        revised: the corrected text, with its place.
        by: the user who corrects it; goes on record.
        note: why; may be empty.

    Raises:
        UnknownLineError: there is no signature at this place.
        PetitionClosedError: the count has ended.
        ChangedMeanwhileError: another clerk revised or decided the line just now.
    """
    connection, petition = change.connection, change.petition
    await hold_basis(connection, petition.key)
    read = await read_line(connection, petition.key, revised.place)
    if read.signature.sha256 == revised.sha256:
        return read, False
    if not await rows.add_revision(connection, petition.key, revised, note=note, by=by, now=change.now):
        raise ChangedMeanwhileError
    await record(change, "revision", await examined_again(change, [read.line], "new_writing"))
    return await read_line(connection, petition.key, revised.place), True


async def declare_section(change: Change, section: int, dates: SectionDates, *, by: str) -> tuple[Declaration, int]:
    """Enter a section's dates. If they change the interval of its lines, every line is examined again.

    Dates that are missing or contradict each other or the circulation window are entered as well: that is what the
    paper says, and a person reviews its lines. Returns the dates as they hold now, and how many lines were examined.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        dates: the first and last day of signing that its circulator declared; None: missing.
        by: the user who enters them; goes on record.

    Raises:
        PetitionClosedError: the count has ended.
        ChangedMeanwhileError: another clerk decided one of the lines just now.
    """
    connection, petition = change.connection, change.petition
    held = await rows.begin_declaration(connection, petition.key, section)
    if held and held.dates == dates:
        return held, 0
    declaration = Declaration(section, held.declaration_no + 1 if held else 1, *dates, by, change.now)
    await rows.add_declaration(connection, petition.key, declaration)
    await hold_basis(connection, petition.key)
    moved = interval_of(petition, held.dates if held else None) != interval_of(petition, dates)
    lines = await rows.lines_of_section(connection, petition.key, section) if moved else []
    findings = await examined_again(change, lines, "new_dates") if lines else []
    facts = {"section": section, **{name: day and day.isoformat() for name, day in dates._asdict().items()}}
    await record(change, "section", findings, facts=facts)
    return declaration, len(lines)
