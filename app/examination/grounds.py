"""What people's findings on lines can rest on: what the data found of each, and what people searched for."""

from collections.abc import Collection, Mapping

from app.count.line_queries import LineRead
from app.count.queries import Change
from app.examination.read_queries import searches_for
from app.law.line import Place
from app.law.review import NOT_REGISTERED, Grounds, PersonFinding


async def grounds_of(
    change: Change,
    reads: Mapping[Place, LineRead],
    said: Mapping[Place, PersonFinding],
    *,
    ids: Mapping[str, str],
    also_named: Collection[str],
) -> dict[Place, Grounds]:
    """The grounds of findings on these lines, in as many statements however many they are.

    Args:
        change: the transaction; only read.
        reads: the lines.
        said: what a person finds of them.
        ids: by which the petition counts voters who are or were confidential.
        also_named: voters whom a search names beside the lines' evidence, as the confidential ones for their officer.
    """
    unregistered = [place for place in reads if said[place].outcome == NOT_REGISTERED]
    searches = await searches_for(change.connection, change.petition.key, unregistered) if unregistered else {}
    return {
        place: read.grounds.naming(also_named, ids).resting_on(searches.get(place)) for place, read in reads.items()
    }
