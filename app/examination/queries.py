"""SQL of what people do with lines: quality checks, re-examination, revisions, section dates, withdrawals."""

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.count.queries import LINE_COLUMNS, SectionDates, columns, line_of, lock_lines
from app.law.line import Line, Place, Signature
from app.law.petition import Petition, PetitionKey
from app.law.quality import Check, DecidedLine
from app.law.reasons import Outcome, Reason, ReviewCause, Status
from app.law.review import PersonFinding
from app.law.sampling import PARTS, draw_limit
from app.law.withdrawal import Revocation, Withdrawal

# The petition's state, and the seed of its draw: the hash of the ledger's first entry. Both by primary key.
_SEED = """
SELECT head.state, ledger.hash FROM head JOIN ledger USING (county_id, petition_id)
WHERE county_id = $1 AND petition_id = $2 AND ledger.seq = 1
"""

# The draw of `app.law.sampling`: bytea sorts like big-endian numbers, so 8 bytes are compared at once.
_DRAWN = "substr(sha256($3 || int4send(section) || int4send(page) || int4send(line)), 1, 8) < $4"
_BY_MACHINE = "status IN ('valid', 'invalid') AND settled AND confirmed_by = '{}' AND mismatch_by = '{}'"

# The drawn lines that the machine alone decided and that were not checked yet, in a random order of each person's own:
# however many are checked in the end, they are a random sample. Reads every line of the petition: 0.3 s for 715,833.
_NEXT_CHECK = f"""
SELECT section, page, line FROM line
WHERE county_id = $1 AND petition_id = $2 AND {_BY_MACHINE} AND {_DRAWN}
  AND NOT EXISTS (
    SELECT FROM quality_check q
    WHERE (q.county_id, q.petition_id, q.section, q.page, q.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line))
ORDER BY sha256($5 || int4send(section) || int4send(page) || int4send(line))
LIMIT $6
"""  # noqa: S608  # literals of ours

# How many lines the machine alone decided, by decision, and how many of them are drawn. Reads every line, as above.
_COUNTS = f"""
SELECT status, reason, count(*) AS lines, count(*) FILTER (WHERE {_DRAWN}) AS drawn FROM line
WHERE county_id = $1 AND petition_id = $2 AND {_BY_MACHINE} GROUP BY status, reason
"""  # noqa: S608  # literals of ours

_ANSWER_COLUMNS = "q.status, q.reason, q.voter_id, q.note"

# Every answer, the decision that it was compared with, and how the line is decided now. By the primary keys.
_CHECKS = f"""
SELECT {_ANSWER_COLUMNS}, q.decided_status, q.decided_reason, q.decided_voter_id,
       line.status AS now_status, line.reason AS now_reason, line.voter_id AS now_voter_id
FROM quality_check q JOIN line USING (county_id, petition_id, section, page, line)
WHERE county_id = $1 AND petition_id = $2
"""  # noqa: S608  # literals of ours

# The primary key decides between two people who answer for the same line.
_ADD_CHECK = """
INSERT INTO quality_check (county_id, petition_id, section, page, line, finding_no, decided_status, decided_reason,
                           decided_voter_id, status, reason, voter_id, note, checked_by, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING checked_at
"""

