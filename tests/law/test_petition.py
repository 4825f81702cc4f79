"""The number required, the window, and the interval of a line (EC 11220, 11221, 104)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidPetitionError
from app.law.attempts import LapsedAttempt, attempts, check_lapsed
from app.law.petition import (
    Petition,
    SectionDates,
    SigningInterval,
    check_terms,
    last_day_to_file,
    signing_interval,
)
from tests.rulesets import CALIFORNIA

days = st.dates(date(2022, 1, 1), date(2022, 12, 31))
WINDOW = SigningInterval(date(2022, 1, 27), date(2022, 7, 6), date(2022, 7, 6))
PETITION = Petition(
    county_id="sample",
    petition_id=UUID(int=1),
    title="Recall",
    officer="The assessor",
    required=1,
    registered_voters=None,
    circulation_from=date(2022, 1, 27),
    circulation_to=date(2022, 7, 30),
    filed_on=date(2022, 7, 6),
    ruleset_name=CALIFORNIA.name,
    ruleset=CALIFORNIA,
    state="open",
    created_at=datetime(2022, 7, 6, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("registered", "required", "to_circulate"),
    [
        (1, 1, 40),
        (999, 300, 40),
        (1_000, 250, 60),
        (4_999, 1_250, 60),
        (5_000, 1_250, 90),
        (9_999, 2_500, 90),
        (10_000, 2_000, 120),
        (49_999, 10_000, 120),
        (50_000, 7_500, 160),
        (99_999, 15_000, 160),
        (100_000, 10_000, 160),
        (5_668_569, 566_857, 160),
    ],
)
def test_the_number_required_and_the_days_to_circulate_are_those_of_the_law(
    registered: int, required: int, to_circulate: int
) -> None:
    assert CALIFORNIA.required_signatures(registered) == required
    assert CALIFORNIA.days_to_circulate(registered) == to_circulate


@given(st.integers(1, 10**9))
def test_no_fraction_of_a_signature_is_given_away(registered: int) -> None:
    percent = 30 if registered < 1_000 else 25 if registered < 10_000 else 20 if registered < 50_000 else 15
    percent = percent if registered < 100_000 else 10
    required = CALIFORNIA.required_signatures(registered)
    assert 100 * (required - 1) < percent * registered <= 100 * required


@given(days, days)
def test_a_sections_dates_are_clipped_to_the_window_or_contradict_it(start: date, end: date) -> None:
    interval = signing_interval(WINDOW, SectionDates(start, end))
    signed = {start + timedelta(n) for n in range((end - start).days + 1)}
    window = {WINDOW.start + timedelta(n) for n in range((WINDOW.end - WINDOW.start).days + 1)}
    both = signed & window
    assert interval == (SigningInterval(min(both), max(both), WINDOW.filed_on) if both else None)


def test_a_section_without_dates_was_signed_within_the_window() -> None:
    assert signing_interval(WINDOW, None) == WINDOW


def test_nobody_signs_after_the_petition_is_filed() -> None:
    assert PETITION.window == WINDOW


@pytest.mark.parametrize(
    "wrong",
    [
        {"required": 0},
        {"circulation_to": date(2022, 1, 26)},
        {"filed_on": date(2022, 1, 26)},
    ],
)
def test_terms_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    check_terms(PETITION)
    with pytest.raises(InvalidPetitionError):
        check_terms(replace(PETITION, **wrong))  # type: ignore[arg-type]  # the values of a table


REGISTRATION: dict[str, Any] = {
    "registered_voters": 5_668_569,
    "registration_reported_on": date(2022, 1, 4),
    "registration_source": "Report of Registration",
    "form_approved_on": date(2022, 1, 26),
}
DERIVED = replace(PETITION, **REGISTRATION, required=566_857, circulation_to=date(2022, 7, 6))


@pytest.mark.parametrize(
    ("first", "registered", "last"),
    [
        (date(2022, 1, 27), 5_668_569, date(2022, 7, 6)),
        (date(2022, 1, 28), 5_668_569, date(2022, 7, 7)),
        (date(2022, 1, 3), 999, date(2022, 2, 14)),  # the 40th day is a Saturday, and the 14th no holiday of counties
        (date(2022, 1, 1), 1_000, date(2022, 3, 2)),
        (date(2022, 4, 5), 5_000, date(2022, 7, 5)),  # the 90th day is a Sunday, and the next the Fourth of July
        (date(2022, 1, 1), 49_999, date(2022, 5, 2)),  # the 120th day is a Sunday
    ],
)
def test_a_petition_is_filed_within_the_days_of_the_law_or_on_the_next_business_day(
    first: date, registered: int, last: date
) -> None:
    assert last_day_to_file(first, CALIFORNIA.days_to_circulate(registered)) == last


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"registered_voters": 0}, "registered_voters"),
        ({"registration_reported_on": None}, "registration_reported_on"),
        ({"registration_source": None}, "registration_source"),
        ({"registration_source": "  "}, "registration_source"),
        ({"form_approved_on": None}, "form_approved_on"),
        ({"registration_reported_on": date(2022, 1, 27)}, "registration_reported_on is after form_approved_on"),
        ({"form_approved_on": date(2022, 1, 28)}, "form_approved_on is after circulation_from"),
        ({"circulation_to": date(2022, 7, 7)}, "circulation_to is after the last day to file"),
        ({"filed_on": date(2022, 7, 7)}, "filed_on is after the last day to file"),
        ({"filed_on": date(2022, 7, 7), "window_exception": " "}, "window_exception"),
    ],
)
def test_registration_and_window_are_those_of_the_law(changes: dict[str, object], names: str) -> None:
    check_terms(DERIVED)
    with pytest.raises(InvalidPetitionError, match=names.replace("(", r"\(")):
        check_terms(replace(DERIVED, **changes))  # type: ignore[arg-type]  # the values of a table


def test_a_longer_window_is_allowed_for_a_reason_on_record() -> None:
    late = replace(DERIVED, circulation_to=date(2022, 8, 5), filed_on=date(2022, 8, 5))
    with pytest.raises(InvalidPetitionError):
        check_terms(late)
    check_terms(replace(late, window_exception="Order of the Superior Court of 2022-06-30"))


def test_where_the_registration_is_not_known_the_filing_is_within_the_window_that_was_entered() -> None:
    check_terms(replace(PETITION, circulation_to=date(2022, 7, 2), filed_on=date(2022, 7, 5)))  # a Saturday, a holiday
    with pytest.raises(InvalidPetitionError):
        check_terms(replace(PETITION, circulation_to=date(2022, 7, 2), filed_on=date(2022, 7, 6)))


def test_the_attempts_at_one_officer_stand_together_in_the_order_of_circulation() -> None:
    lapsed = LapsedAttempt(
        attempt_id=UUID(int=2), officer="the  ASSESSOR", office=None, district=None, title="First", note="none filed",
        circulation_from=date(2021, 5, 20), circulation_to=date(2021, 10, 27),
        recorded_by="clerk-1", recorded_at=datetime(2021, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    other = replace(PETITION, petition_id=UUID(int=3), officer="A judge", circulation_from=date(2020, 1, 1))
    found = attempts([PETITION, lapsed, other])
    assert [(one.made, one.number, one.outcome) for one in found] == [
        (other, 1, "open"), (lapsed, 1, "lapsed"), (PETITION, 2, "open"),
    ]  # fmt: skip
    check_lapsed(lapsed, date(2021, 10, 28))
    for last in (date(2021, 5, 19), date(2021, 10, 28)):
        with pytest.raises(InvalidPetitionError):
            check_lapsed(replace(lapsed, circulation_to=last), date(2021, 10, 28))
