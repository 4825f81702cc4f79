"""SQL of the lookup: registrations by blocking key, residents of an address, term frequencies."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from app.law.registration import Registration
from app.matching.blocking import FINE, KEY_COLUMNS, KEYS_VERSION, MARK_COLUMN
from app.matching.frequencies import variants
from app.matching.search import Hits

_COLUMNS = ", ".join(f"r.{column}" for column in Registration._fields)

# The people of one surname at one house and street, for many lines at once. Rides the index of key_house_street.
_HOUSEHOLDS = f"""
SELECT q.asked_for, {_COLUMNS}
FROM unnest($3::int[], $4::bigint[]) AS q (asked_for, key)
JOIN registration r ON r.county_id = $1 AND r.roll_version = $2 AND r.key_house_street = q.key
"""  # noqa: S608 - our columns

# Everybody at one house and street, for many lines at once. Rides the index of key_house_street.
_RESIDENTS = f"""
SELECT q.asked_for, r.registration_no, r.last_name || ' ' || r.first_name || ' ' || r.middle_name,
       r.unit_number || '\t' || left(r.zip, 5) || '\t' || r.street_type || '\t' || r.pre_direction || r.post_direction
FROM unnest($3::int[], $4::bigint[]) AS q (asked_for, low)
CROSS JOIN LATERAL (
    SELECT * FROM registration
    WHERE county_id = $1 AND roll_version = $2 AND key_house_street BETWEEN q.low AND q.low | {FINE}
    LIMIT $5
) r
"""  # noqa: S608 - a number of ours

_OF_STREETS: Final = ("key_surname_street", "key_surname2_street", "key_given_street")  # with a mark in their index


def _hits_of(at: int, column: str, high: str) -> str:
    """What ranges of one key hold; its index alone answers. The arguments are the lows and the most of each."""
    mark = MARK_COLUMN if column in _OF_STREETS else "0"
    return f"""
SELECT {at}, q.question, r.numbers, r.fines, r.houses
FROM unnest(${1 + 2 * at}::bigint[]) WITH ORDINALITY AS q (low, question)
CROSS JOIN LATERAL (
    SELECT array_agg(f.registration_no) AS numbers, array_agg(f.fine) AS fines, array_agg(f.house) AS houses FROM (
        SELECT registration_no, ({column} & {FINE})::int AS fine, {mark} AS house
        FROM {{partition}} WHERE {column} BETWEEN q.low AND {high}
        LIMIT ${2 + 2 * at} + 1
    ) f
) r
WHERE r.numbers IS NOT NULL
"""  # noqa: S608 - our columns


# What ranges of the keys hold, and what single keys hold, for many at once; no more than one above the most of each, so
# that too many are noticed. One branch for each key. The version's own partition is named: conditions on county and
# version, which no index holds, would have every row visited.
_RANGES: Final = " UNION ALL ".join(_hits_of(at, column, f"q.low | {FINE}") for at, column in enumerate(KEY_COLUMNS))
_KEYS: Final = " UNION ALL ".join(_hits_of(at, column, "q.low") for at, column in enumerate(KEY_COLUMNS))

# Registrations by number. Rides the primary key.
_REGISTRATIONS = f"""
SELECT {_COLUMNS}
FROM unnest($3::int[]) AS q (registration_no)
JOIN registration r ON r.county_id = $1 AND r.roll_version = $2 AND r.registration_no = q.registration_no
"""  # noqa: S608 - our columns


class Roll(NamedTuple):
    """The version of a county's roll that is asked, on a connection."""

    connection: asyncpg.Connection
    county_id: str
    roll_version: int

    @property
    def partition(self) -> str:
        """The version's part of `registration`, quoted: a county's code is of letters, digits, `-` and `_`."""
        return f'"registration_{self.county_id}_{self.roll_version}"'


async def households(roll: Roll, keys: Sequence[tuple[int, int]]) -> list[tuple[int, Registration]]:
    """Return (asked_for, registration) for each (asked_for, key_house_street)."""
    if not keys:
        return []
    asked, values = [key[0] for key in keys], [key[1] for key in keys]
    rows = await roll.connection.fetch(_HOUSEHOLDS, roll.county_id, roll.roll_version, asked, values)
    return [(row[0], Registration(*row[1:])) for row in rows]


async def residents(roll: Roll, questions: Sequence[tuple[int, int]], most: int) -> list[asyncpg.Record]:
    """Return (asked_for, registration_no, name, place) of everybody at an address, at most `most` of each.

    A place is unit, zip of five digits, street type and direction with tabs between, which no value of a roll has. The
    questions are (asked_for, the lowest key_house_street).
    """
    if not questions:
        return []
    asked, lows = [question[0] for question in questions], [question[1] for question in questions]
    rows: list[asyncpg.Record] = await roll.connection.fetch(
        _RESIDENTS, roll.county_id, roll.roll_version, asked, lows, most
    )
    return rows


async def hits_in_ranges(roll: Roll, lows: Sequence[Sequence[int]], most: Sequence[int]) -> list[tuple[int, int, Hits]]:
    """Return what ranges hold as (column, index of the range, hits), for each of KEY_COLUMNS its ranges' lowest keys.

    One hit more than the column's `most` stands for more than that. A range that holds nothing is absent.
    """
    return await _hits(roll, _RANGES, lows, most)


