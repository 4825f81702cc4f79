"""SQL of bulk decisions: their previews, and how far each was carried out or undone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from asyncpg import Connection

from app.count.queries import Change, columns
from app.examination.queue_queries import source_of
from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.queues import Queue

RunKind = Literal["execution", "undo"]

# The lines of a queue in paper order, by the queue's index.
_PLACES = """
SELECT line.section, line.page, line.line FROM {source}
WHERE line.county_id = $1 AND line.petition_id = $2 AND {condition}
  AND ($3::text IS NULL OR line.reason = $3) AND ($4::int IS NULL OR line.section = $4)
ORDER BY line.section, line.page, line.line LIMIT $5
"""

_ADD = """
INSERT INTO bulk_decision (county_id, petition_id, bulk_id, said, sections, pages, lines, finding_nos, state_hash,
                           shown, previewed_by, previewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

# By the primary keys.
_GET = """
SELECT said, sections, pages, lines, finding_nos, state_hash, shown, previewed_by, previewed_at FROM bulk_decision
WHERE county_id = $1 AND petition_id = $2 AND bulk_id = $3
"""
_RUNS = """
SELECT kind, started_by, started_at, note, done, left_out, versions, finished_at FROM bulk_run
WHERE county_id = $1 AND petition_id = $2 AND bulk_id = $3
"""

# By the primary key: of two requests that begin a run at once the second waits and finds it begun.
_BEGIN = """
INSERT INTO bulk_run (county_id, petition_id, bulk_id, kind, started_by, started_at, note)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""

# Locks a run, so that two requests that carry it on take turns. By the primary key.
_LOCK = """
SELECT kind, started_by, started_at, note, done, left_out, versions, finished_at FROM bulk_run
WHERE county_id = $1 AND petition_id = $2 AND bulk_id = $3 AND kind = $4 FOR UPDATE
"""
_ADVANCE = """
UPDATE bulk_run SET done = $5, left_out = $6, versions = $7, finished_at = $8
WHERE county_id = $1 AND petition_id = $2 AND bulk_id = $3 AND kind = $4
"""


class Run(NamedTuple):
    """How far a bulk decision was carried out, or undone."""

    kind: RunKind
    started_by: str
    started_at: datetime
    note: str
    done: int = 0  # lines, in paper order
    left_out: int = 0  # of these, the lines that an undo left as others decided them since
    versions: Sequence[int] = ()  # of the tally, which it made
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk decision as it was previewed."""

    bulk_id: UUID
    said: dict[str, Any]  # status, reason and note
    findings: dict[Place, int]  # by line in paper order, the number of its last finding
    state_hash: bytes
    shown: dict[str, Any]  # the rest of the preview
    previewed_by: str
    previewed_at: datetime

    @property
    def places(self) -> list[Place]:
        """The lines, in paper order."""
        return list(self.findings)


async def places_of(
    connection: Connection, petition: PetitionKey, queue: Queue, *, reason: str | None, section: int | None, limit: int
) -> list[Place]:
    """The lines of a queue in paper order.

    Args:
        connection: any; only read.
        petition: whose lines.
        queue: in which they wait.
        reason: only lines that wait for this; None: any.
        section: only lines of it; None: any.
        limit: how many at most.
    """
    query = _PLACES.format(**source_of(queue))
    return [Place(*row) for row in await connection.fetch(query, *petition, reason, section, limit)]


async def add_bulk(change: Change, new: Bulk) -> None:
    """Store a preview."""
    lines = (*columns(new.places), list(new.findings.values()))
    facts = (json.dumps(new.said), *lines, new.state_hash, json.dumps(new.shown), new.previewed_by, new.previewed_at)
    await change.connection.execute(_ADD, *change.petition.key, new.bulk_id, *facts)


async def get_bulk(connection: Connection, petition: PetitionKey, bulk_id: UUID) -> Bulk | None:
    """A bulk decision."""
    row = await connection.fetchrow(_GET, *petition, bulk_id)
    if row is None:
        return None
    said, *numbers, state_hash, shown, by, at = row
    findings = {Place(*place): number for *place, number in zip(*numbers, strict=True)}
    return Bulk(bulk_id, json.loads(said), findings, state_hash, json.loads(shown), by, at)


async def runs_of(connection: Connection, petition: PetitionKey, bulk_id: UUID) -> dict[RunKind, Run]:
    """How far a bulk decision was carried out and undone; what never began is absent."""
    return {row["kind"]: Run(*row) for row in await connection.fetch(_RUNS, *petition, bulk_id)}


async def begin_run(change: Change, bulk_id: UUID, kind: RunKind, *, by: str, note: str) -> None:
    """Begin a run; one that has begun stays as it is.

    Args:
        change: the transaction and the time.
        bulk_id: of the bulk decision.
        kind: of the run.
        by: the person.
        note: why; may be empty.
    """
    row = (bulk_id, kind, by, change.now, note)
    await change.connection.execute(_BEGIN, *change.petition.key, *row)


async def lock_run(change: Change, bulk_id: UUID, kind: RunKind) -> Run:
    """A run that has begun, locked until the transaction ends."""
    return Run(*await change.connection.fetchrow(_LOCK, *change.petition.key, bulk_id, kind))


async def advance(change: Change, bulk_id: UUID, run: Run) -> None:
    """Note how far a run has come."""
    row = (run.kind, run.done, run.left_out, list(run.versions), run.finished_at)
    await change.connection.execute(_ADVANCE, *change.petition.key, bulk_id, *row)
