"""Issuing, revoking and recognising bearer keys."""

import hmac
import secrets
from datetime import datetime

from app.db import keys as rows
from app.db.engine import Database
from app.db.petitions import add_county
from app.domain.errors import KeyLimitError, UnknownKeyError
from app.domain.keys import KeyParts, Principal, Role, compose, parse, secret_hash

_LIVE_AT_ONCE = 2  # the old and the new one while a principal rotates


async def issue_key(
    database: Database, county_id: str, *, role: Role, principal: str, now: datetime, expires_at: datetime | None = None
) -> str:
    """Make a key of 256 random bits and return it, the only time that it is seen.

    Raises:
        KeyLimitError: the principal has two live keys.
    """
    parts = KeyParts(county_id, secrets.token_hex(4), secrets.token_urlsafe(32))
    async with database.begin() as connection:
        await add_county(connection, county_id)
        if await rows.live_keys_of(connection, county_id, principal, now) >= _LIVE_AT_ONCE:
            raise KeyLimitError
        await rows.add_key(
            connection,
            county_id,
            prefix=parts.prefix,
            principal=principal,
            role=role,
            secret_sha256=secret_hash(parts.secret),
            created_at=now,
            expires_at=expires_at,
        )
    return compose(parts)


async def revoke_key(database: Database, county_id: str, prefix: str, *, now: datetime) -> None:
    """Revoke a key, from the next request on.

    Raises:
        UnknownKeyError: the county has no such key.
    """
    async with database.begin() as connection:
        if not await rows.revoke_key(connection, county_id, prefix, now):
            raise UnknownKeyError


async def recognise(database: Database, key: str, *, now: datetime) -> Principal | None:
    """Who a key belongs to; None for a key that is unknown, revoked, expired or wrong."""
    parts = parse(key)
    if parts is None:
        return None
    async with database.reading() as connection:
        found = await rows.live_key(connection, parts.county_id, parts.prefix, now)
    if found is None or not hmac.compare_digest(found[2], secret_hash(parts.secret)):
        return None
    return Principal(parts.county_id, found[0], found[1])
