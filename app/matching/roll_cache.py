"""What each process keeps of rolls and aliases: a version of them never changes, so it is read once.

`in_use` says what a county's lines are looked up in; `TERM_CACHE` owns the term frequencies of roll versions, and
`aliases_of` the versions of aliases. A lookup loads the words that it needs with `load_counts` and `searches`.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import asyncpg

from app.matching import queries as db
from app.matching.frequencies import TermFrequencies, Words
from app.matching.parsing import NO_ALIASES, Aliases, ParsedLine
from app.matching.queries import SearchedRoll
from app.matching.search import Search

_RollLoad = tuple[str, int, datetime | None]
"""County, roll version, and when it was loaded: a version that was dropped may be loaded again."""


@dataclass(slots=True)
class TermCache:
    """The term frequencies of the roll versions that this process decides lines by, shared by all its batches."""

    max_rolls: int = 4
    max_terms: int = 100_000  # frequencies and corrections of all rolls together, some 12 MB
    _rolls: dict[_RollLoad, TermFrequencies] = field(default_factory=dict)

    async def terms_of(self, roll: SearchedRoll) -> TermFrequencies:
        """Return the term frequencies of a roll version as far as they were loaded.

        If there are too many, the oldest versions are dropped, or misspellings of the one asked for. Batches that
        still work with what was dropped keep it.
        """
        registrations, loaded_at = await db.roll_facts(roll)
        key, rolls = (roll.county_id, roll.roll_version, loaded_at), self._rolls
        while len(rolls.keys() | {key}) > self.max_rolls or sum(one.size for one in rolls.values()) > self.max_terms:
            oldest = next(iter(rolls))
            terms = rolls.pop(oldest)
            if oldest == key and (known := terms.known_only()).size <= self.max_terms // 2:
                rolls[key] = known
        if key not in rolls:
            terms = TermFrequencies(registrations, await db.roll_cities(roll))
            rolls.setdefault(key, terms)  # unless another batch added them meanwhile
        return rolls[key]


TERM_CACHE: Final = TermCache()


async def load_counts(roll: SearchedRoll, terms: TermFrequencies, *needed: Words) -> None:
    """Load the frequencies of the words needed that are not loaded yet, in one statement."""
    missing = terms.without_count(needed)
    terms.add_counts(missing, await db.word_counts(roll, missing))


async def searches(roll: SearchedRoll, terms: TermFrequencies, lines: Iterable[ParsedLine]) -> list[Search]:
    """Return the searches for lines whose written words are loaded, with what their queries need loaded, too."""
    made = [Search(line, terms) for line in lines]
    await load_counts(roll, terms, *(search.counted for search in made))
    missing = terms.without_corrections(search.corrected for search in made)
    terms.add_corrections(missing, await db.similar_words(roll, missing))
    return made


async def in_use(connection: asyncpg.Connection, county_id: str) -> tuple[SearchedRoll | None, int]:
    """Return the roll in use with its aliases, and their version; in one statement if these aliases were read before.

    The roll is None if the county has no active roll that this program can search.
    """
    roll_version, version, digest = await db.versions_in_use(connection, county_id)
    aliases = await _cached_aliases(connection, county_id, version, digest or "")
    roll = None if roll_version is None else SearchedRoll(connection, county_id, roll_version, aliases)
    return roll, version


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> Aliases:
    """Return the aliases of one version; none if it does not exist."""
    found = await db.alias_version(connection, county_id, version) if version else None
    return await _cached_aliases(connection, county_id, version, found.source_sha256) if found else NO_ALIASES


_MAX_ALIAS_VERSIONS: Final = 8
_aliases: dict[tuple[str, int, str], Aliases] = {}


async def _cached_aliases(connection: asyncpg.Connection, county_id: str, version: int, digest: str) -> Aliases:
    if not version:
        return NO_ALIASES
    key = (county_id, version, digest)
    if key not in _aliases:
        rows = await db.alias_rows(connection, county_id, version)
        aliases = await asyncio.to_thread(Aliases, version, rows)  # parsing a large table takes a second
        while len(_aliases) >= _MAX_ALIAS_VERSIONS:
            del _aliases[next(iter(_aliases))]
        _aliases[key] = aliases
    return _aliases[key]
