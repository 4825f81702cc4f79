"""SQL that reads the ledger and everything that a verification compares with it, and that stores checkpoints."""

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from asyncpg import Connection

from app.errors import UnknownPetitionError
from app.law.line import HEAD_COLUMNS, TEXT_COLUMNS, Place, Signature, Tally
from app.law.petition import Petition, PetitionKey
from app.ledger.entries import Entry, StoredFinding
from app.ledger.notes import StoredCheckpoint
from app.ledger.replay import DETERMINED, FaultCode, Recorded, StoredWithdrawal

_CHUNK = 500  # rows that a stream fetches at once: ten milliseconds of work before other tasks get their turn
_PAGE_OF_LEAVES = 512 << 10  # bytes of leaves after which a page ends: ten milliseconds of work to write it as JSON
_BEFORE_ALL = -(2**63)  # also before an entry that was inserted in front of the first
_TIMEOUT = 600  # seconds until the first rows: the rows of a whole petition may have to be sorted

# By the primary keys.
_PETITION = """
SELECT petition.county_id, petition_id, title, officer, office, district, required, registered_voters,
       registration_reported_on, registration_source, form_approved_on, circulation_from, circulation_to, filed_on,
       window_exception, petition.ruleset AS ruleset_name, head.state, created_at, name, valid_from, parameters
FROM petition JOIN head USING (county_id, petition_id) JOIN ruleset ON name = ruleset_in_force
WHERE petition.county_id = $1 AND petition_id = $2
"""

_HEAD = f"SELECT {HEAD_COLUMNS} FROM head WHERE county_id = $1 AND petition_id = $2"  # noqa: S608  # a literal of ours

# The entries after one, in order, along the primary key.
_ENTRIES = """
SELECT seq, type, leaf_root, leaves, payload, hash FROM ledger
WHERE county_id = $1 AND petition_id = $2 AND seq > $3
ORDER BY seq LIMIT $4
"""

# The same as a page, which ends where its leaves are many; and how many entries it would have had.
_PAGE_OF_ENTRIES = f"""
SELECT seq, type, leaf_root, leaves, payload, hash, found FROM (
    SELECT *, count(*) OVER () AS found, sum(octet_length(leaves)) OVER (ORDER BY seq) - octet_length(leaves) AS before
    FROM ({_ENTRIES}) AS entry
) AS entry
WHERE before < {_PAGE_OF_LEAVES} ORDER BY seq
"""  # noqa: S608  # literals of ours

# The hashes of spans of entries, each along the primary key.
_ENTRY_HASHES = """
SELECT seq, hash FROM unnest($3::bigint[], $4::bigint[]) AS span (first, last)
JOIN ledger ON county_id = $1 AND petition_id = $2 AND seq BETWEEN first AND last
"""

# Every finding in paper order, with the line and the text of its place. Each table is read along its primary key.
_RECORDED = f"""
SELECT f.section, f.page, f.line, f.finding_no, f.version, f.leaf_no, f.salt, f.content,
       line.section IS NOT NULL, {", ".join(f"line.{column}" for column in DETERMINED)},
       text.section IS NOT NULL, {TEXT_COLUMNS}
FROM finding f
LEFT JOIN line ON line.county_id = f.county_id AND line.petition_id = f.petition_id AND line.section = f.section
    AND line.page = f.page AND line.line = f.line
LEFT JOIN signature AS text ON text.county_id = f.county_id AND text.petition_id = f.petition_id
    AND text.section = f.section AND text.page = f.page AND text.line = f.line
WHERE f.county_id = $1 AND f.petition_id = $2
ORDER BY f.section, f.page, f.line, f.finding_no
"""  # noqa: S608  # literals of ours

_TEXT_AT = 9 + len(DETERMINED)

# What clerks corrected, by the primary key.
_CORRECTIONS = f"""
SELECT section, page, line, {TEXT_COLUMNS} FROM signature_revision WHERE county_id = $1 AND petition_id = $2
"""  # noqa: S608  # a literal of ours

# The lines and the signatures that nothing was ever found on, by the primary keys.
_WITHOUT_FINDINGS = """
SELECT 'line', section, page, line FROM line WHERE county_id = $1 AND petition_id = $2 AND NOT EXISTS (
    SELECT FROM finding WHERE (finding.county_id, finding.petition_id, finding.section, finding.page, finding.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line))
UNION ALL
SELECT 'signature', section, page, line FROM signature WHERE county_id = $1 AND petition_id = $2 AND NOT EXISTS (
    SELECT FROM finding WHERE (finding.county_id, finding.petition_id, finding.section, finding.page, finding.line)
        = (signature.county_id, signature.petition_id, signature.section, signature.page, signature.line))
ORDER BY section, page, line
"""

