"""SQL of the lookup: registrations by blocking key, residents of an address, term frequencies, and aliases."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import asyncpg

from app.law.registration import Registration
from app.matching.blocking import FINE, KEY_COLUMNS, KEYS_VERSION, MARK_COLUMN, KeyColumn
from app.matching.confidential import ConfidentialName
from app.matching.frequencies import WORDS_A_PAGE, Words, variants
from app.matching.parsing import NO_ALIASES, Alias, Aliases
from app.matching.search import BlockingQuery, Limits, Matches


class SearchedRoll(NamedTuple):
    """A version of a county's roll to look lines up in, on a connection, and the aliases to read them with."""

    connection: asyncpg.Connection
    county_id: str
    roll_version: int
    aliases: Aliases = NO_ALIASES

    @property
    def partition(self) -> str:
        """The version's part of `registration`, quoted: a county's code is of letters, digits, `-` and `_`."""
        return f'"registration_{self.county_id}_{self.roll_version}"'

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a query whose first two parameters are county and roll version."""
        rows: list[asyncpg.Record] = await self.connection.fetch(query, self.county_id, self.roll_version, *arguments)
        return rows

    async def search(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a query that names the version's partition."""
        try:
            rows: list[asyncpg.Record] = await self.connection.fetch(_of(self.partition, query), *arguments)
        except asyncpg.UndefinedTableError:  # it was dropped, so another version is in use, as the count notices
            return []
        return rows


@lru_cache(maxsize=1 << 6)
def _of(partition: str, query: str) -> str:
    return query.format(partition=partition)


_COLUMNS = ", ".join(f"r.{column}" for column in Registration._fields)

# Searches name the version's own partition: planning is cheap then, and conditions on county and version, which no
# index contains, would make an index-only scan visit every row. Numbers are sent as the text of an array, since the
# driver looks at each element of a list several times.

# The people of one surname at one house and street, for many lines at once. Uses the index of key_house_street.
_HOUSEHOLDS = f"""
SELECT r.key_house_street, {_COLUMNS} FROM {{partition}} r WHERE r.key_house_street = ANY ($1::text::bigint[])
"""  # noqa: S608 - our columns

# All people at one house and street, for many lines at once. Uses the index of key_house_street.
_RESIDENTS = f"""
SELECT q.position, r.registration_no, r.last_name || ' ' || r.first_name || ' ' || r.middle_name,
       r.unit_number || '\t' || left(r.zip, 5) || '\t' || r.street_type || '\t' || r.pre_direction || r.post_direction
FROM unnest($1::text::bigint[]) WITH ORDINALITY AS q (low, position)
CROSS JOIN LATERAL (SELECT * FROM {{partition}} WHERE key_house_street BETWEEN q.low AND q.low | {FINE} LIMIT $2) r
"""  # noqa: S608 - our number

# Registrations by number. Uses the primary key.
_REGISTRATIONS = f"SELECT {_COLUMNS} FROM {{partition}} r WHERE r.registration_no = ANY ($1::text::int[])"  # noqa: S608 - our columns


def _array(numbers: list[int]) -> str:
    """The text of an array."""
    return f"{{{str(numbers)[1:-1]}}}"


async def households(roll: SearchedRoll, keys: Sequence[tuple[int, int]]) -> list[tuple[int, Registration]]:
    """Return (line, registration) for each (line, key_house_street)."""
    lines: dict[int, list[int]] = {}
    for line, key in keys:
        lines.setdefault(key, []).append(line)
    found = []
    for row in await roll.search(_HOUSEHOLDS, _array(list(lines))) if lines else ():
        key, *values = row
        registration = Registration._make(values)
        found += [(line, registration) for line in lines[key]]
    return found


