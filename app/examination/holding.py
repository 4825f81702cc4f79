"""Holding lines for the officer of confidential voters when a new roll names further such voters (EC 2166 ff.)."""

from app.count.intake import examine_lines
from app.count.line_queries import signatures_at
from app.count.queries import columns
from app.count.record import Count
from app.examination import confidential_queries as rows
from app.law.line import Place
from app.law.petition import Petition
from app.matching.lookup import Decide


async def mark_held(count: Count, petition: Petition, decide: Decide) -> None:
    """Mark each line of the petition that is not valid and may be a confidential voter's by the roll in use.

    Once for each version of the roll. Only the officer sees the mark: the lines and what was found on them stay as they
    are. It may be interrupted at any time, and then begins again.

    Args:
        count: the counts.
        petition: whose lines.
        decide: looks lines up.
    """
    async with count.database.intake() as connection:
        version = await connection.fetchval(rows.VERSION_TO_MARK, *petition.key)
        after = Place(0, 0, 0)
        while version and (places := await rows.not_valid(connection, petition.key, after)):
            signatures = await signatures_at(connection, petition.key, places)
            findings, _ = await examine_lines(connection, petition, [signatures[place] for place in places], decide)
            if any(finding.basis and finding.basis[0] != version for finding in findings):
                return  # another version is in use by now: the next round begins with it
            held = [finding.place for finding in findings if finding.held]
            await connection.execute(rows.ADD_MARKS, *petition.key, *columns(held))
            after = places[-1]
        if version:
            await connection.execute(rows.MARKED_THROUGH, *petition.key, version)
