"""Asking again when a newer roll version may know more: nobody stays "not registered" for what an old roll lacked."""

from datetime import datetime

import asyncpg

from app.actions.count import ChangedMeanwhileError, Claim, record
from app.actions.examination import examine
from app.db.engine import Database
from app.db.intake import hold_active_roll
from app.db.lines import writings_at
from app.db.petitions import list_petitions
from app.db.reexamination import counties_with_roll, outdated_lines
from app.domain.count import Line, Merits
from app.domain.petition import Petition

_BATCH = 500


async def reexamine_all(database: Database, *, now: datetime) -> int:
    """Examine again what is outdated in any county, such as after a crash between activation and examination."""
    async with database.reading() as connection:
        counties = await counties_with_roll(connection)
    return sum([await reexamine_county(database, county_id, now=now) for county_id in counties])


async def reexamine_county(database: Database, county_id: str, *, now: datetime) -> int:
    """Examine the lines of the county's open petitions again that an older roll version found nobody for.

    Returns how many lines were examined. It goes on until none is left, in transactions of its own, so it may be
    ended and begun again at any time.
    """
    async with database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, county_id) if p.state == "open"]
    examined = 0
    for petition in petitions:
        while done := await _some(database, petition, now):
            examined += done
    return examined


async def _some(database: Database, petition: Petition, now: datetime) -> int:
    while True:
        try:
            async with database.intake() as connection, connection.transaction():
                return await _reexamine(connection, petition, now)
        except ChangedMeanwhileError:
            continue  # somebody decided one of these lines just now: what is left is asked for again


async def _reexamine(connection: asyncpg.Connection, petition: Petition, now: datetime) -> int:
    county_id, petition_id = petition.county_id, petition.petition_id
    version = await hold_active_roll(connection, county_id)
    if version is None:
        return 0
    lines = await outdated_lines(connection, county_id, petition_id, version, _BATCH)
    if not lines:
        return 0
    written = await writings_at(connection, county_id, petition_id, [line.place for line in lines])
    _, merits = await examine(connection, petition, [written[line.place] for line in lines])
    claims = [
        _claim(line, found, written[line.place].writing_sha256) for line, found in zip(lines, merits, strict=True)
    ]
    await record(connection, petition, "reexamination", claims, now=now)
    return len(lines)


def _claim(line: Line, found: Merits, writing_sha256: bytes) -> Claim:
    """The new finding. Where a person had agreed that nobody fits and the roll now disagrees, a person looks again."""
    same = (found.status, found.reason) == (line.standing.status, line.standing.reason)
    if line.confirmed_by and not same:
        found = Merits("review", "new_roll", None, roll_version=found.roll_version, evidence=found.evidence)
    return Claim(
        place=line.place,
        merits=found,
        writing_sha256=writing_sha256,
        before=line,
        confirmed_by=line.confirmed_by if same else (),
    )
