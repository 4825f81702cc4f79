"""Lines that people judged, to learn from and to measure by."""

from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.domain.quality import Decided
from app.domain.signature import Place

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
    decided: Decided


async def judgements(connection: asyncpg.Connection, county_id: str, petition_id: UUID) -> list[Judgement]:
    """Every line of a petition that a person judged, in paper order."""
    rows = await connection.fetch(_JUDGED, county_id, petition_id)
    return [Judgement(Place(*row[:3]), Decided(*row[3:])) for row in rows]
