"""When a count may end: nothing undecided, every section accounted for, and too few lines said by two people."""

from collections.abc import Mapping
from typing import Final

from app.errors import OpenSectionsError, RawCountRefusedError, UndecidedLinesError
from app.law.line import Tally
from app.law.section import SectionTask

_IN_WORDS: Final[Mapping[SectionTask, str]] = {
    "undeclared": "with lines have no declared dates",
    "dates": "have dates that are missing, contradictory or partly outside the window, and unconfirmed",
    "defect": "have a defect that too few people have confirmed",
    "totals": "have control totals that differ without a note",
}


def check_closing(tally: Tally, required: int, tasks: Mapping[SectionTask, int], *, pending: bool = False) -> None:
    """Raise unless the count may end.

    Fewer lines than are required are not examined at all (EC 11222): such a count may end undecided, but only once two
    people have frozen the raw count. A freeze has a note for each section whose control totals differ.

    Args:
        tally: of the petition.
        required: how many valid lines it needs.
        tasks: how many sections a person must still look at, by what is to be done.
        pending: whether lines are still to be decided again since the ruleset changed.

    Raises:
        RawCountRefusedError: there are too few lines, and more may come.
        UndecidedLinesError: lines are received, in review or unsettled: nothing can be decided afterwards.
        OpenSectionsError: sections are undeclared, unconfirmed or differ; it says how many.
    """
    counts, frozen = tally.counts, tally.raw_count == "frozen"
    if counts.raw < required and not frozen:
        raise RawCountRefusedError("fewer lines than are required are insufficient only once the raw count is frozen")
    if counts.raw >= required and (pending or counts.received or counts.review or counts.unsettled):
        raise UndecidedLinesError
    found = [
        f"{number} {words}: list them with only={task}"
        for task, words in _IN_WORDS.items()
        if (number := tasks.get(task, 0)) and not (frozen and task == "totals")
    ]
    if found:
        raise OpenSectionsError("sections: " + "; ".join(found))
