"""SQL of the queues: how many lines wait in each, which ones a person may claim, and the leases on them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from app.access.names import look_of
from app.access.principals import Principal
from app.count.queries import Change, Places, columns
from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.queues import Hold, Queue

_SAME_PLACE: Final = (
    "({0}.county_id, {0}.petition_id, {0}.section, {0}.page, {0}.line)"
    " = (line.county_id, line.petition_id, line.section, line.page, line.line)"
)
# The lines of each queue that are not escalated, as `app.law.queues.queue_of` has it. Each condition is that of a
# partial index: line_review, line_to_confirm, line_to_compare.
_WAITING: Final[Mapping[Queue, str]] = {
    "to_decide": "line.status = 'review'",
    "to_confirm": "line.status = 'invalid' AND NOT line.settled AND line.reason NOT IN ('duplicate', 'withdrawn')",
    "to_compare": "NOT line.settled AND (line.status = 'valid'"
    " OR (line.status = 'invalid' AND line.reason IN ('duplicate', 'withdrawn')))",
}
# The lines of the other two, by the primary key of escalated_line and the index held_line_undecided.
_OTHERS: Final[Mapping[Queue, str]] = {
    "escalated": f"escalated_line waiting JOIN line ON {_SAME_PLACE.format('waiting')}",
    "confidential": f"held_line waiting JOIN line ON {_SAME_PLACE.format('waiting')} AND waiting.decided_at IS NULL",
}


def source_of(queue: Queue, *, each: bool = False) -> dict[str, str]:
    """The FROM of a queue's lines, and their condition.

    `each` looks one line after the other up among the escalated ones, as is best for a few lines: OFFSET 0 keeps it so.
    """
    if queue in _OTHERS:
        return {"source": _OTHERS[queue], "condition": "true"}
    escalated = f"SELECT FROM escalated_line e WHERE {_SAME_PLACE.format('e')}{' OFFSET 0' if each else ''}"
    return {"source": "line", "condition": f"{_WAITING[queue]} AND NOT EXISTS ({escalated})"}


class Part(NamedTuple):
    """The lines of a queue that wait for the same cause, and since when the first of them does."""

    reason: str | None
    lines: int
    waiting_since: datetime


# By the queue's index, and the primary key of the ledger: a line waits since the entry that decided it last. A line
# that passes every other rule waits to be compared, whatever its voter's slot says of it: that is no cause.
_COUNT: Final = """
SELECT found.reason, found.lines, (ledger.payload::json ->> 'at')::timestamptz
FROM (
    SELECT {cause} AS reason, count(*) AS lines, min(line.version) AS version FROM {source}
    WHERE line.county_id = $1 AND line.petition_id = $2 AND {condition} {only} GROUP BY 1
) AS found
JOIN ledger ON ledger.county_id = $1 AND ledger.petition_id = $2 AND ledger.seq = found.version
ORDER BY 1
"""


async def parts_of(
    connection: Connection, petition: PetitionKey, queue: Queue, section: int | None = None
) -> list[Part]:
    """How many lines wait in a queue, by cause.

    Args:
        connection: any; only read.
        petition: whose queue.
        queue: which.
        section: only its lines; None: all.
    """
    cause = "NULL::text" if queue in ("to_compare", "confidential") else "line.reason"
    only = "AND line.section = $3" if section else ""
    query = _COUNT.format(cause=cause, only=only, **source_of(queue))
    return [Part(*row) for row in await connection.fetch(query, *petition, *([section] if section else []))]


# How many lines are held now, by queue. A petition has few leases: all are read, by the primary key.
_CLAIMED = """
SELECT queue, count(*) FROM lease
WHERE county_id = $1 AND petition_id = $2 AND expires_at > statement_timestamp() GROUP BY queue
"""


async def claimed_lines(connection: Connection, petition: PetitionKey) -> dict[str, int]:
    """How many lines of each queue people hold now."""
    return dict(await connection.fetch(_CLAIMED, *petition))


# The petition's state, and how many lines a person holds. By the primary key and the index lease_holder.
_STATE = """
SELECT state, (SELECT count(*) FROM lease WHERE county_id = $1 AND petition_id = $2 AND look = $3
               AND expires_at > statement_timestamp()) AS held
