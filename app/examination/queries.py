"""SQL of what people do: quality checks, re-examination, revisions, sections, withdrawals."""

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.count.queries import LINE_COLUMNS, SectionDates, columns, line_of, lock_lines
from app.law.line import Line, Place, Signature
from app.law.petition import PetitionKey
from app.law.quality import Check, DecidedLine
from app.law.reasons import Outcome
from app.law.review import PersonFinding
from app.law.sampling import draw_limit
from app.law.withdrawal import Revocation, Withdrawal

# The petition's state and its seed: the hash of the ledger's first entry. Both by primary key.
_SEED = """
SELECT head.state, ledger.hash FROM head JOIN ledger USING (county_id, petition_id)
WHERE county_id = $1 AND petition_id = $2 AND ledger.seq = 1
"""

# The draw of `app.law.sampling`. The first byte is compared as part of eight: bytea is ordered like numbers.
_DRAWN = "substr(sha256($3 || int4send(section) || int4send(page) || int4send(line)), 1, 8) < $4"
_BY_MACHINE = "status IN ('valid', 'invalid') AND settled AND confirmed_by = '{}' AND mismatch_by = '{}'"

# The drawn lines that the machine alone decided and nobody checked, in an order of each person's own, which has nothing
# to do with what stands on them: however many are checked in the end, they are a random part. Reads the lines of
# the petition, half a microsecond each: 0.3 s of 715,833.
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
    """An answer that is on record."""

    answer: PersonFinding
    checked_by: str
    checked_at: datetime


async def state_and_seed(connection: asyncpg.Connection, petition: PetitionKey) -> tuple[str, bytes]:
    """Whether the petition is open or closed, and the seed of its draw."""
    row = await connection.fetchrow(_SEED, *petition)
    return row["state"], row["hash"]


async def next_to_check(
    connection: asyncpg.Connection,
    petition: PetitionKey,
    *,
    seed: bytes,
    share_ppm: int,
    who: str,
    limit: int,
) -> list[Place]:
    """Up to `limit` drawn lines that nobody has checked, in this person's own random order."""
    arguments = (seed, _limit(share_ppm), seed + who.encode(), limit)
    return [Place(*row) for row in await connection.fetch(_NEXT_CHECK, *petition, *arguments)]


def _limit(share_ppm: int) -> bytes:
    """What the first 8 bytes of a hash must stay below; 9 bytes above them all where every line is drawn."""
    return draw_limit(share_ppm).to_bytes(8, "big") if share_ppm < 1_000_000 else b"\xff" * 9  # noqa: PLR2004  # ppm


async def counts_by_machine(
    connection: asyncpg.Connection, petition: PetitionKey, *, seed: bytes, share_ppm: int
) -> dict[Outcome, tuple[int, int]]:
    """By outcome: the lines that the machine alone decided, and how many of them are drawn."""
    rows = await connection.fetch(_COUNTS, *petition, seed, _limit(share_ppm))
    return {Outcome(row["status"], row["reason"]): (row["lines"], row["drawn"]) for row in rows}


async def checks(connection: asyncpg.Connection, petition: PetitionKey) -> list[Check]:
    """Every answer of a petition."""
    rows = await connection.fetch(_CHECKS, *petition)
    return [
        Check(
            _answer(row),
            DecidedLine(Outcome(row["decided_status"], row["decided_reason"]), row["decided_voter_id"]),
            DecidedLine(Outcome(row["now_status"], row["now_reason"]), row["now_voter_id"]),
        )
        for row in rows
    ]


async def add_check(connection: asyncpg.Connection, petition: PetitionKey, line: Line, answered: Answered) -> bool:
    """Store an answer beside the line as it is decided; False if there is an answer for this line already."""
    answer, by, at = answered
    decided = (line.finding_no, *line.outcome, line.voter_id)
    said = (*answer.outcome, answer.voter_id, answer.note, by, at)
    return await connection.fetchval(_ADD_CHECK, *petition, *line.place, *decided, *said) is not None


