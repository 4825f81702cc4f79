"""A circulator's declaration (EC 104), and the control totals of sections."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.law.petition import SectionDates, SigningInterval
from app.law.section import ReceivedSection, Totals, declaration_faults, totals_of

WINDOW = SigningInterval(date(2022, 1, 27), date(2022, 7, 6), date(2022, 7, 6))
WHOLE = ReceivedSection(
    section=1,
    pages=4,
    lines=40,
    circulator_name="Robert Smith",
    circulator_address="12 Oak St",
    signed_from=date(2022, 3, 1),
    signed_to=date(2022, 3, 14),
    executed_on=date(2022, 3, 14),
    executed_at="Los Angeles",
    circulator_signed=True,
    circulator_of_age=True,
    declared=True,
)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"circulator_name": " "}, ["name_missing"]),
        ({"circulator_address": ""}, ["address_missing"]),
        ({"signed_from": None}, ["dates_incomplete"]),
        ({"signed_from": None, "signed_to": None}, ["dates_missing"]),
        ({"signed_from": date(2022, 3, 15)}, ["dates_reversed"]),
        ({"signed_from": date(2021, 3, 1), "signed_to": date(2022, 1, 26)}, ["dates_outside_window"]),
        ({"signed_from": date(2022, 1, 26)}, ["dates_clipped"]),
        ({"signed_from": date(2022, 1, 27)}, []),
        ({"signed_to": date(2022, 7, 7), "executed_on": date(2022, 7, 7)}, ["dates_clipped"]),
        ({"executed_on": None}, ["execution_day_missing"]),
        ({"executed_on": date(2022, 3, 13)}, ["executed_early"]),
        ({"executed_at": ""}, ["execution_place_missing"]),
        ({"circulator_signed": False}, ["signature_missing"]),
        ({"circulator_of_age": False}, ["age_missing"]),
    ],
)
def test_each_missing_incomplete_or_contradictory_part_has_a_code(
    changes: dict[str, object], faults: list[str]
) -> None:
    said = WHOLE._replace(**changes)  # type: ignore[arg-type]  # values of its fields
    assert declaration_faults(said, said.dates, WINDOW) == faults


def test_a_paper_without_any_declaration_says_so_once() -> None:
    said = ReceivedSection(1, 4, 40, declared=True)
    assert declaration_faults(said, said.dates, WINDOW) == ["declaration_missing"]


def test_a_declaration_that_was_not_entered_yet_is_undeclared() -> None:
    assert declaration_faults(ReceivedSection(1, 4, 40), None, WINDOW) == ["undeclared"]
    assert declaration_faults(None, None, WINDOW) == ["undeclared"]
    assert declaration_faults(None, SectionDates(date(2022, 3, 1), date(2022, 3, 1)), WINDOW) == []


@pytest.mark.parametrize(
    ("registered", "scanned", "expected", "differences"),
    [
        ((4, 40), (40, 2, 1, 0), Totals(4, 40, 40, 2, 1), []),
        ((4, 40), (39, 0, 0, 0), Totals(4, 40, 39, missing=1), ["missing"]),
        ((4, 40), (41, 0, 0, 1), Totals(4, 40, 41, too_many=1, beyond_pages=1), ["too_many", "beyond_pages"]),
        ((4, 40), (40, 0, 0, 3), Totals(4, 40, 40, beyond_pages=3), ["beyond_pages"]),
        (None, (3, 1, 0, 0), Totals(seen=3, blank=1, unregistered=3), ["unregistered"]),
        (None, (0, 0, 0, 0), Totals(), []),
    ],
)
def test_the_control_totals_of_a_section(
    registered: tuple[int, int] | None, scanned: tuple[int, int, int, int], expected: Totals, differences: list[str]
) -> None:
    totals = totals_of(registered, *scanned)
    assert (totals, totals.differences) == (expected, differences)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60))))
def test_a_sections_surplus_never_hides_anothers_gap(sections: list[tuple[int, int]]) -> None:
    total = sum((totals_of((1, claimed), seen, 0, 0, 0) for claimed, seen in sections), start=Totals())
    assert total.missing == sum(max(claimed - seen, 0) for claimed, seen in sections)
    assert total.claimed - total.missing + total.too_many == total.seen
