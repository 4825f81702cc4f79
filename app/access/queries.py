"""SQL of counties and bearer keys."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import NamedTuple

import asyncpg

from app.access.assignment_queries import ranges_of
from app.access.principals import KeyRecord, Ranges, Role, is_county_code
from app.errors import CountyCodeError

KeyName = tuple[str, str]  # county and prefix

_COLUMNS = ", ".join(field.name for field in fields(KeyRecord))

# A county that is new, named by its code. Uses the primary key.
_ADD_COUNTY = "INSERT INTO county (county_id, name) VALUES ($1, $1) ON CONFLICT (county_id) DO NOTHING"

# Uses the primary keys: of the key, and of its owner's last assignment of sections.
_STORED_KEYS = """
SELECT county_id, prefix, principal, role, secret_sha256, expires_at, revoked_at IS NOT NULL, assigned.sections
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

ADD_KEY = f"""
INSERT INTO api_key (county_id, secret_sha256, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""  # noqa: S608 - our columns

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
    sections: Ranges = ()


async def add_county(connection: asyncpg.Connection, county_id: str) -> None:
    """Add the county if it is new; CountyCodeError if this cannot be the code of one."""
    if not is_county_code(county_id):
        raise CountyCodeError
    await connection.execute(_ADD_COUNTY, county_id)


async def stored_keys(connection: asyncpg.Connection, names: Collection[KeyName]) -> dict[KeyName, StoredKey]:
    """Those of the keys that there are."""
    found = await connection.fetch(_STORED_KEYS, [county for county, _ in names], [prefix for _, prefix in names])
    return {(row[0], row[1]): StoredKey._make((*row[2:-1], ranges_of(row["sections"]))) for row in found}


async def list_keys(connection: asyncpg.Connection, county_id: str) -> list[KeyRecord]:
    """A county's keys, the oldest first, including revoked ones."""
    return [KeyRecord(*row) for row in await connection.fetch(_LIST, county_id)]
