"""SQL that reads petitions, lines and tallies."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Row, and_, func, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.count.queries import LINE_COLUMNS, columns, line_of
from app.database.tables import head
from app.database.tables import line as line_table
from app.database.tables import petition as petition_table
from app.errors import UnknownLineError
from app.law.line import Counts, Line, NameParts, Place, Signature, Tally, Writing, counts_of
from app.law.petition import Petition, PetitionKey
from app.ledger.entries import GENESIS

# Each line by its whole primary key; OFFSET 0 keeps it so with a plan from when the table was empty (see intake).
_LINES_AT = """
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
CROSS JOIN LATERAL (
    SELECT * FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line) OFFSET 0
) AS line
"""

# The text of a line: its newest revision, or without one the station's reading.
_WRITING = """
CROSS JOIN LATERAL (
    SELECT printed_name, name_parts, residence_address, city, zip, signed, image_sha256, writing_sha256 FROM (
        SELECT r.revision_no, r.printed_name, r.name_parts, r.residence_address, r.city, r.zip, r.signed,
               r.image_sha256, r.writing_sha256
        FROM signature_revision r
        WHERE (r.county_id, r.petition_id, r.section, r.page, r.line)
            = (line.county_id, line.petition_id, line.section, line.page, line.line)
        UNION ALL
        SELECT 0, s.printed_name, s.name_parts, s.residence_address, s.city, s.zip, s.signed, s.image_sha256,
               s.writing_sha256
        FROM signature s
        WHERE (s.county_id, s.petition_id, s.section, s.page, s.line)
            = (line.county_id, line.petition_id, line.section, line.page, line.line)
    ) AS reading ORDER BY revision_no DESC LIMIT 1
) AS w
"""

_WRITING_COLUMNS = (
    "w.printed_name, w.name_parts, w.residence_address, w.city, w.zip, w.signed, w.image_sha256, w.writing_sha256"
)

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
      AND NOT ((f.content::json ->> 'person')::bool AND json_array_length(f.content::json -> 'mismatch_by') > 0)
    ORDER BY f.finding_no DESC LIMIT 1
) AS undoubted ON true
"""

# Lines with their text and their last findings, each by its primary key.
_LINES = f"""
SELECT {", ".join(f"line.{c.strip()}" for c in LINE_COLUMNS.split(","))}, line.people_needed, finding.content,
       grounds.content AS grounds, undoubted.content AS undoubted, {_WRITING_COLUMNS}
{_LINES_AT}
CROSS JOIN LATERAL (
    SELECT content FROM finding f WHERE county_id = $1 AND petition_id = $2
       AND (f.section, f.page, f.line, f.finding_no) = (line.section, line.page, line.line, line.finding_no) OFFSET 0
) AS finding
{_EARLIER} {_WRITING}
"""  # noqa: S608  # literals of ours

# The signatures at several places, by the primary keys.
_SIGNATURES_AT = f"""
SELECT line.section, line.page, line.line, {_WRITING_COLUMNS} {_LINES_AT} {_WRITING}
"""  # literals of ours

# All findings of one line, the oldest first, by the primary key.
_HISTORY = """
SELECT content FROM finding
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
ORDER BY finding_no
"""


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line, its signature, and its last finding, with the newest evidence and the number of that one's finding."""

    line: Line
    people_needed: int  # to settle the line's outcome
    signature: Signature
    finding: dict[str, Any]
    undoubted: dict[str, Any] | None  # while opinions of the signature are pending: the last finding that is none


async def read_lines(
    connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place]
) -> dict[Place, LineRead]:
    """The lines at these places; a place without a signature is absent."""
    rows = await connection.fetch(_LINES, *petition, *columns(places))
    return {one.line.place: one for one in map(_line_read, rows)}


def _line_read(row: asyncpg.Record) -> LineRead:
    finding = json.loads(row["content"])
    undoubted = json.loads(row["undoubted"]) if row["undoubted"] else None
    grounds = json.loads(row["grounds"]) if row["grounds"] else finding
    evidence = grounds["evidence"]
    newest = {"evidence": evidence, "evidence_of": None if evidence is None else grounds["finding_no"]}
    return LineRead(
        line=line_of(row),
        people_needed=row["people_needed"],
        signature=_signature(row),
        finding=finding | newest,
        undoubted=undoubted and undoubted | newest,
    )


