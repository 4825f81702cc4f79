"""SQL that changes the count. The order in a transaction is the order of the locks: slots, lines, head."""

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

import asyncpg

from app.law.line import Line, Place, Signature, Tally, counts_of
from app.law.petition import PetitionKey
from app.law.reasons import Outcome
from app.ledger.entries import Entry, Head, StoredFinding
from app.matching.blocking import KEYS_VERSION

LINE_COLUMNS = (
    "section, page, line, status, reason, voter_id, settled, finding_no, roll_version, confirmed_by, mismatch_by,"
    " station, version, aliases_version"
)

# Makes the slots that are missing, and says which. ORDER BY: two batches with the same voters in another order must
# not deadlock.
_MAKE_SLOTS = """
INSERT INTO slot (county_id, petition_id, voter_id)
SELECT $1, $2, voter_id FROM unnest($3::text[]) AS voter (voter_id) ORDER BY voter_id
ON CONFLICT DO NOTHING RETURNING voter_id
"""

# Locks the slots that existed before, in voter order. The transaction that holds a voter's slot decides which line
# counts; it holds those that it made anyway. Each is looked up by its whole primary key and locked by itself: a plan
# that was made, and kept, when the table was empty or not analysed yet may read the whole petition otherwise.
_LOCK_SLOTS = """
SELECT slot.voter_id, slot.withdrawn_on
FROM (SELECT voter_id FROM unnest($3::text[]) AS voter (voter_id) ORDER BY voter_id) AS voter
CROSS JOIN LATERAL (
    SELECT voter_id, withdrawn_on FROM slot
    WHERE county_id = $1 AND petition_id = $2 AND slot.voter_id = voter.voter_id FOR UPDATE
) AS slot
"""

# The lines at these places and those that compete for these voters' slots: the one that counts, by line_counts_once,
# and those that do not count because of it or of a withdrawal, by line_uncounted. Run after the slots are locked, so
# that its snapshot shows what the earlier holders of the slots committed. All are locked by one statement in paper
# order: locked one after the other, two transactions could each hold what the other wants. Each voter and each place is
# looked up by itself, the places in their order, for the sake of the plan, as above.
_LOCK_LINES = f"""
SELECT line.* FROM (
    SELECT section, page, line FROM unnest($3::int[], $4::int[], $5::int[]) AS claimed (section, page, line)
    UNION
    SELECT rival.* FROM unnest($6::text[]) AS voter (voter_id) CROSS JOIN LATERAL (
        SELECT section, page, line FROM line WHERE county_id = $1 AND petition_id = $2
           AND line.voter_id = voter.voter_id AND status = 'valid' OFFSET 0
    ) AS rival
    UNION
    SELECT rival.* FROM unnest($6::text[]) AS voter (voter_id) CROSS JOIN LATERAL (
        SELECT section, page, line FROM line WHERE county_id = $1 AND petition_id = $2
           AND line.voter_id = voter.voter_id
           AND status = 'invalid' AND reason IN ('duplicate', 'withdrawn') OFFSET 0
    ) AS rival
    ORDER BY section, page, line
) AS place
CROSS JOIN LATERAL (
    SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line)
    FOR UPDATE
) AS line
"""  # noqa: S608  # a literal of ours

_LOCK_HEAD = """
SELECT version, hash, state, received, valid, invalid, review, unsettled, by_reason FROM head
WHERE county_id = $1 AND petition_id = $2 FOR UPDATE
"""

# Clears the counted place of the voters whose counted line changes, before another line of theirs takes it: the
# unique index looks at every row as it is written.
_STEP_DOWN = """
UPDATE line SET status = 'received', reason = NULL
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND line.section = place.section AND line.page = place.page AND line.line = place.line
"""

_WRITE_LINES = """
INSERT INTO line (county_id, petition_id, section, page, line, status, reason, voter_id, settled, finding_no,
                  roll_version, people_needed, confirmed_by, mismatch_by, station, version,
                  aliases_version)
SELECT $1, $2, section, page, line, status, reason, voter_id, settled, finding_no, roll_version, people_needed,
       string_to_array(confirmed_by, ','), string_to_array(mismatch_by, ','), station, $3, aliases_version
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::bool[], $11::int[], $12::int[],
            $13::int[], $14::text[], $15::text[], $16::text[], $17::int[])
  AS new (section, page, line, status, reason, voter_id, settled, finding_no, roll_version, people_needed,
          confirmed_by, mismatch_by, station, aliases_version)
ORDER BY section, page, line
ON CONFLICT (county_id, petition_id, section, page, line) DO UPDATE
SET status = excluded.status, reason = excluded.reason, voter_id = excluded.voter_id, settled = excluded.settled,
    finding_no = excluded.finding_no, roll_version = excluded.roll_version, people_needed = excluded.people_needed,
    confirmed_by = excluded.confirmed_by, mismatch_by = excluded.mismatch_by, version = excluded.version,
    aliases_version = excluded.aliases_version
"""