# The lines that pass every rule but the last, numbered in paper order among those of the same voter.
_ELIGIBLE = """
SELECT section, page, line, reason, row_number() OVER (PARTITION BY voter_id ORDER BY section, page, line),
       slot.voter_id IS NOT NULL, slot.withdrawn_on IS NOT NULL
FROM line LEFT JOIN slot USING (county_id, petition_id, voter_id)
WHERE county_id = $1 AND petition_id = $2
  AND (status = 'valid' OR (status = 'invalid' AND reason IN ('duplicate', 'withdrawn')))
"""

# Requests to withdraw, decisions and revocations, each with the columns that its sealed content repeats.
_WITHDRAWALS = """
SELECT withdrawal_id, salt, content,
       jsonb_build_object('withdrawal_id', withdrawal_id, 'voter_id', voter_id, 'received_on', received_on,
                          'state', state)::text
FROM withdrawal WHERE county_id = $1 AND petition_id = $2
UNION ALL
SELECT withdrawal_id, salt, content,
       jsonb_build_object('withdrawal_id', withdrawal_id, 'voter_id', voter_id, 'state', state)::text
FROM withdrawal_decision WHERE county_id = $1 AND petition_id = $2
UNION ALL
SELECT withdrawal_id, salt, content, jsonb_build_object('withdrawal_id', withdrawal_id)::text
FROM withdrawal_revocation WHERE county_id = $1 AND petition_id = $2
"""

_ANY_CHECKPOINT = "SELECT EXISTS (SELECT FROM checkpoint)"

_WITHDRAWN_SLOTS = """
SELECT voter_id, withdrawn_on::text FROM slot
WHERE county_id = $1 AND petition_id = $2 AND withdrawn_on IS NOT NULL
"""

# The newest checkpoint, from the end of the primary key.
_LAST_CHECKPOINT = """
SELECT checkpoint_no, tree_size, frontier, note, created_at FROM checkpoint
WHERE county_id = $1 AND petition_id = $2 ORDER BY checkpoint_no DESC LIMIT 1
"""

# The checkpoints after one, along the primary key.
_CHECKPOINTS = """
SELECT checkpoint_no, tree_size, frontier, note, created_at FROM checkpoint
WHERE county_id = $1 AND petition_id = $2 AND checkpoint_no > $3 ORDER BY checkpoint_no LIMIT $4
"""

# If two processes make the same checkpoint, the primary key and the key on the size let only the first one in.
_ADD_CHECKPOINT = """
INSERT INTO checkpoint (county_id, petition_id, checkpoint_no, tree_size, frontier, note, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""

# The petitions with entries that no checkpoint covers, each with its newest checkpoint, by the primary key's end.
_UNCOVERED = """
SELECT head.county_id, head.petition_id, head.state, head.version - coalesce(last.tree_size, 0), last.created_at
FROM head LEFT JOIN LATERAL (
    SELECT tree_size, created_at FROM checkpoint
    WHERE checkpoint.county_id = head.county_id AND checkpoint.petition_id = head.petition_id
    ORDER BY checkpoint_no DESC LIMIT 1
) AS last ON true
WHERE head.version <> coalesce(last.tree_size, 0)
ORDER BY head.county_id, head.petition_id
"""


class Span(NamedTuple):
    """The items after a number, and how many of them at most (None: all). `Span()` is all items."""

    after: int = 0
    limit: int | None = None


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """One state of the database for several statements, however long they take."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = '10min'")
        await connection.execute("SET LOCAL work_mem = '64MB'")
        # These statements read whole tables. A plan without statistics may read them row by row along an index, which
        # would not end within any reasonable time.
        await connection.execute("SET LOCAL enable_nestloop = off")
        yield


async def stream(connection: Connection, query: str, *arguments: object) -> AsyncIterator[Any]:
    """A query's rows, fetched in chunks; within a transaction."""
    cursor = await connection.cursor(query, *arguments)
    while rows := await cursor.fetch(_CHUNK, timeout=_TIMEOUT):
        for row in rows:
            yield row


async def read_petition(connection: Connection, petition: PetitionKey) -> tuple[Petition, Tally]:
    """The petition and its head row, within a transaction. Raises UnknownPetitionError."""
    row, head = await connection.fetchrow(_PETITION, *petition), await read_head(connection, petition)
    if not (row and head):
        raise UnknownPetitionError
    return Petition.stored(row), head


async def read_head(connection: Connection, petition: PetitionKey) -> Tally | None:
    """The head row."""
    row = await connection.fetchrow(_HEAD, *petition)
    return row and Tally.stored(row)


async def entries(connection: Connection, petition: PetitionKey, after: int = _BEFORE_ALL) -> AsyncIterator[Entry]:
    """The entries after number `after`, in order; within a transaction."""
    async for row in stream(connection, _ENTRIES, *petition, after, None):
        yield Entry(*row)