async def hits_of_keys(roll: Roll, keys: Sequence[Sequence[int]], most: Sequence[int]) -> list[tuple[int, int, Hits]]:
    """Return what single keys hold, as `hits_in_ranges` does."""
    return await _hits(roll, _KEYS, keys, most)


async def _hits(
    roll: Roll, statement: str, lows: Sequence[Sequence[int]], most: Sequence[int]
) -> list[tuple[int, int, Hits]]:
    if not any(lows):
        return []
    arguments = [argument for column in zip(lows, most, strict=True) for argument in column]
    try:
        rows = await roll.connection.fetch(statement.format(partition=roll.partition), *arguments)
    except asyncpg.UndefinedTableError:  # dropped meanwhile, so another is in use: who writes the answer down sees that
        return []
    return [(column, question - 1, Hits(*found)) for column, question, *found in rows]


async def registrations(roll: Roll, numbers: Sequence[int]) -> dict[int, Registration]:
    """Return registrations by number."""
    if not numbers:
        return {}
    rows = await roll.connection.fetch(_REGISTRATIONS, roll.county_id, roll.roll_version, numbers)
    return {row[0]: Registration(*row) for row in rows}


# The facts of a roll version that every batch needs. Rides the roll's primary key.
_ROLL_FACTS = "SELECT registrations, loaded_at FROM roll WHERE county_id = $1 AND roll_version = $2"

_CITIES = "SELECT token FROM roll_token WHERE county_id = $1 AND roll_version = $2 AND kind = 'city'"

# How many registrations hold each word. Each rides the table's primary key, whatever the planner knows (OFFSET 0).
_COUNTS = """
SELECT token.kind, token.token, token.registrations
FROM unnest($3::text[], $4::text[]) AS word (kind, token)
CROSS JOIN LATERAL (
    SELECT * FROM roll_token WHERE county_id = $1 AND roll_version = $2
       AND (roll_token.kind, roll_token.token) = (word.kind, word.token) OFFSET 0
) AS token
"""

# The known words that share a variant with another word. Each rides the table's primary key.
_ALIKE = """
SELECT word.number, known.token, known.registrations
FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS word (kind, token, variant, number)
CROSS JOIN LATERAL (
    SELECT * FROM roll_variant WHERE county_id = $1 AND roll_version = $2
       AND (roll_variant.kind, roll_variant.variant) = (word.kind, word.variant) OFFSET 0
) AS known
WHERE known.token <> word.token
"""


async def roll_facts(roll: Roll) -> tuple[int, datetime | None]:
    """The number of registrations and when the version was loaded; (0, None) for an unknown one."""
    row = await roll.connection.fetchrow(_ROLL_FACTS, roll.county_id, roll.roll_version)
    return (row[0] or 0, row[1]) if row else (0, None)


async def roll_cities(roll: Roll) -> list[str]:
    """The names of the roll's cities."""
    rows = await roll.connection.fetch(_CITIES, roll.county_id, roll.roll_version)
    return [row[0] for row in rows]


async def word_counts(roll: Roll, asked: Mapping[str, Collection[str]]) -> list[asyncpg.Record]:
    """(kind, word, registrations) of each of the words asked for, by kind, that the roll holds."""
    pairs = [(kind, text) for kind, texts in asked.items() for text in texts]
    if not pairs:
        return []
    kinds, texts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows: list[asyncpg.Record] = await roll.connection.fetch(_COUNTS, roll.county_id, roll.roll_version, kinds, texts)
    return rows


async def alike_words(roll: Roll, asked: Mapping[str, Collection[str]]) -> list[tuple[str, str, str, int]]:
    """(kind, the word asked for, another known word that shares a variant with it, its registrations)."""
    triples = [(kind, text, variant) for kind, texts in asked.items() for text in texts for variant in variants(text)]
    if not triples:
        return []
    columns = [[triple[at] for triple in triples] for at in range(3)]
    rows = await roll.connection.fetch(_ALIKE, roll.county_id, roll.roll_version, *columns)
    return [(*triples[number - 1][:2], known, registrations) for number, known, registrations in rows]


# The roll and the aliases in use: by roll_one_active, the county's key and the version's. A roll whose search keys are
# another program's would be searched in vain: it counts as none until it is made anew.
_IN_USE = """
SELECT (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $2),
       aliases_version, source_sha256
FROM county LEFT JOIN alias_version USING (county_id, aliases_version) WHERE county_id = $1
"""


ALIAS_VERSION_COLUMNS = "aliases_version, streets, cities, source_sha256, loaded_by, loaded_at"


_VERSION = f"SELECT {ALIAS_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 AND aliases_version = $2"  # noqa: S608  # our columns


# Rides the primary key.
_ALIASES = """
SELECT kind, alias, name FROM county_alias WHERE county_id = $1 AND aliases_version = $2 ORDER BY kind, alias, name
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


async def alias_version(connection: asyncpg.Connection, county_id: str, version: int) -> AliasVersion | None:
    """One version; None where there is no such."""
    row = await connection.fetchrow(_VERSION, county_id, version)
    return AliasVersion(*row) if row else None


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> list[asyncpg.Record]:
    """The rows of one version in order, as (kind, alias, name)."""
    rows: list[asyncpg.Record] = await connection.fetch(_ALIASES, county_id, version)
    return rows
