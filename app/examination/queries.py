"""SQL of what people put on record, and of lines to examine again."""

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Connection, Record

from app.count.queries import LINE_COLUMNS, Change, line_of
from app.law.line import TEXT_COLUMNS, Line
from app.law.petition import PetitionKey, Revocation, Withdrawal, sealed

_BATCH = 500  # lines that one transaction examines again

_LINE = f"SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2"  # noqa: S608  # a literal of ours

# Lines for which another roll version than $3 had no voter, or a confidential one, or did not show a district or the
# day of a cancellation, in paper order. Written as ranges instead of IS DISTINCT FROM to use the index
# line_reexamination, so that the query costs nothing while there are none.
OUTDATED = f"""
{_LINE} AND reason IN ('not_registered', 'no_roll', 'no_district', 'undated_cancellation', 'confidential')
  AND (roll_version < $3 OR roll_version > $3 OR roll_version IS NULL)
ORDER BY section, page, line LIMIT {_BATCH}
"""

# Lines that were read under older aliases than $3 and whose decision these may change. By the index line_aliases, which
# has the same reasons in its condition.
READ_BEFORE = f"""
{_LINE} AND aliases_version < $3
  AND reason IN ('not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled',
                 'out_of_district', 'different_address', 'out_of_county', 'ambiguous', 'weak_match', 'possible_move',
                 'undated_cancellation')
LIMIT {_BATCH}
"""

# Every line of these sections in paper order, by the primary key.
OF_SECTIONS = f"{_LINE} AND section = ANY ($3::int[]) ORDER BY section, page, line"

# Notes that a version of the aliases reads these lines as the version before did, so that their decisions remain.
# By the primary key; the lines are locked.
READ_NOW = """
UPDATE line SET aliases_version = $6
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND line.section = place.section AND line.page = place.page AND line.line = place.line
"""


async def lines(connection: Connection, query: str, *values: object) -> list[Line]:
    """The lines that one of these queries asks for."""
    return [line_of(row) for row in await connection.fetch(query, *values)]


def _insert(table: str, fields: Sequence[str]) -> str:
    """The INSERT of a petition's row, whose values are its parameters."""
    names = ("county_id", "petition_id", *fields)
    values = ", ".join(f"${number}" for number, _ in enumerate(names, 1))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"  # noqa: S608  # names of ours


# Appends the next revision of a place, by the primary key. Of two simultaneous ones the second finds the number taken,
# and gets no row.
ADD_REVISION = f"""
INSERT INTO signature_revision (county_id, petition_id, section, page, line, revision_no, {TEXT_COLUMNS}, note,
                                revised_by, revised_at)
SELECT $1, $2, $3, $4, $5, coalesce(max(revision_no), 0) + 1, $6::text, $7::text, $8::text, $9::text, $10::text,
       $11::boolean, $12::text, $13::boolean, $14::bytea, $15::text, $16::text, $17::timestamptz
FROM signature_revision
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
ON CONFLICT DO NOTHING RETURNING revision_no
"""  # noqa: S608  # a literal of ours


_WITHDRAWAL = """
SELECT w.withdrawal_id, w.voter_id, w.received_on, w.recorded_by, w.recorded_at, w.note,
       r.revoked_by, r.revoked_at, r.note AS revoked_note
FROM withdrawal w LEFT JOIN withdrawal_revocation r USING (county_id, petition_id, withdrawal_id)
WHERE county_id = $1 AND petition_id = $2
"""

# A voter's withdrawal that was not revoked, by the index withdrawal_voter; under the slot's lock there is at most one.
IN_FORCE = f"{_WITHDRAWAL} AND w.voter_id = $3 AND r.withdrawal_id IS NULL"

# A withdrawal by its id, which is the primary key.
BY_ID = f"{_WITHDRAWAL} AND withdrawal_id = $3"

# A page in the order of recording, which is the order of the ids, by the primary key.
_WITHDRAWALS_PAGE = f"{_WITHDRAWAL} AND ($3::uuid IS NULL OR withdrawal_id > $3) ORDER BY withdrawal_id LIMIT $4"

_ADD_WITHDRAWAL = _insert("withdrawal", (*Withdrawal._fields[:-1], "salt", "content"))
_ADD_REVOCATION = _insert("withdrawal_revocation", (*Revocation._fields, "salt", "content"))
_SET_SLOT = "UPDATE slot SET withdrawn_on = $4 WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3"


def _withdrawal(row: Record) -> Withdrawal:
    *facts, revoked_by, revoked_at, note = row
    revocation = Revocation(row["withdrawal_id"], revoked_by, revoked_at, note) if revoked_by is not None else None
    return Withdrawal(*facts)._replace(revocation=revocation)


async def find_withdrawal(connection: Connection, query: str, *values: object) -> Withdrawal | None:
    """The withdrawal that one of these queries asks for; None without one."""
    row = await connection.fetchrow(query, *values)
    return row and _withdrawal(row)


async def page_of_withdrawals(
    connection: Connection, petition: PetitionKey, *, after: UUID | None, limit: int
) -> list[Withdrawal]:
    """Up to `limit` withdrawals that follow `after`, the oldest first.

    Args:
        connection: any; only read.
        petition: whose withdrawals.
        after: the last withdrawal of the page before; None: the first page.
        limit: how many withdrawals at most.
    """
    return [_withdrawal(row) for row in await connection.fetch(_WITHDRAWALS_PAGE, *petition, after, limit)]


async def add_withdrawal(change: Change, new: Withdrawal, salt: bytes) -> str:
    """Append a withdrawal, or its revocation where it has one, and note in the locked slot since when it holds.

    Returns the content that the ledger hashes with the salt.
    """
    *facts, revocation = new
    query, row = (_ADD_REVOCATION, revocation) if revocation else (_ADD_WITHDRAWAL, facts)
    content = sealed(revocation or new)
    await change.connection.execute(query, *change.petition.key, *row, salt, content)
    since = None if revocation else new.received_on
    await change.connection.execute(_SET_SLOT, *change.petition.key, new.voter_id, since)
    return content
