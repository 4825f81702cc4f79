"""SQL of the notes that people leave on lines, and of escalations."""

from datetime import datetime
from typing import Literal, NamedTuple

from asyncpg import Connection

from app.count.queries import Change
from app.law.line import Place
from app.law.petition import PetitionKey

NoteKind = Literal["note", "escalation", "return", "referral"]

# The line's row is locked, so the number is free.
_ADD = """
INSERT INTO line_note (county_id, petition_id, section, page, line, note_no, kind, note, noted_by, noted_at)
SELECT $1, $2, $3, $4, $5, coalesce(max(note_no), 0) + 1, $6::text, $7::text, $8::text, $9::timestamptz FROM line_note
WHERE (county_id, petition_id, section, page, line) = ($1, $2, $3, $4, $5)
RETURNING note_no
"""

# Every note on a line, the oldest first, by the primary key.
_NOTES = """
SELECT note_no, kind, note, noted_by, noted_at FROM line_note
WHERE (county_id, petition_id, section, page, line) = ($1, $2, $3, $4, $5) ORDER BY note_no
"""

# By the primary keys. One row where the line was not, or was, escalated.
_ESCALATE = "INSERT INTO escalated_line VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true"
_RETURN = """
DELETE FROM escalated_line WHERE (county_id, petition_id, section, page, line) = ($1, $2, $3, $4, $5) RETURNING true
"""


class Note(NamedTuple):
    """What a person wrote on a line for colleagues."""

    note_no: int
    kind: NoteKind
    note: str
    noted_by: str
    noted_at: datetime


async def add_note(change: Change, place: Place, kind: NoteKind, note: str, by: str) -> Note:
    """Append a note to a line that the transaction has locked.

    Args:
        change: the transaction and the time.
        place: of the line.
        kind: what the person did with it.
        note: the text; not empty.
        by: the person.
    """
    row = (kind, note, by, change.now)
    return Note(await change.connection.fetchval(_ADD, *change.petition.key, *place, *row), *row)


async def notes_on(connection: Connection, petition: PetitionKey, place: Place) -> list[Note]:
    """Every note on a line, the oldest first."""
    return [Note(*row) for row in await connection.fetch(_NOTES, *petition, *place)]


async def escalate(change: Change, place: Place, by: str) -> bool:
    """Note that a line is escalated; False if it was already."""
    return bool(await change.connection.fetchval(_ESCALATE, *change.petition.key, *place, by, change.now))


async def give_back(change: Change, place: Place) -> bool:
    """Note that a line is escalated no more; False if it was not."""
    return bool(await change.connection.fetchval(_RETURN, *change.petition.key, *place))
