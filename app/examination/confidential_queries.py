"""SQL of the lines that are held for the officer of confidential voters."""

from asyncpg import Connection

from app.count.queries import Change, Places, columns
from app.law.line import Place
from app.law.petition import PetitionKey

# Whether the line at a place is held, and the officer's finding on it is missing. By the primary key.
IS_HELD = """
SELECT true FROM held_line WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""

# A page of the lines that the officer has not decided, in paper order, by the index held_line_undecided.
_PAGE = """
SELECT section, page, line FROM held_line
WHERE county_id = $1 AND petition_id = $2 AND decided_at IS NULL AND (section, page, line) > ($3, $4, $5)
ORDER BY section, page, line LIMIT $6
"""

# Notes who decided a held line and when. By the primary key.
NOTE_DECISION = """
UPDATE held_line SET decided_by = $6, decided_at = $7
WHERE county_id = $1 AND petition_id = $2 AND section = $3 AND page = $4 AND line = $5
"""

# Gives lines back to the officer, those of them that are held: ones that were returned to review, or are referred. Each
# by the primary key.
_GIVE_BACK = """
UPDATE held_line SET decided_by = NULL, decided_at = NULL
FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND (held_line.section, held_line.page, held_line.line) = (place.section, place.page, place.line)
"""

# The version of the roll in use, if it has confidential voters whose names the petition's lines were not compared with.
# By roll_one_active and the primary keys.
VERSION_TO_MARK = """
SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active'
   AND EXISTS (SELECT FROM confidential_registration c
               WHERE c.county_id = roll.county_id AND c.roll_version = roll.roll_version)
   AND NOT EXISTS (SELECT FROM held_through h WHERE h.county_id = roll.county_id AND h.petition_id = $2
                      AND h.roll_version = roll.roll_version)
"""

# The next lines that are not valid, or only not because of another line of their voter, along the primary key.
_NOT_VALID = """
SELECT section, page, line FROM line
WHERE county_id = $1 AND petition_id = $2 AND (section, page, line) > ($3, $4, $5)
  AND (status = 'review' OR (status = 'invalid' AND reason NOT IN ('duplicate', 'withdrawn')))
ORDER BY section, page, line LIMIT 500
"""

ADD_MARKS = """
INSERT INTO held_line (county_id, petition_id, section, page, line)
SELECT $1, $2, section, page, line FROM unnest($3::int[], $4::int[], $5::int[]) AS place (section, page, line)
ON CONFLICT DO NOTHING
"""

MARKED_THROUGH = """
INSERT INTO held_through (county_id, petition_id, roll_version) VALUES ($1, $2, $3)
ON CONFLICT (county_id, petition_id) DO UPDATE SET roll_version = excluded.roll_version
"""


async def hold(change: Change, place: Place) -> None:
    """Hold a line for the officer, also where the officer decided it before: another look is asked for."""
    await change.connection.execute(ADD_MARKS, *change.petition.key, *columns([place]))
    await give_back(change, [place])


async def give_back(change: Change, places: Places) -> None:
    """Give the held ones of these lines, which were returned to review, back to the officer."""
    await change.connection.execute(_GIVE_BACK, *change.petition.key, *columns(places))


async def undecided(connection: Connection, petition: PetitionKey, after: Place, limit: int) -> list[Place]:
    """A page of the places whose lines wait for the officer, in paper order.

    Args:
        connection: any; only read.
        petition: whose lines.
        after: the last place of the page before.
        limit: how many places at most.
    """
    return [Place(*row) for row in await connection.fetch(_PAGE, *petition, *after, limit)]


async def not_valid(connection: Connection, petition: PetitionKey, after: Place) -> list[Place]:
    """The next places whose lines do not count for a reason of their own, in paper order."""
    return [Place(*row) for row in await connection.fetch(_NOT_VALID, *petition, *after)]
