"""Examining lines again when a newer roll, or newer aliases, may know more about them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from app.count.intake import examine_lines
from app.count.line_queries import list_petitions, signatures_at
from app.count.queries import hold_basis
from app.count.record import Change, ChangedMeanwhileError, Count, record
from app.examination import queries as rows
from app.law.line import Finding, Line
from app.law.petition import Petition
from app.law.reasons import ReviewCause
from app.law.review import judge_again
from app.matching.aliases import parsed_differently
from app.matching.lookup import Decide, decide_lines
from app.matching.parsing import parse_line
from app.matching.roll_cache import aliases_of

logger = logging.getLogger("app.reexamination")


async def keep_examined(
    count: Count, now: Callable[[], datetime], decide: Decide = decide_lines, *, every: float = 10.0
) -> None:
    """Examine outdated lines again, at once and then every `every` seconds, until it is canceled.

    Args:
        count: the counts to keep current.
        now: the clock.
        decide: looks lines up.
        every: seconds between two rounds.
    """
    while True:
        try:
            await reexamine_all(count, now=now(), decide=decide)
        except Exception as error:  # noqa: BLE001  # such as a lost database connection: the next round tries again
            logger.warning("re-examination failed", extra={"error": type(error).__qualname__})
        await asyncio.sleep(every)


async def reexamine_all(count: Count, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine outdated lines of every county again, such as after a crash between activation and examination."""
    async with count.database.reading() as connection:
        counties = await rows.counties_with_roll(connection)
    return sum([await reexamine_county(count, county_id, now=now, decide=decide) for county_id in counties])


async def reexamine_county(count: Count, county_id: str, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine the outdated lines of the county's open petitions again. Returns how many were examined.

    Outdated are the lines for which an older roll version had no voter, and those that are not valid and that newer
    aliases read differently. This continues until none is left, in transactions of its own, so it may be interrupted
    and started again at any time.

    Args:
        count: the counts to change.
        county_id: the county.
        now: goes on record as the time of the new findings.
        decide: looks lines up.
    """
    async with count.database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, county_id) if p.state == "open"]
    examined = 0
    for petition in petitions:
        while (done := await _examine_some(count, petition, now, decide)) is not None:
            examined += done
    return examined


async def _examine_some(count: Count, petition: Petition, now: datetime, decide: Decide) -> int | None:
    """Examine some lines again in one transaction. Returns how many; None if none is left."""
    while True:
        try:
            async with count.database.intake() as connection, count.change(connection, petition, now) as change:
                basis = await hold_basis(connection, petition.key)
                if basis.roll_version is None:
                    return None
                lines = await rows.outdated_lines(connection, petition.key, basis.roll_version)
                if not lines:
                    return await _examine_aliases(change, basis.aliases_version, decide)
                await record(change, "reexamination", await examined_again(change, lines, "new_roll", decide))
                return len(lines)
        except ChangedMeanwhileError:
            continue  # a clerk decided one of these lines just now: what is left is read again


async def _examine_aliases(change: Change, version: int, decide: Decide) -> int | None:
    """Examine the lines that this version of the aliases reads differently, and mark the others as read."""
    connection, petition = change.connection, change.petition
    lines = await rows.lines_read_before(connection, petition.key, version)
    if not lines:
        return None
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, petition.county_id, number) for number in sorted(versions)}
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    different = [
        line
        for line in lines
        if parsed_differently(
            parse_line(signatures[line.place].writing), aliases[line.aliases_version], aliases[version]
        )
    ]
    if different:
        await record(change, "reexamination", await examined_again(change, different, "new_aliases", decide))
    else:  # in a transaction that locks nothing else: a transaction that locks a line never waits for a slot
        await rows.mark_read(connection, petition.key, [line.place for line in lines], version)
    return len(different)


async def examined_again(
    change: Change, lines: Sequence[Line], cause: ReviewCause, decide: Decide = decide_lines
) -> list[Finding]:
    """The findings that follow from a new examination of these lines.

    Args:
        change: a transaction that holds the basis of the examination.
        lines: as they are decided now.
        cause: why they are examined again.
        decide: looks lines up.
    """
    connection, petition = change.connection, change.petition
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    _, found = await examine_lines(connection, petition, [signatures[line.place] for line in lines], decide)
    return [judge_again(line, finding, cause) for line, finding in zip(lines, found, strict=True)]
