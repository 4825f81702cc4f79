"""SQL of sections' defects: the acts of people, and the lines as they were decided before."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from asyncpg import Connection

from app.count.queries import Change, columns
from app.law.defect import SECTION_DEFECT, Defect, DefectAct
from app.law.line import Line, Place
from app.law.petition import PetitionKey
from app.law.reasons import Outcome

ACT_COLUMNS: Final = (*Defect._fields, *DefectAct._fields[1:])
_COLUMNS: Final = ", ".join(ACT_COLUMNS)

# Every act of a section, the newest first, along the primary key.
_ACTS = f"""
SELECT {_COLUMNS} FROM section_defect WHERE county_id = $1 AND petition_id = $2 AND section = $3 ORDER BY act_no DESC
"""  # noqa: S608  # names of ours

# `begin` holds the lock, so the number is free.
_ADD_ACT = f"""
INSERT INTO section_defect (county_id, petition_id, {_COLUMNS}, salt, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""  # noqa: S608  # names of ours

# The last findings on these places before an entry, each along the primary key.
_LAST_FINDINGS = """
SELECT f.section, f.page, f.line, f.content
FROM unnest($3::int[], $4::int[], $5::int[], $6::bigint[]) AS place (section, page, line, before)
CROSS JOIN LATERAL (
    SELECT * FROM finding WHERE county_id = $1 AND petition_id = $2
       AND (finding.section, finding.page, finding.line) = (place.section, place.page, place.line)
       AND version < place.before ORDER BY finding_no DESC LIMIT 1
) AS f
"""


class LastFinding(NamedTuple):
    """A line as a finding left it, as far as later ones depend on it, and the other rules that failed."""

    line: Line
    secondary: tuple[str, ...]


def act_of(row: Sequence[Any]) -> DefectAct:
    """The act of a row."""
    section, act_no, codes, people, since, *act = row
    return DefectAct(Defect(section, act_no, tuple(codes), tuple(people), since), *act)


async def acts_of(connection: Connection, petition: PetitionKey, section: int) -> list[DefectAct]:
    """Every act about a section's defects, the newest first."""
    return [act_of(row) for row in await connection.fetch(_ACTS, *petition, section)]


async def add_act(change: Change, act: DefectAct, salt: bytes) -> None:
    """Append an act."""
    said = (*act.defect, *act[1:], salt, act.sealed())
    await change.connection.execute(_ADD_ACT, *change.petition.key, *said)


async def last_findings(
    connection: Connection, petition: PetitionKey, before: Mapping[Place, int]
) -> dict[Place, LastFinding]:
    """The last finding on each of these places before an entry's number; a place without one is absent."""
    found = await connection.fetch(_LAST_FINDINGS, *petition, *columns(before), list(before.values()))
    return {Place(*row[:3]): _last_finding(Place(*row[:3]), json.loads(row["content"])) for row in found}


def _last_finding(place: Place, said: Mapping[str, Any]) -> LastFinding:
    confirmed, mismatch = tuple(said["confirmed_by"]), tuple(said["mismatch_by"])
    outcome = Outcome(said["status"], said["reason"])
    line = Line(place, outcome, said["voter_id"], confirmed_by=confirmed, mismatch_by=mismatch)
    line = line._replace(against_data=said.get("against_data", False), uncompared=said.get("uncompared", False))
    return LastFinding(line, tuple(said["secondary"]))


async def lines_before(
    connection: Connection, petition: PetitionKey, lines: Sequence[Line], defects: Mapping[int, Defect]
) -> dict[Place, Line]:
    """The lines as they would be without these defects: as they were before, or as if they had just come.

    Args:
        connection: any; only read.
        petition: whose lines.
        lines: as they are decided now.
        defects: by section.
    """
    struck = {
        line.place: since
        for line in lines
        if line.outcome == SECTION_DEFECT
        and (since := defects[line.place.section].in_force_from if line.place.section in defects else None)
    }
    found = await last_findings(connection, petition, struck) if struck else {}
    before = {place: found[place].line if place in found else Line(place, Outcome("received")) for place in struck}
    return {line.place: before.get(line.place, line) for line in lines}
