"""The sections to which a station may post: given by an administrator, kept with the station's key in memory."""

import re
from datetime import datetime

from asyncpg import Range

from app.access import assignment_queries as rows
from app.access.keys import until_known
from app.access.names import COMMAND_LINE
from app.access.principals import Ranges
from app.database.pools import Database
from app.errors import UnknownStationError


def range_of(text: str) -> tuple[int, int]:
    """The first and last section of a text such as `1-40` or `55`; otherwise ValueError."""
    found = re.fullmatch("([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?", text)
    if not found or int(found[1]) > int(found[2] or found[1]):
        raise ValueError
    return int(found[1]), int(found[2] or found[1])


def range_text(first: int, last: int) -> str:
    """The text that `range_of` reads."""
    return str(first) if first == last else f"{first}-{last}"


async def assign_sections(
    database: Database, owner: tuple[str, str], sections: Ranges, *, now: datetime, by: str = COMMAND_LINE
) -> Ranges:
    """Let a station post to these sections alone, or with none given to every section. Returns them in order.

    When this returns, every process holds the station to it, with each of its keys. Earlier assignments stay on record.

    Args:
        database: where it is stored.
        owner: the county and the name of the station or system.
        sections: the ranges.
        now: the time of the request.
        by: the name of the user who assigns them.

    Raises:
        UnknownStationError: no key of a station or system was ever issued to this name.
    """
    row = (*owner, [Range(first, last + 1) for first, last in sections], by, now)
    async with database.reading() as connection:
        if not await connection.fetchval(rows.IS_STATION, *owner):
            raise UnknownStationError
        while (stored := await connection.fetchval(rows.ASSIGN, *row)) is None:
            continue  # a simultaneous assignment took the number: the next one is free
    await until_known()
    return rows.ranges_of(stored)
