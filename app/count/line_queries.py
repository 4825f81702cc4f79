"""SQL that reads petitions, lines and tallies."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import Row, and_, func, insert, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.count.queries import THE_LINES_COLUMNS, Places, columns, line_of
from app.database.tables import head, ruleset
from app.database.tables import line as line_table
from app.database.tables import petition as petition_table
from app.errors import UnknownLineError
from app.law.line import HEAD_COLUMNS, TEXT_COLUMNS, Counts, Finding, Line, Place, Signature, Tally
from app.law.petition import Petition, PetitionKey
from app.law.reasons import COUNTED_LATER, REASONS, Failing, Outcome, in_order
from app.law.review import Grounds
from app.law.ruleset import Ruleset
from app.ledger.entries import GENESIS
from app.ledger.queries import Span

# Each line by its whole primary key; OFFSET 0 keeps it so with a plan from when the table was empty (see intake).
_LINES_AT = """
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
CROSS JOIN LATERAL (
    SELECT * FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line) OFFSET 0
) AS line
"""

# The text of a line: its newest revision, or without one the station's reading.
_WRITING = f"""
CROSS JOIN LATERAL (
    SELECT {TEXT_COLUMNS} FROM (
        SELECT revision_no, {TEXT_COLUMNS} FROM signature_revision r
        WHERE (r.county_id, r.petition_id, r.section, r.page, r.line)
            = (line.county_id, line.petition_id, line.section, line.page, line.line)
        UNION ALL
        SELECT 0, {TEXT_COLUMNS} FROM signature s
        WHERE (s.county_id, s.petition_id, s.section, s.page, s.line)
            = (line.county_id, line.petition_id, line.section, line.page, line.line)
    ) AS reading ORDER BY revision_no DESC LIMIT 1
) AS written
"""  # noqa: S608  # literals of ours

# The earlier findings of a line that are shown beside its last one: where the last rests on no evidence of its own, the
# newest that does; where opinions of the signature are pending, the newest that is none of them.
_EARLIER = """
LEFT JOIN LATERAL (
    SELECT f.content FROM finding f
    WHERE (f.county_id, f.petition_id, f.section, f.page, f.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line)
      AND f.finding_no < line.finding_no AND finding.content::json ->> 'evidence' IS NULL
      AND f.content::json ->> 'evidence' IS NOT NULL
    ORDER BY f.finding_no DESC LIMIT 1
) AS grounds ON true
LEFT JOIN LATERAL (
    SELECT f.content FROM finding f
    WHERE (f.county_id, f.petition_id, f.section, f.page, f.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line)
      AND cardinality(line.mismatch_by) > 0
      AND NOT coalesce(f.content::jsonb -> 'mismatch_by' ? (f.content::json ->> 'decided_by'), false)
    ORDER BY f.finding_no DESC LIMIT 1
) AS undoubted ON true
"""

# Lines with their text and their last findings, each by its primary key.
_LINES = f"""
SELECT {THE_LINES_COLUMNS}, line.people_needed, finding.content, grounds.content, undoubted.content, {TEXT_COLUMNS}
{_LINES_AT}
CROSS JOIN LATERAL (
    SELECT content FROM finding f WHERE county_id = $1 AND petition_id = $2
       AND (f.section, f.page, f.line, f.finding_no) = (line.section, line.page, line.line, line.finding_no) OFFSET 0
) AS finding
{_EARLIER} {_WRITING}
"""  # noqa: S608  # literals of ours

# The signatures at several places, by the primary keys.
_SIGNATURES_AT = f"""
SELECT line.section, line.page, line.line, {TEXT_COLUMNS} {_LINES_AT} {_WRITING}
"""  # literals of ours

# All findings of one line, the oldest first, by the primary key.
_HISTORY = """
SELECT content FROM finding
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
ORDER BY finding_no
"""


# Every text of a line in the order in which they were entered, by the primary keys.
_WRITINGS = f"""
SELECT 0 AS revision_no, station AS entered_by, received_at AS entered_at, '' AS note, {TEXT_COLUMNS}
FROM signature WHERE (county_id, petition_id, section, page, line) = ($1, $2, $3, $4, $5)
UNION ALL
SELECT revision_no, revised_by, revised_at, note, {TEXT_COLUMNS}
FROM signature_revision WHERE (county_id, petition_id, section, page, line) = ($1, $2, $3, $4, $5)
ORDER BY revision_no
"""  # noqa: S608  # a literal of ours


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line, its signature, and its last finding, with the newest evidence and the number of that one's finding."""

    line: Line
    people_needed: int  # to settle the line's outcome
    signature: Signature
    finding: dict[str, Any]
    undoubted: dict[str, Any] | None  # while opinions of the signature are pending: the last finding that is none
    grounds: Grounds  # what the newest examination found
    failing: Failing  # the rules that fail by it
    examined: Mapping[str, Any]  # the content of its finding

    def completed(self, said: Finding) -> Finding:
        """A person's finding with the text that it is about, and the rules that fail besides."""
        beside = self.failing.beside(said.outcome, said.voter_id)
        return said._replace(writing_sha256=self.signature.sha256, secondary=beside)

    @property
    def settled_but_for_doubts(self) -> bool:
        """Whether the line would be settled if no one doubted its signature."""
        line = self.line
        return len(line.confirmed_by) >= self.people_needed and not (line.uncompared and self.people_needed)