FROM head WHERE county_id = $1 AND petition_id = $2
"""

# The sections between which a queue's lines are: a random one of them is where a claim begins, since people who all
# began at the first line would each have to pass over what the others hold. Two looks at the ends of the queue's index.
_ENDS = """
SELECT (SELECT line.section FROM {source} WHERE line.county_id = $1 AND line.petition_id = $2 AND {condition}
        ORDER BY line.section LIMIT 1),
       (SELECT line.section FROM {source} WHERE line.county_id = $1 AND line.petition_id = $2 AND {condition}
        ORDER BY line.section DESC LIMIT 1)
"""

# Gives up to $5 free lines to a person: the next ones of the queue in paper order that no one holds and of which the
# person, under any name with the look of $4, has said nothing: as a finding, an opinion, or a blind answer.
# The line's row lock decides between two claims, and between a claim and a finding: a claim skips a line that another
# transaction holds, and a finding, which waits for the lock, meets the lease when it ends those of its lines. A claim
# that locks a line just after another claim committed may not see that one's lease: the primary key does, and the line
# is not given. OFFSET 0 has each line looked up by the primary keys, one after the other until there are enough.
_CLAIM = """
WITH same AS (
    SELECT array_append(array_agg(DISTINCT principal), $3) AS person FROM api_key WHERE county_id = $1 AND look = $4
), free AS (
    SELECT line.section, line.page, line.line FROM {source}
    WHERE line.county_id = $1 AND line.petition_id = $2 AND {condition}
      AND line.section BETWEEN $10 AND $11 {reason}
      AND NOT EXISTS (SELECT FROM lease l WHERE {l} AND l.apart = $6 AND l.expires_at > statement_timestamp() OFFSET 0)
      AND NOT line.confirmed_by && (SELECT person FROM same) AND NOT line.mismatch_by && (SELECT person FROM same)
      AND NOT EXISTS (SELECT FROM quality_check q WHERE {q} AND q.checked_by = ANY ((SELECT person FROM same)::text[])
                      OFFSET 0)
      AND (line.finding_no = 1 OR NOT EXISTS (
          SELECT FROM finding f WHERE {f} AND f.content::json ->> 'decided_by' = ANY ((SELECT person FROM same)::text[])
          OFFSET 0
      ))
    ORDER BY line.section, line.page, line.line LIMIT $5 FOR NO KEY UPDATE OF line SKIP LOCKED
)
INSERT INTO lease (county_id, petition_id, section, page, line, apart, claim_id, queue, holder, look, claimed_at,
                   expires_at)
SELECT $1, $2, section, page, line, $6, $7, $8, $3, $4, statement_timestamp(), statement_timestamp() + $9
FROM free ORDER BY section, page, line
ON CONFLICT (county_id, petition_id, section, page, line, apart) DO UPDATE
SET claim_id = excluded.claim_id, queue = excluded.queue, holder = excluded.holder, look = excluded.look,
    claimed_at = excluded.claimed_at, expires_at = excluded.expires_at
WHERE lease.expires_at <= statement_timestamp()
RETURNING section, page, line, claimed_at, expires_at
"""


class Wanted(NamedTuple):
    """Which lines a person wants to claim."""

    queue: Queue
    limit: int
    reason: str | None = None
    section: int | None = None


class Lease(NamedTuple):
    """One line that a person holds."""

    claim_id: UUID
    queue: Queue
    place: Place
    claimed_at: datetime
    expires_at: datetime


async def state_and_held(connection: Connection, petition: PetitionKey, who: Principal) -> tuple[str, int]:
    """The petition's state, and how many of its lines the person holds."""
    state, held = await connection.fetchrow(_STATE, *petition, look_of(who.name))
    return state, held


