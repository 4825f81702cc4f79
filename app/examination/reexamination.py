"""Asking again when a newer roll or newer aliases may know more: nobody stays rejected for what the old ones lacked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg

from app.count.examine import examine_lines
from app.count.line_queries import list_petitions, writings_at
from app.count.queries import hold_basis
from app.count.record import ChangedMeanwhileError, Claim, record
from app.database.engine import Database
from app.examination.queries import counties_with_roll, lines_read_before, mark_read, outdated_lines
from app.law.line import Line
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
    database: Database, now: Callable[[], datetime], decide: Decide = decide_lines, *, every: float = 10.0
) -> None:
    """Examine again what is outdated, at once and then every so many seconds, until it is cancelled."""
    while True:
        try:
            await reexamine_all(database, now=now(), decide=decide)
        except Exception as error:  # noqa: BLE001  # such as the database being away: the next round tries again
            logger.warning("re-examination failed", extra={"error": type(error).__qualname__})
        await asyncio.sleep(every)


async def reexamine_all(database: Database, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine again what is outdated in any county, such as after a crash between activation and examination."""
    async with database.reading() as connection:
        counties = await counties_with_roll(connection)
    return sum([await reexamine_county(database, county_id, now=now, decide=decide) for county_id in counties])


async def reexamine_county(database: Database, county_id: str, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine the lines of the county's open petitions again that an older roll version found nobody for.

    So are those not found good that newer aliases read otherwise than the ones they were decided under. Returns how
    many lines were examined. It goes on until none is left, in transactions of its own, so it may be ended and begun
    again at any time.
    """
    async with database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, county_id) if p.state == "open"]
    examined = 0
    for petition in petitions:
        while (done := await _some(database, petition, now, decide)) is not None:
            examined += done
    return examined


async def _some(database: Database, petition: Petition, now: datetime, decide: Decide) -> int | None:
    while True:
        try:
            async with database.intake() as connection, connection.transaction():
                return await _reexamine(connection, petition, now, decide)
        except ChangedMeanwhileError:
            continue  # somebody decided one of these lines just now: what is left is asked for again


async def _reexamine(connection: asyncpg.Connection, petition: Petition, now: datetime, decide: Decide) -> int | None:
    """Examine some lines again, and return how many; None where none is left to ask about."""
    basis = await hold_basis(connection, petition.key)
    if basis.roll_version is None:
        return None
    lines = await outdated_lines(connection, petition.key, basis.roll_version, _BATCH)
    if lines:
        return await _again(connection, petition, lines, "new_roll", decide, now)
    lines = await lines_read_before(connection, petition.key, basis.aliases_version, _BATCH)
    if not lines:
        return None
    otherwise = await _read_otherwise(connection, petition, lines, basis.aliases_version)
    if otherwise:
        return await _again(connection, petition, otherwise, "new_aliases", decide, now)
    # In a transaction that holds nothing else: whoever holds a line never waits for a slot.
    await mark_read(connection, petition.key, [line.place for line in lines], basis.aliases_version)
    return 0


async def _read_otherwise(
    connection: asyncpg.Connection, petition: Petition, lines: Sequence[Line], version: int
) -> list[Line]:
    """Those of the lines that this version of the aliases reads otherwise than the one they were decided under."""
    county_id = petition.county_id
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, county_id, number) for number in sorted(versions)}
    written = await writings_at(connection, petition.key, [line.place for line in lines])
    return [
        line
        for line in lines
        if parsed_differently(parse_line(written[line.place].writing), aliases[line.aliases_version], aliases[version])
    ]


async def _again(
    connection: asyncpg.Connection,
    petition: Petition,
    lines: Sequence[Line],
    cause: ReviewCause,
    decide: Decide,
    now: datetime,
) -> int:
    claims = await examined_again(connection, petition, lines, cause, decide)
    await record(connection, petition, "reexamination", claims, now=now)
    return len(lines)


async def examined_again(
    connection: asyncpg.Connection,
    petition: Petition,
    lines: Sequence[Line],
    cause: ReviewCause,
    decide: Decide = decide_lines,
) -> list[Claim]:
    """What a new examination claims of these lines. The caller's transaction holds the basis that it rests on."""
    written = await writings_at(connection, petition.key, [line.place for line in lines])
    _, merits = await examine_lines(connection, petition, [written[line.place] for line in lines], decide)
    judged = [judge_again(line, found, cause) for line, found in zip(lines, merits, strict=True)]
    return [
        Claim(
            place=line.place,
            merits=now_judged.merits,
            writing_sha256=written[line.place].writing_sha256,
            before=line,
            confirmed_by=now_judged.confirmed_by,
            mismatch_by=now_judged.mismatch_by,
        )
        for line, now_judged in zip(lines, judged, strict=True)
    ]