def _grounds(examined: Mapping[str, Any]) -> Grounds:
    """What an examination found: the content of a finding with evidence; without evidence nothing is known."""
    if examined["evidence"] is None:
        return Grounds()
    data = examined.get("by_data") or examined
    good_for = data["voter_id"] if Outcome(data["status"], data["reason"]).eligible else None
    return Grounds(good_for, {one["voter_id"] for one in examined["evidence"].get("candidates", ())})


def _failing(examined: Mapping[str, Any]) -> Failing:
    """The rules that fail by an examination: none while its reason is open, and not its section's defect."""
    data = examined.get("by_data") or examined
    if examined["evidence"] is None or data["status"] != "invalid" or examined["reason_open"]:
        return Failing()
    failing = {data["reason"], *examined["secondary"]}.intersection(REASONS) - {"section_defect", *COUNTED_LATER}
    return Failing(in_order(failing), data["voter_id"])


async def read_lines(connection: Connection, petition: PetitionKey, places: Places) -> dict[Place, LineRead]:
    """The lines at these places; a place without a signature is absent."""
    found = {}
    for row in await connection.fetch(_LINES, *petition, *columns(places)):
        line, (people_needed, content, grounds, undoubted) = line_of(row), row[16:20]
        finding = json.loads(content)
        shown = json.loads(grounds) if grounds else finding
        evidence = shown["evidence"]
        newest = {"evidence": evidence, "evidence_of": None if evidence is None else shown["finding_no"]}
        before_doubts = undoubted and json.loads(undoubted) | newest
        signature = Signature.stored(line.place, row[20:])
        said = (_grounds(shown), _failing(shown), shown)
        found[line.place] = LineRead(line, people_needed, signature, finding | newest, before_doubts, *said)
    return found


async def read_line(connection: Connection, petition: PetitionKey, place: Place) -> LineRead:
    """One line of a petition. Raises UnknownLineError if no signature is recorded at that place."""
    if read := (await read_lines(connection, petition, [place])).get(place):
        return read
    raise UnknownLineError


async def signatures_at(connection: Connection, petition: PetitionKey, places: Places) -> dict[Place, Signature]:
    """The signatures at these places, as their text was last corrected."""
    rows = await connection.fetch(_SIGNATURES_AT, *petition, *columns(places))
    return {one.place: one for one in (Signature.stored(row[:3], row[3:]) for row in rows)}