async def read_line(connection: asyncpg.Connection, petition: PetitionKey, place: Place) -> LineRead:
    """One line of a petition.

    Raises:
        UnknownLineError: no signature is recorded at that place.
    """
    if read := (await read_lines(connection, petition, [place])).get(place):
        return read
    raise UnknownLineError


def _signature(row: asyncpg.Record) -> Signature:
    parts = row["name_parts"]
    writing = Writing(
        printed_name=row["printed_name"],
        residence_address=row["residence_address"],
        city=row["city"],
        zip=row["zip"],
        name=NameParts(*json.loads(parts)) if parts else None,
        signed=row["signed"],
        image_sha256=row["image_sha256"],
    )
    return Signature(Place(row["section"], row["page"], row["line"]), writing, row["writing_sha256"])


async def signatures_at(
    connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place]
) -> dict[Place, Signature]:
    """The signatures at these places, as their text was last corrected."""
    rows = await connection.fetch(_SIGNATURES_AT, *petition, *columns(places))
    return {one.place: one for one in map(_signature, rows)}


async def line_history(connection: asyncpg.Connection, petition: PetitionKey, place: Place) -> list[dict[str, Any]]:
    """Every finding on a line, the oldest first."""
    rows = await connection.fetch(_HISTORY, *petition, *place)
    return [json.loads(row["content"]) for row in rows]