_GET_CHECK = f"""
SELECT {_ANSWER_COLUMNS}, q.checked_by, q.checked_at FROM quality_check q
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""  # noqa: S608  # literals of ours


class Answered(NamedTuple):
    """A blind answer, as it was recorded."""

    answer: PersonFinding
    checked_by: str
    checked_at: datetime


async def state_and_seed(connection: asyncpg.Connection, petition: PetitionKey) -> tuple[str, bytes]:
    """Whether the petition is open or closed, and the seed of its draw."""
    row = await connection.fetchrow(_SEED, *petition)
    return row["state"], row["hash"]


async def next_to_check(
    connection: asyncpg.Connection, petition: Petition, seed: bytes, *, who: str, limit: int
) -> list[Place]:
    """Up to `limit` drawn lines that were not checked yet, in this person's own random order.

    Args:
        connection: any; only read.
        petition: whose lines, with the share that is drawn.
        seed: of the petition's draw.
        who: the name of the person who checks.
        limit: how many lines at most.
    """
    drawn = _limit(petition.ruleset.double_check_ppm)
    found = await connection.fetch(_NEXT_CHECK, *petition.key, seed, drawn, seed + who.encode(), limit)
    return [Place(*row) for row in found]


def _limit(share_ppm: int) -> bytes:
    """What the first 8 bytes of a hash must stay below; 9 bytes above them all if every line is drawn."""
    return draw_limit(share_ppm).to_bytes(8, "big") if share_ppm < PARTS else b"\xff" * 9


async def counts_by_machine(
    connection: asyncpg.Connection, petition: Petition, seed: bytes
) -> dict[Outcome, tuple[int, int]]:
    """By outcome: the lines that the machine alone decided, and how many of them are drawn."""
    found = await connection.fetch(_COUNTS, *petition.key, seed, _limit(petition.ruleset.double_check_ppm))
    return {Outcome(status, reason): (lines, drawn) for status, reason, lines, drawn in found}


async def checks(connection: asyncpg.Connection, petition: PetitionKey) -> list[Check]:
    """Every answer of a petition."""
    found = await connection.fetch(_CHECKS, *petition)
    return [Check(_answer(*row[:4]), _decided(*row[4:7]), _decided(*row[7:])) for row in found]


def _answer(status: Status, reason: Reason | None, voter_id: str | None, note: str) -> PersonFinding:
    return PersonFinding(Outcome(status, reason), voter_id, note)


def _decided(status: Status, reason: Reason | ReviewCause | None, voter_id: str | None) -> DecidedLine:
    return DecidedLine(Outcome(status, reason), voter_id)


async def add_check(connection: asyncpg.Connection, petition: PetitionKey, line: Line, answered: Answered) -> bool:
    """Store an answer beside the line as it is decided; False if there is an answer for this line already.

    Args:
        connection: in a transaction.
        petition: whose line.
        line: as it is decided now.
        answered: the answer, who gave it and when.
    """
    answer, by, at = answered
    decided = (line.finding_no, *line.outcome, line.voter_id)
    said = (*answer.outcome, answer.voter_id, answer.note, by, at)
    return await connection.fetchval(_ADD_CHECK, *petition, *line.place, *decided, *said) is not None


async def get_check(connection: asyncpg.Connection, petition: PetitionKey, place: Place) -> Answered | None:
    """The answer for a line; None if it was not checked."""
    row = await connection.fetchrow(_GET_CHECK, *petition, *place)
    return row and Answered(_answer(*row[:4]), *row[4:])


# The lines for which another roll version had no voter. Written as ranges instead of IS DISTINCT FROM to use the
# index line_reexamination, so that the query costs nothing while there are none.
_OUTDATED = f"""
SELECT {LINE_COLUMNS} FROM line
WHERE county_id = $1 AND petition_id = $2 AND reason IN ('not_registered', 'no_roll')
  AND (roll_version < $3 OR roll_version > $3 OR roll_version IS NULL)
ORDER BY section, page, line LIMIT $4
"""  # noqa: S608  # a literal of ours

_COUNTIES_WITH_ROLL = "SELECT county_id FROM roll WHERE state = 'active' ORDER BY county_id"


async def outdated_lines(
    connection: asyncpg.Connection, petition: PetitionKey, roll_version: int, limit: int
) -> list[Line]:
    """Lines for which another roll version than this one had no voter, in paper order.

    Args:
        connection: any; only read.
        petition: whose lines.
        roll_version: the version in use.
        limit: how many lines at most.
    """
    return [line_of(r) for r in await connection.fetch(_OUTDATED, *petition, roll_version, limit)]


async def counties_with_roll(connection: asyncpg.Connection) -> list[str]:
    """The counties that have a roll in use."""
    return [row["county_id"] for row in await connection.fetch(_COUNTIES_WITH_ROLL)]


# The lines whose decision an alias may change. By the index line_aliases, which has the same reasons in its condition.
_READ_BEFORE = f"""
SELECT {LINE_COLUMNS} FROM line
WHERE county_id = $1 AND petition_id = $2 AND aliases_version < $3
  AND reason IN ('not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled',
                 'different_address', 'out_of_county', 'ambiguous', 'weak_match', 'possible_move')
