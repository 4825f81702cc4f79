"""Reading the roll by its keys: registrations in ranges of a key, and who lives at an address."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg

from app.db.roll import REGISTRATION_COLUMNS
from app.domain.blocking import FINE, KEY_COLUMNS, MARK_COLUMN
from app.domain.search import Hits
from app.domain.voter import Registration

_COLUMNS = ", ".join(f"r.{column}" for column in REGISTRATION_COLUMNS)

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
