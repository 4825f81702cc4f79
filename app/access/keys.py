"""Bearer keys: issuing, revoking and recognizing them."""

import asyncio
import hmac
import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Final, NamedTuple

from app.access import queries as rows
from app.access.names import COMMAND_LINE, allowed_name, is_among
from app.access.principals import COUNTY_CODE, KeyRecord, Principal
from app.access.queries import KeyName, StoredKey
from app.database.pools import Database
from app.errors import InvalidKeyError, KeyLimitError, NameTakenError, OwnKeyError, UnknownKeyError

logger = logging.getLogger("app.keys")

VALID_FOR: Final = timedelta(days=180)
"""How long a key is valid unless its end is given: from the opening of a petition to well after its certificate."""
_NOTE_EVERY = timedelta(minutes=1)  # at most: the use of a key is recorded
_MARK_EVERY = 60  # seconds
_NEVER = datetime.min.replace(tzinfo=UTC)
_MAX_AGE = 0.2  # seconds that a process may use what it read of a key
_LIVE_AT_ONCE = 2  # the old and the new one while a principal changes keys
_KEY: Final = re.compile(rf"rpk\.({COUNTY_CODE})\.([0-9a-f]{{8}})\.([A-Za-z0-9_-]{{43}})")


class KeyParts(NamedTuple):
    """The parts of a bearer key: it is found by the county and the prefix, and proved by the secret."""

    county_id: str
    prefix: str
    secret: str

    def __str__(self) -> str:
        """The key as it is shown, once."""
        return f"rpk.{self.county_id}.{self.prefix}.{self.secret}"


