"""Reading a roll's dictionary: how many registrations hold a word, and which words one slip may have made of it."""

from collections.abc import Collection, Mapping
from datetime import datetime

import asyncpg

from app.db.candidates import Roll
from app.domain.words import variants

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
