"""A person's finding on a line."""

from dataclasses import replace
from datetime import datetime

import asyncpg

from app.actions.count import ChangedMeanwhileError, Claim, record
from app.db.engine import Database
from app.db.lines import LineRead, read_line
from app.db.roll import active_roll, registrations_of_voters
from app.domain.errors import BusyError, UnknownLineError, UnknownVoterError
from app.domain.keys import Principal
from app.domain.petition import Petition
from app.domain.review import Judged, Word, judge
from app.domain.signature import Place

_ATTEMPTS = 8  # each lost race is lost to somebody's commit


async def decide_by_person(
    database: Database, petition: Petition, place: Place, word: Word, *, who: Principal, now: datetime
) -> tuple[LineRead, bool]:
    """Put a person's word on record and give the line the standing that follows from it.

    Returns the line as it stands afterwards, and whether anything changed: saying the same again has no effect.

    Raises:
        UnknownLineError, UnknownVoterError, FindingRefusedError, SupervisorNeededError, PetitionClosedError
    """
    for _ in range(_ATTEMPTS):
        try:
            async with database.intake() as connection, connection.transaction():
                return await _decide(connection, petition, place, word, who, now)
        except ChangedMeanwhileError:
            continue
    raise BusyError


async def _decide(  # what the caller was given
    connection: asyncpg.Connection, petition: Petition, place: Place, word: Word, who: Principal, now: datetime
) -> tuple[LineRead, bool]:
    read = await read_line(connection, petition.county_id, petition.petition_id, place)
    if read is None:
        raise UnknownLineError
    judged = judge(read.line, word, who, petition.ruleset)
    if judged is None:
        return read, False
    if word.voter_id and word.voter_id != read.line.standing.voter_id:
        judged = await _with_known_voter(connection, petition, judged, word.voter_id)
    claim = Claim(
        place=place,
        merits=judged.merits,
        writing_sha256=read.writing_sha256,
        decided_by=who.name,
        person=True,
        note=word.note,
        before=read.line,
        confirmed_by=judged.confirmed_by,
        mismatch_by=judged.mismatch_by,
    )
    await record(connection, petition, "finding", [claim], now=now)
    after = await read_line(connection, petition.county_id, petition.petition_id, place)
    if after is None:
        raise UnknownLineError
    return after, True


async def _with_known_voter(
    connection: asyncpg.Connection, petition: Petition, judged: Judged, voter_id: str
) -> Judged:
    roll = await active_roll(connection, petition.county_id)
    if roll is None:
        raise UnknownVoterError
    known = await registrations_of_voters(connection, petition.county_id, roll.roll_version, [voter_id])
    if not known:
        raise UnknownVoterError
    return replace(judged, merits=replace(judged.merits, roll_version=roll.roll_version))
