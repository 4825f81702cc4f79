"""Reading the ledger and everything it vouches for, in streams; and the checkpoints over it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from app.law.line import NameParts, Place, Writing
from app.law.petition import PetitionKey
from app.law.tally import Counts, counts_of
from app.ledger.entries import Entry, Head, StoredFinding
from app.ledger.replay import StoredLine

_CHUNK = 500  # rows a stream takes at once: ten milliseconds, so that others get their turn between two
_BEFORE_ALL = -(2**63)  # also what somebody put before the first entry
_PATIENCE = 600  # seconds: before the first rows of a whole petition it may have to be sorted

# The entries behind one, in order, riding the primary key.
_ENTRIES = """
SELECT seq, type, leaf_root, leaves, payload, hash FROM ledger
WHERE county_id = $1 AND petition_id = $2 AND seq > $3
ORDER BY seq
"""

# The hashes of the first entries, riding the primary key.
_ENTRY_HASHES = """
SELECT hash FROM ledger WHERE county_id = $1 AND petition_id = $2 AND seq <= $3 ORDER BY seq
"""

# Every finding in the paper's order; beside a line's last one where the line stands, and what was read there. Each of
# the three is read along its primary key.
_FINDINGS = """
SELECT f.section, f.page, f.line, f.finding_no, f.version, f.leaf_no, f.salt, f.content, line.status, line.reason,
       line.voter_id, line.settled, line.version, line.roll_version, line.confirmed_by, line.mismatch_by,
       signature.writing_sha256
FROM finding f
LEFT JOIN line ON line.county_id = f.county_id AND line.petition_id = f.petition_id AND line.section = f.section
    AND line.page = f.page AND line.line = f.line AND line.finding_no = f.finding_no
LEFT JOIN signature ON signature.county_id = f.county_id AND signature.petition_id = f.petition_id
    AND signature.section = f.section AND signature.page = f.page AND signature.line = f.line
WHERE f.county_id = $1 AND f.petition_id = $2
ORDER BY f.section, f.page, f.line, f.finding_no
"""

# The findings alone, in the same order.
_FINDINGS_ALONE = """
SELECT section, page, line, finding_no, version, leaf_no, salt, content FROM finding
WHERE county_id = $1 AND petition_id = $2
ORDER BY section, page, line, finding_no
"""

# Lines without the finding that put them where they stand, by the primary keys.
_UNFOUNDED = """
SELECT section, page, line FROM line
WHERE county_id = $1 AND petition_id = $2 AND NOT EXISTS (
    SELECT FROM finding WHERE (finding.county_id, finding.petition_id, finding.section, finding.page, finding.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line)
      AND finding.finding_no = line.finding_no)
ORDER BY section, page, line
"""

# Signatures that nothing was ever found on, by the primary keys.
_UNREAD = """
SELECT section, page, line FROM signature
WHERE county_id = $1 AND petition_id = $2 AND NOT EXISTS (
    SELECT FROM line WHERE (line.county_id, line.petition_id, line.section, line.page, line.line)
        = (signature.county_id, signature.petition_id, signature.section, signature.page, signature.line))
ORDER BY section, page, line
"""

# Every writing, a station's or a clerk's, with the hash stored beside it.
_WRITINGS = """
SELECT section, page, line, printed_name, name_parts, residence_address, city, zip, signed, image_sha256,
       writing_sha256