async def line_history(connection: Connection, petition: PetitionKey, place: Place) -> list[dict[str, Any]]:
    """Every finding on a line, the oldest first."""
    rows = await connection.fetch(_HISTORY, *petition, *place)
    return [json.loads(row["content"]) for row in rows]


async def line_writings(
    connection: Connection, petition: PetitionKey, place: Place
) -> list[tuple[str, datetime, str, Signature]]:
    """Every text of a line, the first one first: who entered it, when, why, and the text."""
    rows = await connection.fetch(_WRITINGS, *petition, *place)
    return [(*row[1:4], Signature.stored(place, row[4:])) for row in rows]


async def page_of_lines(
    connection: AsyncConnection, petition: PetitionKey, *, after: Place | None, limit: int, blind: bool, **only: object
) -> list[Row[Any]]:
    """A page of lines in paper order, which never changes: a page never skips or repeats a line.

    Args:
        connection: of the readers.
        petition: whose lines.
        after: the last place of the page before; None: the first page.
        limit: how many lines at most.
        blind: whether to show as settled what would be settled if no one doubted the signature.
        only: lines with these values, such as `status`; None: any.
    """
    t = line_table.c
    compared = or_(not_(t.uncompared), t.people_needed == 0)
    enough = and_(func.cardinality(t.confirmed_by) >= t.people_needed, compared)
    but_for_doubts = and_(func.cardinality(t.mismatch_by) > 0, enough)
    settled = or_(t.settled, but_for_doubts) if blind else t.settled
    query = select(
        t.section, t.page, t.line, t.status, t.reason, settled.label("settled"), t.version, t.voter_id
    ).where(t.county_id == petition.county_id, t.petition_id == petition.petition_id)
    columns_of = {**t, "settled": settled}
    query = query.where(*(columns_of[name] == value for name, value in only.items() if value is not None))
    if after is not None:
        query = query.where(tuple_(t.section, t.page, t.line) > tuple_(*after))
    query = query.order_by(t.section, t.page, t.line).limit(limit)
    return list(await connection.execute(query))


async def add_petition(connection: AsyncConnection, new: Petition, created_by: str) -> None:
    """Store a petition and its empty head."""
    values = {**asdict(new), "ruleset": new.ruleset_name, "created_by": created_by}
    terms = {column.name: values[column.name] for column in petition_table.c}
    await connection.execute(insert(petition_table).values(terms))
    first = {
        "version": 0,
        "hash": GENESIS,
        "state": new.state,
        "as_of": new.created_at,
        "ruleset_in_force": new.ruleset_name,
    }
    empty = {**Counts()._asdict(), "by_reason": "{}"}
    await connection.execute(insert(head).values(**new.key._asdict(), **first, **empty))


_PETITION = (
    select(
        *(column for column in petition_table.c if column.name not in ("ruleset", "created_by")),
        petition_table.c.ruleset.label("ruleset_name"),
        head.c.state,
        ruleset.c.name,
        ruleset.c.valid_from,
        ruleset.c.parameters,
    )
    .join(head, (head.c.county_id == petition_table.c.county_id) & (head.c.petition_id == petition_table.c.petition_id))
    .join(ruleset, ruleset.c.name == head.c.ruleset_in_force)
    .order_by(petition_table.c.created_at, petition_table.c.petition_id)
)


async def list_petitions(connection: AsyncConnection, **values: object) -> list[Petition]:
    """The petitions whose columns have these values, such as a county's, the oldest first."""
    query = _PETITION.where(*(petition_table.c[name] == value for name, value in values.items()))
    return [Petition.stored(dict(row)) for row in (await connection.execute(query)).mappings()]


async def get_petition(connection: AsyncConnection, petition: PetitionKey) -> Petition | None:
    """One petition of a county."""
    return next(iter(await list_petitions(connection, **petition._asdict())), None)


# The head rows of several petitions, each by its primary key, whatever the petition's size.
_HEADS = f"""
SELECT county_id, petition_id, {HEAD_COLUMNS}
FROM head JOIN unnest($1::text[], $2::uuid[]) AS watched (county_id, petition_id) USING (county_id, petition_id)
"""  # noqa: S608  # a literal of ours

