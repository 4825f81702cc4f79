"""The statements of intake: what already stands at a place, new signatures, stored answers. None of them loops."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.count import LINE_COLUMNS, columns, line_of
from app.domain.blocking import KEYS_VERSION
from app.domain.count import Line
from app.domain.signature import Place, Submitted

# What stands at these places, and every writing that was ever accepted there. OFFSET 0 has each place looked up by its
# whole primary key, also with a plan that was made, and kept, when the tables were empty or not analysed yet: such a
# plan may read a petition from end to end instead.
_STANDING_AT = f"""
SELECT {", ".join(f"line.{c.strip()}" for c in LINE_COLUMNS.split(","))}, signature.writing_sha256,
       ARRAY(SELECT r.writing_sha256 FROM signature_revision r
             WHERE r.county_id = $1 AND r.petition_id = $2
               AND (r.section, r.page, r.line) = (place.section, place.page, place.line)
             ORDER BY r.revision_no) AS revisions
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
CROSS JOIN LATERAL (
    SELECT * FROM signature WHERE county_id = $1 AND petition_id = $2
       AND (signature.section, signature.page, signature.line) = (place.section, place.page, place.line) OFFSET 0
) AS signature
CROSS JOIN LATERAL (
    SELECT * FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line) OFFSET 0
) AS line
"""  # noqa: S608  # a literal of ours

# ORDER BY: two batches with the same places in another order must not deadlock. A place that another transaction has
# just taken is absent from the answer; the caller starts again and finds it standing.
_TAKE_PLACES = """
INSERT INTO signature (county_id, petition_id, section, page, line, printed_name, name_parts, residence_address, city,
                       zip, signed, image_sha256, writing_sha256, station, received_at)
SELECT $1, $2, section, page, line, printed_name, name_parts, residence_address, city, zip, signed, image_sha256,
       writing_sha256, station, $3
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
            $12::bool[], $13::text[], $14::bytea[], $15::text[])
  AS new (section, page, line, printed_name, name_parts, residence_address, city, zip, signed, image_sha256,
          writing_sha256, station)
ORDER BY section, page, line
ON CONFLICT DO NOTHING
"""

# The newest declaration of each of these sections, with the number of declarations that the petition has seen.
_SECTIONS = """
SELECT DISTINCT ON (section.section) sections_version, section.section, signed_from, signed_to
FROM petition LEFT JOIN section ON section.county_id = $1 AND section.petition_id = $2
                               AND section.section = ANY ($3::int[])
WHERE petition.county_id = $1 AND petition.petition_id = $2
ORDER BY section.section, declaration_no DESC
"""

# By the whole primary key, as above.
_STORED_ANSWERS = """
SELECT stored.principal, stored.key, stored.fingerprint, stored.answer
FROM unnest($3::text[], $4::text[]) AS request (principal, key)
CROSS JOIN LATERAL (
    SELECT * FROM idempotency WHERE county_id = $1 AND petition_id = $2
       AND (idempotency.principal, idempotency.key) = (request.principal, request.key) OFFSET 0
) AS stored
"""

_STORE_ANSWERS = """
INSERT INTO idempotency (county_id, petition_id, principal, key, fingerprint, answer, created_at)
SELECT $1, $2, principal, key, fingerprint, answer, $3
FROM unnest($4::text[], $5::text[], $6::bytea[], $7::text[]) AS new (principal, key, fingerprint, answer)
ORDER BY principal, key
ON CONFLICT DO NOTHING
"""

# What examinations rest on. Locked against change until the commit, so that whatever a new roll version, new dates of a
# section or new aliases examine again includes this transaction's lines. The county's row is held as little as will do:
# against a load of aliases, and not against the loads and activations of rolls, which take turns on it.
_HOLD_BASIS = """
SELECT (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $3 FOR SHARE),
       sections_version,
       (SELECT aliases_version FROM county WHERE county_id = $1 FOR KEY SHARE)