FROM {table} WHERE county_id = $1 AND petition_id = $2
"""

_REVISIONS = """
SELECT section, page, line, writing_sha256 FROM signature_revision WHERE county_id = $1 AND petition_id = $2
"""

# The lines that are not what their voter's lines make of them: of those which pass everything else the lowest place
# counts and the others are duplicates (EC 105(b)); a voter's who withdrew are withdrawn, all of them (EC 11303). Where
# retention has destroyed lines ($3), a duplicate may be of one of those.
_MISCOUNTED = """
SELECT section, page, line FROM (
    SELECT section, page, line, status, reason, slot.withdrawn_on IS NOT NULL AS withdrawn,
           row_number() OVER (PARTITION BY voter_id ORDER BY section, page, line) AS nth
    FROM line LEFT JOIN slot USING (county_id, petition_id, voter_id)
    WHERE county_id = $1 AND petition_id = $2
      AND (status = 'valid' OR (status = 'invalid' AND reason IN ('duplicate', 'withdrawn')))
) AS eligible
WHERE CASE WHEN withdrawn THEN 'withdrawn' WHEN nth > 1 THEN 'duplicate' ELSE '' END <> coalesce(reason, '')
  AND NOT ($3 AND reason = 'duplicate')
ORDER BY section, page, line
"""

# Withdrawals and their revocations, each with what it is to say besides its sealed content.
_WITHDRAWALS = """
SELECT withdrawal_id, salt, content,
       jsonb_build_object('withdrawal_id', withdrawal_id, 'voter_id', voter_id, 'received_on', received_on)::text
FROM withdrawal WHERE county_id = $1 AND petition_id = $2
UNION ALL
SELECT withdrawal_id, salt, content, jsonb_build_object('withdrawal_id', withdrawal_id)::text
FROM withdrawal_revocation WHERE county_id = $1 AND petition_id = $2
"""

# How many slots say of their voter's withdrawal something else than what holds on record.
_MISSLOTTED = """
SELECT count(*) FROM (
    SELECT voter_id, withdrawn_on FROM slot WHERE county_id = $1 AND petition_id = $2 AND withdrawn_on IS NOT NULL
) AS said FULL JOIN (
    SELECT voter_id, received_on FROM withdrawal LEFT JOIN withdrawal_revocation AS revoked
        USING (county_id, petition_id, withdrawal_id)
    WHERE county_id = $1 AND petition_id = $2 AND revoked.revoked_at IS NULL
) AS recorded USING (voter_id)
WHERE withdrawn_on IS DISTINCT FROM received_on
"""

# The tally, counted.
_RECOUNT = """
SELECT status, reason, settled, count(*) AS lines FROM line
WHERE county_id = $1 AND petition_id = $2 GROUP BY status, reason, settled
"""

_HEAD = """
SELECT version, hash, state, received, valid, invalid, review, unsettled, by_reason FROM head
WHERE county_id = $1 AND petition_id = $2
"""

# The newest checkpoint, from the end of the primary key.
_LAST_CHECKPOINT = """
SELECT checkpoint_no, tree_size, frontier, note, created_at FROM checkpoint
WHERE county_id = $1 AND petition_id = $2 ORDER BY checkpoint_no DESC LIMIT 1
"""

_CHECKPOINTS = """
SELECT checkpoint_no, tree_size, frontier, note, created_at FROM checkpoint
WHERE county_id = $1 AND petition_id = $2 AND checkpoint_no > $3 ORDER BY checkpoint_no LIMIT $4
"""

# Of two processes that make the same checkpoint the first does; both keys say so.
_ADD_CHECKPOINT = """
INSERT INTO checkpoint (county_id, petition_id, checkpoint_no, tree_size, frontier, note, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""

# The petitions with entries that no checkpoint covers, each with the newest checkpoint there is.
_UNCOVERED = """
SELECT head.county_id, head.petition_id, head.state, head.version - coalesce(last.tree_size, 0) AS entries,
       last.created_at
FROM head LEFT JOIN LATERAL (
    SELECT tree_size, created_at FROM checkpoint
    WHERE checkpoint.county_id = head.county_id AND checkpoint.petition_id = head.petition_id
    ORDER BY checkpoint_no DESC LIMIT 1
) AS last ON true
WHERE head.version <> coalesce(last.tree_size, 0)
ORDER BY head.county_id, head.petition_id
"""


class SealedRow(NamedTuple):
    """A withdrawal or its revocation, and what its columns say."""

    withdrawal_id: UUID
    salt: bytes
    content: str
    columns: dict[str, str]


class CheckpointRow(NamedTuple):
    """A checkpoint as it is stored."""

    number: int
    size: int
    frontier: bytes
    note: str
    created_at: datetime


class Uncovered(NamedTuple):
    """A petition with entries that no checkpoint covers."""

    petition: PetitionKey
    state: str
    entries: int
    last_at: datetime | None


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One state of the database for several statements, however long they take."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = '10min'")
        await connection.execute("SET LOCAL work_mem = '64MB'")
        # These statements read whole tables: row by row along an index, as a plan without statistics may have it, they
        # would never end.
        await connection.execute("SET LOCAL enable_nestloop = off")
        yield


