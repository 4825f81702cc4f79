"""SQL of the rolls and the aliases: their versions and the bulk load."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

import asyncpg

from app.law.registration import Registration
from app.matching.blocking import KEY_COLUMNS, KEYS_VERSION, MARK_COLUMN
from app.matching.queries import ALIAS_VERSION_COLUMNS, AliasVersion, SearchedRoll

RollName = tuple[str, int]  # county and version
RollState = Literal["loading", "loaded", "active", "retired", "failed"]


@dataclass(frozen=True, slots=True)
class Roll:
    """One version of a county's roll."""

    county_id: str
    roll_version: int
    state: RollState
    format: str
    complete_through: date  # the last day whose registrations are in it
    keys_version: int  # of the search keys it was loaded with
    progress_phase: str  # copying, indexing, done
    progress_rows: int
    registrations: int | None  # those that are searched: not those of confidential voters; None until it is loaded
    failure: str | None  # why it was refused: row, column and reason, no value
    created_at: datetime
    activated_at: datetime | None
    dropped_at: datetime | None  # from then on its registrations are gone

    @property
    def usable(self) -> bool:
        """Whether its registrations are all there."""
        return self.state not in ("loading", "failed") and self.dropped_at is None


_ROLL_COLUMNS = ", ".join(field.name for field in fields(Roll))
REGISTRATION_COLUMNS = Registration._fields
COPY_COLUMNS = (*REGISTRATION_COLUMNS, *KEY_COLUMNS, MARK_COLUMN)

# The start and the activation of a roll lock the county's row first, so that they take turns.
LOCK_COUNTY = "SELECT county_id FROM county WHERE county_id = $1 FOR NO KEY UPDATE"

# One load of a county at a time. Held to the end of the load's transaction: if its process dies, the lock goes with it.
TRY_LOADING = "SELECT pg_try_advisory_xact_lock(hashtextextended('recall: load ' || $1, 0))"

# Loads whose process died. This and the next ones use the roll's primary key.
FAIL_ABANDONED = """
UPDATE roll SET state = 'failed', failure = 'the load was interrupted' WHERE county_id = $1 AND state = 'loading'
"""

# The next version of the county's roll. The county's row is locked, so no other load takes the same number.
START_ROLL = """
INSERT INTO roll (county_id, roll_version, state, format, complete_through, keys_version)
SELECT $1, coalesce(max(roll_version), 0) + 1, 'loading', $2, $3, $4 FROM roll WHERE county_id = $1
RETURNING roll_version
"""

PROGRESS = """
UPDATE roll SET progress_phase = $3, progress_rows = $4 WHERE county_id = $1 AND roll_version = $2 AND state = 'loading'
"""

FAIL_ROLL = """
UPDATE roll SET state = 'failed', failure = $3 WHERE county_id = $1 AND roll_version = $2 AND state = 'loading'
"""

FINISH_ROLL = """
UPDATE roll SET state = 'loaded', progress_phase = 'done', progress_rows = $3, registrations = $3 - $4::bigint,
    source_sha256 = $5, loaded_at = now()
WHERE county_id = $1 AND roll_version = $2
"""

STAGE = "SELECT roll_stage($1, $2)"
SET_APART = "SELECT roll_set_apart($1, $2)"
ATTACH = "SELECT roll_attach($1, $2)"

# The words that the workers counted come in portions, a word in many of them; the dictionary has the sums.
STAGE_TOKENS = "CREATE TEMPORARY TABLE staged_token (kind text, token text, registrations integer) ON COMMIT DROP"
KEEP_TOKENS = """
INSERT INTO roll_token (county_id, roll_version, kind, token, registrations)
SELECT $1, $2, kind, token, sum(registrations) FROM staged_token GROUP BY kind, token HAVING sum(registrations) > 0
"""

# The registrations that were set apart, by the primary key.
_CONFIDENTIAL = f"""
SELECT {", ".join(REGISTRATION_COLUMNS)} FROM confidential_registration WHERE county_id = $1 AND roll_version = $2
"""  # noqa: S608 - our columns

# The known words, each under all its variants. Sorted as the primary key is, so that its index grows at one end.
KEEP_VARIANTS = """
INSERT INTO roll_variant (county_id, roll_version, kind, variant, token, registrations)
SELECT $1, $2, kind, variant, token, registrations FROM roll_token
CROSS JOIN LATERAL (
    SELECT token AS variant
    UNION
    SELECT left(token, n - 1) || substr(token, n + 1) FROM generate_series(1, length(token)) AS n
) AS v
WHERE county_id = $1 AND roll_version = $2 AND kind = ANY ($3::text[]) AND length(token) >= $4 AND registrations >= $5
ORDER BY kind, variant COLLATE "C", token COLLATE "C"
"""

_ROLLS = f"SELECT {_ROLL_COLUMNS} FROM roll WHERE county_id = $1"  # noqa: S608 - our columns
_ROLL = f"{_ROLLS} AND roll_version = $2"

# These two use the index roll_one_active.
_ACTIVE_ROLL = f"{_ROLLS} AND state = 'active'"
_ANY_ACTIVE_ROLL = "SELECT EXISTS (SELECT FROM roll WHERE state = 'active' AND keys_version = $1)"