async def sections_of(connection: Connection, petition: PetitionKey, queue: Queue) -> tuple[int, int] | None:
    """The first and the last section with lines of a queue; None: it is empty."""
    first, last = await connection.fetchrow(_ENDS.format(**source_of(queue, each=True)), *petition)
    return None if first is None else (first, last)


def claim_statement(queue: Queue, *, by_reason: bool = False) -> str:
    """The statement that gives free lines of a queue to a person, of those that wait for one reason or all."""
    same, only = {name: _SAME_PLACE.format(name) for name in ("l", "q", "f")}, "AND line.reason = $12"
    return _CLAIM.format(reason=only if by_reason else "", **source_of(queue, each=True), **same)


async def take(
    connection: Connection,
    petition: PetitionKey,
    wanted: Wanted,
    sections: tuple[int, int],
    claim_id: UUID,
    *,
    who: Principal,
    runs: timedelta,
) -> list[Lease]:
    """Give free lines of a queue to a person.

    Args:
        connection: in a transaction, which then holds the lines.
        petition: whose lines.
        wanted: which.
        sections: only lines of these, from the first to the last.
        claim_id: of the claim.
        who: the person.
        runs: how long the lease does.
    """
    query, only = claim_statement(wanted.queue, by_reason=bool(wanted.reason)), [wanted.reason] if wanted.reason else []
    what = (wanted.limit, wanted.queue == "confidential", claim_id, wanted.queue, runs)
    found = await connection.fetch(query, *petition, who.name, look_of(who.name), *what, *sections, *only)
    return sorted(Lease(claim_id, wanted.queue, Place(*row[:3]), *row[3:]) for row in found)


# Gives a person these lines, also ones that the person holds already. By the primary key, in paper order as claims do.
_HOLD_ALL = """
INSERT INTO lease (county_id, petition_id, section, page, line, apart, claim_id, queue, holder, look, claimed_at,
                   expires_at)
SELECT $1, $2, section, page, line, false, $6, 'bulk', $7, $8, statement_timestamp(), statement_timestamp() + $9
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line) ORDER BY section, page, line
ON CONFLICT (county_id, petition_id, section, page, line, apart) DO UPDATE
SET claim_id = excluded.claim_id, queue = excluded.queue, holder = excluded.holder, look = excluded.look,
    claimed_at = excluded.claimed_at, expires_at = excluded.expires_at
WHERE lease.expires_at <= statement_timestamp() OR lease.look = excluded.look
RETURNING 1
"""

# The leases of a person that run, those of one claim together: without those of a bulk decision, which claims nothing
# and ends them itself. By the index lease_holder.
_HELD_BY = """
SELECT claim_id, queue, section, page, line, claimed_at, expires_at FROM lease
WHERE county_id = $1 AND petition_id = $2 AND look = $3 AND expires_at > statement_timestamp() AND queue <> 'bulk'
ORDER BY claimed_at, claim_id, section, page, line
"""

# By the index lease_holder. A lease that ran out stays so: another person may be deciding the line.
_RENEW = """
UPDATE lease SET expires_at = statement_timestamp() + $5
WHERE county_id = $1 AND petition_id = $2 AND look = $3 AND claim_id = $4 AND expires_at > statement_timestamp()
  AND queue <> 'bulk'
RETURNING claim_id, queue, section, page, line, claimed_at, expires_at
"""

_RELEASE = """
DELETE FROM lease WHERE county_id = $1 AND petition_id = $2 AND look = $3 AND claim_id = $4 RETURNING 1
"""


async def hold_all(change: Change, places: Places, claim_id: UUID, *, who: Principal, runs: timedelta) -> bool:
    """Let a person hold all of these lines; False if another person holds one, and then the transaction must end.

    Args:
        change: the transaction.
        places: of the lines.
        claim_id: by which the person holds them.
        who: the person.
        runs: how long the leases do.
    """
    row = (*columns(places), claim_id, who.name, look_of(who.name), runs)
    return len(await change.connection.fetch(_HOLD_ALL, *change.petition.key, *row)) == len(places)