async def read_head(connection: asyncpg.Connection, petition: PetitionKey) -> Head | None:
    """The head row."""
    row = await connection.fetchrow(_HEAD, *petition)
    return row and Head(row["version"], row["hash"], row["state"], counts_of(row))


async def _chunks(connection: asyncpg.Connection, query: str, *arguments: object) -> AsyncIterator[list[Any]]:
    """A query's rows, a chunk at a time; within a transaction."""
    cursor = await connection.cursor(query, *arguments)
    while rows := await cursor.fetch(_CHUNK, timeout=_PATIENCE):
        yield rows


async def entries(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: int = _BEFORE_ALL
) -> AsyncIterator[Entry]:
    """The entries behind `after`, in order; within a transaction."""
    async for rows in _chunks(connection, _ENTRIES, *petition, after):
        for row in rows:
            yield Entry(*row)


async def page_of_entries(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: int, limit: int
) -> list[Entry]:
    """Up to `limit` entries behind `after`."""
    rows = await connection.fetch(_ENTRIES + "LIMIT $4", *petition, after, limit)
    return [Entry(*row) for row in rows]


async def entry_hashes(connection: asyncpg.Connection, petition: PetitionKey, size: int) -> list[bytes]:
    """The hashes of the first `size` entries, or of as many as there are."""
    return [row[0] for row in await connection.fetch(_ENTRY_HASHES, *petition, size)]


async def findings(
    connection: asyncpg.Connection, petition: PetitionKey
) -> AsyncIterator[list[tuple[StoredFinding, StoredLine | None, bytes | None]]]:
    """Every finding in the paper's order, in chunks, with its line if it is the line's last; within a transaction."""
    async for rows in _chunks(connection, _FINDINGS, *petition):
        yield [_finding_beside_line(row) for row in rows]


def _finding_beside_line(row: Any) -> tuple[StoredFinding, StoredLine | None, bytes | None]:  # noqa: ANN401  # a record
    section, page, line, number, version, leaf_no, salt, content, *stands, written = row
    finding = StoredFinding(Place(section, page, line), number, version, leaf_no, salt, content)
    return finding, StoredLine(*stands) if stands[0] is not None else None, written


