"""SQL of the rolls and the aliases: their versions and the bulk load."""

from collections import Counter
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal

import asyncpg

from app.law.registration import Registration
from app.matching.aliases import Alias
from app.matching.blocking import KEY_COLUMNS, KEYS_VERSION, MARK_COLUMN
from app.matching.frequencies import CORRECTED_KINDS, SHORTEST_CORRECTED, fewest_known
from app.matching.queries import ALIAS_VERSION_COLUMNS, AliasVersion

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
    registrations: int | None  # None until it is loaded
    source_sha256: str | None  # of the file's content, uncompressed
    failure: str | None  # why it was refused: row, column and reason, no value
    created_at: datetime
    loaded_at: datetime | None
    activated_at: datetime | None
    dropped_at: datetime | None  # from then on its registrations are gone

    @property
    def usable(self) -> bool:
        """Whether its registrations are all there."""
        return self.state not in ("loading", "failed") and self.dropped_at is None


_ROLL_COLUMNS = ", ".join(field.name for field in fields(Roll))
REGISTRATION_COLUMNS = Registration._fields
_COPY_COLUMNS = (*REGISTRATION_COLUMNS, *KEY_COLUMNS, MARK_COLUMN)

# The start and the activation of a roll lock the county's row first, so that they take turns.
_LOCK_COUNTY = "SELECT county_id FROM county WHERE county_id = $1 FOR NO KEY UPDATE"

# One load of a county at a time. Held to the end of the load's transaction: if its process dies, the lock goes with it.
_TRY_LOADING = "SELECT pg_try_advisory_xact_lock(hashtextextended('recall: load ' || $1, 0))"

# Loads whose process died. This and the next ones use the roll's primary key.
_FAIL_ABANDONED = """
UPDATE roll SET state = 'failed', failure = 'the load was interrupted' WHERE county_id = $1 AND state = 'loading'
"""

# The next version of the county's roll. The county's row is locked, so no other load takes the same number.
_START_ROLL = """
INSERT INTO roll (county_id, roll_version, state, format, complete_through, keys_version)
SELECT $1, coalesce(max(roll_version), 0) + 1, 'loading', $2, $3, $4 FROM roll WHERE county_id = $1
RETURNING roll_version
"""

_PROGRESS = """
UPDATE roll SET progress_phase = $3, progress_rows = $4 WHERE county_id = $1 AND roll_version = $2 AND state = 'loading'
"""

_FAIL_ROLL = """
UPDATE roll SET state = 'failed', failure = $3 WHERE county_id = $1 AND roll_version = $2 AND state = 'loading'
"""

_FINISH_ROLL = """
UPDATE roll SET state = 'loaded', progress_phase = 'done', progress_rows = $3, registrations = $3, source_sha256 = $4,
    loaded_at = now()
WHERE county_id = $1 AND roll_version = $2
"""

_STAGE = "SELECT roll_stage($1, $2)"
_ATTACH = "SELECT roll_attach($1, $2)"

# The words that the workers counted come in portions, a word in many of them; the dictionary has the sums.
_STAGE_TOKENS = "CREATE TEMPORARY TABLE staged_token (kind text, token text, registrations integer) ON COMMIT DROP"
_KEEP_TOKENS = """
INSERT INTO roll_token (county_id, roll_version, kind, token, registrations)
SELECT $1, $2, kind, token, sum(registrations) FROM staged_token GROUP BY kind, token
"""

# The known words, each under all its variants. Sorted as the primary key is, so that its index grows at one end.
_KEEP_VARIANTS = """
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

# These two use the index roll_one_active.
_ACTIVE_ROLL = f"SELECT {_ROLL_COLUMNS} FROM roll WHERE county_id = $1 AND state = 'active'"  # noqa: S608 - our columns
_ANY_ACTIVE_ROLL = "SELECT EXISTS (SELECT FROM roll WHERE state = 'active' AND keys_version = $1)"
_ROLL = f"SELECT {_ROLL_COLUMNS} FROM roll WHERE county_id = $1 AND roll_version = $2"  # noqa: S608 - our columns
_ROLLS = f"SELECT {_ROLL_COLUMNS} FROM roll WHERE county_id = $1 ORDER BY roll_version"  # noqa: S608 - our columns

# Two statements, not one: roll_one_active is unique, so one row must have left it before the other enters.
_RETIRE = "UPDATE roll SET state = 'retired' WHERE county_id = $1 AND state = 'active'"
_ACTIVATE = f"""
UPDATE roll SET state = 'active', activated_at = now() WHERE county_id = $1 AND roll_version = $2
RETURNING {_ROLL_COLUMNS}
"""  # noqa: S608 - our columns

# A version as a canonical file. Uses the partition's primary key.
_CANONICAL = f"""
SELECT {", ".join(REGISTRATION_COLUMNS[1:-1])}, CASE WHEN confidential THEN 'true' ELSE 'false' END AS confidential
FROM registration WHERE county_id = $1 AND roll_version = $2 ORDER BY registration_no
"""  # noqa: S608 - our columns

# The registrations of some voters, in the file's order. Uses the partition's index on voter_id.
_OF_VOTERS = f"""
SELECT {", ".join(REGISTRATION_COLUMNS)} FROM registration
WHERE county_id = $1 AND roll_version = $2 AND voter_id = ANY($3::text[])
ORDER BY registration_no
"""  # noqa: S608 - our columns


async def lock_county(connection: asyncpg.Connection, county_id: str) -> None:
    """Lock the county's row until the end of the transaction."""
    await connection.execute(_LOCK_COUNTY, county_id)


