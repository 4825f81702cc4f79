"""SQL of counties and bearer keys."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import asyncpg
from sqlalchemy import case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.access.principals import KeyRecord, Role
from app.database.tables import api_key, county

# Rides the primary key.
_LIVE_KEYS = """
SELECT county_id, prefix, principal, role, secret_sha256, expires_at
FROM api_key JOIN unnest($1::text[], $2::text[]) AS asked (county_id, prefix) USING (county_id, prefix)
WHERE revoked_at IS NULL
"""

# Rides the primary key. Several processes see the same key: whoever is first in a minute notes it.
_NOTE_USE = """
UPDATE api_key SET last_used_at = $3::timestamptz
WHERE county_id = $1 AND prefix = $2 AND (last_used_at IS NULL OR last_used_at < $3::timestamptz - interval '1 minute')
"""


class LiveKey(NamedTuple):
    """A key that is not revoked."""

    principal: str
    role: Role
    secret_sha256: bytes
    expires_at: datetime | None


async def live_keys(
    connection: asyncpg.Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], LiveKey]:
    """Of these keys, given as county and prefix, those that are not revoked."""
    found = await connection.fetch(_LIVE_KEYS, [county for county, _ in keys], [prefix for _, prefix in keys])
    return {(row[0], row[1]): LiveKey(*row[2:]) for row in found}


async def note_use(connection: asyncpg.Connection, county_id: str, prefix: str, now: datetime) -> None:
    """Remember that a key was used, where that was not noted in the minute before."""
    await connection.execute(_NOTE_USE, county_id, prefix, now)


async def live_keys_of(connection: AsyncConnection, county_id: str, principal: str, now: datetime) -> int:
    """How many live keys a principal has."""
    live = api_key.c.revoked_at.is_(None) & (api_key.c.expires_at.is_(None) | (api_key.c.expires_at > now))
    query = select(func.count()).where(api_key.c.county_id == county_id, api_key.c.principal == principal, live)
    return (await connection.execute(query)).scalar_one()


async def add_key(  # noqa: PLR0913  # the columns of a row
    connection: AsyncConnection,
    county_id: str,
    *,
    prefix: str,
    principal: str,
    role: Role,
    secret_sha256: bytes,
    created_at: datetime,
    expires_at: datetime | None,
    issued_by: str,
) -> None:
    """Store a new key."""
    await connection.execute(
        insert(api_key).values(
            county_id=county_id,
            prefix=prefix,
            principal=principal,
            role=role,
            secret_sha256=secret_sha256,
            created_at=created_at,
            expires_at=expires_at,
            issued_by=issued_by,
        )
    )


async def list_keys(connection: AsyncConnection, county_id: str) -> list[KeyRecord]:
    """A county's keys, the oldest first, revoked ones too."""
    query = select(api_key).where(api_key.c.county_id == county_id).order_by(api_key.c.created_at, api_key.c.prefix)
    fields = KeyRecord.__dataclass_fields__
    return [KeyRecord(**{field: getattr(row, field) for field in fields}) for row in await connection.execute(query)]


async def revoke_key(connection: AsyncConnection, county_id: str, prefix: str, by: str, now: datetime) -> bool:
    """Revoke a key; False where there is none. A second revocation changes nothing."""
    query = (
        update(api_key)
        .where(api_key.c.county_id == county_id, api_key.c.prefix == prefix)
        .values(
            revoked_at=func.coalesce(api_key.c.revoked_at, now),
            revoked_by=case((api_key.c.revoked_at.is_(None), by), else_=api_key.c.revoked_by),
        )
        .returning(api_key.c.prefix)
    )
    return (await connection.execute(query)).first() is not None


async def add_county(connection: AsyncConnection, county_id: str) -> None:
    """Make the county if it is new."""
    await connection.execute(upsert(county).values(county_id=county_id, name=county_id).on_conflict_do_nothing())
