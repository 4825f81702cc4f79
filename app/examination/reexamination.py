"""Asking again when a newer roll or newer aliases may know more: nobody stays rejected for what the old ones lacked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg

from app.count.change import Change, ChangedMeanwhileError, Count
from app.count.examine import examine_lines
from app.count.line_queries import list_petitions, signatures_at
from app.count.queries import hold_basis
from app.count.record import record
from app.examination.queries import counties_with_roll, lines_read_before, mark_read, outdated_lines
from app.law.line import Finding, Line
from app.law.petition import Petition
from app.law.reasons import ReviewCause
from app.law.review import judge_again
from app.matching.aliases import parsed_differently
from app.matching.lookup import Decide, decide_lines
from app.matching.parsing import parse_line
from app.matching.roll_cache import aliases_of

logger = logging.getLogger("app.reexamination")

_BATCH = 500


async def keep_examined(
    count: Count, now: Callable[[], datetime], decide: Decide = decide_lines, *, every: float = 10.0
) -> None:
    """Examine again what is outdated, at once and then every so many seconds, until it is cancelled."""
    while True:
        try:
            await reexamine_all(count, now=now(), decide=decide)
        except Exception as error:  # noqa: BLE001  # such as the database being away: the next round tries again
            logger.warning("re-examination failed", extra={"error": type(error).__qualname__})
        await asyncio.sleep(every)


async def reexamine_all(count: Count, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine again what is outdated in any county, such as after a crash between activation and examination."""
    async with count.database.reading() as connection:
        counties = await counties_with_roll(connection)
    return sum([await reexamine_county(count, county_id, now=now, decide=decide) for county_id in counties])


async def reexamine_county(count: Count, county_id: str, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine the lines of the county's open petitions again that an older roll version found nobody for.

    So are those not found good that newer aliases read otherwise than the ones they were decided under. Returns how
    many lines were examined. It goes on until none is left, in transactions of its own, so it may be ended and begun
    again at any time.
    """
    async with count.database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, county_id) if p.state == "open"]
    examined = 0
    for petition in petitions:
        while (done := await _some(count, petition, now, decide)) is not None:
            examined += done
    return examined


async def _some(count: Count, petition: Petition, now: datetime, decide: Decide) -> int | None:
    while True:
        try:
            async with count.database.intake() as connection, count.change(connection, petition, now) as change:
                return await _reexamine(change, decide)
        except ChangedMeanwhileError:
            continue  # a clerk decided one of these lines just now: the next round asks for what is left


async def _reexamine(change: Change, decide: Decide) -> int | None:
    """Examine some lines again, and return how many; None if none is left to examine."""
    connection, petition = change.connection, change.petition
    basis = await hold_basis(connection, petition.key)
    if basis.roll_version is None:
        return None
    lines = await outdated_lines(connection, petition.key, basis.roll_version, _BATCH)
    if lines:
        return await _again(change, lines, "new_roll", decide)
    lines = await lines_read_before(connection, petition.key, basis.aliases_version, _BATCH)
    if not lines:
        return None
    otherwise = await _read_otherwise(connection, petition, lines, basis.aliases_version)
    if otherwise:
        return await _again(change, otherwise, "new_aliases", decide)
    # In a transaction that locks nothing else: a transaction that locks a line never waits for a slot.
    await mark_read(connection, petition.key, [line.place for line in lines], basis.aliases_version)
    return 0


async def _read_otherwise(
    connection: asyncpg.Connection, petition: Petition, lines: Sequence[Line], version: int
) -> list[Line]:
    """Those of the lines that this version of the aliases reads otherwise than the one they were decided under."""
    county_id = petition.county_id
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, county_id, number) for number in sorted(versions)}
    written = await signatures_at(connection, petition.key, [line.place for line in lines])
    return [
        line
        for line in lines
        if parsed_differently(parse_line(written[line.place].writing), aliases[line.aliases_version], aliases[version])
    ]


async def _again(change: Change, lines: Sequence[Line], cause: ReviewCause, decide: Decide) -> int:
    findings = await examined_again(change.connection, change.petition, lines, cause, decide)
    await record(change, "reexamination", findings)
    return len(lines)


async def examined_again(
    connection: asyncpg.Connection,
    petition: Petition,
    lines: Sequence[Line],
    cause: ReviewCause,
    decide: Decide = decide_lines,
) -> list[Finding]:
    """The findings that follow from a new examination of these lines.

    Args:
        connection: in a transaction that holds the basis of the examination.
        petition: whose lines they are.
        lines: as they are decided now.
        cause: why they are examined again.
        decide: looks lines up.
    """
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    _, found = await examine_lines(connection, petition, [signatures[line.place] for line in lines], decide)
    return [judge_again(line, finding, cause) for line, finding in zip(lines, found, strict=True)]
