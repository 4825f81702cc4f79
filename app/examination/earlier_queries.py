"""SQL of what people decided before on lines of the same voters, or without a voter on the same writing."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from app.count.queries import Change, Places, columns
from app.law.line import Place
from app.law.petition import PetitionKey
from app.law.reasons import Outcome

_MOST = 100  # a voter has a handful

# The newest finding of a person on a line, by the primary key.
_SAID = """CROSS JOIN LATERAL (
    SELECT (content::json ->> 'decided_at')::timestamptz AS decided_at FROM finding f
    WHERE (f.county_id, f.petition_id, f.section, f.page, f.line)
        = (line.county_id, line.petition_id, line.section, line.page, line.line) AND (content::json ->> 'person')::bool
    ORDER BY finding_no DESC LIMIT 1
) AS said"""
_SHOWN = (
    "line.petition_id, line.section, line.page, line.line, status, reason, voter_id, settled, confirmed_by, decided_at"
)

# The lines of these voters that people decided, in all petitions of the county but for one line, the newest first: by
# the index line_decided_by_people. Pending opinions of a signature are not shown (2 CCR 20960), nor are the pseudonyms
# of confidential voters (EC 2166).
_DECIDED = f"""
SELECT {_SHOWN} FROM line {_SAID}
WHERE line.county_id = $1 AND voter_id = ANY ($2::text[]) AND confirmed_by <> '{{}}' AND mismatch_by = '{{}}'
  AND (line.petition_id, line.section, line.page, line.line) <> ($3, $4, $5, $6)
  AND NOT EXISTS (SELECT FROM confidential_voter c WHERE c.county_id = $1 AND c.pseudonym = line.voter_id)
ORDER BY decided_at DESC LIMIT {_MOST}
"""  # noqa: S608  # a literal of ours

# The same for lines that people decided without a voter, of one writing ($2) and for one of the reasons $3: by the
# primary key of decided_writing. Of the lines that have another text or decision by now none is left.
_WITHOUT_VOTER = f"""
SELECT {_SHOWN} FROM decided_writing w JOIN line USING (county_id, petition_id, section, page, line) {_SAID}
WHERE w.county_id = $1 AND w.writing = $2 AND line.voter_id IS NULL AND status = 'invalid' AND reason = ANY ($3::text[])
  AND confirmed_by <> '{{}}' AND (line.petition_id, line.section, line.page, line.line) <> ($4, $5, $6, $7)
ORDER BY decided_at DESC LIMIT {_MOST}
"""  # noqa: S608  # a literal of ours

# By the primary key, in its order: the same line is decided again.
_REMEMBER = """
INSERT INTO decided_writing (county_id, petition_id, section, page, line, writing)
SELECT $1, $2, section, page, line, writing
FROM unnest($3::int[], $4::int[], $5::int[], $6::bytea[]) AS decided (section, page, line, writing)
ORDER BY writing, section, page, line ON CONFLICT DO NOTHING
"""


class EarlierDecision(NamedTuple):
    """What people decided on a line."""

    petition_id: UUID
    place: Place
    outcome: Outcome
    voter_id: str | None
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
    row = (petition.county_id, list(voters), petition.petition_id, *place)
    return list(map(_decision, await connection.fetch(_DECIDED, *row)))


async def decided_without_voter(
    connection: Connection, petition: PetitionKey, place: Place, writing: bytes, reasons: Collection[str]
) -> list[EarlierDecision]:
    """What people decided on other lines of the same writing for which they name no voter, the newest first.

    Args:
        connection: any; only read.
        petition: of the line that the others are beside.
        place: of that line.
        writing: the hash of its writing.
        reasons: only lines that are invalid for one of these.
    """
    row = (petition.county_id, writing, list(reasons), petition.petition_id, *place)
    return list(map(_decision, await connection.fetch(_WITHOUT_VOTER, *row)))


async def remember(change: Change, places: Places, writings: Collection[bytes]) -> None:
    """Keep which writing stands on lines that a person decides without a voter: a hash for each place."""
    await change.connection.execute(_REMEMBER, *change.petition.key, *columns(places), list(writings))


def _decision(row: Record) -> EarlierDecision:
    return EarlierDecision(row[0], Place(*row[1:4]), Outcome(row[4], row[5]), row[6], row[7], tuple(row[8]), row[9])
