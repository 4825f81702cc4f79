"""SQL of a petition's change of rulesets: proposals, confirmations, and the lines that another ruleset may change."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from asyncpg import Connection

from app.count.queries import LINE_COLUMNS, THE_LINES_COLUMNS, columns, line_of
from app.law.line import Finding, Line, Place
from app.law.petition import PetitionKey
from app.law.reasons import REASONS, Outcome
from app.law.review import MISMATCH
from app.law.ruleset import Ruleset

# By the primary key. The head row is locked, so no other process takes the number.
ADD_CHANGE = """
INSERT INTO ruleset_change (county_id, petition_id, change_no, ruleset, reason, proposed_by, proposed_at)
SELECT $1, $2, coalesce(max(change_no), 0) + 1, $3::text, $4::text, $5::text, $6::timestamptz
FROM ruleset_change WHERE county_id = $1 AND petition_id = $2
RETURNING change_no
"""
ADD_CONFIRMATION = "INSERT INTO ruleset_confirmation VALUES ($1, $2, $3, $4, $5, $6)"

# Every change of a petition, the oldest first, by the primary keys.
_CHANGES = """
SELECT change_no, ruleset, reason, c.proposed_by, proposed_at, confirmed_by, confirmed_at
FROM ruleset_change c LEFT JOIN ruleset_confirmation USING (county_id, petition_id, change_no)
WHERE county_id = $1 AND petition_id = $2 ORDER BY change_no
"""

# The head row is locked.
PUT_INTO_FORCE = """
UPDATE head SET ruleset_in_force = $3, redecide_from = $4,
                examine_after = CASE WHEN $5::bool THEN '{0,0,0}'::int[] ELSE examine_after END