async def residents(
    roll: SearchedRoll, ranges: Sequence[tuple[int, int]], limit: int
) -> list[tuple[int, int, str, str]]:
    """Return (line, registration_no, name, place) for each (line, lowest key_house_street), at most `limit` of each.

    A place is unit, zip of five digits, street type and direction with tabs between, which no value of a roll contains.
    """
    rows = await roll.search(_RESIDENTS, _array([low for _, low in ranges]), limit) if ranges else ()
    return [(ranges[position - 1][0], number, name, place) for position, number, name, place in rows]


async def registrations(roll: SearchedRoll, numbers: list[int]) -> dict[int, Registration]:
    """Return registrations by number."""
    rows = await roll.search(_REGISTRATIONS, _array(numbers)) if numbers else ()
    return {row[0]: Registration._make(row) for row in rows}


_OF_STREETS: Final = ("key_surname_street", "key_surname2_street", "key_given_street")  # with a mark in their index


def _matches_of(at: int, column: str, high: str) -> str:
    """What ranges of one key contain, from its index alone. The arguments are the lowest keys and the limit of each."""
    mark = MARK_COLUMN if column in _OF_STREETS else "0"
    return f"""
SELECT {at}, q.position, f.registration_no, f.fine, f.house
FROM unnest(${1 + 2 * at}::text::bigint[]) WITH ORDINALITY AS q (low, position)
CROSS JOIN LATERAL (
    SELECT registration_no, ({column} & {FINE})::int AS fine, {mark} AS house
    FROM {{partition}} WHERE {column} BETWEEN q.low AND {high}
    LIMIT ${2 + 2 * at} + 1
) f
"""  # noqa: S608 - our columns


# What ranges of the keys contain, and what single keys contain; at most one more than the limit of each, so that too
# many are noticed. The rows of one range follow one another.
_RANGES: Final = " UNION ALL ".join(_matches_of(at, column, f"q.low | {FINE}") for at, column in enumerate(KEY_COLUMNS))
_KEYS: Final = " UNION ALL ".join(_matches_of(at, column, "q.low") for at, column in enumerate(KEY_COLUMNS))

LineQuery = tuple[int, BlockingQuery]
"""A blocking query with the index of the line that it is for."""


async def find_matches(
    roll: SearchedRoll, queries: Sequence[LineQuery], limits: Limits, *, ranges: bool
) -> list[Matches]:
    """Return what the ranges, or the single keys, of blocking queries contain; those without matches are left out.

    Args:
        roll: the roll to search.
        queries: each with the index of its line.
        limits: of the matches of one range or key of each column.
        ranges: whether the keys of the queries are the lowest ones of ranges.
    """
    keys: dict[KeyColumn, list[int]] = {column: [] for column in KEY_COLUMNS}
    asked: dict[KeyColumn, list[LineQuery]] = {column: [] for column in KEY_COLUMNS}  # of each key
    for line, query in queries:
        keys[query.column] += query.keys
        asked[query.column] += [(line, query)] * len(query.keys)
    if not any(keys.values()):
        return []
    arguments = [argument for column in KEY_COLUMNS for argument in (_array(keys[column]), limits[column])]
    found: list[Matches] = []
    last = None
    for at, position, number, fine, house in await roll.search(_RANGES if ranges else _KEYS, *arguments):
        if (at, position) != last:
            last, column = (at, position), KEY_COLUMNS[at]
            numbers, fines, houses = list[int](), list[int](), list[int]()
            line, query = asked[column][position - 1]
            found.append(Matches(line, query, keys[column][position - 1], numbers, fines, houses))
        numbers.append(number)
        fines.append(fine)
        houses.append(house)
    return [one._replace(complete=False) if len(one.numbers) > limits[one.query.column] else one for one in found]


# The newest version of the county's roll that was loaded, in use or not: from the end of the roll's primary key.
NEWEST_ROLL: Final = "(SELECT max(roll_version) FROM roll WHERE county_id = $1 AND loaded_at IS NOT NULL)"

# Uses the roll's primary key.
_ROLL_FACTS = f"SELECT registrations, loaded_at, {NEWEST_ROLL} FROM roll WHERE county_id = $1 AND roll_version = $2"  # noqa: S608  # a literal of ours

