"""When a count may end (EC 11222): a table of cases."""

from datetime import UTC, date, datetime

import pytest

from app.errors import OpenSectionsError, RawCountRefusedError, RecallError, UndecidedLinesError
from app.law.closing import check_closing
from app.law.line import Counts, RawCountStage, Tally
from app.law.petition import SectionDates, SigningInterval
from app.law.section import SectionTask, Totals, section_tasks

WINDOW = SigningInterval(date(2022, 1, 27), date(2022, 7, 6), date(2022, 7, 6))
DONE, OPEN = Counts(valid=9, invalid=1), Counts(valid=9, review=1, unsettled=1)
REQUIRED = 10


@pytest.mark.parametrize(
    ("counts", "stage", "required", "tasks", "refusal"),
    [
        (DONE, "open", REQUIRED, {}, None),
        (DONE, "open", REQUIRED + 1, {}, RawCountRefusedError),
        (DONE, "filed", REQUIRED + 1, {}, RawCountRefusedError),
        (DONE, "frozen", REQUIRED + 1, {}, None),
        (OPEN, "frozen", REQUIRED + 1, {}, None),  # insufficient on its face: not examined (EC 11222)
        (OPEN, "frozen", REQUIRED, {}, UndecidedLinesError),
        (DONE, "frozen", REQUIRED, {"undeclared": 1}, OpenSectionsError),
        (DONE, "frozen", REQUIRED, {"dates": 1}, OpenSectionsError),
        (DONE, "frozen", REQUIRED + 1, {"dates": 1}, OpenSectionsError),
        (DONE, "filed", REQUIRED, {"totals": 1}, OpenSectionsError),
        (DONE, "frozen", REQUIRED, {"totals": 1}, None),  # frozen with a note for each
    ],
)
def test_when_a_count_may_end(
    counts: Counts,
    stage: RawCountStage,
    required: int,
    tasks: dict[SectionTask, int],
    refusal: type[RecallError] | None,
) -> None:
    tally = Tally(7, datetime(2022, 8, 1, tzinfo=UTC), "open", counts, raw_count=stage)
    if refusal is None:
        check_closing(tally, required, tasks)
    else:
        with pytest.raises(refusal):
            check_closing(tally, required, tasks)
    with pytest.raises(RecallError):
        check_closing(tally._replace(raw_count="open"), counts.raw, tasks, pending=True)


def test_the_refusal_says_how_many_sections_and_how_to_list_them() -> None:
    tally = Tally(7, datetime(2022, 8, 1, tzinfo=UTC), "open", DONE)
    with pytest.raises(OpenSectionsError, match=r"3 with lines .*only=undeclared; 2 have control .*only=totals"):
        check_closing(tally, REQUIRED, {"undeclared": 3, "totals": 2})


def test_what_a_person_must_still_do_about_a_section() -> None:
    good, clipped = SectionDates(WINDOW.start, WINDOW.end), SectionDates(date(2022, 1, 1), WINDOW.end)
    reversed_ = SectionDates(WINDOW.end, WINDOW.start)
    scanned = Totals(pages=1, claimed=2, seen=2)
    assert section_tasks(None, WINDOW, scanned, confirmed=False) == ["undeclared"]
    assert section_tasks(None, WINDOW, Totals(pages=1, claimed=2, missing=2), confirmed=False) == ["totals"]
    assert section_tasks(good, WINDOW, scanned, confirmed=False) == []
    for dates in (clipped, reversed_, SectionDates(None, WINDOW.end), SectionDates(None, None)):
        assert section_tasks(dates, WINDOW, scanned, confirmed=False) == ["dates"]
        assert section_tasks(dates, WINDOW, scanned, confirmed=True) == []
    assert section_tasks(None, WINDOW, Totals(seen=1, unregistered=1), confirmed=False) == ["undeclared", "totals"]
