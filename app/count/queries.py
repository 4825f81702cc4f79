"""SQL that changes the count. The order in a transaction is the order of the locks: slots, lines, head."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from asyncpg import Connection, Record

from app.law.defect import Defect
from app.law.line import HEAD_COLUMNS, TEXT_COLUMNS, Basis, Line, Place, RawCountStage, Signature, Tally
from app.law.petition import Petition, PetitionKey, SectionDates
from app.law.reasons import Outcome
from app.ledger.entries import Entry, StoredFinding
from app.matching.blocking import KEYS_VERSION
from app.matching.queries import NEWEST_ROLL

LINE_COLUMNS = ", ".join(("section, page, line, status, reason", *Line._fields[2:]))
THE_LINES_COLUMNS = ", ".join(f"line.{column}" for column in LINE_COLUMNS.split(", "))

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

_LOCK_HEAD = f"SELECT {HEAD_COLUMNS} FROM head WHERE county_id = $1 AND petition_id = $2 FOR UPDATE"  # noqa: S608

# By the primary key.
_RULESET = "SELECT ruleset_in_force FROM head WHERE county_id = $1 AND petition_id = $2"
_PENDING = """
SELECT redecide_from IS NOT NULL OR examine_after IS NOT NULL FROM head WHERE county_id = $1 AND petition_id = $2
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
INSERT INTO line (county_id, petition_id, version, section, page, line, status, reason, voter_id, settled, finding_no,
                  roll_version, station, aliases_version, confirmed_by, mismatch_by, against_data, uncompared,
                  people_needed)
SELECT $1, $2, $3, section, page, line, status, reason, voter_id, settled, finding_no, roll_version, station,
       aliases_version, string_to_array(confirmed_by, ','), string_to_array(mismatch_by, ','), against_data, uncompared,
       people_needed
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::bool[], $11::int[], $12::int[],
            $13::text[], $14::int[], $15::text[], $16::text[], $17::bool[], $18::bool[], $19::int[])
  AS new (section, page, line, status, reason, voter_id, settled, finding_no, roll_version, station, aliases_version,
          confirmed_by, mismatch_by, against_data, uncompared, people_needed)
ORDER BY section, page, line
ON CONFLICT (county_id, petition_id, section, page, line) DO UPDATE
SET status = excluded.status, reason = excluded.reason, voter_id = excluded.voter_id, settled = excluded.settled,
    finding_no = excluded.finding_no, roll_version = excluded.roll_version, people_needed = excluded.people_needed,
    confirmed_by = excluded.confirmed_by, mismatch_by = excluded.mismatch_by, version = excluded.version,
    aliases_version = excluded.aliases_version, against_data = excluded.against_data, uncompared = excluded.uncompared
"""

# Lines that are held for the officer of confidential voters are marked by the same statement, so that writing them
# takes as long as writing others. A line that is examined again and held again is the officer's again.
_WRITE_FINDINGS = """
WITH held AS (
    INSERT INTO held_line (county_id, petition_id, section, page, line)
    SELECT $1, $2, section, page, line FROM unnest($11::int[], $12::int[], $13::int[]) AS place (section, page, line)
    ON CONFLICT (county_id, petition_id, section, page, line) DO UPDATE SET decided_by = NULL, decided_at = NULL
)
INSERT INTO finding (county_id, petition_id, version, section, page, line, finding_no, leaf_no, salt, content)
SELECT $1, $2, $3, section, page, line, finding_no, leaf_no, salt, content
FROM unnest($4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::bytea[], $10::text[])
  AS new (section, page, line, finding_no, leaf_no, salt, content)
