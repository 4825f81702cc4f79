"""Reading lines: one with its finding, or pages of them in paper order."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.count import LINE_COLUMNS, columns, line_of
from app.db.tables import line as line_table
from app.domain.count import Line
from app.domain.signature import NameParts, Place, Submitted, Writing

# Each line by its whole primary key; OFFSET 0 keeps it so with a plan from when the table was empty (see intake).
_LINES_AT = """
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
CROSS JOIN LATERAL (
    SELECT * FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line) OFFSET 0
) AS line
"""

# What stands on a line: the newest revision of the writing, or without one the station's reading.
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

# Lines with what stands on them and their last findings, each by its primary key.
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

# What stands at several places, by the primary keys.
_WRITINGS_AT = f"""
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
    """A line, what stands on it, and its last finding, with the newest evidence and the finding that it is of."""

    line: Line
    people_needed: int  # to settle what the line stands as
    writing: Writing
    writing_sha256: bytes
    finding: dict[str, Any]
    undoubted: dict[str, Any] | None  # while opinions of the signature are pending: the last finding that is none


async def read_lines(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, places: Collection[Place]
) -> dict[Place, LineRead]:
    """The lines at these places; where no signature stands, a place is absent."""
    rows = await connection.fetch(_LINES, county_id, petition_id, *columns(places))
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
        writing=_writing(row),
        writing_sha256=row["writing_sha256"],
        finding=finding | newest,
        undoubted=undoubted and undoubted | newest,
    )


async def read_line(connection: asyncpg.Connection, county_id: str, petition_id: UUID, place: Place) -> LineRead | None:
    """One line of a petition; None where no signature stands at that place."""
    return (await read_lines(connection, county_id, petition_id, [place])).get(place)


def _writing(row: asyncpg.Record) -> Writing:
    parts = row["name_parts"]
    return Writing(
        printed_name=row["printed_name"],
        residence_address=row["residence_address"],
        city=row["city"],
        zip=row["zip"],
        name=NameParts(*json.loads(parts)) if parts else None,
        signed=row["signed"],
        image_sha256=row["image_sha256"],
    )


async def writings_at(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, places: Collection[Place]
) -> dict[Place, Submitted]:
    """What stands at these places."""
    rows = await connection.fetch(_WRITINGS_AT, county_id, petition_id, *columns(places))
    read = [Submitted(Place(r["section"], r["page"], r["line"]), _writing(r), r["writing_sha256"]) for r in rows]
    return {line.place: line for line in read}


async def line_history(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, place: Place
) -> list[dict[str, Any]]:
    """Every finding on a line, the oldest first."""
    rows = await connection.fetch(_HISTORY, county_id, petition_id, *place)
    return [json.loads(row["content"]) for row in rows]


async def page_of_lines(  # noqa: PLR0913  # the filters of the list
    connection: AsyncConnection,
    county_id: str,
    petition_id: UUID,
    *,
    after: Place | None,
    limit: int,
    status: str | None = None,
    reason: str | None = None,
    section: int | None = None,
    blind: bool = True,
) -> list[Row[Any]]:
    """Up to `limit` lines behind `after` in paper order, which never changes: a page never skips or repeats a line.

    `blind` shows as settled what would be if nobody doubted the signature.
    """
    t = line_table.c
    but_for_doubts = and_(func.cardinality(t.mismatch_by) > 0, func.cardinality(t.confirmed_by) >= t.people_needed)
    settled = (or_(t.settled, but_for_doubts) if blind else t.settled).label("settled")
    query = select(t.section, t.page, t.line, t.status, t.reason, settled, t.version, t.voter_id).where(
        t.county_id == county_id, t.petition_id == petition_id
    )
    for column, wanted in ((t.status, status), (t.reason, reason), (t.section, section)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(tuple_(t.section, t.page, t.line) > tuple_(*after))
    query = query.order_by(t.section, t.page, t.line).limit(limit)
    return list(await connection.execute(query))