async def get_check(connection: asyncpg.Connection, petition: PetitionKey, place: Place) -> Answered | None:
    """The answer for a line; None where nobody has checked it."""
    row = await connection.fetchrow(_GET_CHECK, *petition, *place)
    return Answered(_answer(row), row["checked_by"], row["checked_at"]) if row else None


def _answer(row: asyncpg.Record) -> PersonFinding:
    return PersonFinding(Outcome(row["status"], row["reason"]), row["voter_id"], row["note"])


# The lines that were decided by what another roll did not hold. Written as ranges (and not IS DISTINCT FROM) to ride
# line_reexamination, so that asking costs nothing while there are none.
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
    """Lines that nobody was found for in another version of the roll than this one, in paper order."""
    return [line_of(r) for r in await connection.fetch(_OUTDATED, *petition, roll_version, limit)]


async def counties_with_roll(connection: asyncpg.Connection) -> list[str]:
    """The counties that have a roll in use."""
    return [row["county_id"] for row in await connection.fetch(_COUNTIES_WITH_ROLL)]


# The lines whose decision another name of a street or city may change. Rides line_aliases, whose reasons these are.
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
    """Lines not found good that were read under older aliases than this version."""
    return [line_of(row) for row in await connection.fetch(_READ_BEFORE, *petition, version, limit)]


async def mark_read(
    connection: asyncpg.Connection, petition: PetitionKey, places: Collection[Place], version: int
) -> None:
    """Note that this version reads these lines as the one before did, so that what was decided of them stands."""
    await lock_lines(connection, petition, places, [])  # in paper order, as every holder of several
    await connection.execute(_READ_NOW, *petition, *columns(places), version)


# The next revision of a place, by the primary key. Of two at the same time one finds the number taken, and adds none.
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
    connection: asyncpg.Connection,
    petition: PetitionKey,
    revised: Signature,
    *,
    note: str,
    by: str,
    now: datetime,
) -> bool:
    """Append what now stands at a place. False where somebody else revised it just now."""
    writing = revised.writing
    number = await connection.fetchval(
        _ADD_REVISION,
        *petition,
        *revised.place,
        writing.printed_name,
        writing.name_parts,
        writing.residence_address,
        writing.city,
        writing.zip,
        writing.signed,
        writing.image_sha256,
        revised.sha256,
        note,
        by,
        now,
    )
    return number is not None


# Waits for whatever examines lines of this petition, and makes it start again with the new dates. By the primary key.
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
    """What a circulator declared of a section, and who entered it."""

    declaration_no: int
    dates: SectionDates
    declared_by: str
    declared_at: datetime


async def begin_declaration(connection: asyncpg.Connection, petition: PetitionKey) -> None:
    """Keep every examination of the petition's lines out until this transaction ends."""
    await connection.execute(_BEGIN, *petition)


async def newest_declaration(connection: asyncpg.Connection, petition: PetitionKey, section: int) -> Declaration | None:
    """The declaration that holds; None where the section was never declared."""
    row = await connection.fetchrow(_NEWEST, *petition, section)
    return row and Declaration(row[0], SectionDates(row[1], row[2]), row[3], row[4])


async def add_declaration(
    connection: asyncpg.Connection, petition: PetitionKey, section: int, declaration: Declaration
) -> None:
    """Append a declaration. The transaction has begun it, so its number is free."""
    number, dates, by, at = declaration
    await connection.execute(_ADD_SECTION, *petition, section, number, *dates, by, at)


async def lines_of_section(connection: asyncpg.Connection, petition: PetitionKey, section: int) -> list[Line]:
    """Every line of a section."""
    return [line_of(row) for row in await connection.fetch(_LINES, *petition, section)]


_WITHDRAWAL = """
SELECT w.withdrawal_id, w.voter_id, w.received_on, w.recorded_by, w.recorded_at, w.note,
       r.revoked_by, r.revoked_at, r.note AS revoked_note
FROM withdrawal w LEFT JOIN withdrawal_revocation r USING (county_id, petition_id, withdrawal_id)
WHERE county_id = $1 AND petition_id = $2
"""

