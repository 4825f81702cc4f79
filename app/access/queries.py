"""SQL of counties, persons and bearer keys."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import NamedTuple

import asyncpg

from app.access.assignment_queries import ranges_of
from app.access.names import look_of
from app.access.principals import KeyRecord, Ranges, Role, is_county_code
from app.errors import CountyCodeError

KeyName = tuple[str, str]  # county and prefix

_COLUMNS = ", ".join(field.name for field in fields(KeyRecord))

# A county that is new, named by its code. Uses the primary key.
_ADD_COUNTY = "INSERT INTO county (county_id, name) VALUES ($1, $1) ON CONFLICT (county_id) DO NOTHING"

# By the primary key.
COUNTY_KNOWN = "SELECT EXISTS (SELECT FROM county WHERE county_id = $1)"

# Uses the primary keys: of the key, and of its owner's last assignment of sections.
_STORED_KEYS = """
SELECT county_id, prefix, principal, role, secret_sha256, expires_at, revoked_at IS NOT NULL, expired_at IS NOT NULL,
       assigned.sections
FROM api_key JOIN unnest($1::text[], $2::text[]) AS asked (county_id, prefix) USING (county_id, prefix)
LEFT JOIN LATERAL (
    SELECT sections FROM section_assignment AS one
    WHERE (one.county_id, one.principal) = (api_key.county_id, api_key.principal)
    ORDER BY assignment_no DESC LIMIT 1
) AS assigned ON true
"""

# That a key was used. Uses the primary key. Several processes see the same key: the first one in a minute notes it.
NOTE_USE = """
UPDATE api_key SET last_used_at = $3::timestamptz
WHERE county_id = $1 AND prefix = $2 AND (last_used_at IS NULL OR last_used_at < $3::timestamptz - interval '1 minute')
"""

# A county has few keys: all of them are read, by the primary key.
_LIST = f"SELECT {_COLUMNS} FROM api_key WHERE county_id = $1 ORDER BY created_at, prefix"  # noqa: S608 - our columns

# A person who is new. By the primary key: of names that look alike, the one that is added first is the person's.
_ADD_PERSON = """
INSERT INTO person (county_id, look, name, added_at, added_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
_PERSON_NAME = "SELECT name FROM person WHERE county_id = $1 AND look = $2"

ADD_KEY = f"""
INSERT INTO api_key (county_id, look, secret_sha256, {_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""  # noqa: S608 - our columns

# A person's keys that are accepted at $3. A county has few keys: all of them are read, by the primary key.
LIVE_KEYS = """
SELECT count(*) FROM api_key
WHERE county_id = $1 AND look = $2 AND revoked_at IS NULL AND expired_at IS NULL
  AND (expires_at IS NULL OR expires_at > $3)
"""

# Marks the keys that are expired at a moment, once. There are few keys in all counties: all of them are read.
MARK_EXPIRED = "UPDATE api_key SET expired_at = $1 WHERE expires_at <= $1 AND expired_at IS NULL"

# A second revocation changes nothing: the first one stays on record.
REVOKE_KEY = """
UPDATE api_key SET
    revoked_at = coalesce(revoked_at, $4),
    revoked_by = CASE WHEN revoked_at IS NULL THEN $3 ELSE revoked_by END
WHERE county_id = $1 AND prefix = $2
RETURNING true
"""


class StoredKey(NamedTuple):
    """A key as it is recognized."""

    principal: str
    role: Role
    secret_sha256: bytes
    expires_at: datetime | None
    revoked: bool = False
    expired: bool = False  # as the service once saw it, whatever its clock says now
    sections: Ranges = ()


async def add_county(connection: asyncpg.Connection, county_id: str) -> None:
    """Add the county if it is new; CountyCodeError if this cannot be the code of one."""
    if not is_county_code(county_id):
        raise CountyCodeError
    await connection.execute(_ADD_COUNTY, county_id)


async def person_named(
    connection: asyncpg.Connection, county_id: str, name: str, *, now: datetime, by: str
) -> tuple[str, str]:
    """The person whose name looks like this one, who is added if there is none: the look, and the name on record.

    Args:
        connection: in the transaction that issues the person's key.
        county_id: the person's county.
        name: an allowed name.
        now: the time of the request.
        by: the name of the user who adds the person; goes on record.
    """
    look = look_of(name)
    await connection.execute(_ADD_PERSON, county_id, look, name, now, by)
    return look, await connection.fetchval(_PERSON_NAME, county_id, look)


async def stored_keys(connection: asyncpg.Connection, names: Collection[KeyName]) -> dict[KeyName, StoredKey]:
    """Those of the keys that there are."""
    found = await connection.fetch(_STORED_KEYS, [county for county, _ in names], [prefix for _, prefix in names])
    keys = {(row[0], row[1]): StoredKey._make((*row[2:-1], ())) for row in found}
    assigned = {(row[0], row[1]): ranges_of(row["sections"]) for row in found if row["sections"]}
    return keys | {name: keys[name]._replace(sections=ranges) for name, ranges in assigned.items()}


async def list_keys(connection: asyncpg.Connection, county_id: str) -> list[KeyRecord]:
    """A county's keys, the oldest first, including revoked ones."""
    return [KeyRecord(*row) for row in await connection.fetch(_LIST, county_id)]