async def try_loading(connection: asyncpg.Connection, county_id: str) -> bool:
    """Lock the loading of this county's roll until the end of the transaction; False where another load has done so."""
    return bool(await connection.fetchval(_TRY_LOADING, county_id))


async def start_roll(connection: asyncpg.Connection, county_id: str, roll_format: str, complete_through: date) -> int:
    """Begin the county's next roll version and return its number. Loads that were interrupted are marked as failed.

    Args:
        connection: in a transaction.
        county_id: the county.
        roll_format: the name of the file's format.
        complete_through: the day up to which the file has every registration.
    """
    await lock_county(connection, county_id)
    await connection.execute(_FAIL_ABANDONED, county_id)
    version: int = await connection.fetchval(_START_ROLL, county_id, roll_format, complete_through, KEYS_VERSION)
    return version


async def record_progress(connection: asyncpg.Connection, county_id: str, version: int, phase: str, rows: int) -> None:
    """Record the phase of a load and the number of rows so far.

    Args:
        connection: any; one statement.
        county_id: the county.
        version: the roll version that is loaded.
        phase: copying, indexing or done.
        rows: how many rows were read so far.
    """
    await connection.execute(_PROGRESS, county_id, version, phase, rows)


async def fail_roll(connection: asyncpg.Connection, county_id: str, version: int, why: str) -> None:
    """Record that the load failed, and why.

    Args:
        connection: any; one statement.
        county_id: the county.
        version: the roll version that was loaded.
        why: for the user to read; without personal data.
    """
    await connection.execute(_FAIL_ROLL, county_id, version, why)


async def stage_roll(connection: asyncpg.Connection, county_id: str, version: int) -> str:
    """Make the table that the roll is copied into and return its name; in one transaction with `attach_roll`."""
    await connection.execute(_STAGE_TOKENS)
    table: str = await connection.fetchval(_STAGE, county_id, version)
    return table


async def copy_registrations(connection: asyncpg.Connection, table: str, data: AsyncIterable[bytes]) -> None:
    """Copy what `copy_lines` made into the staged table."""
    # FREEZE: the table is new in this transaction, so its rows need no second visit by vacuum.
    await connection.copy_to_table(table, source=data, columns=_COPY_COLUMNS, null=_NULL, freeze=True)


async def copy_tokens(connection: asyncpg.Connection, data: bytes | bytearray) -> None:
    """Copy a portion of the dictionary that `copy_token_lines` made."""
    await connection.copy_to_table("staged_token", source=BytesIO(data), null=_NULL)


async def attach_roll(connection: asyncpg.Connection, county_id: str, version: int, rows: int, sha256: str) -> None:
    """Index the staged table, make it a part of `registration`, and keep the dictionary.

    Args:
        connection: in a transaction.
        county_id: the county.
        version: the roll version that is loaded.
        rows: how many registrations it has.
        sha256: the hash of the file, in hexadecimal.
    """
    await connection.execute(_KEEP_TOKENS, county_id, version)
    known = fewest_known(rows)
    await connection.execute(_KEEP_VARIANTS, county_id, version, CORRECTED_KINDS, SHORTEST_CORRECTED, known)
    await connection.execute(_ATTACH, county_id, version)
    await connection.execute(_FINISH_ROLL, county_id, version, rows, sha256)


async def list_rolls(connection: asyncpg.Connection, county_id: str) -> list[Roll]:
    """All versions of the county's roll, the oldest first, those loading or failed as well."""
    return [Roll(*row) for row in await connection.fetch(_ROLLS, county_id)]


async def get_roll(connection: asyncpg.Connection, county_id: str, version: int | None = None) -> Roll | None:
    """One version of the county's roll; without a number the one in use, None before the first is activated."""
    query = (_ACTIVE_ROLL, county_id) if version is None else (_ROLL, county_id, version)
    row = await connection.fetchrow(*query)
    return Roll(*row) if row else None


async def any_active_roll(connection: asyncpg.Connection) -> bool:
    """Whether any county has a roll in use that this program can search."""
    return bool(await connection.fetchval(_ANY_ACTIVE_ROLL, KEYS_VERSION))