"""

_APPEND_ENTRY = """
INSERT INTO ledger (county_id, petition_id, seq, type, leaf_root, leaves, payload, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

# The lines that their sections claim, but for those scanned: a section's surplus does not count. Of the registered ones
# among the sections of new lines those there are by now are counted, each along the primary key and no further than
# can matter.
_MOVE_HEAD = """
UPDATE head SET version = $3, hash = $4, state = $5, as_of = $6, received = $7, valid = $8, invalid = $9,
                review = $10, unsettled = $11, unsettled_valid = $12, blank = $13, struck = $14, by_reason = $15,
                raw_count = $16, unscanned = $17 - (
    SELECT coalesce(sum(greatest(claim.lines - seen.lines + new.lines, 0) - greatest(claim.lines - seen.lines, 0)), 0)
    FROM unnest($18::int[], $19::int[]) AS new (section, lines)
    CROSS JOIN LATERAL (
        SELECT lines FROM section_registration AS r
        WHERE r.county_id = $1 AND r.petition_id = $2 AND r.section = new.section AND registration_no = 1 OFFSET 0
    ) AS claim
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines FROM (
            SELECT FROM line WHERE line.county_id = $1 AND line.petition_id = $2 AND line.section = new.section
            LIMIT claim.lines + new.lines
        ) AS scanned
    ) AS seen
)
WHERE county_id = $1 AND petition_id = $2
RETURNING unscanned
"""

# The lines that these sections claim and that were not scanned yet. Run under the head's lock, by the primary keys.
_UNSCANNED = """
SELECT coalesce(sum(greatest(r.lines - (
    SELECT count(*) FROM line WHERE line.county_id = $1 AND line.petition_id = $2 AND line.section = r.section
), 0)), 0)::bigint
FROM section_registration r
WHERE county_id = $1 AND petition_id = $2 AND section = ANY ($3::int[]) AND registration_no = 1
"""

# The lines at these places, and every text that was ever accepted there. OFFSET 0 has each place looked up by its
# whole primary key, also with a plan that was made, and kept, when the tables were empty or not analysed yet: such a
# plan may read a petition from end to end instead.
_OCCUPIED = f"""
SELECT {THE_LINES_COLUMNS}, signature.writing_sha256,
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
_TAKE_PLACES = f"""
INSERT INTO signature (county_id, petition_id, received_at, section, page, line, {TEXT_COLUMNS}, station)
SELECT $1, $2, $3, section, page, line, {TEXT_COLUMNS}, station
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
            $12::bool[], $13::text[], $14::bool[], $15::bytea[], $16::text[])
  AS new (section, page, line, {TEXT_COLUMNS}, station)
ORDER BY section, page, line
ON CONFLICT DO NOTHING
"""  # noqa: S608  # literals of ours

# The newest declaration of each of these sections, with the number of declarations that the petition has seen; and
# their defects that are in force: one look into the index of a table that is nearly always empty.
_SECTIONS = """
SELECT DISTINCT ON (section.section) sections_version, section.section, signed_from, signed_to, (
    SELECT json_agg(json_build_array(section, act_no, codes, people, in_force_from))::text FROM (
        SELECT DISTINCT ON (d.section) * FROM section_defect d
        WHERE d.county_id = $1 AND d.petition_id = $2 AND d.section = ANY ($3::int[]) ORDER BY d.section, act_no DESC
    ) AS newest
    WHERE in_force_from IS NOT NULL
)
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
_HOLD_BASIS = f"""
SELECT (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $3 FOR SHARE),
       sections_version,
       (SELECT aliases_version FROM county WHERE county_id = $1 FOR KEY SHARE),
       {NEWEST_ROLL}
FROM petition WHERE county_id = $1 AND petition_id = $2 FOR SHARE
"""  # noqa: S608  # a literal of ours

# The voters among these who are or were confidential, by number or pseudonym. By the primary key and the unique one.
_PSEUDONYMS = """
SELECT voter_id, pseudonym FROM confidential_voter WHERE county_id = $1 AND voter_id = ANY($2::text[])
UNION
SELECT voter_id, pseudonym FROM confidential_voter WHERE county_id = $1 AND pseudonym = ANY($2::text[])
"""

# Waits for the transactions that examine lines of this petition, and keeps later ones out. By the primary key.
_HOLD_PETITION = "SELECT FROM petition WHERE county_id = $1 AND petition_id = $2 FOR NO KEY UPDATE"

# Those of these voters who have a line that passes every rule but the last, or withdrew. By the indexes of a voter's
# eligible lines and the slot's primary key, each voter by itself, for the sake of the plan, as above.
_COUNTED = """
SELECT DISTINCT voter.voter_id FROM unnest($3::text[]) AS voter (voter_id) CROSS JOIN LATERAL (
    (SELECT FROM line WHERE county_id = $1 AND petition_id = $2 AND line.voter_id = voter.voter_id
        AND status = 'valid' OFFSET 0)
    UNION ALL
    (SELECT FROM line WHERE county_id = $1 AND petition_id = $2 AND line.voter_id = voter.voter_id
        AND status = 'invalid' AND reason IN ('duplicate', 'withdrawn') OFFSET 0)
    UNION ALL
    (SELECT FROM slot WHERE county_id = $1 AND petition_id = $2 AND slot.voter_id = voter.voter_id
        AND withdrawn_on IS NOT NULL OFFSET 0)
) AS counted
"""

