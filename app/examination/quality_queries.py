"""SQL of the blind double check: the draw, the answers, and what people decided."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from asyncpg import Connection

from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.quality import PARTS, Check, DecidedLine, Decisions, draw_limit, is_drawn
from app.law.reasons import Outcome
from app.law.review import PersonFinding

# The petition's state; the seed of its draw, which is the hash of the ledger's first entry; and the shares that its
# ruleset draws. By the primary keys.
_DRAW = """
SELECT head.state, ledger.hash, (ruleset.parameters::json ->> 'double_check_ppm')::int,
       coalesce((ruleset.parameters::json ->> 'people_check_ppm')::int, 0)
FROM petition JOIN head USING (county_id, petition_id) JOIN ledger USING (county_id, petition_id)
JOIN ruleset ON ruleset.name = ruleset_in_force
WHERE petition.county_id = $1 AND petition.petition_id = $2 AND ledger.seq = 1
"""

# The settled lines, but for those of defective sections, which no one decided line by line. Whether one is drawn
# follows from its place (see `app.law.quality`) and from whether people decided it: bytea sorts like big-endian
# numbers, so 8 bytes are compared at once.
_DRAWN = """substr(sha256($3 || int4send(section) || int4send(page) || int4send(line)), 1, 8)
    < CASE WHEN confirmed_by = '{}' THEN $4::bytea ELSE $5::bytea END"""
_SETTLED = """FROM line WHERE county_id = $1 AND petition_id = $2
  AND status IN ('valid', 'invalid') AND settled AND mismatch_by = '{}' AND reason IS DISTINCT FROM 'section_defect'"""

# Up to $8 drawn ones that were not checked yet and of which the person $7 has said nothing, in a random order of each
# person's own, whose seed is $6: however many are checked in the end, they are a random sample. Reads every line of the
# petition, 0.4 s for 715,833; and the findings of the drawn ones by their primary key: OFFSET 0 keeps the plan from
# reading all findings.
NEXT_CHECK = f"""
SELECT section, page, line {_SETTLED} AND {_DRAWN} AND NOT $7 = ANY(confirmed_by)
  AND NOT EXISTS (
    SELECT FROM quality_check q
    WHERE (q.county_id, q.petition_id, q.section, q.page, q.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line))
  AND NOT EXISTS (
    SELECT FROM finding f
    WHERE (f.county_id, f.petition_id, f.section, f.page, f.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line)
      AND line.finding_no > 1 AND f.content::json ->> 'decided_by' = $7 OFFSET 0)
ORDER BY sha256($6 || int4send(section) || int4send(page) || int4send(line))
LIMIT $8
"""  # noqa: S608  # literals of ours

# How many there are of each decision, of the machine alone and of people, and how many of them are drawn. Reads every
# line, as above.
_COUNTS = f"""
SELECT CASE WHEN confirmed_by = '{{}}' THEN '' ELSE 'people' END, status, reason,
       count(*) AS lines, count(*) FILTER (WHERE {_DRAWN}) AS drawn {_SETTLED}
GROUP BY 1, 2, 3
"""

# The same of each person.
_COUNTS_BY_PERSON = f"""
SELECT person, status, reason, count(*) AS lines, count(*) FILTER (WHERE {_DRAWN}) AS drawn
{_SETTLED.replace("FROM line", "FROM line CROSS JOIN unnest(confirmed_by) AS person")}
GROUP BY 1, 2, 3
"""

# Stores an answer beside the line as it is decided now. The primary key decides between two people who answer for the
# same line; the second gets no row.
ADD_CHECK = """
INSERT INTO quality_check (county_id, petition_id, section, page, line, finding_no, decided_status, decided_reason,
                           decided_voter_id, people, machine_status, machine_reason, machine_voter_id,
                           status, reason, voter_id, note, checked_by, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT DO NOTHING RETURNING checked_at
"""

# One answer, by the primary key.
GET_CHECK = """
SELECT status, reason, voter_id, note, checked_by, checked_at FROM quality_check
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""

# Every answer, the decisions that it was compared with, and how the line is decided now. By the primary keys.
_CHECKS = """
SELECT q.status, q.reason, q.voter_id, q.note, q.decided_status, q.decided_reason, q.decided_voter_id,
       line.status, line.reason, line.voter_id, q.machine_status, q.machine_reason, q.machine_voter_id,
       q.people, q.section, q.page, q.line
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
    """Whether the petition is open or closed, and the seed and shares of its draw."""

    state: str
    seed: bytes
    share_ppm: int  # of what the machine decided
    people_ppm: int  # of what people decided; the machine's decision before theirs is checked as well

    def share(self, *, by_people: bool) -> int:
        """Which share of the settled lines is drawn, in parts per million."""
        return max(self.share_ppm, self.people_ppm) if by_people else self.share_ppm

    @property
    def values(self) -> tuple[bytes, bytes, bytes]:
        """What a query of drawn lines asks for: the seed, and what a hash's 8 bytes must stay below."""
        return self.seed, _limit(self.share(by_people=False)), _limit(self.share(by_people=True))


def _limit(share_ppm: int) -> bytes:
    return b"\xff" * 9 if share_ppm >= PARTS else draw_limit(share_ppm).to_bytes(8, "big")  # 9 bytes draw every line


async def read_draw(connection: Connection, petition: PetitionKey) -> Draw:
    """The draw of a petition under its ruleset."""
    return Draw._make(await connection.fetchrow(_DRAW, *petition))


async def counts(
    connection: Connection, petition: PetitionKey, draw: Draw, *, by_person: bool = False
) -> dict[str, Decisions]:
    """How many lines are settled, and how many of them are drawn, by who decided and the outcome.

    Args:
        connection: any; only read.
        petition: whose lines.
        draw: of the petition.
        by_person: whether by the names of people, who may share a line; otherwise `people`, and '' for the machine.
    """
    query, found = _COUNTS_BY_PERSON if by_person else _COUNTS, dict[str, dict[Outcome, tuple[int, int]]]()
    for who, status, reason, lines, drawn in await connection.fetch(query, *petition, *draw.values):
        found.setdefault(who, {})[Outcome(status, reason)] = lines, drawn
    return dict(found)


async def checks(connection: Connection, petition: PetitionKey, draw: Draw) -> list[Check]:
    """Every answer of a petition, compared with what people decided, and with what the machine did.

    Lines that only the people's share draws say nothing of the machine: of those it left to people, none is among them.
    """
    found = list[Check]()
    for row in await connection.fetch(_CHECKS, *petition):
        answer, people = PersonFinding(*_decided(row[:3]), row[3]), row["people"]
        decided, today, machine = (_decided(row[at : at + 3]) for at in (4, 7, 10))
        found.append(Check(answer, decided, today, people))
        if row["machine_status"] and is_drawn(draw.seed, Place(*row[14:]), draw.share_ppm):
            found.append(Check(answer, machine, today))
    return found


async def judgments_of(connection: Connection, petition: PetitionKey) -> dict[Place, DecidedLine]:
    """What people decided on the lines of a petition that a person judged, in paper order."""
    return {Place(*row[:3]): _decided(row[3:]) for row in await connection.fetch(_JUDGED, *petition)}
