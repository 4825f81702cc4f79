"""SQL of the attempts that lapsed without a filing."""

from dataclasses import astuple, fields

from asyncpg import Connection

from app.law.attempts import LapsedAttempt

_COLUMNS = ", ".join(field.name for field in fields(LapsedAttempt))

# By the primary key: of two records of one attempt the second gets no row.
_ADD = f"""
INSERT INTO lapsed_attempt (county_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT DO NOTHING RETURNING true
"""  # noqa: S608  # our columns

# A county has few: by the primary key's first part.
_LIST = f"SELECT {_COLUMNS} FROM lapsed_attempt WHERE county_id = $1"  # noqa: S608  # our columns


async def add_lapsed(connection: Connection, county_id: str, attempt: LapsedAttempt) -> bool:
    """Store an attempt. False if one at this officer that began on this day is on record already."""
    return bool(await connection.fetchval(_ADD, county_id, *astuple(attempt)))


async def list_lapsed(connection: Connection, county_id: str) -> list[LapsedAttempt]:
    """The attempts of a county that lapsed."""
    names = [field.name for field in fields(LapsedAttempt)]
    return [LapsedAttempt(**dict(zip(names, row, strict=True))) for row in await connection.fetch(_LIST, county_id)]
