"""Corrections of what a station read: appended, never edited."""

from datetime import datetime
from uuid import UUID

import asyncpg

from app.domain.signature import Submitted

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
    county_id: str,
    petition_id: UUID,
    revised: Submitted,
    *,
    note: str,
    by: str,
    now: datetime,
) -> bool:
    """Append what now stands at a place. False where somebody else revised it just now."""
    writing = revised.writing
    number = await connection.fetchval(
        _ADD_REVISION,
        county_id,
        petition_id,
        *revised.place,
        writing.printed_name,
        writing.name.as_json() if writing.name else None,
        writing.residence_address,
        writing.city,
        writing.zip,
        writing.signed,
        writing.image_sha256,
        revised.writing_sha256,
        note,
        by,
        now,
    )
    return number is not None