_WRITE_FINDINGS = """
INSERT INTO finding (county_id, petition_id, version, section, page, line, finding_no, leaf_no, salt, content)
SELECT $1, $2, $3, section, page, line, finding_no, leaf_no, salt, content
FROM unnest($4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::bytea[], $10::text[])
  AS new (section, page, line, finding_no, leaf_no, salt, content)
"""

_APPEND_ENTRY = """
INSERT INTO ledger (county_id, petition_id, seq, type, leaf_root, leaves, payload, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_MOVE_HEAD = """
UPDATE head SET version = $3, hash = $4, state = $5, as_of = $6, received = $7, valid = $8, invalid = $9,
                review = $10, unsettled = $11, by_reason = $12
WHERE county_id = $1 AND petition_id = $2
"""


def line_of(row: asyncpg.Record) -> Line:
    """A row of `LINE_COLUMNS` as a value."""
    return Line(
        place=Place(row["section"], row["page"], row["line"]),
        outcome=Outcome(row["status"], row["reason"]),
        voter_id=row["voter_id"],
        settled=row["settled"],
        finding_no=row["finding_no"],
        confirmed_by=tuple(row["confirmed_by"]),
        mismatch_by=tuple(row["mismatch_by"]),
        roll_version=row["roll_version"],
        station=row["station"],
        version=row["version"],
        aliases_version=row["aliases_version"],
    )


def columns(places: Collection[Place]) -> tuple[list[int], list[int], list[int]]:
    """Places as the three arrays that `unnest` takes."""
    return [p.section for p in places], [p.page for p in places], [p.line for p in places]


async def lock_slots(
    connection: asyncpg.Connection, petition: PetitionKey, voters: Sequence[str]
) -> dict[str, date | None]:
    """Make and lock the voters' slots, in voter order. Returns the day each voter withdrew, or None.

    A voter whose slot is new is absent: without a slot no line of the voter has been counted, so none competes.
    """
    made = {row["voter_id"] for row in await connection.fetch(_MAKE_SLOTS, *petition, voters)}
    known = [voter_id for voter_id in voters if voter_id not in made]
    rows = await connection.fetch(_LOCK_SLOTS, *petition, known) if known else []
    return {row["voter_id"]: row["withdrawn_on"] for row in rows}


async def lock_lines(
    connection: asyncpg.Connection,
    petition: PetitionKey,
    places: Collection[Place],
    voters: Collection[str],
) -> dict[Place, Line]:
    """Lock lines in paper order, and return them; a place without a line is absent.

    Args:
        connection: in a transaction that holds the voters' slots.
        petition: whose lines.
        places: of lines to lock.
        voters: whose eligible lines are locked as well.
    """
    rows = await connection.fetch(_LOCK_LINES, *petition, *columns(places), list(voters))
    return {line.place: line for line in map(line_of, rows)}


async def step_down(connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place]) -> None:
    """Free the counted place of voters whose counted line is about to change."""
    await connection.execute(_STEP_DOWN, *petition, *columns(places))


async def write_lines(
    connection: asyncpg.Connection, petition: PetitionKey, lines: Sequence[Line], people_needed: Sequence[int]
) -> None:
    """Write lines as they are decided now.

    Args:
        connection: in a transaction that has locked the lines.
        petition: whose lines.
        lines: all of one version.
        people_needed: for each line, how many people must confirm it before it is settled.
    """
    await connection.execute(
        _WRITE_LINES,
        *petition,
        lines[0].version if lines else 0,
        *columns([line.place for line in lines]),
        [line.outcome.status for line in lines],
        [line.outcome.reason for line in lines],
        [line.voter_id for line in lines],
        [line.settled for line in lines],
        [line.finding_no for line in lines],
        [line.roll_version for line in lines],
        people_needed,
        [",".join(line.confirmed_by) for line in lines],
        [",".join(line.mismatch_by) for line in lines],
        [line.station for line in lines],
        [line.aliases_version for line in lines],
    )


async def write_findings(
    connection: asyncpg.Connection, petition: PetitionKey, findings: Sequence[StoredFinding]
) -> None:
    """Append the findings of one ledger entry."""
    await connection.execute(
        _WRITE_FINDINGS,
        *petition,
        findings[0].version if findings else 0,
        *columns([f.place for f in findings]),
        [f.finding_no for f in findings],
        [f.leaf_no for f in findings],
        [f.salt for f in findings],
        [f.content for f in findings],
    )


async def lock_head(connection: asyncpg.Connection, petition: PetitionKey) -> Head | None:
    """Lock the head row: from here to the commit no other transaction writes to this petition."""
    row = await connection.fetchrow(_LOCK_HEAD, *petition)
    return row and Head(row["version"], row["hash"], row["state"], counts_of(row))


async def append_entry(connection: asyncpg.Connection, petition: PetitionKey, entry: Entry, tally: Tally) -> None:
    """Append one ledger entry and move the head to it.

    Args:
        connection: in a transaction that has locked the head.
        petition: whose ledger.
        entry: the next one.
        tally: after it.
    """
    counts = tally.counts
    await connection.execute(_APPEND_ENTRY, *petition, *entry)
    await connection.execute(
        _MOVE_HEAD,
        *petition,
        entry.seq,
        entry.hash,
        tally.state,
        tally.as_of,
        counts.received,
        counts.valid,
        counts.invalid,
        counts.review,
        counts.unsettled,
        json.dumps(counts.by_reason),
    )


# The lines at these places, and every text that was ever accepted there. OFFSET 0 has each place looked up by its
# whole primary key, also with a plan that was made, and kept, when the tables were empty or not analysed yet: such a
# plan may read a petition from end to end instead.
_OCCUPIED = f"""
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
# just taken is not counted in the answer; the caller starts again and finds it occupied.
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