# Whether lines are held that the officer has not decided, in sections without a defect. By the index
# held_line_undecided.
_ANY_HELD = """
SELECT EXISTS (
    SELECT FROM held_line WHERE county_id = $1 AND petition_id = $2 AND decided_at IS NULL AND (
        SELECT in_force_from FROM section_defect d
        WHERE d.county_id = $1 AND d.petition_id = $2 AND d.section = held_line.section ORDER BY act_no DESC LIMIT 1
    ) IS NULL)
"""


@dataclass(slots=True)
class Change:
    """One transaction on one petition's count."""

    connection: Connection
    petition: Petition
    now: datetime
    tally: Tally | None = None  # as this transaction leaves it; None: it has not changed the count
    registered: Sequence[int] = ()  # sections that it has registered
    raw_count: RawCountStage | None = None  # where it takes the raw count; None: where it was

    async def insert(self, query: str, value: object, rows: Collection[Iterable[object]]) -> int:
        """Run a statement with a value that all rows share and their columns, if there are rows; returns how many."""
        if not rows:
            return 0
        status = await self.connection.execute(query, *self.petition.key, value, *zip(*rows, strict=True))
        return int(status.rpartition(" ")[2])  # as in `INSERT 0 500`


Occupied = tuple[Line, frozenset[bytes]]
"""The line at a place that is taken, and the fingerprints of every text that was ever recorded there."""


Places = Collection[Place]


def line_of(row: Record) -> Line:
    """The line of a row that begins with `LINE_COLUMNS`."""
    return Line(Place(*row[:3]), Outcome(*row[3:5]), *row[5:12], *map(tuple, row[12:14]), *row[14:16])


def columns(places: Places) -> tuple[list[int], list[int], list[int]]:
    """Places as the three arrays that `unnest` takes."""
    return [p.section for p in places], [p.page for p in places], [p.line for p in places]


async def lock_slots(change: Change, voters: Sequence[str]) -> dict[str, date | None]:
    """Make and lock the voters' slots, in voter order. Returns the day each voter withdrew, or None.

    A voter whose slot is new is absent: without a slot no line of the voter has been counted, so none competes.
    """
    connection, petition = change.connection, change.petition.key
    made = {row["voter_id"] for row in await connection.fetch(_MAKE_SLOTS, *petition, voters)}
    known = [voter_id for voter_id in voters if voter_id not in made]
    return dict(await connection.fetch(_LOCK_SLOTS, *petition, known)) if known else {}


async def lock_lines(change: Change, places: Places, voters: Collection[str]) -> dict[Place, Line]:
    """Lock the lines at these places and the eligible ones of voters whose slots are held; returns those there are."""
    rows = await change.connection.fetch(_LOCK_LINES, *change.petition.key, *columns(places), list(voters))
    return {line.place: line for line in map(line_of, rows)}


async def lock_head(change: Change) -> Tally | None:
    """Lock the head row: from here to the commit no other transaction writes to this petition."""
    row = await change.connection.fetchrow(_LOCK_HEAD, *change.petition.key)
    return row and Tally.stored(row)


async def ruleset_in_force(change: Change) -> str:
    """The name of the ruleset under which the petition is decided."""
    return str(await change.connection.fetchval(_RULESET, *change.petition.key))


async def has_lines_to_redecide(change: Change) -> bool:
    """Whether there may be lines that were decided under the ruleset before."""
    return bool(await change.connection.fetchval(_PENDING, *change.petition.key))


async def step_down(change: Change, places: Places) -> None:
    """Free the counted place of voters whose counted line is about to change."""
    await change.connection.execute(_STEP_DOWN, *change.petition.key, *columns(places))


async def write_lines(change: Change, version: int, lines: Sequence[Line]) -> None:
    """Write lines as this version decides them. The transaction has locked them."""
    needed = change.petition.ruleset.people_needed
    rows = [
        (
            *(*place, *outcome, *more, station, aliases_version, ",".join(confirmed), ",".join(mismatch)),
            *(against_data, uncompared, needed(outcome, against_data=against_data)),
        )
        for place, outcome, *more, station, _, aliases_version, confirmed, mismatch, against_data, uncompared in lines
    ]
    await change.insert(_WRITE_LINES, version, rows)


async def write_findings(change: Change, version: int, findings: Sequence[StoredFinding], held: Places) -> None:
    """Append the findings of one ledger entry.

    Args:
        change: the transaction.
        version: the entry's.
        findings: its leaves, in order.
        held: the places whose lines are held for the officer of confidential voters.
    """
    rows = [(*place, number, leaf_no, salt, content) for place, number, _, leaf_no, salt, content in findings]
    if rows:
        arguments = (*change.petition.key, version, *zip(*rows, strict=True), *columns(held))
        await change.connection.execute(_WRITE_FINDINGS, *arguments)