# The names of a version's confidential registrations, and all voters of the county who ever were confidential: a few
# thousand. By the primary keys.
_CONFIDENTIAL_NAMES = """
SELECT registration_no, last_name, first_name, middle_name, suffix, pseudonym
FROM confidential_registration JOIN confidential_voter USING (county_id, voter_id)
WHERE county_id = $1 AND roll_version = $2
"""
_ONCE_CONFIDENTIAL = "SELECT voter_id FROM confidential_voter WHERE county_id = $1"

# All confidential registrations of the voters of some of them, in the order of the roll. By the primary key.
_CONFIDENTIAL_REGISTRATIONS = f"""
SELECT {_COLUMNS} FROM confidential_registration r WHERE county_id = $1 AND roll_version = $2 AND voter_id IN (
    SELECT voter_id FROM confidential_registration
    WHERE county_id = $1 AND roll_version = $2 AND registration_no = ANY($3::int[]))
ORDER BY registration_no
"""  # noqa: S608 - our columns

# The names of the roll's cities, or the codes of its districts: by the primary key.
_ALL_OF_KIND = "SELECT token FROM roll_token WHERE county_id = $1 AND roll_version = $2 AND kind = $3"

# By roll_one_active and the primary key.
_DISTRICTS_IN_USE = """
SELECT token FROM roll JOIN roll_token USING (county_id, roll_version)
WHERE county_id = $1 AND state = 'active' AND kind = 'district'
"""

# All words of the roll in order, so many on a page, as `Dictionary` keeps them. Reads the version's part of the table.
_PAGES = f"""
SELECT kind, string_agg(token || E'\t' || registrations, E'\n' ORDER BY token COLLATE "C")
FROM (
    SELECT kind, token, registrations,
           (row_number() OVER (PARTITION BY kind ORDER BY token COLLATE "C") - 1) / {WORDS_A_PAGE} AS page
    FROM roll_token WHERE county_id = $1 AND roll_version = $2 AND kind = ANY ($3::text[])
) AS word
GROUP BY kind, page ORDER BY kind, page
"""  # noqa: S608 - our number

# How many registrations contain each word. OFFSET 0: the planner must use the primary key for each, whatever it knows.
_COUNTS = """
SELECT token.kind, token.token, token.registrations
FROM unnest($3::text[], $4::text[]) AS word (kind, token)
CROSS JOIN LATERAL (
    SELECT * FROM roll_token WHERE county_id = $1 AND roll_version = $2
       AND (roll_token.kind, roll_token.token) = (word.kind, word.token) OFFSET 0
) AS token
"""

# The known words that share a variant with another word. The same holds for the plan.
_SIMILAR = """
SELECT word.number, known.token, known.registrations
FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS word (kind, token, variant, number)
CROSS JOIN LATERAL (
    SELECT * FROM roll_variant WHERE county_id = $1 AND roll_version = $2
       AND (roll_variant.kind, roll_variant.variant) = (word.kind, word.variant) OFFSET 0
) AS known
WHERE known.token <> word.token
"""


async def roll_facts(roll: SearchedRoll) -> tuple[int, datetime | None, int | None]:
    """Return the number of searched registrations, when the version was loaded, and the county's newest version.

    They are (0, None, None) if the version does not exist.
    """
    rows = await roll.fetch(_ROLL_FACTS)
    return (rows[0][0] or 0, *rows[0][1:]) if rows else (0, None, None)


async def confidential_names(roll: SearchedRoll) -> tuple[list[ConfidentialName], list[str]]:
    """Return the names of the version's confidential voters, and the county's voters who ever were confidential."""
    names = [ConfidentialName(*row) for row in await roll.fetch(_CONFIDENTIAL_NAMES)]
    return names, [row[0] for row in await roll.connection.fetch(_ONCE_CONFIDENTIAL, roll.county_id)]


