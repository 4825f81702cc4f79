"""The blind double check: the lines that are drawn, and the answers."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.domain.quality import Answer, Check, Decided
from app.domain.sampling import draw_limit
from app.domain.signature import Place

# The petition's state and its seed: the hash of the ledger's first entry. Both by primary key.
_SEED = """
SELECT head.state, ledger.hash FROM head JOIN ledger USING (county_id, petition_id)
WHERE county_id = $1 AND petition_id = $2 AND ledger.seq = 1
"""

# The draw of `app.domain.sampling`. The first byte is compared as part of eight: bytea is ordered like numbers.
_DRAWN = "substr(sha256($3 || int4send(section) || int4send(page) || int4send(line)), 1, 8) < $4"
_BY_MACHINE = "status IN ('valid', 'invalid') AND settled AND confirmed_by = '{}' AND mismatch_by = '{}'"

# The drawn lines that the machine alone decided and nobody checked, in an order of each person's own, which has nothing
# to do with what stands on them: however many are checked in the end, they are a random part. Reads the lines of
# the petition, half a microsecond each: 0.3 s of 715,833.
_NEXT = f"""
SELECT section, page, line FROM line
WHERE county_id = $1 AND petition_id = $2 AND {_BY_MACHINE} AND {_DRAWN}
  AND NOT EXISTS (
    SELECT FROM quality_check q
    WHERE (q.county_id, q.petition_id, q.section, q.page, q.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line))
ORDER BY sha256($5 || int4send(section) || int4send(page) || int4send(line))
LIMIT $6
"""  # noqa: S608  # literals of ours

# How many lines the machine alone decided, by decision, and how many of them are drawn. Reads them like the one above.
_COUNTS = f"""
SELECT status, reason, count(*) AS lines, count(*) FILTER (WHERE {_DRAWN}) AS drawn FROM line
WHERE county_id = $1 AND petition_id = $2 AND {_BY_MACHINE} GROUP BY status, reason
"""  # noqa: S608  # literals of ours

_ANSWER_COLUMNS = "q.status, q.reason, q.voter_id, q.note"

# Every answer with the decision it was compared with and where the line stands now, by the primary keys.
_CHECKS = f"""
SELECT {_ANSWER_COLUMNS}, q.decided_status, q.decided_reason, q.decided_voter_id,
       line.status AS now_status, line.reason AS now_reason, line.voter_id AS now_voter_id
FROM quality_check q JOIN line USING (county_id, petition_id, section, page, line)
WHERE county_id = $1 AND petition_id = $2
"""  # noqa: S608  # literals of ours

# The primary key decides between two people who answer for the same line.
_ADD = """
INSERT INTO quality_check (county_id, petition_id, section, page, line, finding_no, decided_status, decided_reason,
                           decided_voter_id, status, reason, voter_id, note, checked_by, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING checked_at
"""

_GET = f"""
SELECT {_ANSWER_COLUMNS}, q.checked_by, q.checked_at FROM quality_check q
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""  # noqa: S608  # literals of ours


class Answered(NamedTuple):
    """An answer that is on record."""

    answer: Answer
    checked_by: str
    checked_at: datetime


async def state_and_seed(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> tuple[str, bytes]:
    """Whether the petition is open or closed, and the seed of its draw."""
    row = await connection.fetchrow(_SEED, county_id, petition_id)
    return row["state"], row["hash"]


async def next_to_check(
    connection: asyncpg.Connection,
    county_id: str,
    petition_id: UUID,
    *,
    seed: bytes,
    share_ppm: int,
    who: str,
    limit: int,
) -> list[Place]:
    """Up to `limit` drawn lines that nobody has checked, in this person's own random order."""
    arguments = (seed, _limit(share_ppm), seed + who.encode(), limit)
    return [Place(*row) for row in await connection.fetch(_NEXT, county_id, petition_id, *arguments)]


def _limit(share_ppm: int) -> bytes:
    """What the first 8 bytes of a hash must stay below; 9 bytes above them all where every line is drawn."""
    return draw_limit(share_ppm).to_bytes(8, "big") if share_ppm < 1_000_000 else b"\xff" * 9  # noqa: PLR2004  # ppm


async def counts_by_machine(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, *, seed: bytes, share_ppm: int
) -> dict[tuple[str, str | None], tuple[int, int]]:
    """By (status, reason): the lines that the machine alone decided, and how many of them are drawn."""
    rows = await connection.fetch(_COUNTS, county_id, petition_id, seed, _limit(share_ppm))
    return {(row["status"], row["reason"]): (row["lines"], row["drawn"]) for row in rows}


async def checks(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> list[Check]:
    """Every answer of a petition."""
    rows = await connection.fetch(_CHECKS, county_id, petition_id)
    return [
        Check(
            _answer(row),
            Decided(row["decided_status"], row["decided_reason"], row["decided_voter_id"]),
            Decided(row["now_status"], row["now_reason"], row["now_voter_id"]),
        )
        for row in rows
    ]


async def add_check(  # the columns of a row
    connection: asyncpg.Connection,
    county_id: str,
    petition_id: UUID,
    place: Place,
    *,
    finding_no: int,
    decided: Decided,
    answered: Answered,
) -> bool:
    """Store an answer; False where one for this line is there already."""
    answer = answered.answer
    said = (answer.status, answer.reason, answer.voter_id, answer.note, answered.checked_by, answered.checked_at)
    return await connection.fetchval(_ADD, county_id, petition_id, *place, finding_no, *decided, *said) is not None


async def get_check(connection: asyncpg.Connection, county_id: str, petition_id: UUID, place: Place) -> Answered | None:
    """The answer for a line; None where nobody has checked it."""
    row = await connection.fetchrow(_GET, county_id, petition_id, *place)
    return Answered(_answer(row), row["checked_by"], row["checked_at"]) if row else None


def _answer(row: asyncpg.Record) -> Answer:
    return Answer(row["status"], row["reason"], row["voter_id"], row["note"])
