"""Bearer keys: their format, issuing, revoking and recognizing them."""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from app.access import queries as rows
from app.access.principals import KeyParts, Principal, Role, compose, is_name, parse, secret_hash
from app.access.queries import add_county
from app.database.coalescing import Coalesced
from app.database.engine import Database
from app.errors import InvalidKeyError, KeyLimitError, UnknownKeyError

logger = logging.getLogger("app.keys")

COMMAND_LINE: Final = "command line"
"""Who acts where nobody's key does: a person with the machine in hand."""

_NOTE_EVERY = timedelta(minutes=1)
_MAX_AGE = 0.2  # seconds that a process may go on with what it read of a key
_LIVE_AT_ONCE = 2  # the old and the new one while a principal rotates


async def issue_key(
    database: Database,
    county_id: str,
    *,
    role: Role,
    principal: str,
    now: datetime,
    expires_at: datetime | None = None,
    by: str = COMMAND_LINE,
) -> str:
    """Make a key of 256 random bits and return it, the only time that it is seen.

    Raises:
        InvalidKeyError: the name is none, or the key would never be live.
        KeyLimitError: the principal has two live keys.
    """
    if not is_name(principal):
        raise InvalidKeyError("a name has 1 to 100 printable characters, none of them a comma")
    if expires_at and expires_at < now:
        raise InvalidKeyError("expires_at is in the past")
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
            issued_by=by,
        )
    return compose(parts)


async def revoke_key(database: Database, county_id: str, prefix: str, *, now: datetime, by: str = COMMAND_LINE) -> None:
    """Revoke a key: once this returns, no process takes it.

    Every process may go on with what it read of a key for 0.2 s, so this waits for twice as long after the commit.

    Raises:
        UnknownKeyError: the county has no such key.
    """
    async with database.begin() as connection:
        if not await rows.revoke_key(connection, county_id, prefix, by, now):
            raise UnknownKeyError
    await asyncio.sleep(2 * _MAX_AGE)


class KeyRing:
    """Recognises the bearers of keys, asking for all who come at the same time at once."""

    def __init__(self, database: Database) -> None:
        """Ask `database`, at most every 0.2 s for a key: a revocation waits until no process can know it as live."""
        self._database = database
        self._reads: Coalesced[tuple[str, str], rows.LiveKey] = Coalesced(self._fetch, max_age=_MAX_AGE)
        self._noted: dict[tuple[str, str], datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def recognise(self, key: str, *, now: datetime) -> Principal | None:
        """Who a key belongs to; None for a key that is unknown, revoked, expired or wrong."""
        parts = parse(key)
        if parts is None:
            return None
        found = await self._reads.get((parts.county_id, parts.prefix))
        if found is None or not hmac.compare_digest(found.secret_sha256, secret_hash(parts.secret)):
            return None
        if found.expires_at and found.expires_at <= now:
            return None
        self._note_use((parts.county_id, parts.prefix), now)
        return Principal(parts.county_id, found.principal, found.role)

    async def _fetch(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], rows.LiveKey]:
        async with self._database.brief() as connection:
            return await rows.live_keys(connection, keys)

    def _note_use(self, key: tuple[str, str], now: datetime) -> None:
        """Remember when a key was last used: at most once a minute, beside the request and not in its way."""
        if now - self._noted.get(key, datetime.min.replace(tzinfo=UTC)) < _NOTE_EVERY:
            return
        self._noted[key] = now
        task = asyncio.create_task(self._store_use(key, now))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _store_use(self, key: tuple[str, str], now: datetime) -> None:
        try:
            async with self._database.reading() as connection:
                await rows.note_use(connection, *key, now)
        except Exception as error:  # noqa: BLE001  # such as the database being away: the next use is noted
            logger.warning("a key's use was not noted", extra={"error": type(error).__qualname__})
            self._noted.pop(key, None)