async def append_entry(change: Change, entry: Entry, tally: Tally, new: Places) -> Tally:
    """Append the next ledger entry and move the head, which the transaction has locked, to it and its tally.

    Returns the tally without the claims of what was scanned.

    Args:
        change: the transaction, with the sections that it has registered.
        entry: the ledger's.
        tally: after it, but for what is claimed and not scanned.
        new: the places at which this transaction adds lines.
    """
    connection, petition = change.connection, change.petition.key
    await connection.execute(_APPEND_ENTRY, *petition, *entry)
    if change.registered:
        claimed = await connection.fetchval(_UNSCANNED, *petition, change.registered)
        tally = tally._replace(claimed=tally.claimed + claimed)
    *numbers, by_reason = tally.counts
    place = (entry.seq, entry.hash, tally.state, tally.as_of)
    sections = Counter(one.section for one in new)
    scanned = (tally.raw_count, tally.claimed, list(sections), list(sections.values()))
    left = await connection.fetchval(_MOVE_HEAD, *petition, *place, *numbers, json.dumps(by_reason), *scanned)
    return tally._replace(claimed=left)


async def occupied_places(connection: Connection, petition: PetitionKey, places: Places) -> dict[Place, Occupied]:
    """What is recorded at these places; a free place is absent."""
    rows = await connection.fetch(_OCCUPIED, *petition, *columns(places))
    found = ((line_of(row), frozenset([row["writing_sha256"], *row["revisions"]])) for row in rows)
    return {line.place: (line, texts) for line, texts in found}


async def take_places(change: Change, new: Sequence[tuple[Signature, str]]) -> bool:
    """Store new signatures, in paper order, each with its station. False if another transaction took a place."""
    rows = [(*signature.place, *signature.to_store(), station) for signature, station in new]
    return await change.insert(_TAKE_PLACES, change.now, rows) == len(new)


async def section_dates(
    connection: Connection, petition: PetitionKey, sections: Collection[int]
) -> tuple[int, dict[int, SectionDates], dict[int, Defect]]:
    """The sections' version, and of these sections the dates that were declared and the defects that are in force."""
    found = await connection.fetch(_SECTIONS, *petition, list(sections))
    dates = {section: SectionDates(*dates) for _, section, *dates, _ in found if section is not None}
    defects = json.loads(found[0][-1]) if found[0][-1] else ()
    known = (Defect(section, number, tuple(codes), tuple(by), since) for section, number, codes, by, since in defects)
    return found[0][0], dates, {defect.section: defect for defect in known}


async def stored_answers(
    connection: Connection, petition: PetitionKey, requests: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, str]]:
    """The fingerprints and answers of these requests, each a principal and its idempotency key."""
    found = await connection.fetch(_STORED_ANSWERS, *petition, *zip(*requests, strict=True))
    return {(principal, key): (fingerprint, answer) for principal, key, fingerprint, answer in found}


async def store_answers(change: Change, answers: Collection[tuple[str, str, bytes, str]]) -> bool:
    """Store of each request the principal, the key, the fingerprint and the answer. False if a key was just used."""
    return await change.insert(_STORE_ANSWERS, change.now, answers) == len(answers)


async def hold_basis(connection: Connection, petition: PetitionKey) -> Basis:
    """What examinations rest on now, locked against change until this transaction ends.

    The versions of the active roll (None: there is none), of the sections' dates, of the aliases (0: none), and, which
    is not locked, of the newest roll that was loaded (None: there is none).
    """
    roll, sections, aliases, newest = await connection.fetchrow(_HOLD_BASIS, *petition, KEYS_VERSION)
    return roll, sections, aliases, newest


async def pseudonyms_of(change: Change, voters: Collection[str]) -> dict[str, str]:
    """The pseudonyms of the voters among these who are or were confidential, by their numbers."""
    return dict(await change.connection.fetch(_PSEUDONYMS, change.petition.county_id, list(voters)))


async def hold_petition(change: Change) -> None:
    """Let no other transaction examine lines of the petition until this one ends; before any slot is locked."""
    await change.connection.execute(_HOLD_PETITION, *change.petition.key)


async def counted_voters(change: Change, voters: Collection[str]) -> set[str]:
    """Those of these voters who have a line that counts or would without the others, or who withdrew."""
    return {row[0] for row in await change.connection.fetch(_COUNTED, *change.petition.key, list(voters))}


async def any_held(change: Change) -> bool:
    """Whether lines of the petition wait for the officer of confidential voters."""
    return bool(await change.connection.fetchval(_ANY_HELD, *change.petition.key))