# The one that holds for a voter, riding withdrawal_voter. Asked under the slot's lock, so there is at most one.
_HOLDING = f"{_WITHDRAWAL} AND w.voter_id = $3 AND r.withdrawal_id IS NULL"

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


class WithdrawalRead(NamedTuple):
    """A withdrawal, and its revocation where it was recorded by mistake."""

    withdrawal: Withdrawal
    revocation: Revocation | None


def _read(row: asyncpg.Record) -> WithdrawalRead:
    withdrawal = Withdrawal(
        row["withdrawal_id"],
        row["voter_id"],
        row["received_on"],
        row["recorded_by"],
        row["recorded_at"],
        row["note"],
    )
    revoked = Revocation(row["withdrawal_id"], row["revoked_by"], row["revoked_at"], row["revoked_note"])
    return WithdrawalRead(withdrawal, revoked if revoked.revoked_by else None)


async def holding_withdrawal(
    connection: asyncpg.Connection, petition: PetitionKey, voter_id: str
) -> WithdrawalRead | None:
    """The voter's withdrawal that was not revoked; None without one."""
    row = await connection.fetchrow(_HOLDING, *petition, voter_id)
    return row and _read(row)


async def get_withdrawal(
    connection: asyncpg.Connection, petition: PetitionKey, withdrawal_id: UUID
) -> WithdrawalRead | None:
    """One withdrawal of a petition."""
    row = await connection.fetchrow(_ONE, *petition, withdrawal_id)
    return row and _read(row)


async def page_of_withdrawals(
    connection: asyncpg.Connection, petition: PetitionKey, *, after: UUID | None, limit: int
) -> list[WithdrawalRead]:
    """Up to `limit` withdrawals behind `after`, the oldest first."""
    return [_read(row) for row in await connection.fetch(_WITHDRAWALS_PAGE, *petition, after, limit)]


async def add_withdrawal(connection: asyncpg.Connection, petition: PetitionKey, new: Withdrawal, salt: bytes) -> None:
    """Append a withdrawal."""
    await connection.execute(
        _ADD_WITHDRAWAL,
        *petition,
        new.withdrawal_id,
        new.voter_id,
        new.received_on,
        new.recorded_by,
        new.recorded_at,
        new.note,
        salt,
        new.content(),
    )


async def add_revocation(connection: asyncpg.Connection, petition: PetitionKey, new: Revocation, salt: bytes) -> None:
    """Append a revocation."""
    await connection.execute(
        _REVOKE,
        *petition,
        new.withdrawal_id,
        new.revoked_by,
        new.revoked_at,
        new.note,
        salt,
        new.content(),
    )


async def set_withdrawn(
    connection: asyncpg.Connection, petition: PetitionKey, voter_id: str, received_on: date | None
) -> None:
    """Say in the voter's slot, which the transaction holds, since when the voter is withdrawn; None: is not."""
    await connection.execute(_SET_SLOT, *petition, voter_id, received_on)


# The lines on which a person's word stands, and those that a person answered for blindly. Reads the petition's lines
# and answers through their primary keys.
_JUDGED = """
SELECT section, page, line, status, reason, voter_id FROM line
WHERE county_id = $1 AND petition_id = $2 AND status IN ('valid', 'invalid') AND confirmed_by <> '{}'
UNION ALL
SELECT q.section, q.page, q.line, q.status, q.reason, q.voter_id
FROM quality_check q JOIN line USING (county_id, petition_id, section, page, line)
WHERE county_id = $1 AND petition_id = $2 AND q.status <> 'review' AND line.confirmed_by = '{}'
ORDER BY section, page, line
"""


class Judgement(NamedTuple):
    """What a person says of a line."""

    place: Place
    decided: DecidedLine


async def judgments_of(connection: asyncpg.Connection, petition: PetitionKey) -> list[Judgement]:
    """Every line of a petition that a person judged, in paper order."""
    rows = await connection.fetch(_JUDGED, *petition)
    return [Judgement(Place(*row[:3]), DecidedLine(Outcome(*row[3:5]), row[5])) for row in rows]