# Two statements, not one: roll_one_active is unique, so one row must have left it before the other enters.
RETIRE = "UPDATE roll SET state = 'retired' WHERE county_id = $1 AND state = 'active'"
ACTIVATE = f"""
UPDATE roll SET state = 'active', activated_at = now() WHERE county_id = $1 AND roll_version = $2
RETURNING {_ROLL_COLUMNS}
"""  # noqa: S608 - our columns

# A version as a canonical file, with its confidential registrations. By the primary keys.
CANONICAL = f"""
SELECT {", ".join(REGISTRATION_COLUMNS[1:-2])}, CASE WHEN confidential THEN 'true' ELSE 'false' END AS confidential,
       districts
FROM (
    SELECT {", ".join(REGISTRATION_COLUMNS)} FROM registration WHERE county_id = $1 AND roll_version = $2
    UNION ALL
    SELECT {", ".join(REGISTRATION_COLUMNS)} FROM confidential_registration WHERE county_id = $1 AND roll_version = $2
) AS every ORDER BY registration_no
"""  # noqa: S608 - our columns

# The registrations of some voters, in the file's order. Uses the partition's index on voter_id.
_OF_VOTERS = f"""
SELECT {", ".join(REGISTRATION_COLUMNS)} FROM registration
WHERE county_id = $1 AND roll_version = $2 AND voter_id = ANY($3::text[])
ORDER BY registration_no
"""  # noqa: S608 - our columns


async def list_rolls(connection: asyncpg.Connection, county_id: str) -> list[Roll]:
    """All versions of the county's roll, the oldest first, those loading or failed as well."""
    return [Roll(*row) for row in await connection.fetch(f"{_ROLLS} ORDER BY roll_version", county_id)]


async def get_roll(connection: asyncpg.Connection, county_id: str, version: int | None = None) -> Roll | None:
    """One version of the county's roll; without a number the one in use, None before the first is activated."""
    row = await connection.fetchrow(*((_ACTIVE_ROLL, county_id) if version is None else (_ROLL, county_id, version)))
    return Roll(*row) if row else None


async def any_active_roll(connection: asyncpg.Connection) -> bool:
    """Whether any county has a roll in use that this program can search."""
    return bool(await connection.fetchval(_ANY_ACTIVE_ROLL, KEYS_VERSION))


async def registrations_of_voters(roll: SearchedRoll, voter_ids: Sequence[str]) -> list[Registration]:
    """All intervals of these voters in one version of the roll, in the file's order."""
    return [Registration(*row) for row in await roll.fetch(_OF_VOTERS, voter_ids)]


async def confidential_registrations(connection: asyncpg.Connection, name: RollName) -> list[Registration]:
    """The registrations of the voters of one version of whom any registration is confidential."""
    return [Registration(*row) for row in await connection.fetch(_CONFIDENTIAL, *name)]


# Which of these numbers are pseudonyms of confidential voters, or, with $4, numbers of confidential voters themselves.
_OF_CONFIDENTIAL = """
SELECT pseudonym FROM confidential_voter WHERE county_id = $1 AND pseudonym = ANY($3::text[])
UNION
SELECT voter_id FROM confidential_registration
WHERE county_id = $1 AND roll_version = $2 AND voter_id = ANY($3::text[]) AND $4
"""


async def known_voters(roll: SearchedRoll, voter_ids: Sequence[str], *, confidential: bool) -> set[str]:
    """Which of these numbers are voters of this version of the roll, or pseudonyms of the county's.

    Args:
        roll: the version.
        voter_ids: the numbers.
        confidential: whether numbers of confidential voters are known, as they are to their officer.
    """
    found = {registration.voter_id for registration in await registrations_of_voters(roll, voter_ids)}
    if others := [number for number in voter_ids if number not in found]:
        found.update(row[0] for row in await roll.fetch(_OF_CONFIDENTIAL, others, confidential))
    return found


# An examination locks the county's row too, so a load of aliases waits for the examinations under the old ones.
LOCK_ALIASES = "SELECT aliases_version FROM county WHERE county_id = $1 FOR UPDATE"

# Three statements of one transaction, which has locked the county's aliases.
ADD_ALIAS_VERSION = f"""
INSERT INTO alias_version (county_id, {ALIAS_VERSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""  # noqa: S608 - our columns
ADD_ALIASES = """
INSERT INTO county_alias (county_id, aliases_version, kind, alias, name)
SELECT $1, $2, kind, alias, name FROM unnest($3::text[], $4::text[], $5::text[]) AS new (kind, alias, name)
"""
USE_ALIASES = "UPDATE county SET aliases_version = $2 WHERE county_id = $1"

_ALIAS_VERSIONS = f"SELECT {ALIAS_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 ORDER BY aliases_version"  # noqa: S608 - our columns


async def alias_versions(connection: asyncpg.Connection, county_id: str) -> list[AliasVersion]:
    """Every version of a county's aliases, the oldest first; the last one is in use."""
    return [AliasVersion(*row) for row in await connection.fetch(_ALIAS_VERSIONS, county_id)]
