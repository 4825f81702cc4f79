"""New examinations of lines: what the data say now, and what becomes of people's decisions on them."""

from collections.abc import Collection, Mapping, Sequence

from asyncpg import Connection

from app.count.intake import examine_lines
from app.count.line_queries import read_lines, signatures_at
from app.count.queries import Change
from app.examination.defect_queries import lines_before
from app.law.defect import Defect, under_defect
from app.law.line import Finding, Line
from app.law.petition import Petition
from app.law.reasons import ReviewCause
from app.law.review import judge_again, ruled, says_as_before
from app.matching.lookup import Decide, decide_lines


async def examined_again(
    change: Change,
    lines: Sequence[Line],
    cause: ReviewCause,
    decide: Decide = decide_lines,
    *,
    ended: int | None = None,
) -> list[Finding]:
    """The findings that follow from a new examination of these lines, as they are decided now.

    Args:
        change: the transaction.
        lines: to examine.
        cause: what changed, of which a person learns where it contradicts what people decided.
        decide: looks lines up.
        ended: a section whose defect, still in force, this transaction takes back.
    """
    connection, petition = change.connection, change.petition
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    found, defects = await examine_lines(connection, petition, [signatures[line.place] for line in lines], decide)
    examined = list(zip(lines, found, strict=True))
    return await _judged(connection, petition, examined, defects, cause, ended=ended)


async def found_otherwise(
    connection: Connection, petition: Petition, lines: Sequence[Line], decide: Decide
) -> list[Finding]:
    """The findings on those of these lines of which the data, under the petition's ruleset, say otherwise than before.

    Args:
        connection: any; only read.
        petition: with the ruleset to examine under.
        lines: as they are decided now.
        decide: looks lines up.
    """
    reads = await read_lines(connection, petition.key, [line.place for line in lines])
    signatures = [reads[line.place].signature for line in lines]
    found, defects = await examine_lines(connection, petition, signatures, decide)
    examined = [
        (line, one)
        for line, one in zip(lines, found, strict=True)
        if not says_as_before(reads[line.place].examined, one, confirmed=bool(line.confirmed_by))
    ]
    return await _judged(connection, petition, examined, defects, "new_ruleset")


async def _judged(
    connection: Connection,
    petition: Petition,
    examined: Collection[tuple[Line, Finding]],
    defects: Mapping[int, Defect],
    cause: ReviewCause,
    *,
    ended: int | None = None,
) -> list[Finding]:
    """What follows for each line from what was found on it."""
    was = await lines_before(connection, petition.key, [line for line, _ in examined], defects)
    in_force = {section: defect for section, defect in defects.items() if section != ended}
    before = {place: ruled(line, petition.ruleset) for place, line in was.items()}  # it may have changed since
    judged = [judge_again(before[line.place], found, cause)._replace(before=line) for line, found in examined]
    return [under_defect(finding, in_force.get(finding.place.section)) for finding in judged]
