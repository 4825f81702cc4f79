"""The county's aliases: loading a version, and what it changes."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import asyncpg

from app.actions.aliases_in_use import aliases_of
from app.db import aliases as rows
from app.db.engine import Database
from app.db.lines import writings_at
from app.domain.alias_rows import Alias, read_aliases
from app.domain.aliases import read_otherwise
from app.domain.count import Line
from app.domain.line import read_line
from app.domain.petition import Petition
from app.domain.roll_errors import UnknownCountyError


class LoadedAliases(NamedTuple):
    """The version in use after a load."""

    version: rows.AliasVersion
    new: bool  # False where it held the same already


async def load_aliases(database: Database, county_id: str, content: bytes, *, by: str, now: datetime) -> LoadedAliases:
    """Load a file as the next version of the county's aliases and put it into use, in one transaction.

    The same content again changes nothing. Who is examined under the old version is waited for, and what it decided is
    examined again where the new version reads it otherwise.

    Raises:
        AliasesError: the file is not a table that can be used; nothing of it is loaded.
        UnknownCountyError
    """
    aliases = await asyncio.to_thread(read_aliases, content)  # a large file takes a second
    digest = sha256(content).hexdigest()
    async with database.intake() as connection, connection.transaction():
        before = await rows.take_aliases(connection, county_id)
        if before is None:
            raise UnknownCountyError
        held = await rows.alias_version(connection, county_id, before)
        if held and held.source_sha256 == digest:
            return LoadedAliases(held, new=False)
        kinds = Counter(alias.kind for alias in aliases)
        version = rows.AliasVersion(before + 1, kinds["street"], kinds["city"], digest, by, now)
        await rows.add_aliases(connection, county_id, version, aliases)
    return LoadedAliases(version, new=True)


async def read_otherwise_now(
    connection: asyncpg.Connection, petition: Petition, lines: Sequence[Line], version: int
) -> list[Line]:
    """Those of the lines that this version of the aliases reads otherwise than the one they were decided under."""
    county_id = petition.county_id
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, county_id, number) for number in sorted(versions)}
    written = await writings_at(connection, county_id, petition.petition_id, [line.place for line in lines])
    return [
        line
        for line in lines
        if read_otherwise(read_line(written[line.place].writing), aliases[line.aliases_version], aliases[version])
    ]


async def rows_of(connection: asyncpg.Connection, county_id: str, version: int) -> list[Alias] | None:
    """The rows of one version; None where there is no such."""
    if await rows.alias_version(connection, county_id, version) is None:
        return None
    return await rows.aliases_of(connection, county_id, version)
