"""A person's finding on a line."""

from dataclasses import replace
from datetime import datetime

import asyncpg

from app.actions.count import Claim, record
from app.db.lines import LineRead, read_line
from app.db.roll import active_roll, registrations_of_voters
from app.domain.errors import UnknownLineError, UnknownVoterError
from app.domain.keys import Principal
from app.domain.petition import Petition
from app.domain.review import Judged, Word, judge
from app.domain.signature import Place


async def decide_by_person(
    connection: asyncpg.Connection, petition: Petition, place: Place, word: Word, *, who: Principal, now: datetime
) -> tuple[LineRead, bool]:
    """Put a person's word on record and give the line the standing that follows. Within the caller's transaction.

    Returns the line as it stands afterwards, and whether anything changed: saying the same again has no effect.

    Raises:
        UnknownLineError, UnknownVoterError, FindingRefusedError, SupervisorNeededError, PetitionClosedError
        ChangedMeanwhileError: somebody else decided the line just now.
    """
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
    roll_version = await roll_that_knows(connection, petition.county_id, voter_id)
    return replace(judged, merits=replace(judged.merits, roll_version=roll_version))


async def roll_that_knows(connection: asyncpg.Connection, county_id: str, voter_id: str) -> int:
    """The version of the active roll, which has a voter of this number.

    Raises:
        UnknownVoterError: it has none, or there is no active roll.
    """
    roll = await active_roll(connection, county_id)
    if roll is None or not await registrations_of_voters(connection, county_id, roll.roll_version, [voter_id]):
        raise UnknownVoterError
    return roll.roll_version
