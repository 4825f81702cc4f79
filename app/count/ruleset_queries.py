"""SQL of the rulesets: the standard ones of the program, and those of the counties."""

import json
from datetime import date, datetime
from typing import NamedTuple

from asyncpg import Connection

from app.errors import InvalidPetitionError
from app.law.petition import Terms
from app.law.ruleset import Ruleset

# A county's own and the standard ones. There are few: all are read.
_VISIBLE = """
SELECT name, valid_from, parameters, note, added_by, added_at FROM ruleset WHERE (county_id IS NULL OR county_id = $1)
"""
_LIST = f"{_VISIBLE} ORDER BY county_id IS NOT NULL, added_at, name"
_NAMED = f"{_VISIBLE} AND name = $2"

# The newest that is valid on a day; a county's own goes before a standard one of the same day.
_DEFAULT = f"""
{_VISIBLE} AND valid_from <= $2 ORDER BY valid_from DESC, county_id IS NULL, added_at DESC, name DESC LIMIT 1
"""

# By the primary key: of two with the same name the second gets no row. It is never changed afterwards.
_ADD = """
INSERT INTO ruleset (county_id, name, valid_from, parameters, note, added_by, added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
"""


# By the primary key. The text is never changed, so its hash in the ledger stays true.
_SHA256 = "SELECT encode(sha256(convert_to(parameters, 'UTF8')), 'hex') FROM ruleset WHERE name = $1"


class AddedRuleset(NamedTuple):
    """A ruleset, where it comes from, and who added it when."""

    ruleset: Ruleset
    note: str
    added_by: str
    added_at: datetime


def _added(name: str, valid_from: date | None, parameters: str, *record: object) -> AddedRuleset:
    return AddedRuleset._make((Ruleset.stored(name, valid_from, parameters), *record))


async def list_rulesets(connection: Connection, county_id: str) -> list[AddedRuleset]:
    """The rulesets that a county may use: the standard ones first, then its own."""
    return [_added(*row) for row in await connection.fetch(_LIST, county_id)]


async def find_ruleset(connection: Connection, county_id: str, name: str) -> Ruleset | None:
    """The ruleset of this name, if the county may use it."""
    row = await connection.fetchrow(_NAMED, county_id, name)
    return row and _added(*row).ruleset


async def parameters_sha256(connection: Connection, name: str) -> str:
    """SHA-256, hexadecimal, of a ruleset's parameters as they are stored."""
    return str(await connection.fetchval(_SHA256, name))


async def ruleset_of(connection: Connection, terms: Terms) -> Ruleset:
    """The ruleset that a petition asks for by name, or the one that is valid on the day of its filing.

    Raises InvalidPetitionError if there is none.
    """
    if terms.ruleset_name:
        found = await find_ruleset(connection, terms.county_id, terms.ruleset_name)
    else:
        row = await connection.fetchrow(_DEFAULT, terms.county_id, terms.filed_on)
        found = row and _added(*row).ruleset
    if found is None:
        raise InvalidPetitionError("there is no such ruleset")
    return found


async def add_ruleset(connection: Connection, county_id: str, new: AddedRuleset) -> bool:
    """Store a county's ruleset. False if the name is taken."""
    ruleset, *record = new
    row = (ruleset.name, ruleset.valid_from, json.dumps(ruleset.parameters(), sort_keys=True), *record)
    return bool(await connection.fetchval(_ADD, county_id, *row))