FROM petition WHERE county_id = $1 AND petition_id = $2 FOR SHARE
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a place already."""

    line: Line
    writings: frozenset[bytes]  # SHA-256 of the writing first read there and of every revision of it


class StoredAnswer(NamedTuple):
    """The answer that a request got."""

    fingerprint: bytes
    answer: str


class Basis(NamedTuple):
    """What an examination rests on besides the line: while it is the same, so is the finding."""

    roll_version: int | None  # None without an active roll
    sections_version: int
    aliases_version: int  # 0 before the first


class SectionDates(NamedTuple):
    """The dates that a section's circulator declared; either may be missing."""

    signed_from: date | None
    signed_to: date | None


def _count(status: str) -> int:
    """How many rows a command's status reports, as in `INSERT 0 500`."""
    return int(status.rpartition(" ")[2])


async def standing_at(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, places: Collection[Place]
) -> dict[Place, Standing]:
    """What stands at these places; a free place is absent."""
    found = await connection.fetch(_STANDING_AT, county_id, petition_id, *columns(places))
    lines = ((line_of(row), row) for row in found)
    return {line.place: Standing(line, frozenset([row["writing_sha256"], *row["revisions"]])) for line, row in lines}


async def take_places(
    connection: asyncpg.Connection,
    county_id: str,
    petition_id: UUID,
    lines: Sequence[tuple[Submitted, str]],
    now: datetime,
) -> bool:
    """Store new signatures, each with the station that read it. False where somebody else took one of the places."""
    writings = [line.writing for line, _ in lines]
    status = await connection.execute(
        _TAKE_PLACES,
        county_id,
        petition_id,
        now,
        *columns([line.place for line, _ in lines]),
        [w.printed_name for w in writings],
        [w.name.as_json() if w.name else None for w in writings],
        [w.residence_address for w in writings],
        [w.city for w in writings],
        [w.zip for w in writings],
        [w.signed for w in writings],
        [w.image_sha256 for w in writings],
        [line.writing_sha256 for line, _ in lines],
        [station for _, station in lines],
    )
    return _count(status) == len(lines)


async def section_dates(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, sections: Collection[int]
) -> tuple[int, dict[int, SectionDates]]:
    """The version of the sections' dates, and the dates of these sections; one that was not declared is absent."""
    found = await connection.fetch(_SECTIONS, county_id, petition_id, list(sections))
    dates = {r["section"]: SectionDates(r["signed_from"], r["signed_to"]) for r in found if r["section"] is not None}
    return found[0]["sections_version"], dates


async def stored_answers(
    connection: asyncpg.Connection, county_id: str, petition_id: UUID, requests: Collection[tuple[str, str]]
) -> dict[tuple[str, str], StoredAnswer]:
    """The stored answers to these requests, each a principal and its idempotency key."""
    principals, keys = [p for p, _ in requests], [k for _, k in requests]
    found = await connection.fetch(_STORED_ANSWERS, county_id, petition_id, principals, keys)
    return {(row["principal"], row["key"]): StoredAnswer(row["fingerprint"], row["answer"]) for row in found}


async def store_answers(
    connection: asyncpg.Connection,
    county_id: str,
    petition_id: UUID,
    answers: Collection[tuple[str, str, bytes, str]],
    now: datetime,
) -> bool:
    """Store (principal, key, fingerprint, answer). False where one of the keys was used at the same time."""
    principals, keys, fingerprints, texts = map(list, zip(*answers, strict=True))
    status = await connection.execute(
        _STORE_ANSWERS, county_id, petition_id, now, principals, keys, fingerprints, texts
    )
    return _count(status) == len(answers)


async def hold_basis(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> Basis:
    """What examinations rest on now, locked against change until this transaction ends."""
    return Basis(*await connection.fetchrow(_HOLD_BASIS, county_id, petition_id, KEYS_VERSION))
