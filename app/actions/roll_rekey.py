"""Making a roll anew from the database where this program computes other search keys than the one that loaded it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from app.actions.roll import LoadedRoll, Progress, connected, load_roll
from app.db import roll as db
from app.domain.blocking import KEYS_VERSION
from app.domain.roll_errors import UnknownRollError


async def rekey_roll(
    url: str,
    *,
    county_id: str,
    roll_version: int | None = None,
    progress: Progress = lambda _phase, _rows: None,
) -> LoadedRoll | None:
    """Load a version of the county's roll (the one in use) once more, as its next version, with this program's keys.

    What the county's file said is the same, row by row and under the same numbers. The new version takes the place of
    the one in use, if that was it. None where the keys are this program's already.

    Raises:
        UnknownRollError: the county has no such version, or its registrations are gone.
        RollLoadingError: another load of this county's roll is running.
    """
    async with connected(url) as connection:
        roll = await _version(connection, county_id, roll_version)
        if roll is None or roll.state in ("loading", "failed") or roll.dropped_at:
            raise UnknownRollError
        if roll.keys_version == KEYS_VERSION:
            return None
        with TemporaryDirectory(prefix="rekey-") as folder:
            source = Path(folder) / "roll.csv"
            progress("reading", 0)
            await db.write_canonical(connection, county_id, roll.roll_version, source)
            return await load_roll(
                url,
                county_id=county_id,
                source=source,
                complete_through=roll.complete_through,
                activate=roll.state == "active",
                progress=progress,
            )


async def _version(connection: asyncpg.Connection, county_id: str, roll_version: int | None) -> db.Roll | None:
    if roll_version is None:
        return await db.active_roll(connection, county_id)
    return await db.get_roll(connection, county_id, roll_version)