async def confidential_registrations(roll: SearchedRoll, numbers: Sequence[int]) -> list[Registration]:
    """Return all confidential registrations of the voters to whom these confidential registrations belong."""
    rows = await roll.fetch(_CONFIDENTIAL_REGISTRATIONS, numbers) if numbers else []
    return [Registration(*row) for row in rows]


async def roll_words(roll: SearchedRoll, kind: Literal["city", "district"]) -> list[str]:
    """Return the names of the roll's cities, or the codes of its districts."""
    return [row[0] for row in await roll.fetch(_ALL_OF_KIND, kind)]


async def districts_in_use(connection: asyncpg.Connection, county_id: str) -> set[str]:
    """Return the codes of districts that the county's roll in use names; none if there is no such roll."""
    return {row[0] for row in await connection.fetch(_DISTRICTS_IN_USE, county_id)}


async def dictionary_pages(roll: SearchedRoll, kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Return kind and text of each page of words of these kinds, as `Dictionary` takes them."""
    return [(kind, text) for kind, text in await roll.fetch(_PAGES, kinds)]


async def word_counts(roll: SearchedRoll, words: Words) -> list[tuple[str, str, int]]:
    """Return (kind, word, registrations) of each of the words that the roll contains."""
    asked = [(kind, word) for kind, of_kind in words.items() for word in of_kind]
    rows = await roll.fetch(_COUNTS, *zip(*asked, strict=True)) if asked else ()
    return [(kind, word, registrations) for kind, word, registrations in rows]


async def similar_words(roll: SearchedRoll, words: Words) -> list[tuple[str, str, str, int]]:
    """Return (kind, word, known word, its registrations) of the known words that share a variant with one of these."""
    asked = [(kind, word, variant) for kind, of_kind in words.items() for word in of_kind for variant in variants(word)]
    rows = await roll.fetch(_SIMILAR, *zip(*asked, strict=True)) if asked else []
    return [(*asked[number - 1][:2], known, registrations) for number, known, registrations in rows]


# The roll and the aliases in use: by roll_one_active, the county's key and the version's. A roll whose blocking keys
# are of another version of the program would be searched in vain: it counts as none until the keys are made again.
_IN_USE = f"""
SELECT (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $2),
       aliases_version, source_sha256, {NEWEST_ROLL}
FROM county LEFT JOIN alias_version USING (county_id, aliases_version) WHERE county_id = $1
"""  # noqa: S608  # a literal of ours


class AliasVersion(NamedTuple):
    """One version of a county's aliases."""

    aliases_version: int
    streets: int
    cities: int
    source_sha256: str
    loaded_by: str
    loaded_at: datetime


ALIAS_VERSION_COLUMNS = ", ".join(AliasVersion._fields)
_VERSION = f"SELECT {ALIAS_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 AND aliases_version = $2"  # noqa: S608  # our columns

# Uses the primary key.
_ALIASES = """
SELECT kind, alias, name FROM county_alias WHERE county_id = $1 AND aliases_version = $2 ORDER BY kind, alias, name
"""


async def versions_in_use(
    connection: asyncpg.Connection, county_id: str
) -> tuple[int | None, int, str | None, int | None]:
    """Return the version of the roll in use (None: no roll can be searched), and of the aliases with their digest.

    The last one is the version of the newest roll that was loaded.
    """
    row = await connection.fetchrow(_IN_USE, county_id, KEYS_VERSION)
    return tuple(row) if row else (None, 0, None, None)


async def alias_version(connection: asyncpg.Connection, county_id: str, version: int) -> AliasVersion | None:
    """Return one version of the aliases; None if it does not exist."""
    row = await connection.fetchrow(_VERSION, county_id, version)
    return AliasVersion(*row) if row else None


async def alias_rows(connection: asyncpg.Connection, county_id: str, version: int) -> list[Alias]:
    """Return the rows of one version of the aliases, in order."""
    return [Alias(*row) for row in await connection.fetch(_ALIASES, county_id, version)]
