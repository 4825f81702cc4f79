"""Correcting what a station read of a line: never a second line, and never an edit."""

from datetime import datetime

import asyncpg

from app.actions.count import ChangedMeanwhileError, record
from app.actions.reexamination import examined_again
from app.db.intake import hold_basis
from app.db.lines import LineRead, read_line
from app.db.revisions import add_revision
from app.domain.errors import UnknownLineError
from app.domain.petition import Petition
from app.domain.signature import Submitted


async def revise(
    connection: asyncpg.Connection, petition: Petition, revised: Submitted, *, by: str, note: str, now: datetime
) -> tuple[LineRead, bool]:
    """Append the corrected writing of a line and examine it again. Within the caller's transaction.

    Returns the line as it stands afterwards, and whether anything changed: the writing that stands there already has
    no effect. Every earlier writing stays, and a station that repeats one is answered as before.

    Raises:
        UnknownLineError, PetitionClosedError
        ChangedMeanwhileError: somebody else revised or decided the line just now.
    """
    county_id, petition_id, place = petition.county_id, petition.petition_id, revised.place
    await hold_basis(connection, county_id, petition_id)
    read = await read_line(connection, county_id, petition_id, place)
    if read is None:
        raise UnknownLineError
    if read.writing_sha256 == revised.writing_sha256:
        return read, False
    if not await add_revision(connection, county_id, petition_id, revised, note=note, by=by, now=now):
        raise ChangedMeanwhileError
    claims = await examined_again(connection, petition, [read.line], "new_writing")
    await record(connection, petition, "revision", claims, now=now)
    after = await read_line(connection, county_id, petition_id, place)
    if after is None:
        raise UnknownLineError
    return after, True
