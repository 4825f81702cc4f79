"""Which aliases a county uses, and having them at hand: what every lookup asks, and no more."""

import asyncio
from typing import Final, NamedTuple

import asyncpg

from app.db import aliases as rows
from app.domain.aliases import NO_ALIASES, Aliases

_VERSIONS_KEPT: Final = 8
_kept: dict[tuple[str, int, str], Aliases] = {}


class InUse(NamedTuple):
    """What lines are looked up by now."""

    roll_version: int | None  # None without an active roll that this program can search
    aliases: Aliases


async def in_use(connection: asyncpg.Connection, county_id: str) -> InUse:
    """The roll version and the aliases in use, in one statement where the aliases were read before."""
    found = await rows.in_use(connection, county_id)
    digest = found.aliases_sha256 or ""
    return InUse(found.roll_version, await _aliases(connection, county_id, found.aliases_version, digest))


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> Aliases:
    """The aliases of one version; none where there is no such."""
    if not version:
        return NO_ALIASES
    found = await rows.alias_version(connection, county_id, version)
    return await _aliases(connection, county_id, version, found.source_sha256) if found else NO_ALIASES


async def _aliases(connection: asyncpg.Connection, county_id: str, version: int, digest: str) -> Aliases:
    """The aliases of a version, made once and kept: they are small, and never change."""
    if not version:
        return NO_ALIASES
    key = (county_id, version, digest)
    if key not in _kept:
        made = await asyncio.to_thread(Aliases, version, await rows.aliases_of(connection, county_id, version))
        while len(_kept) >= _VERSIONS_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = made
    return _kept[key]