LIMIT $4
"""  # noqa: S608  # a literal of ours


# By the primary key; the lines are locked.
_READ_NOW = """
UPDATE line SET aliases_version = $6
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND line.section = place.section AND line.page = place.page AND line.line = place.line
"""


async def lines_read_before(
    connection: asyncpg.Connection, petition: PetitionKey, version: int, limit: int
) -> list[Line]:
    """Lines that are not valid and were read under older aliases than this version.

    Args:
        connection: any; only read.
        petition: whose lines.
        version: the version of the aliases in use.
        limit: how many lines at most.
    """
    return [line_of(row) for row in await connection.fetch(_READ_BEFORE, *petition, version, limit)]


async def mark_read(
    connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place], version: int
) -> None:
    """Note that this version reads these lines as the version before did, so that their decisions remain.

    Args:
        connection: in a transaction.
        petition: whose lines.
        places: of the lines.
        version: the version of the aliases in use.
    """
    await lock_lines(connection, petition, places, [])  # in paper order, like every transaction that locks several
    await connection.execute(_READ_NOW, *petition, *columns(places), version)


# The next revision of a place, by the primary key. Of two simultaneous ones the second finds the number taken.
_ADD_REVISION = """
INSERT INTO signature_revision (county_id, petition_id, section, page, line, revision_no, printed_name, name_parts,
                                residence_address, city, zip, signed, image_sha256, writing_sha256, note, revised_by,
                                revised_at)
SELECT $1, $2, $3, $4, $5, coalesce(max(revision_no), 0) + 1, $6::text, $7::text, $8::text, $9::text, $10::text,
       $11::boolean, $12::text, $13::bytea, $14::text, $15::text, $16::timestamptz
