"""SQL of the pairs of signatures to compare."""

from asyncpg import Connection

from app.count.queries import Places, columns
from app.law.line import Place
from app.law.petition import PetitionKey

# Of these lines those whose signature is to be compared, as `app.law.queues` has it, with the image; and of a line that
# does not count the one that counts for its voter. Each by the primary keys, and by line_counts_once.
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
WHERE NOT line.settled
  AND (line.status = 'valid' OR (line.status = 'invalid' AND line.reason IN ('duplicate', 'withdrawn')))
"""


async def lines_to_compare(
    connection: Connection, petition: PetitionKey, places: Places
) -> dict[Place, tuple[str, Place | None]]:
    """Those of these lines that are to be compared: whose each is, and the counted line of a voter's further ones."""
    found = await connection.fetch(_TO_COMPARE, *petition, *columns(places))
    return {Place(*row[:3]): (row[3], Place(*row[4:7]) if row[4] else None) for row in found}
