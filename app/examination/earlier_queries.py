"""SQL of what people decided before on lines of the same voters."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection

from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.reasons import Outcome

_MOST = 100  # a voter has a handful

# The lines of these voters that people decided, in all petitions of the county but for one line, the newest first: by
# the index line_decided_by_people, and of each the newest finding of a person, by the primary key. Pending opinions of
# a signature are not shown (2 CCR 20960), nor are the pseudonyms of confidential voters (EC 2166).
_DECIDED = f"""
SELECT line.petition_id, line.section, line.page, line.line, status, reason, voter_id, settled, confirmed_by, decided_at
FROM line CROSS JOIN LATERAL (
    SELECT (content::json ->> 'decided_at')::timestamptz AS decided_at FROM finding f
    WHERE (f.county_id, f.petition_id, f.section, f.page, f.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line) AND (content::json ->> 'person')::bool
    ORDER BY finding_no DESC LIMIT 1
) AS said
WHERE line.county_id = $1 AND voter_id = ANY ($2::text[]) AND confirmed_by <> '{{}}' AND mismatch_by = '{{}}'
  AND (line.petition_id, line.section, line.page, line.line) <> ($3, $4, $5, $6)
  AND NOT EXISTS (SELECT FROM confidential_voter c WHERE c.county_id = $1 AND c.pseudonym = line.voter_id)
ORDER BY decided_at DESC LIMIT {_MOST}
"""  # noqa: S608  # a literal of ours


class EarlierDecision(NamedTuple):
    """What people decided on a line."""

    petition_id: UUID
    place: Place
    outcome: Outcome
    voter_id: str
    settled: bool
    people: tuple[str, ...]  # who agree
    decided_at: datetime  # when the last of them said so


async def decided_by_people(
    connection: Connection, petition: PetitionKey, place: Place, voters: Collection[str]
) -> list[EarlierDecision]:
    """What people decided on other lines of these voters, the newest first.

    Args:
        connection: any; only read.
        petition: of the line that the others are beside.
        place: of that line.
        voters: whose lines.
    """
    found = await connection.fetch(_DECIDED, petition.county_id, list(voters), petition.petition_id, *place)
    return [
        EarlierDecision(row[0], Place(*row[1:4]), Outcome(row[4], row[5]), row[6], row[7], tuple(row[8]), row[9])
        for row in found
    ]
