"""The voters' signatures on file: an administrator says which there are, for the people who compare."""

from collections.abc import Sequence
from datetime import datetime

from app.database.pools import Database
from app.errors import ReferenceConflictError
from app.roll import reference_queries as rows
from app.roll.reference_queries import SignatureReference


async def add_references(
    database: Database, county_id: str, new: Sequence[SignatureReference], *, by: str, now: datetime
) -> int:
    """Put references on file. Returns how many were not there; the same again has no effect.

    Args:
        database: where they are stored.
        county_id: whose voters.
        new: the references.
        by: the user who adds them; goes on record.
        now: the time of the request.

    Raises:
        ReferenceConflictError: a voter has another image under one of the ids. Nothing was added.
    """
    async with database.reading() as connection, connection.transaction():
        added, as_said = await rows.add(connection, county_id, new, by=by, now=now)
        if not as_said:
            raise ReferenceConflictError
    return added
