"""Reading the roll by its keys: registrations in ranges of a key, and who lives at an address."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from app.db.roll import REGISTRATION_COLUMNS
from app.domain.blocking import KEY_COLUMNS
from app.domain.voter import Registration


class KeyQuestion(NamedTuple):
    """Which registrations of a roll have a key in a range; `asked_for` is handed back with each."""

    asked_for: int
    column: int  # index into KEY_COLUMNS
    low: int
    high: int


_COLUMNS = ", ".join(f"r.{column}" for column in REGISTRATION_COLUMNS)

# The facts of a roll version that every batch needs. Rides the roll's primary key.
_ROLL_FACTS = "SELECT registrations, loaded_at FROM roll WHERE county_id = $1 AND roll_version = $2"

# A roll version's words. Rides the table's primary key.
_ROLL_WORDS = "SELECT kind, token, registrations FROM roll_token WHERE county_id = $1 AND roll_version = $2"

# The people of one surname at one house and street, for many lines at once. Rides the index of key_house_street.
_HOUSEHOLDS = f"""
SELECT q.asked_for, {_COLUMNS}
FROM unnest($3::int[], $4::bigint[]) AS q (asked_for, key)
JOIN registration r ON r.county_id = $1 AND r.roll_version = $2 AND r.key_house_street = q.key
"""  # noqa: S608 - our columns

# Everybody at one house and street, for many lines at once. Rides the index of key_house_street.
_RESIDENTS = """
SELECT q.asked_for, r.registration_no, r.last_name || ' ' || r.first_name || ' ' || r.middle_name, r.unit_number
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS q (asked_for, low, high)
CROSS JOIN LATERAL (
    SELECT * FROM registration
    WHERE county_id = $1 AND roll_version = $2 AND key_house_street BETWEEN q.low AND q.high
    LIMIT $6
) r
"""

# Numbers of the registrations in a range of one key, for many ranges at once; no more than $3 + 1 of each, so that a
# range that holds too many is noticed. One branch for each key, each rides the index of its key.
_NUMBERS = " UNION ALL ".join(
    f"""
SELECT q.question, r.numbers
FROM unnest(${4 + 3 * at}::int[], ${5 + 3 * at}::bigint[], ${6 + 3 * at}::bigint[]) AS q (question, low, high)
CROSS JOIN LATERAL (
    SELECT array_agg(f.registration_no) AS numbers FROM (
        SELECT registration_no FROM registration
        WHERE county_id = $1 AND roll_version = $2 AND {column} BETWEEN q.low AND q.high
        LIMIT $3 + 1
    ) f
) r
WHERE r.numbers IS NOT NULL
"""  # noqa: S608 - our columns
    for at, column in enumerate(KEY_COLUMNS)
)

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


async def roll_facts(roll: Roll) -> tuple[int, datetime | None]:
    """Return the number of registrations and when the version was loaded; (0, None) for an unknown one."""
    row = await roll.connection.fetchrow(_ROLL_FACTS, roll.county_id, roll.roll_version)
    return (row[0] or 0, row[1]) if row else (0, None)


async def roll_words(roll: Roll) -> list[tuple[str, str, int]]:
    """Return the version's words as (kind, word, registrations)."""
    rows = await roll.connection.fetch(_ROLL_WORDS, roll.county_id, roll.roll_version)
    return [(row[0], row[1], row[2]) for row in rows]


async def households(roll: Roll, keys: Sequence[tuple[int, int]]) -> list[tuple[int, Registration]]:
    """Return (asked_for, registration) for each (asked_for, key_house_street)."""
    asked, values = [key[0] for key in keys], [key[1] for key in keys]
    rows = await roll.connection.fetch(_HOUSEHOLDS, roll.county_id, roll.roll_version, asked, values)
    return [(row[0], Registration(*row[1:])) for row in rows]


async def residents(roll: Roll, questions: Sequence[KeyQuestion], most: int) -> list[asyncpg.Record]:
    """Return (asked_for, registration_no, name, unit_number) of everybody in each range, at most `most` of a range."""
    asked, low, high = [q.asked_for for q in questions], [q.low for q in questions], [q.high for q in questions]
    rows: list[asyncpg.Record] = await roll.connection.fetch(
        _RESIDENTS, roll.county_id, roll.roll_version, asked, low, high, most
    )
    return rows


async def registration_numbers(roll: Roll, questions: Sequence[KeyQuestion], most: int) -> dict[int, list[int]]:
    """Return the registration numbers of each question by its index; `most` + 1 of them stand for more than `most`."""
    arguments: list[list[int]] = [[] for _ in range(3 * len(KEY_COLUMNS))]
    for index, question in enumerate(questions):
        numbers, low, high = arguments[3 * question.column : 3 * question.column + 3]
        numbers.append(index)
        low.append(question.low)
        high.append(question.high)
    rows = await roll.connection.fetch(_NUMBERS, roll.county_id, roll.roll_version, most, *arguments)
    return {row[0]: row[1] for row in rows}


async def registrations(roll: Roll, numbers: Sequence[int]) -> dict[int, Registration]:
    """Return registrations by number."""
    rows = await roll.connection.fetch(_REGISTRATIONS, roll.county_id, roll.roll_version, numbers)
    return {row[0]: Registration(*row) for row in rows}