async def leases_of(connection: Connection, petition: PetitionKey, who: Principal) -> list[Lease]:
    """The lines that a person holds, claim by claim."""
    return list(map(_lease, await connection.fetch(_HELD_BY, *petition, look_of(who.name))))


async def renew(
    connection: Connection, petition: PetitionKey, claim_id: UUID, *, who: Principal, runs: timedelta
) -> list[Lease]:
    """Let the leases of a claim run anew, from now. Returns them; none: the person holds no line by this claim.

    Args:
        connection: any.
        petition: whose lines.
        claim_id: of the claim.
        who: the person.
        runs: how long they do.
    """
    row = (look_of(who.name), claim_id, runs)
    return sorted(map(_lease, await connection.fetch(_RENEW, *petition, *row)))


async def release(connection: Connection, petition: PetitionKey, claim_id: UUID, *, who: Principal) -> int:
    """End the leases of a claim of a person, also those that ran out. Returns how many there were.

    Args:
        connection: any.
        petition: whose lines.
        claim_id: of the claim.
        who: the person.
    """
    return len(await connection.fetch(_RELEASE, *petition, look_of(who.name), claim_id))


def _lease(row: Record) -> Lease:
    return Lease(row[0], row[1], Place(*row[2:5]), *row[5:])


# What keeps people from deciding these lines. Each by its primary keys, as in `app.count.queries`.
_HOLDS = """
SELECT place.section, place.page, place.line, lease.holder, coalesce(lease.live, false), escalated.yes IS NOT NULL
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
LEFT JOIN LATERAL (
    SELECT holder, expires_at > statement_timestamp() AS live FROM lease
    WHERE county_id = $1 AND petition_id = $2
      AND (lease.section, lease.page, lease.line) = (place.section, place.page, place.line) AND apart = $6 OFFSET 0
) AS lease ON true
LEFT JOIN LATERAL (
    SELECT true AS yes FROM escalated_line e WHERE county_id = $1 AND petition_id = $2
      AND (e.section, e.page, e.line) = (place.section, place.page, place.line) OFFSET 0
) AS escalated ON true
WHERE lease.holder IS NOT NULL OR escalated.yes
"""

# Ends the leases on these lines, and their escalation where $7. The transaction has locked the lines, so that no claim
# gives one of them to another person until it ends; one that did so since `_HOLDS` is in the answer.
_END = """
WITH returned AS (
    DELETE FROM escalated_line e USING unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
    WHERE $7 AND county_id = $1 AND petition_id = $2
      AND (e.section, e.page, e.line) = (place.section, place.page, place.line)
)
DELETE FROM lease USING unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND (lease.section, lease.page, lease.line) = (place.section, place.page, place.line) AND apart = $6
RETURNING holder, expires_at > statement_timestamp() AS live
"""


async def holds_on(change: Change, places: Places, *, apart: bool) -> dict[Place, Hold]:
    """What keeps people from deciding these lines; a line that is absent is free.

    Args:
        change: the transaction.
        places: of the lines.
        apart: whether the officer of confidential voters asks, whose leases are apart.
    """
    rows = await change.connection.fetch(_HOLDS, *change.petition.key, *columns(places), apart)
    return {Place(*row[:3]): Hold(*row[3:]) for row in rows}


async def end_holds(change: Change, places: Places, *, apart: bool, escalations: bool) -> Collection[str]:
    """End the leases on lines that the transaction has locked. Returns who held one that still ran.

    Args:
        change: the transaction.
        places: of the lines.
        apart: as above.
        escalations: whether the lines are escalated no more.
    """
    rows = await change.connection.fetch(_END, *change.petition.key, *columns(places), apart, escalations)
    return [row["holder"] for row in rows if row["live"]]