# Up to $4 ledger entries behind $3, evenly spaced and the last among them: each by its primary key, none in between.
_TALLY_HISTORY = """
SELECT ledger.seq, ledger.payload
FROM head
CROSS JOIN LATERAL (SELECT version - $3 AS entries, least($4, version - $3) AS points) AS span
CROSS JOIN LATERAL generate_series(1, points) AS point
JOIN ledger ON ledger.county_id = head.county_id AND ledger.petition_id = head.petition_id
    AND ledger.seq = $3 + entries * point / points
WHERE head.county_id = $1 AND head.petition_id = $2
ORDER BY ledger.seq
"""


async def read_tallies(connection: Connection, petitions: Collection[PetitionKey]) -> dict[PetitionKey, Tally]:
    """The tallies of these petitions as of the last commit."""
    rows = await connection.fetch(_HEADS, [county for county, _ in petitions], [number for _, number in petitions])
    return {PetitionKey(*row[:2]): Tally.stored(row[2:]) for row in rows}


async def read_history(
    connection: Connection, petition: PetitionKey, span: Span
) -> list[tuple[int, datetime, dict[str, Any]]]:
    """The tally at some versions of a span, evenly spaced, the current one among them: version, time and counts."""
    rows = await connection.fetch(_TALLY_HISTORY, *petition, *span)
    entries = [(row["seq"], json.loads(row["payload"])) for row in rows]
    return [(version, datetime.fromisoformat(entry["at"]), entry["tally"]) for version, entry in entries]


# The heads and terms of a county's petitions, by the primary keys; and of the lines that wait for a person the one that
# changed first, from the partial index of the review queue: when, says the ledger's entry of that version.
_PETITIONS = f"""
SELECT petition_id, petition.required, (oldest.payload::json ->> 'at')::timestamptz, petition.created_at,
    petition.filed_on, ruleset.name, ruleset.valid_from, ruleset.parameters,
    checkpoint.tree_size, checkpoint.created_at, {HEAD_COLUMNS}
FROM head JOIN petition USING (county_id, petition_id) JOIN ruleset ON ruleset.name = ruleset_in_force
LEFT JOIN LATERAL (
    SELECT tree_size, made.created_at FROM checkpoint AS made
    WHERE made.county_id = head.county_id AND made.petition_id = head.petition_id
    ORDER BY checkpoint_no DESC LIMIT 1
) AS checkpoint ON true
LEFT JOIN LATERAL (
    SELECT ledger.payload FROM ledger
    WHERE ledger.county_id = head.county_id AND ledger.petition_id = head.petition_id AND ledger.seq = (
        SELECT min(line.version) FROM line
        WHERE line.county_id = head.county_id AND line.petition_id = head.petition_id AND line.status = 'review'
    )
) AS oldest ON true
WHERE head.county_id = $1
ORDER BY head.petition_id
"""  # noqa: S608  # a literal of ours


class PetitionFigures(NamedTuple):
    """The figures of one petition."""

    petition_id: UUID
    required: int
    waiting_since: datetime | None  # when the line that waits longest for a person began to
    opened_at: datetime
    filed_on: date
    ruleset: Ruleset  # in force
    checkpoint_size: int | None  # entries of the ledger that the newest checkpoint covers
    checkpoint_at: datetime | None
    tally: Tally


async def petition_figures(connection: Connection, county_id: str) -> list[PetitionFigures]:
    """The figures of each petition of a county."""
    rows = await connection.fetch(_PETITIONS, county_id)
    return [
        PetitionFigures._make((*row[:5], Ruleset.stored(*row[5:8]), *row[8:10], Tally.stored(row[10:]))) for row in rows
    ]


async def answers(connection: Connection) -> bool:
    """Whether the database answers."""
    return bool(await connection.fetchval("SELECT true"))