async def page_of_entries(connection: Connection, petition: PetitionKey, span: Span) -> tuple[list[Entry], bool]:
    """The entries of a span, in order; and whether these are only the first of them, since they hold many leaves."""
    rows = await connection.fetch(_PAGE_OF_ENTRIES, *petition, *span)
    return [Entry(*row[:-1]) for row in rows], bool(rows) and rows[0]["found"] > len(rows)


async def entry_hashes(connection: Connection, petition: PetitionKey, spans: Collection[range]) -> dict[int, bytes]:
    """The hashes of the entries in spans of their numbers, by number; of those that exist."""
    first, last = [span.start for span in spans], [span.stop - 1 for span in spans]
    return dict(await connection.fetch(_ENTRY_HASHES, *petition, first, last))


async def recorded(connection: Connection, petition: PetitionKey) -> AsyncIterator[Recorded]:
    """Every place that has findings, in paper order; within a transaction."""
    found: Recorded | None = None
    async for row in stream(connection, _RECORDED, *petition):
        place = Place(*row[:3])
        if found is None or found.place != place:
            if found:
                yield found
            has_line, *determined = row[8:_TEXT_AT]
            has_text, *text = row[_TEXT_AT:]
            line = dict(zip(DETERMINED, determined, strict=True)) if has_line else None
            found = Recorded(place, [], line, Signature.stored(place, text) if has_text else None)
        found.findings.append(StoredFinding(place, *row[3:8]))
    if found:
        yield found


async def corrections(connection: Connection, petition: PetitionKey) -> dict[Place, list[Signature]]:
    """The texts that clerks put in place of what a station read."""
    result: dict[Place, list[Signature]] = {}
    for row in await connection.fetch(_CORRECTIONS, *petition, timeout=_TIMEOUT):
        corrected = Signature.stored(row[:3], row[3:])
        result.setdefault(corrected.place, []).append(corrected)
    return result


async def without_findings(connection: Connection, petition: PetitionKey) -> list[tuple[FaultCode, Place]]:
    """The lines and the signatures that nothing was ever found on."""
    rows = await connection.fetch(_WITHOUT_FINDINGS, *petition, timeout=_TIMEOUT)
    return [(kind, Place(*place)) for kind, *place in rows]


async def eligible_lines(
    connection: Connection, petition: PetitionKey
) -> AsyncIterator[tuple[Place, str | None, int, bool, bool]]:
    """The lines that pass every rule but the last, in no order; within a transaction.

    Each with the reason why it does not count, its number among its voter's, and if the voter has a slot and withdrew.
    """
    async for row in stream(connection, _ELIGIBLE, *petition):
        yield Place(*row[:3]), *row[3:]


async def withdrawals(connection: Connection, petition: PetitionKey) -> list[StoredWithdrawal]:
    """Requests to withdraw, decisions on them, and revocations."""
    rows = await connection.fetch(_WITHDRAWALS, *petition)
    return [(number, salt, content, json.loads(columns)) for number, salt, content, columns in rows]


async def withdrawn_slots(connection: Connection, petition: PetitionKey) -> dict[str, str]:
    """The voters who withdrew according to their slots, each with the day."""
    return dict(await connection.fetch(_WITHDRAWN_SLOTS, *petition, timeout=_TIMEOUT))


async def any_checkpoint(connection: Connection) -> bool:
    """Whether the database has a checkpoint, of any petition."""
    return bool(await connection.fetchval(_ANY_CHECKPOINT))


async def last_checkpoint(connection: Connection, petition: PetitionKey) -> StoredCheckpoint | None:
    """The newest checkpoint of a petition."""
    row = await connection.fetchrow(_LAST_CHECKPOINT, *petition)
    return row and StoredCheckpoint(*row)


async def checkpoints(connection: Connection, petition: PetitionKey, span: Span) -> list[StoredCheckpoint]:
    """The checkpoints of a span, the oldest first."""
    return [StoredCheckpoint(*row) for row in await connection.fetch(_CHECKPOINTS, *petition, *span)]


async def add_checkpoint(connection: Connection, petition: PetitionKey, new: StoredCheckpoint) -> bool:
    """Store a checkpoint; False if another process has stored one of the same number or size."""
    done: str = await connection.execute(_ADD_CHECKPOINT, *petition, *new)
    return done == "INSERT 0 1"


async def uncovered_petitions(connection: Connection) -> list[tuple[PetitionKey, str, int, datetime | None]]:
    """The petitions with entries that no checkpoint covers: state, number of these, time of the newest checkpoint."""
    return [(PetitionKey(*row[:2]), *row[2:]) for row in await connection.fetch(_UNCOVERED)]