FROM signature_revision
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
ON CONFLICT DO NOTHING RETURNING revision_no
"""


async def add_revision(
    connection: asyncpg.Connection, petition: PetitionKey, revised: Signature, *, note: str, by: str, now: datetime
) -> bool:
    """Append the corrected text of a place. False if another clerk revised it just now.

    Args:
        connection: in a transaction.
        petition: whose line.
        revised: the corrected text, with its place.
        note: why it was corrected.
        by: the user who corrected it.
        now: when, with a time zone.
    """
    text = revised.writing
    written = (text.printed_name, text.name_parts, text.residence_address, text.city, text.zip, text.signed)
    facts = (*written, text.image_sha256, revised.sha256, note, by, now)
    return await connection.fetchval(_ADD_REVISION, *petition, *revised.place, *facts) is not None


# Waits for transactions that examine lines of this petition; later ones start again with the new dates. By primary key.
_BEGIN = "UPDATE petition SET sections_version = sections_version + 1 WHERE county_id = $1 AND petition_id = $2"

# The newest declaration of a section, by the primary key.
_NEWEST = """
SELECT declaration_no, signed_from, signed_to, declared_by, declared_at FROM section
WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY declaration_no DESC LIMIT 1
"""

_ADD_SECTION = """
INSERT INTO section (county_id, petition_id, section, declaration_no, signed_from, signed_to, declared_by, declared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

# A section's lines in paper order, by the primary key.
_LINES = f"""
SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY section, page, line
"""  # noqa: S608  # a literal of ours


class Declaration(NamedTuple):
    """The dates that a circulator declared for a section, and who entered them."""

    section: int
    declaration_no: int
    dates: SectionDates
    declared_by: str
    declared_at: datetime


async def begin_declaration(connection: asyncpg.Connection, petition: PetitionKey) -> None:
    """Keep every examination of the petition's lines out until this transaction ends."""
    await connection.execute(_BEGIN, *petition)


async def newest_declaration(connection: asyncpg.Connection, petition: PetitionKey, section: int) -> Declaration | None:
    """The declaration in force; None if the section was never declared."""
    row = await connection.fetchrow(_NEWEST, *petition, section)
    return row and Declaration(section, row[0], SectionDates(row[1], row[2]), row[3], row[4])


async def add_declaration(connection: asyncpg.Connection, petition: PetitionKey, new: Declaration) -> None:
    """Append a declaration. `begin_declaration` holds the lock, so its number is free."""
    await connection.execute(
        _ADD_SECTION, *petition, new.section, new.declaration_no, *new.dates, new.declared_by, new.declared_at
    )


async def lines_of_section(connection: asyncpg.Connection, petition: PetitionKey, section: int) -> list[Line]:
    """Every line of a section."""
    return [line_of(row) for row in await connection.fetch(_LINES, *petition, section)]


_WITHDRAWAL = """
SELECT w.withdrawal_id, w.voter_id, w.received_on, w.recorded_by, w.recorded_at, w.note,
       r.revoked_by, r.revoked_at, r.note AS revoked_note
FROM withdrawal w LEFT JOIN withdrawal_revocation r USING (county_id, petition_id, withdrawal_id)
WHERE county_id = $1 AND petition_id = $2
"""

# The one in force for a voter, by the index withdrawal_voter. The slot's lock is held, so there is at most one.
_IN_FORCE = f"{_WITHDRAWAL} AND w.voter_id = $3 AND r.withdrawal_id IS NULL"

# One, by the primary key.
_ONE = f"{_WITHDRAWAL} AND withdrawal_id = $3"

# A page in the order of recording, which is the order of the ids, by the primary key.
_WITHDRAWALS_PAGE = f"{_WITHDRAWAL} AND ($3::uuid IS NULL OR withdrawal_id > $3) ORDER BY withdrawal_id LIMIT $4"

_ADD_WITHDRAWAL = """
INSERT INTO withdrawal (county_id, petition_id, withdrawal_id, voter_id, received_on, recorded_by, recorded_at, note,
                        salt, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

_REVOKE = """
INSERT INTO withdrawal_revocation (county_id, petition_id, withdrawal_id, revoked_by, revoked_at, note, salt, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_SET_SLOT = "UPDATE slot SET withdrawn_on = $4 WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3"


def _withdrawal(row: asyncpg.Record) -> Withdrawal:
    *facts, revoked_by, revoked_at, revoked_note = row
    withdrawal = Withdrawal(*facts)
    if revoked_by is None:
        return withdrawal
    return withdrawal._replace(revocation=Revocation(withdrawal.withdrawal_id, revoked_by, revoked_at, revoked_note))


async def withdrawal_in_force(
    connection: asyncpg.Connection, petition: PetitionKey, voter_id: str
) -> Withdrawal | None:
    """The voter's withdrawal that was not revoked; None without one."""
    row = await connection.fetchrow(_IN_FORCE, *petition, voter_id)
    return row and _withdrawal(row)


async def get_withdrawal(
    connection: asyncpg.Connection, petition: PetitionKey, withdrawal_id: UUID
) -> Withdrawal | None:
    """One withdrawal of a petition."""
    row = await connection.fetchrow(_ONE, *petition, withdrawal_id)
    return row and _withdrawal(row)


async def page_of_withdrawals(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: UUID | None, limit: int
) -> list[Withdrawal]:
    """Up to `limit` withdrawals that follow `after`, the oldest first.

    Args:
        connection: any; only read.
        petition: whose withdrawals.
        after: the last withdrawal of the page before; None: the first page.
        limit: how many withdrawals at most.
    """
    return [_withdrawal(row) for row in await connection.fetch(_WITHDRAWALS_PAGE, *petition, after, limit)]


async def add_withdrawal(connection: asyncpg.Connection, petition: PetitionKey, new: Withdrawal, salt: bytes) -> None:
    """Append a withdrawal.

    Args:
        connection: in a transaction that holds the voter's slot.
        petition: that the voter signed.
        new: the withdrawal, not revoked.
        salt: random bytes for its hash in the ledger.
    """
    *facts, _ = new
    await connection.execute(_ADD_WITHDRAWAL, *petition, *facts, salt, new.content())


async def add_revocation(connection: asyncpg.Connection, petition: PetitionKey, new: Revocation, salt: bytes) -> None:
    """Append a revocation.

    Args:
        connection: in a transaction that holds the voter's slot.
        petition: that the voter signed.
        new: the revocation.
        salt: random bytes for its hash in the ledger.
    """
    await connection.execute(_REVOKE, *petition, *new, salt, new.content())


async def set_withdrawn(
    connection: asyncpg.Connection, petition: PetitionKey, voter_id: str, received_on: date | None
) -> None:
    """Note in the voter's slot, which the transaction has locked, since when the voter has withdrawn; None: has not.

    Args:
        connection: in a transaction that holds the voter's slot.
        petition: that the voter signed.
        voter_id: as on the roll.
        received_on: the day the withdrawal was received; None: it no longer holds.
    """
    await connection.execute(_SET_SLOT, *petition, voter_id, received_on)


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


async def judgments_of(connection: asyncpg.Connection, petition: PetitionKey) -> dict[Place, DecidedLine]:
    """What people decided on the lines of a petition that a person judged, in paper order."""
    return {Place(*row[:3]): _decided(*row[3:]) for row in await connection.fetch(_JUDGED, *petition)}