async def switch_roll(connection: asyncpg.Connection, county_id: str, version: int) -> Roll:
    """Retire the version in use and put this one in its place, in one transaction."""
    await connection.execute(_RETIRE, county_id)
    return Roll(*await connection.fetchrow(_ACTIVATE, county_id, version))


async def write_canonical(connection: asyncpg.Connection, county_id: str, version: int, path: Path) -> None:
    """Write a version's registrations to a file in the canonical format, in the order of their numbers.

    Args:
        connection: any; only read.
        county_id: the county.
        version: of the roll.
        path: the file to write.
    """
    await connection.copy_from_query(_CANONICAL, county_id, version, output=path, format="csv", header=True)


async def registrations_of_voters(
    connection: asyncpg.Connection, county_id: str, version: int, voter_ids: Sequence[str]
) -> list[Registration]:
    """All intervals of these voters in one version of the roll, in the file's order.

    Args:
        connection: any; only read.
        county_id: the county.
        version: of the roll.
        voter_ids: the voters, as on the roll.
    """
    return [Registration(*row) for row in await connection.fetch(_OF_VOTERS, county_id, version, voter_ids)]


_NULL = "\x01"  # no field of a roll holds a control character


@cache  # a roll has some thousands of them
def _date(day: date | None) -> str:
    return _NULL if day is None else day.isoformat()


def copy_lines(registrations: Iterable[tuple[Registration, tuple[int | None, ...]]]) -> bytes:
    """Registrations with their keys as COPY's text, for `copy_registrations`. No field has a tab or a line break."""
    lines = []
    for registration, keys in registrations:
        (no, voter, last, first, middle, suffix, born, house, fraction, pre, street, kind, post, unit, unit_no, city,
         code, status, reason, signed, received, to, confidential) = registration  # fmt: skip
        numbers = "\t".join([_NULL if key is None else str(key) for key in keys])
        lines.append(
            f"{no}\t{voter}\t{last}\t{first}\t{middle}\t{suffix}\t{_date(born)}\t{house}\t{fraction}\t{pre}\t{street}"
            f"\t{kind}\t{post}\t{unit}\t{unit_no}\t{city}\t{code}\t{status}\t{reason}\t{_date(signed)}"
            f"\t{_date(received)}\t{_date(to)}\t{confidential}\t{numbers}"
        )
    return _copy_text(lines)


def copy_token_lines(counts: Counter[tuple[str, str]]) -> bytes:
    """How often each (kind, word) occurs, as COPY's text, for `copy_tokens`."""
    return _copy_text([f"{kind}\t{token}\t{count}" for (kind, token), count in counts.items()])


def _copy_text(lines: list[str]) -> bytes:
    lines.append("")
    return "\n".join(lines).replace("\\", "\\\\").encode()


# An examination locks the county's row too, so a load of aliases waits for the examinations under the old ones.
_LOCK_ALIASES = "SELECT aliases_version FROM county WHERE county_id = $1 FOR UPDATE"

_VERSIONS = f"SELECT {ALIAS_VERSION_COLUMNS} FROM alias_version WHERE county_id = $1 ORDER BY aliases_version"  # noqa: S608  # our columns

_ADD_VERSION = f"INSERT INTO alias_version (county_id, {ALIAS_VERSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608  # our columns
_ADD_ALIASES = """
INSERT INTO county_alias (county_id, aliases_version, kind, alias, name)
SELECT $1, $2, kind, alias, name FROM unnest($3::text[], $4::text[], $5::text[]) AS new (kind, alias, name)
"""
_USE = "UPDATE county SET aliases_version = $2 WHERE county_id = $1"


async def lock_aliases(connection: asyncpg.Connection, county_id: str) -> int | None:
    """Lock and return the version in use until this transaction ends; None where there is no such county."""
    version: int | None = await connection.fetchval(_LOCK_ALIASES, county_id)
    return version


async def alias_versions(connection: asyncpg.Connection, county_id: str) -> list[AliasVersion]:
    """Every version of a county's aliases, the oldest first; the last one is in use."""
    return [AliasVersion(*row) for row in await connection.fetch(_VERSIONS, county_id)]


async def add_aliases(
    connection: asyncpg.Connection, county_id: str, version: AliasVersion, rows: Sequence[Alias]
) -> None:
    """Add a version with its rows and put it into use. The caller has locked the county's aliases.

    Args:
        connection: in a transaction that holds the lock of the county's aliases.
        county_id: the county.
        version: its number and description.
        rows: all aliases of this version.
    """
    await connection.execute(_ADD_VERSION, county_id, *version)
    kinds, aliases, names = zip(*rows, strict=True) if rows else ((), (), ())
    await connection.execute(_ADD_ALIASES, county_id, version.aliases_version, kinds, aliases, names)
    await connection.execute(_USE, county_id, version.aliases_version)