WHERE county_id = $1 AND petition_id = $2
"""

# The place up to which lines were examined again since other registrations count. By the primary key.
EXAMINE_AFTER = "SELECT examine_after FROM head WHERE county_id = $1 AND petition_id = $2"

# Moves that place on, unless another process did, or another ruleset is in force by now: then there is no row.
EXAMINED_THROUGH = """
UPDATE head SET examine_after = $4
WHERE county_id = $1 AND petition_id = $2 AND examine_after = $3 AND ruleset_in_force = $5 RETURNING true
"""

# The next lines in the raw count behind a place, along the primary key.
_BEHIND = f"""
SELECT {LINE_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2
  AND (section, page, line) > ($3::int, $4::int, $5::int) AND status NOT IN ('blank', 'struck')
ORDER BY section, page, line LIMIT $6
"""  # noqa: S608  # literals of ours

# The version of the last change, while lines may remain that were decided under the ruleset before. By primary key.
PENDING = "SELECT redecide_from FROM head WHERE county_id = $1 AND petition_id = $2"

# None remains of this change; a later one stays pending.
DONE = "UPDATE head SET redecide_from = NULL WHERE county_id = $1 AND petition_id = $2 AND redecide_from = $3"

# The parameters are a ruleset's outcomes, each with the data and against them, how many people each takes, and how many
# a mismatch takes. A line crosses the
# number of a mismatch if the ruleset decides otherwise about its signature; its voter's other lines may follow.
_CROSSES = """(
    (line.status = 'invalid' AND line.reason = 'signature_mismatch' AND cardinality(confirmed_by) < $7)
    OR cardinality(mismatch_by) >= $7)"""
_RULED = """
FROM line JOIN unnest($3::text[], $4::text[], $5::bool[], $6::int[]) AS rule (status, reason, against, people)
    ON rule.status = line.status AND rule.reason = coalesce(line.reason, '') AND rule.against = line.against_data
WHERE county_id = $1 AND petition_id = $2
"""
# Whether the reason of an invalid line is still to be chosen: in its last finding, by the primary key.
_REASON_OPEN = """
CASE WHEN line.status = 'invalid' AND NOT settled AND people_needed <> people THEN (
    SELECT strpos(content, '"reason_open":true') > 0 FROM finding f
    WHERE f.county_id = $1 AND f.petition_id = $2
      AND (f.section, f.page, f.line, f.finding_no) = (line.section, line.page, line.line, line.finding_no)
) ELSE false END"""

# Up to $11 lines behind a place that the ruleset may decide otherwise, in paper order along the primary key.
_NEXT = f"""
SELECT {THE_LINES_COLUMNS}, {_REASON_OPEN} AS reason_open {_RULED}
  AND (people_needed <> people OR uncompared OR {_CROSSES})
  AND (line.section, line.page, line.line) > ($8::int, $9::int, $10::int)
ORDER BY line.section, line.page, line.line LIMIT $11
"""  # literals of ours

_CROSSING = f"SELECT {THE_LINES_COLUMNS} {_RULED} AND {_CROSSES}"  # literals of ours

# All lines but those at some places, by all that a ruleset looks at. Reads the petition once.
_GROUPS = f"""
SELECT line.status, line.reason, settled, cardinality(confirmed_by), cardinality(mismatch_by),
       against_data, uncompared, {_REASON_OPEN} AS reason_open, count(*) {_RULED} AND NOT EXISTS (
    SELECT FROM unnest($7::int[], $8::int[], $9::int[]) AS special (section, page, line)
    WHERE (special.section, special.page, special.line) = (line.section, line.page, line.line))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608  # literals of ours

# The eligible lines of these voters, and which of the voters withdrew: by the indexes that the count uses.
_RIVALS = f"""
SELECT {THE_LINES_COLUMNS} FROM line WHERE county_id = $1 AND petition_id = $2 AND voter_id = ANY ($3::text[])
  AND (status = 'valid' OR (status = 'invalid' AND reason IN ('duplicate', 'withdrawn')))
"""  # noqa: S608  # literals of ours
_WITHDRAWN = """
SELECT voter_id FROM slot
WHERE county_id = $1 AND petition_id = $2 AND voter_id = ANY ($3::text[]) AND withdrawn_on IS NOT NULL
"""

# How many people these lines take under the ruleset; the lines are locked, and what they say stays.
_MARK = """
UPDATE line SET people_needed = rule.people
FROM unnest($3::text[], $4::text[], $5::bool[], $6::int[]) AS rule (status, reason, against, people),
     unnest($7::int[], $8::int[], $9::int[]) AS place (section, page, line)
WHERE county_id = $1 AND petition_id = $2
  AND (line.section, line.page, line.line) = (place.section, place.page, place.line)
  AND rule.status = line.status AND rule.reason = coalesce(line.reason, '') AND rule.against = line.against_data
"""


class RulesetChange(NamedTuple):
    """A change of a petition's ruleset: proposed by a person, and in force once another person confirmed it."""

    change_no: int
    ruleset: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None


class Group(NamedTuple):
    """What a ruleset looks at in a line."""

    outcome: Outcome
    settled: bool
    confirmed: int
    doubted: int
    against_data: bool
    uncompared: bool
    reason_open: bool


async def changes_of(connection: Connection, petition: PetitionKey) -> list[RulesetChange]:
    """Every change of a petition's ruleset, the oldest first."""
    return [RulesetChange(*row) for row in await connection.fetch(_CHANGES, *petition)]


def _rules(ruleset: Ruleset) -> list[Sequence[Any]]:
    outcomes = [Outcome("valid"), *(Outcome("invalid", reason) for reason in REASONS)]
    rules = [
        (outcome.status, outcome.reason or "", against, ruleset.people_needed(outcome, against_data=against))
        for outcome in outcomes
        for against in (False, True)
    ]
    return list(zip(*rules, strict=True))


def _values(petition: PetitionKey, ruleset: Ruleset) -> tuple[Any, ...]:
    return (*petition, *_rules(ruleset), ruleset.people_needed(MISMATCH))


async def next_lines(
    connection: Connection, petition: PetitionKey, ruleset: Ruleset, *, after: Place, limit: int
) -> list[tuple[Line, bool]]:
    """The next lines that the ruleset may decide otherwise, each with whether its reason is still to be chosen.

    Args:
        connection: any.
        petition: whose lines.
        ruleset: the other one.
        after: the place behind which they are.
        limit: how many at most.
    """
    found = await connection.fetch(_NEXT, *_values(petition, ruleset), *after, limit)
    return [(line_of(row), row["reason_open"]) for row in found]


async def groups(
    connection: Connection, petition: PetitionKey, ruleset: Ruleset, without: Collection[Place]
) -> Counter[Group]:
    """How many lines are alike to the ruleset.

    Args:
        connection: any.
        petition: whose lines.
        ruleset: the other one.
        without: lines at these places are not counted.
    """
    found = await connection.fetch(_GROUPS, *petition, *_rules(ruleset), *columns(without))
    return Counter({Group(Outcome(*row[:2]), *row[2:8]): row[8] for row in found})


async def crossing_lines(connection: Connection, petition: PetitionKey, ruleset: Ruleset) -> list[Line]:
    """The lines whose signature the ruleset decides otherwise."""
    return [line_of(row) for row in await connection.fetch(_CROSSING, *_values(petition, ruleset))]


async def lines_behind(connection: Connection, petition: PetitionKey, after: Place, limit: int) -> list[Line]:
    """The next lines of the raw count, in paper order.

    Args:
        connection: any.
        petition: whose lines.
        after: the place behind which they are.
        limit: how many at most.
    """
    return [line_of(row) for row in await connection.fetch(_BEHIND, *petition, *after, limit)]


async def rivals_of(
    connection: Connection, petition: PetitionKey, lines: Collection[Line | Finding]
) -> tuple[list[Line], frozenset[str]]:
    """The other eligible lines of these lines' voters, and which of the voters withdrew."""
    voters, places = sorted({line.voter_id for line in lines if line.voter_id}), {line.place for line in lines}
    rivals = map(line_of, await connection.fetch(_RIVALS, *petition, voters))
    withdrawn = frozenset(row[0] for row in await connection.fetch(_WITHDRAWN, *petition, voters))
    return [line for line in rivals if line.place not in places], withdrawn


async def mark(connection: Connection, petition: PetitionKey, ruleset: Ruleset, places: Collection[Place]) -> None:
    """Note how many people these lines take, whose decisions stay as they are.

    Args:
        connection: in a transaction that has locked the lines.
        petition: whose lines.
        ruleset: the one in force.
        places: of the lines.
    """
    await connection.execute(_MARK, *petition, *_rules(ruleset), *columns(places))