class Occupied(NamedTuple):
    """The line at a place that is taken, and the fingerprints of every text that was ever recorded there."""

    line: Line
    texts: frozenset[bytes]


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


async def occupied_places(
    connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place]
) -> dict[Place, Occupied]:
    """What is recorded at these places; a free place is absent."""
    rows = await connection.fetch(_OCCUPIED, *petition, *columns(places))
    found = (Occupied(line_of(row), frozenset([row["writing_sha256"], *row["revisions"]])) for row in rows)
    return {one.line.place: one for one in found}


async def take_places(
    connection: asyncpg.Connection, petition: PetitionKey, new: Sequence[tuple[Signature, str]], now: datetime
) -> bool:
    """Store new signatures. Returns False if another transaction took one of the places.

    Args:
        connection: in a transaction.
        petition: whose signatures.
        new: in paper order, each with the station that read it.
        now: when they were received.
    """
    signatures = [signature for signature, _ in new]
    writings = [signature.writing for signature in signatures]
    status = await connection.execute(
        _TAKE_PLACES,
        *petition,
        now,
        *columns([signature.place for signature in signatures]),
        [w.printed_name for w in writings],
        [w.name_parts for w in writings],
        [w.residence_address for w in writings],
        [w.city for w in writings],
        [w.zip for w in writings],
        [w.signed for w in writings],
        [w.image_sha256 for w in writings],
        [signature.sha256 for signature in signatures],
        [station for _, station in new],
    )
    return _count(status) == len(new)


async def section_dates(
    connection: asyncpg.Connection, petition: PetitionKey, sections: Collection[int]
) -> tuple[int, dict[int, SectionDates]]:
    """The version of the sections' dates, and the dates of these sections; one that was not declared is absent."""
    found = await connection.fetch(_SECTIONS, *petition, list(sections))
    dates = {r["section"]: SectionDates(r["signed_from"], r["signed_to"]) for r in found if r["section"] is not None}
    return found[0]["sections_version"], dates


async def stored_answers(
    connection: asyncpg.Connection, petition: PetitionKey, requests: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, str]]:
    """The fingerprints and answers of these requests, each a principal and its idempotency key."""
    principals, keys = [p for p, _ in requests], [k for _, k in requests]
    found = await connection.fetch(_STORED_ANSWERS, *petition, principals, keys)
    return {(row["principal"], row["key"]): (row["fingerprint"], row["answer"]) for row in found}


async def store_answers(
    connection: asyncpg.Connection,
    petition: PetitionKey,
    answers: Collection[tuple[str, str, bytes, str]],
    now: datetime,
) -> bool:
    """Store answers. Returns False if one of the keys was used at the same time.

    Args:
        connection: in a transaction.
        petition: that the requests are about.
        answers: of each request the principal, the key, the fingerprint and the answer.
        now: when they were answered.
    """
    principals, keys, fingerprints, texts = map(list, zip(*answers, strict=True))
    status = await connection.execute(_STORE_ANSWERS, *petition, now, principals, keys, fingerprints, texts)
    return _count(status) == len(answers)


async def hold_basis(connection: asyncpg.Connection, petition: PetitionKey) -> Basis:
    """What examinations rest on now, locked against change until this transaction ends."""
    return Basis(*await connection.fetchrow(_HOLD_BASIS, *petition, KEYS_VERSION))