async def page_of_lines(
    connection: AsyncConnection,
    petition: PetitionKey,
    *,
    after: Place | None,
    limit: int,
    status: str | None = None,
    reason: str | None = None,
    section: int | None = None,
    blind: bool = True,
) -> list[Row[Any]]:
    """A page of lines in paper order, which never changes: a page never skips or repeats a line.

    Args:
        connection: of the readers.
        petition: whose lines.
        after: the last place of the page before; None: the first page.
        limit: how many lines at most.
        status: only lines of this status.
        reason: only lines of this reason or cause of review.
        section: only lines of this section.
        blind: whether to show as settled what would be settled if no one doubted the signature.
    """
    t = line_table.c
    but_for_doubts = and_(func.cardinality(t.mismatch_by) > 0, func.cardinality(t.confirmed_by) >= t.people_needed)
    settled = (or_(t.settled, but_for_doubts) if blind else t.settled).label("settled")
    query = select(t.section, t.page, t.line, t.status, t.reason, settled, t.version, t.voter_id).where(
        t.county_id == petition.county_id, t.petition_id == petition.petition_id
    )
    for column, wanted in ((t.status, status), (t.reason, reason), (t.section, section)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(tuple_(t.section, t.page, t.line) > tuple_(*after))
    query = query.order_by(t.section, t.page, t.line).limit(limit)
    return list(await connection.execute(query))


async def add_petition(connection: AsyncConnection, new: Petition, created_by: str) -> None:
    """Store a petition and its empty head."""
    values = {**asdict(new), "ruleset": new.ruleset_name, "created_by": created_by}
    terms = {column.name: values[column.name] for column in petition_table.c}
    await connection.execute(insert(petition_table).values(terms))
    empty = {"received": 0, "valid": 0, "invalid": 0, "review": 0, "unsettled": 0, "by_reason": "{}"}
    first = {"version": 0, "hash": GENESIS, "state": new.state, "as_of": new.created_at}
    await connection.execute(insert(head).values(**new.key._asdict(), **first, **empty))


_PETITION = (
    select(
        *(column for column in petition_table.c if column.name not in ("ruleset", "created_by")),
        petition_table.c.ruleset.label("ruleset_name"),
        head.c.state,
    )
    .join(head, (head.c.county_id == petition_table.c.county_id) & (head.c.petition_id == petition_table.c.petition_id))
    .order_by(petition_table.c.created_at, petition_table.c.petition_id)
)


async def get_petition(connection: AsyncConnection, petition: PetitionKey) -> Petition | None:
    """One petition of a county."""
    query = _PETITION.where(
        petition_table.c.county_id == petition.county_id, petition_table.c.petition_id == petition.petition_id
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    return Petition(**row) if row else None


async def county_of(connection: AsyncConnection, petition_id: UUID) -> str | None:
    """The county of a petition, for commands that are given only the petition."""
    return await connection.scalar(
        select(petition_table.c.county_id).where(petition_table.c.petition_id == petition_id)
    )


async def list_petitions(connection: AsyncConnection, county_id: str) -> list[Petition]:
    """A county's petitions, the oldest first."""
    rows = (await connection.execute(_PETITION.where(petition_table.c.county_id == county_id))).mappings()
    return [Petition(**row) for row in rows]


# The head rows of several petitions, each by its primary key, whatever the petition's size.
_HEADS = """
SELECT county_id, petition_id, version, as_of, state, received, valid, invalid, review, unsettled, by_reason
FROM head JOIN unnest($1::text[], $2::uuid[]) AS watched (county_id, petition_id) USING (county_id, petition_id)
"""

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


class PastTally(NamedTuple):
    """The tally as one ledger entry left it."""

    version: int
    at: datetime
    counts: dict[str, Any]


async def read_tallies(connection: asyncpg.Connection, petitions: Collection[PetitionKey]) -> dict[PetitionKey, Tally]:
    """The tallies of these petitions as of the last commit."""
    rows = await connection.fetch(_HEADS, [county for county, _ in petitions], [number for _, number in petitions])
    return {
        PetitionKey(row["county_id"], row["petition_id"]): Tally(
            row["version"], row["as_of"], row["state"], counts_of(row)
        )
        for row in rows
    }


async def read_tally(connection: asyncpg.Connection, petition: PetitionKey) -> Tally | None:
    """The tally as of the last commit."""
    return (await read_tallies(connection, [petition])).get(petition)


async def read_history(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: int, limit: int
) -> list[PastTally]:
    """The tally at some past versions, evenly spaced, the current one among them.

    Args:
        connection: of the readers.
        petition: whose tally.
        after: only later versions.
        limit: how many at most.
    """
    rows = await connection.fetch(_TALLY_HISTORY, *petition, after, limit)
    entries = [(row["seq"], json.loads(row["payload"])) for row in rows]
    return [PastTally(seq, datetime.fromisoformat(entry["at"]), entry["tally"]) for seq, entry in entries]


# The heads and terms of a county's petitions, by the primary keys; and of the lines that wait for a person the one that
# changed first, from the partial index of the review queue: when, says the ledger's entry of that version.
_PETITIONS = """
SELECT head.*, petition.required, (oldest.payload::json ->> 'at')::timestamptz AS waiting_since
FROM head JOIN petition USING (county_id, petition_id)
LEFT JOIN LATERAL (
    SELECT ledger.payload FROM ledger
    WHERE ledger.county_id = head.county_id AND ledger.petition_id = head.petition_id AND ledger.seq = (
        SELECT min(line.version) FROM line
        WHERE line.county_id = head.county_id AND line.petition_id = head.petition_id AND line.status = 'review'
    )
) AS oldest ON true
WHERE head.county_id = $1
ORDER BY head.petition_id
"""

# Rides roll_one_active.
_ROLL = "SELECT roll_version, complete_through, activated_at FROM roll WHERE county_id = $1 AND state = 'active'"


class PetitionFigures(NamedTuple):
    """The figures of one petition."""

    petition_id: UUID
    version: int
    required: int
    counts: Counts
    waiting_since: datetime | None  # of the line that waits longest for a person


class RollFigures(NamedTuple):
    """The roll in use."""

    roll_version: int
    complete_through: date
    activated_at: datetime


async def petition_figures(connection: asyncpg.Connection, county_id: str) -> list[PetitionFigures]:
    """The figures of each petition of a county."""
    return [
        PetitionFigures(row["petition_id"], row["version"], row["required"], counts_of(row), row["waiting_since"])
        for row in await connection.fetch(_PETITIONS, county_id)
    ]


async def roll_figures(connection: asyncpg.Connection, county_id: str) -> RollFigures | None:
    """The figures of the county's roll; None before the first is in use."""
    row = await connection.fetchrow(_ROLL, county_id)
    return RollFigures(*row) if row else None


async def answers(connection: asyncpg.Connection) -> bool:
    """Whether the database answers."""
    return bool(await connection.fetchval("SELECT true"))