def parse(text: str) -> KeyParts | None:
    """The parts of a key; None for a text that is no key."""
    found = _KEY.fullmatch(text)
    return KeyParts(*found.groups()) if found else None


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret: it has 256 random bits, so that a plain hash cannot be guessed."""
    return sha256(secret.encode()).digest()


async def issue_key(
    database: Database, owner: Principal, *, now: datetime, expires_at: datetime | None = None, by: str = COMMAND_LINE
) -> str:
    """Make a key of 256 random bits and return it. It cannot be read again: only its hash is stored.

    Args:
        database: where the key is stored.
        owner: who may do what with it, in which county. The county is added if it is new.
        now: the time of the request.
        expires_at: the end of its validity; None: 180 days from now.
        by: the name of the user who issues it; goes on record.

    Raises:
        CountyCodeError: this cannot be the code of a county.
        InvalidKeyError: the name is not allowed, or the key would never be valid.
        KeyLimitError: the person has two live keys.
        NameTakenError: the name looks like that of another person.
        OwnKeyError: the user asks for a key of their own.
    """
    name, expires_at = allowed_name(owner.name), expires_at or now + VALID_FOR
    if expires_at < now:
        raise InvalidKeyError("expires_at is in the past")
    if is_among(name, [by]):  # also a key in another role: a person's roles are those of the person's keys
        raise OwnKeyError
    parts = KeyParts(owner.county_id, secrets.token_hex(4), secrets.token_urlsafe(32))
    key = KeyRecord(parts.prefix, name, owner.role, created_at=now, expires_at=expires_at, issued_by=by)
    async with database.reading() as connection, connection.transaction():
        await rows.add_county(connection, owner.county_id)
        look, on_record = await rows.person_named(connection, owner.county_id, name, now=now, by=by)
        if on_record != name:
            raise NameTakenError
        if await connection.fetchval(rows.LIVE_KEYS, owner.county_id, look, now) >= _LIVE_AT_ONCE:
            raise KeyLimitError
        await connection.execute(rows.ADD_KEY, owner.county_id, look, secret_hash(parts.secret), *astuple(key))
    return str(parts)


async def revoke_key(database: Database, county_id: str, prefix: str, *, now: datetime, by: str = COMMAND_LINE) -> None:
    """Revoke a key. When this returns, no process accepts it any more.

    Args:
        database: where the key is stored.
        county_id: the key's county.
        prefix: the key's prefix.
        now: the time of the request.
        by: the name of the user who revokes it.

    Raises:
        UnknownKeyError: the county has no such key.
    """
    async with database.reading() as connection:
        if not await connection.fetchval(rows.REVOKE_KEY, county_id, prefix, by, now):
            raise UnknownKeyError
    await until_known()


async def until_known() -> None:
    """Wait until every process has read its keys again: each may use what it read of a key for 0.2 s."""
    await asyncio.sleep(2 * _MAX_AGE)


async def mark_expired(database: Database, now: datetime) -> None:
    """Mark the keys that have expired: they stay expired even if the clock goes back."""
    try:
        async with database.reading() as connection:
            await connection.execute(rows.MARK_EXPIRED, now)
    except Exception as error:  # noqa: BLE001  # such as a lost database: the next time they are marked
        logger.warning("expired keys were not marked", extra={"error": type(error).__qualname__})


async def keep_expired(database: Database, now: Callable[[], datetime]) -> None:
    """Mark the keys that have expired, at once and then every minute, until it is canceled."""
    while True:
        await mark_expired(database, now())
        await asyncio.sleep(_MARK_EVERY)


class KeyRing:
    """Finds the owners of keys. What was read of a key is used for 0.2 s; a process asks one query at a time."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._known: dict[KeyName, tuple[StoredKey, float]] = {}  # with the time at which its query began
        self._asked: set[KeyName] = set()  # by the next query
        self._next: asyncio.Task[dict[KeyName, StoredKey]] | None = None
        self._turn = asyncio.Lock()  # a query's
        self.refused: Counter[str] = Counter()  # requests, by what is wrong with their keys
        self._noted: dict[KeyName, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def recognize(self, parts: KeyParts | None, *, now: datetime) -> Principal | None:
        """The owner of a key; None for a key that is none, unknown, revoked, expired or wrong."""
        found = await self._stored_key(parts[:2]) if parts else None
        if parts is None or found is None or not hmac.compare_digest(found.secret_sha256, secret_hash(parts.secret)):
            self.refused["unknown"] += 1
            return None
        expires_now = not found.expired and found.expires_at is not None and found.expires_at <= now
        if expires_now:
            await mark_expired(self._database, now)  # before it is refused, since the clock may go back
            self._known.clear()
        if found.revoked or found.expired or expires_now:
            self.refused["revoked" if found.revoked else "expired"] += 1
            return None
        name = parts[:2]
        if now - self._noted.get(name, _NEVER) >= _NOTE_EVERY:
            self._noted[name] = now
            task = asyncio.create_task(self._note_use(name, now))  # the request does not wait for it
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)
        return Principal(parts.county_id, found.principal, found.role, found.sections)

    async def settle(self) -> None:
        """Wait until every use of a key is recorded."""
        await asyncio.gather(*self._noting)

    async def _stored_key(self, name: KeyName) -> StoredKey | None:
        """The key, as of less than 0.2 s ago or by the next query. None, which is not remembered, if there is none."""
        known, began = self._known.get(name, (None, 0.0))
        if known and monotonic() - began < _MAX_AGE:
            return known
        self._asked.add(name)
        if self._next is None:
            self._next = asyncio.create_task(self._query())
        # A caller that gives up does not cancel the query for the others.
        return (await asyncio.shield(self._next)).get(name)

    async def _query(self) -> dict[KeyName, StoredKey]:
        """Wait for the query under way to end, then ask for all keys that were asked for meanwhile, at once."""
        async with self._turn:
            names, self._asked, self._next = self._asked, set(), None
            began = monotonic()
            async with self._database.brief() as connection:
                found = await rows.stored_keys(connection, names)
        fresh = {name: known for name, known in self._known.items() if began - known[1] < _MAX_AGE}
        self._known = fresh | {name: (key, began) for name, key in found.items()}
        return found

    async def _note_use(self, name: KeyName, now: datetime) -> None:
        try:
            async with self._database.reading() as connection:
                await connection.execute(rows.NOTE_USE, *name, now)
        except Exception as error:  # noqa: BLE001  # such as a lost database: the next use is recorded
            logger.warning("a key's use was not noted", extra={"error": type(error).__qualname__})
            self._noted.pop(name, None)
