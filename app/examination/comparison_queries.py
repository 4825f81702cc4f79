"""SQL of the pairs of signatures to compare."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from asyncpg import Connection

from app.access.names import look_of
from app.access.principals import Principal
from app.count.queries import Places, columns
from app.law.line import Place
from app.law.petition import PetitionKey

# Of these lines those whose signature is to be compared, as `app.law.queues` has it, or where $6 all of known voters;
# and of a line that does not count the one that counts for its voter. Each by the primary keys, and by
# line_counts_once.
_TO_COMPARE = """
SELECT line.section, line.page, line.line, line.voter_id, counted.section, counted.page, counted.line
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
CROSS JOIN LATERAL (
    SELECT * FROM line WHERE county_id = $1 AND petition_id = $2
       AND (line.section, line.page, line.line) = (place.section, place.page, place.line) OFFSET 0
) AS line
LEFT JOIN LATERAL (
    SELECT section, page, line FROM line AS c WHERE c.county_id = $1 AND c.petition_id = $2
       AND c.voter_id = line.voter_id AND c.status = 'valid' AND line.status = 'invalid' OFFSET 0
) AS counted ON true
WHERE line.voter_id IS NOT NULL AND ($6 OR NOT line.settled
  AND (line.status = 'valid' OR (line.status = 'invalid' AND line.reason IN ('duplicate', 'withdrawn'))))
"""

# By the primary key: once for the same person, line and signatures. Readers of one page at once do not wait long.
_ADD_SHOWN = """
INSERT INTO pair_shown (county_id, petition_id, look, section, page, line, voter_id, reference_ids, shown_at)
SELECT $1, $2, $3, section, page, line, voter_id, string_to_array(reference_ids, ' '), $8
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[], $9::text[])
    AS shown (section, page, line, voter_id, reference_ids)
ORDER BY section, page, line ON CONFLICT DO NOTHING
"""

# What was shown to a person beside these lines, each by the primary key. What is on file only grows, and is read by the
# statement before: where another was added since it was shown, no row has it.
_SHOWN = """
SELECT place.section, place.page, place.line, shown.reference_ids
FROM unnest($4::int[], $5::int[], $6::int[], $7::text[]) AS place (section, page, line, voter_id)
CROSS JOIN LATERAL (
    SELECT reference_ids FROM pair_shown s WHERE county_id = $1 AND petition_id = $2 AND look = $3
       AND (s.section, s.page, s.line, s.voter_id) = (place.section, place.page, place.line, place.voter_id) OFFSET 0
) AS shown
"""


async def lines_to_compare(
    connection: Connection, petition: PetitionKey, places: Places, *, anew: bool
) -> dict[Place, tuple[str, Place | None]]:
    """Those of these lines that are to be compared: whose each is, and the counted line of a voter's further ones.

    Args:
        connection: any; only read.
        petition: whose lines.
        places: of the lines.
        anew: whether every line of a known voter is to be compared, also one that was.
    """
    found = await connection.fetch(_TO_COMPARE, *petition, *columns(places), anew)
    return {Place(*row[:3]): (row[3], Place(*row[4:7]) if row[4] else None) for row in found}


async def add_shown(
    connection: Connection,
    petition: PetitionKey,
    who: Principal,
    shown: Mapping[Place, tuple[str, Sequence[str]]],
    *,
    now: datetime,
) -> None:
    """Keep that signatures on file were shown to a person.

    Args:
        connection: in a transaction, which ends before the page is answered.
        petition: whose lines.
        who: the person.
        shown: beside which lines: the voter of each, and the ids of the voter's signatures on file.
        now: the time of the request.
    """
    voters, ids = [one[0] for one in shown.values()], [" ".join(one[1]) for one in shown.values()]
    await connection.execute(_ADD_SHOWN, *petition, look_of(who.name), *columns(shown), voters, now, ids)


async def references_shown(
    connection: Connection, petition: PetitionKey, voters: Mapping[Place, str], who: Principal
) -> dict[Place, list[list[str]]]:
    """The signatures on file that were shown to a person beside each of these lines, each time.

    Args:
        connection: any; only read.
        petition: whose lines.
        voters: by line, the voter whose signatures are meant.
        who: the person.
    """
    row = (*petition, look_of(who.name), *columns(voters), list(voters.values()))
    shown: dict[Place, list[list[str]]] = {place: [] for place in voters}
    for *place, ids in await connection.fetch(_SHOWN, *row):
        shown[Place(*place)].append(ids)
    return shown
