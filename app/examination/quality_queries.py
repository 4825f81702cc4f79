"""SQL of the blind double check: the draw, the answers, and what people decided."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from asyncpg import Connection

from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.quality import PARTS, Check, DecidedLine, draw_limit
from app.law.reasons import Outcome
from app.law.review import PersonFinding

# The petition's state; the seed of its draw, which is the hash of the ledger's first entry; and the share that its
# ruleset draws. By the primary keys.
_DRAW = """
SELECT head.state, ledger.hash, (ruleset.parameters::json ->> 'double_check_ppm')::int
FROM petition JOIN head USING (county_id, petition_id) JOIN ledger USING (county_id, petition_id)
JOIN ruleset ON ruleset.name = ruleset_in_force
WHERE petition.county_id = $1 AND petition.petition_id = $2 AND ledger.seq = 1
"""

# The lines that the machine alone decided. Whether one is drawn follows from its place (see `app.law.quality`): bytea
# sorts like big-endian numbers, so 8 bytes are compared at once.
_DRAWN = "substr(sha256($3 || int4send(section) || int4send(page) || int4send(line)), 1, 8) < $4"
_BY_MACHINE = """FROM line WHERE county_id = $1 AND petition_id = $2
  AND status IN ('valid', 'invalid') AND settled AND confirmed_by = '{}' AND mismatch_by = '{}'"""

# Up to $6 drawn ones that were not checked yet, in a random order of each person's own, whose seed is $5: however many
# are checked in the end, they are a random sample. Reads every line of the petition: 0.3 s for 715,833.
NEXT_CHECK = f"""
SELECT section, page, line {_BY_MACHINE} AND {_DRAWN}
  AND NOT EXISTS (
    SELECT FROM quality_check q
    WHERE (q.county_id, q.petition_id, q.section, q.page, q.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line))
ORDER BY sha256($5 || int4send(section) || int4send(page) || int4send(line))
LIMIT $6
"""  # noqa: S608  # literals of ours

# How many there are of each decision, and how many of them are drawn. Reads every line, as above.
_COUNTS = f"""
SELECT status, reason, count(*) AS lines, count(*) FILTER (WHERE {_DRAWN}) AS drawn {_BY_MACHINE}
GROUP BY status, reason
"""

_Counts = dict[Outcome, tuple[int, int]]

# Stores an answer beside the line as it is decided now. The primary key decides between two people who answer for the
# same line; the second gets no row.
ADD_CHECK = """
INSERT INTO quality_check (county_id, petition_id, section, page, line, finding_no, decided_status, decided_reason,
                           decided_voter_id, status, reason, voter_id, note, checked_by, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING checked_at
"""

# One answer, by the primary key.
GET_CHECK = """
SELECT status, reason, voter_id, note, checked_by, checked_at FROM quality_check
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""

# Every answer, the decision that it was compared with, and how the line is decided now. By the primary keys.
_CHECKS = """
SELECT q.status, q.reason, q.voter_id, q.note, q.decided_status, q.decided_reason, q.decided_voter_id,
       line.status, line.reason, line.voter_id
FROM quality_check q JOIN line USING (county_id, petition_id, section, page, line)
WHERE county_id = $1 AND petition_id = $2
"""

# The lines that a person's finding decides, and those with a person's blind answer. By the primary keys.
_JUDGED = """
SELECT section, page, line, status, reason, voter_id FROM line
WHERE county_id = $1 AND petition_id = $2 AND status IN ('valid', 'invalid') AND confirmed_by <> '{}'
UNION ALL
SELECT q.section, q.page, q.line, q.status, q.reason, q.voter_id
FROM quality_check q JOIN line USING (county_id, petition_id, section, page, line)
WHERE county_id = $1 AND petition_id = $2 AND q.status <> 'review' AND line.confirmed_by = '{}'
ORDER BY section, page, line
"""


def _decided(columns: Sequence[Any]) -> DecidedLine:
    return DecidedLine(Outcome(*columns[:2]), columns[2])


class Draw(NamedTuple):
    """Whether the petition is open or closed, and the seed and share of its draw."""

    state: str
    seed: bytes
    share_ppm: int

    @property
    def values(self) -> tuple[bytes, bytes]:
        """What a query of drawn lines asks for. A hash's 8 bytes must stay below the last; 9 bytes draw every line."""
        whole = self.share_ppm >= PARTS
        return self.seed, b"\xff" * 9 if whole else draw_limit(self.share_ppm).to_bytes(8, "big")


async def read_draw(connection: Connection, petition: PetitionKey) -> Draw:
    """The draw of a petition under its ruleset."""
    return Draw._make(await connection.fetchrow(_DRAW, *petition))


async def counts_by_machine(connection: Connection, petition: PetitionKey, draw: Draw) -> _Counts:
    """By outcome: the lines that the machine alone decided, and how many of them are drawn."""
    found = await connection.fetch(_COUNTS, *petition, *draw.values)
    return {Outcome(status, reason): (lines, drawn) for status, reason, lines, drawn in found}


async def checks(connection: Connection, petition: PetitionKey) -> list[Check]:
    """Every answer of a petition."""
    found = await connection.fetch(_CHECKS, *petition)
    return [Check(PersonFinding(*_decided(row[:3]), row[3]), _decided(row[4:7]), _decided(row[7:])) for row in found]


async def judgments_of(connection: Connection, petition: PetitionKey) -> dict[Place, DecidedLine]:
    """What people decided on the lines of a petition that a person judged, in paper order."""
    return {Place(*row[:3]): _decided(row[3:]) for row in await connection.fetch(_JUDGED, *petition)}
