"""Examining lines again: their text or dates were corrected, or a newer roll or newer aliases may know more of them.

Each action raises what `record` raises.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from app.count.intake import examine_lines
from app.count.line_queries import LineRead, list_petitions, read_line, signatures_at
from app.count.queries import Change, columns, hold_basis, lock_lines
from app.count.record import ChangedMeanwhileError, Count, record
from app.examination import queries as rows
from app.law.line import Finding, Line, Signature
from app.law.petition import Petition, SectionDates, signing_interval
from app.law.reasons import ReviewCause
from app.law.review import judge_again
from app.matching.lookup import Decide, aliases_of, decide_lines
from app.matching.parsing import parse_line, parsed_differently

logger = logging.getLogger("app.reexamination")

_ROUND: Final = 10.0  # seconds from one round to the next


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
    """
    connection, key = change.connection, change.petition.key
    await hold_basis(connection, key)
    read = await read_line(connection, key, revised.place)
    if read.signature.sha256 == revised.sha256:
        return read, False
    row = (*key, *revised.place, *revised.to_store(), note, by, change.now)
    if not await connection.fetchval(rows.ADD_REVISION, *row):
        raise ChangedMeanwhileError
    await record(change, "revision", await _examined_again(change, [read.line], "new_writing"))
    return await read_line(connection, key, revised.place), True


async def declare_section(
    change: Change, section: int, dates: SectionDates, *, by: str
) -> tuple[rows.Declaration, int]:
    """Enter a section's dates. If they change the interval of its lines, every line is examined again.

    Dates that are missing or contradict each other or the circulation window are entered as well: that is what the
    paper says, and a person reviews its lines. Returns the dates as they hold now, and how many lines were examined.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        dates: the first and last day of signing that its circulator declared; None: missing.
        by: the user who enters them; goes on record.
    """
    connection, petition = change.connection, change.petition
    held = await rows.begin_declaration(connection, petition.key, section)
    before = SectionDates(held.signed_from, held.signed_to) if held else None
    if held and before == dates:
        return held, 0
    declaration = rows.Declaration(section, held.declaration_no + 1 if held else 1, *dates, by, change.now)
    await connection.execute(rows.ADD_DECLARATION, *petition.key, *declaration)
    await hold_basis(connection, petition.key)
    moved = signing_interval(petition.window, before) != signing_interval(petition.window, dates)
    lines = await rows.lines(connection, rows.OF_SECTION, *petition.key, section) if moved else []
    findings = await _examined_again(change, lines, "new_dates") if lines else []
    facts = {"section": section, **{name: day and day.isoformat() for name, day in dates._asdict().items()}}
    await record(change, "section", findings, facts=facts)
    return declaration, len(lines)


async def keep_examined(count: Count, now: Callable[[], datetime], decide: Decide) -> None:
    """Examine outdated lines again, at once and then in rounds, until it is canceled; `decide` looks lines up."""
    while True:
        try:
            await reexamine(count, now=now(), decide=decide)
        except Exception as error:  # noqa: BLE001  # such as a lost database connection: the next round tries again
            logger.warning("re-examination failed", extra={"error": type(error).__qualname__})
        await asyncio.sleep(_ROUND)


async def reexamine(count: Count, county_id: str | None = None, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine the outdated lines of open petitions again. Returns how many were examined.

    Outdated are the lines for which an older roll version had no voter, and those that are not valid and that newer
    aliases read differently. This continues until none is left, in transactions of its own, so it may be interrupted
    and started again at any time.

    Args:
        count: the counts to change.
        county_id: whose petitions; None: every county's.
        now: goes on record as the time of the new findings.
        decide: looks lines up.
    """
    wanted = {"county_id": county_id} if county_id else {}
    async with count.database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, **wanted) if p.state == "open"]
    examined = 0
    for petition in petitions:
        while (done := await _examine_some(count, petition, now, decide)) is not None:
            examined += done
    return examined


async def _examine_some(count: Count, petition: Petition, now: datetime, decide: Decide) -> int | None:
    """Examine some lines again in one transaction. Returns how many; None if none is left."""
    try:
        async with count.database.intake() as connection, count.change(connection, petition, now) as change:
            roll_version, _, aliases_version = await hold_basis(connection, petition.key)
            if roll_version is None:
                return None
            lines = await rows.lines(connection, rows.OUTDATED, *petition.key, roll_version)
            if not lines:
                return await _examine_aliases(change, aliases_version, decide)
            await record(change, "reexamination", await _examined_again(change, lines, "new_roll", decide))
            return len(lines)
    except ChangedMeanwhileError:
        return 0  # a clerk decided one of these lines just now: what is left is read again


async def _examine_aliases(change: Change, version: int, decide: Decide) -> int | None:
    """Examine the lines that this version of the aliases reads differently, and mark the others as read."""
    connection, petition = change.connection, change.petition
    lines = await rows.lines(connection, rows.READ_BEFORE, *petition.key, version)
    if not lines:
        return None
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, petition.county_id, number) for number in sorted(versions)}
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    parsed = {place: parse_line(signature) for place, signature in signatures.items()}
    different = [
        line
        for line in lines
        if parsed_differently(parsed[line.place], aliases[line.aliases_version], aliases[version])
    ]
    if different:
        await record(change, "reexamination", await _examined_again(change, different, "new_aliases", decide))
    else:  # in a transaction that locks nothing else: a transaction that locks a line never waits for a slot
        await lock_lines(change, signatures, [])  # in paper order, as everywhere
        await connection.execute(rows.READ_NOW, *petition.key, *columns(signatures), version)
    return len(different)


async def _examined_again(
    change: Change, lines: Sequence[Line], cause: ReviewCause, decide: Decide = decide_lines
) -> list[Finding]:
    """The findings that follow from a new examination of these lines, as they are decided now."""
    connection, petition = change.connection, change.petition
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    found = await examine_lines(connection, petition, [signatures[line.place] for line in lines], decide)
    return [judge_again(line, finding, cause) for line, finding in zip(lines, found, strict=True)]
