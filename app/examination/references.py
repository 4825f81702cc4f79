"""Which findings need signatures on file that are not there, or were not shown to the person."""

from collections.abc import Mapping

from app.access.principals import Principal
from app.count.line_queries import LineRead
from app.count.queries import Change
from app.errors import FindingRefusedError, RecallError
from app.examination.comparison_queries import references_shown
from app.law.comparison import check_on_file, check_shown
from app.law.line import Place
from app.law.review import MISMATCH, PersonFinding
from app.roll.reference_queries import keeps_references, references_of


async def unfounded(
    change: Change, reads: Mapping[Place, LineRead], said: Mapping[Place, PersonFinding], who: Principal
) -> dict[Place, RecallError]:
    """The findings that rest on a comparison with signatures that are not on file, each with why it is refused.

    A mismatch rests on what was shown to the person. In a county that keeps its references elsewhere there is none.

    Args:
        change: the transaction.
        reads: the lines.
        said: what a person says of them.
        who: the person.
    """
    compared = {
        place: said[place].voter_id or read.line.voter_id or ""
        for place, read in reads.items()
        if said[place].compares or said[place].outcome == MISMATCH
    }
    county = change.petition.county_id
    if not (compared and await keeps_references(change.connection, county)):
        return {}
    on_file = await references_of(change.connection, county, set(compared.values()))
    differing = {place: voter for place, voter in compared.items() if said[place].outcome == MISMATCH}
    shown = await references_shown(change.connection, change.petition.key, differing, who) if differing else {}
    refused: dict[Place, RecallError] = {}
    for place, voter_id in compared.items():
        try:
            check_on_file(said[place], on_file[voter_id])
            if place in differing:
                check_shown(place, on_file[voter_id], shown[place])
        except FindingRefusedError as error:
            refused[place] = error
    return refused