async def findings_alone(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[StoredFinding]:
    """Every finding in the paper's order; within a transaction."""
    async for rows in _chunks(connection, _FINDINGS_ALONE, *petition):
        for row in rows:
            yield StoredFinding(Place(*row[:3]), *row[3:])


async def writings(
    connection: asyncpg.Connection, petition: PetitionKey, *, revised: bool
) -> AsyncIterator[list[tuple[Place, Writing, bytes]]]:
    """What stations read, or what clerks wrote in place of it, in chunks, each with the hash stored beside it."""
    query = _WRITINGS.format(table="signature_revision" if revised else "signature")
    async for rows in _chunks(connection, query, *petition):
        yield [_writing_with_hash(row) for row in rows]


def _writing_with_hash(row: Any) -> tuple[Place, Writing, bytes]:  # noqa: ANN401  # a record
    section, page, line, name, parts, address, city, zip_code, signed, image, digest = row
    in_parts = NameParts(*json.loads(parts)) if parts else None
    return Place(section, page, line), Writing(name, address, city, zip_code, in_parts, signed, image), digest


async def revisions(connection: asyncpg.Connection, petition: PetitionKey) -> dict[Place, set[bytes]]:
    """The hashes of what clerks wrote in place of a reading."""
    result: dict[Place, set[bytes]] = {}
    for row in await connection.fetch(_REVISIONS, *petition, timeout=_PATIENCE):
        result.setdefault(Place(*row[:3]), set()).add(row[3])
    return result


async def unfounded_lines(connection: asyncpg.Connection, petition: PetitionKey) -> list[Place]:
    """Lines that no finding put where they stand."""
    return [Place(*row) for row in await connection.fetch(_UNFOUNDED, *petition, timeout=_PATIENCE)]


async def unread_signatures(connection: asyncpg.Connection, petition: PetitionKey) -> list[Place]:
    """Signatures without a line in the count."""
    return [Place(*row) for row in await connection.fetch(_UNREAD, *petition, timeout=_PATIENCE)]


async def miscounted_lines(connection: asyncpg.Connection, petition: PetitionKey, *, partly: bool) -> list[Place]:
    """Lines that are not what their voter's lines make of them, of which some (`partly`) may be destroyed."""
    return [Place(*row) for row in await connection.fetch(_MISCOUNTED, *petition, partly, timeout=_PATIENCE)]


async def sealed_withdrawals(connection: asyncpg.Connection, petition: PetitionKey) -> list[SealedRow]:
    """Withdrawals and their revocations."""
    rows = await connection.fetch(_WITHDRAWALS, *petition)
    return [SealedRow(number, salt, content, json.loads(said)) for number, salt, content, said in rows]


async def misslotted_voters(connection: asyncpg.Connection, petition: PetitionKey) -> int:
    """How many voters' slots say something else of their withdrawal than what holds on record."""
    count: int = await connection.fetchval(_MISSLOTTED, *petition)
    return count


async def recount(connection: asyncpg.Connection, petition: PetitionKey) -> Counts:
    """The tally, counted from the lines."""
    statuses: dict[str, int] = {}
    reasons: dict[str, int] = {}
    unsettled = 0
    for row in await connection.fetch(_RECOUNT, *petition, timeout=_PATIENCE):
        statuses[row["status"]] = statuses.get(row["status"], 0) + row["lines"]
        unsettled += 0 if row["settled"] else row["lines"]
        if row["status"] == "invalid":
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["lines"]
    return Counts(**statuses, unsettled=unsettled, by_reason=dict(sorted(reasons.items())))


async def last_checkpoint(connection: asyncpg.Connection, petition: PetitionKey) -> CheckpointRow | None:
    """The newest checkpoint of a petition."""
    row = await connection.fetchrow(_LAST_CHECKPOINT, *petition)
    return row and CheckpointRow(*row)


async def checkpoints(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: int = 0, limit: int | None = None
) -> list[CheckpointRow]:
    """A petition's checkpoints behind number `after`, the oldest first."""
    rows = await connection.fetch(_CHECKPOINTS, *petition, after, limit)
    return [CheckpointRow(*row) for row in rows]


async def add_checkpoint(connection: asyncpg.Connection, petition: PetitionKey, new: CheckpointRow) -> bool:
    """Store a checkpoint; False where another process has stored one of its number or size."""
    done: str = await connection.execute(_ADD_CHECKPOINT, *petition, *new)
    return done == "INSERT 0 1"


async def uncovered_petitions(connection: asyncpg.Connection) -> Sequence[Uncovered]:
    """The petitions of all counties with entries that no checkpoint covers."""
    rows: list[Any] = await connection.fetch(_UNCOVERED)
    return [Uncovered(PetitionKey(*row[:2]), *row[2:]) for row in rows]
