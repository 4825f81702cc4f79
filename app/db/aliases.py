"""The county's aliases: their versions, the rows of one, and the lines that were read under an older one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import LINE_COLUMNS, columns, line_of, lock_lines
from app.domain.alias_rows import Alias
from app.domain.blocking import KEYS_VERSION
from app.domain.count import Line
from app.domain.signature import Place

# The roll and the aliases in use: by roll_one_active, the county's key and the version's. A roll whose search keys are
# another program's would be searched in vain: it counts as none until it is made anew.
_IN_USE = """
SELECT (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $2),
       aliases_version, source_sha256
FROM county LEFT JOIN alias_version USING (county_id, aliases_version) WHERE county_id = $1
"""

# Whoever loads aliases takes the county's row so that an examination under the old ones, which holds it, is waited for.
_TAKE = "SELECT aliases_version FROM county WHERE county_id = $1 FOR UPDATE"

_VERSION_COLUMNS = "aliases_version, streets, cities, source_sha256, loaded_by, loaded_at"
_VERSION = f"SELECT {_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 AND aliases_version = $2"  # noqa: S608  # our columns
_VERSIONS = f"SELECT {_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 ORDER BY aliases_version"  # noqa: S608  # our columns

_ADD_VERSION = f"INSERT INTO alias_version (county_id, {_VERSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608  # our columns
_ADD_ALIASES = """
INSERT INTO county_alias (county_id, aliases_version, kind, alias, name)
SELECT $1, $2, kind, alias, name FROM unnest($3::text[], $4::text[], $5::text[]) AS new (kind, alias, name)
"""
_USE = "UPDATE county SET aliases_version = $2 WHERE county_id = $1"

# Rides the primary key.
_ALIASES = """
SELECT kind, alias, name FROM county_alias WHERE county_id = $1 AND aliases_version = $2 ORDER BY kind, alias, name
"""

# The lines whose decision another name of a street or city may change. Rides line_aliases, whose reasons these are.
_READ_BEFORE = f"""
SELECT {LINE_COLUMNS} FROM line
WHERE county_id = $1 AND petition_id = $2 AND aliases_version < $3
  AND reason IN ('not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled',
                 'different_address', 'out_of_county', 'ambiguous', 'weak_match', 'possible_move')
LIMIT $4
"""  # noqa: S608  # a literal of ours

# By the primary key; the lines are locked.
_READ_NOW = """
UPDATE line SET aliases_version = $6
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND line.section = place.section AND line.page = place.page AND line.line = place.line
"""


class InUse(NamedTuple):
    """What lines are looked up by now."""

    roll_version: int | None  # None without an active roll that this program can search
    aliases_version: int  # 0 before the first
    aliases_sha256: str | None


class AliasVersion(NamedTuple):
    """One version of a county's aliases."""

    aliases_version: int
    streets: int
    cities: int
    source_sha256: str
    loaded_by: str
    loaded_at: datetime


async def in_use(connection: asyncpg.Connection, county_id: str) -> InUse:
    """The roll and the aliases in use."""
    row = await connection.fetchrow(_IN_USE, county_id, KEYS_VERSION)
    return InUse(*row) if row else InUse(None, 0, None)


async def take_aliases(connection: asyncpg.Connection, county_id: str) -> int | None:
    """The version in use, which nobody else may change or rest on until this transaction ends; None: no such county."""
    version: int | None = await connection.fetchval(_TAKE, county_id)
    return version


async def alias_version(connection: asyncpg.Connection, county_id: str, version: int) -> AliasVersion | None:
    """One version; None where there is no such."""
    row = await connection.fetchrow(_VERSION, county_id, version)
    return AliasVersion(*row) if row else None


async def alias_versions(connection: asyncpg.Connection, county_id: str) -> list[AliasVersion]:
    """Every version of a county's aliases, the oldest first; the last one is in use."""
    return [AliasVersion(*row) for row in await connection.fetch(_VERSIONS, county_id)]


async def add_aliases(
    connection: asyncpg.Connection, county_id: str, version: AliasVersion, rows: Sequence[Alias]
) -> None:
    """Add a version with its rows and put it into use. The caller has taken the county's aliases."""
    await connection.execute(_ADD_VERSION, county_id, *version)
    texts = [[row[at] for row in rows] for at in range(len(Alias._fields))]
    await connection.execute(_ADD_ALIASES, county_id, version.aliases_version, *texts)
    await connection.execute(_USE, county_id, version.aliases_version)


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> list[Alias]:
    """The rows of one version, in order."""
    return [Alias(*row) for row in await connection.fetch(_ALIASES, county_id, version)]


async def lines_read_before(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, version: int, limit: int
) -> list[Line]:
    """Lines not found good that were read under older aliases than this version."""
    return [line_of(row) for row in await connection.fetch(_READ_BEFORE, county_id, petition_id, version, limit)]


async def mark_read(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, places: Collection[Place], version: int
) -> None:
    """Note that this version reads these lines as the one before did, so that what was decided of them stands."""
    await lock_lines(connection, county_id, petition_id, places, [])  # in paper order, as every holder of several
    await connection.execute(_READ_NOW, county_id, petition_id, *columns(places), version)
