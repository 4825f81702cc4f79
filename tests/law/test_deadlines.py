"""Deadlines in business days, held against filings whose deadlines are known, and holidays against calendars."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.law.deadlines import is_business_day, last_day, public_holidays
from tests.rulesets import CALIFORNIA


@pytest.mark.parametrize(
    ("filed_on", "deadline"),
    [
        (date(2022, 7, 6), date(2022, 8, 17)),
        (date(2018, 1, 11), date(2018, 2, 26)),  # without 01-15 and 02-19; the registrar worked on 02-12
        (date(2022, 7, 8), date(2022, 8, 19)),  # a Friday: the first day is the Monday after
        (date(2022, 7, 9), date(2022, 8, 19)),  # a Saturday
        (date(2022, 11, 10), date(2022, 12, 27)),  # without 11-11, 11-24 and 12-26, which is kept for Sunday, 12-25
        (date(2023, 11, 9), date(2023, 12, 26)),  # without 11-10, kept for Saturday, and 11-23 and 12-25
    ],
)
def test_thirty_business_days_after_a_filing(filed_on: date, deadline: date) -> None:
    assert CALIFORNIA.last_day_to_examine(filed_on) == deadline


def test_a_county_that_is_closed_on_further_days_has_until_later() -> None:
    closed = replace(CALIFORNIA, closed_days=(date(2018, 2, 12), date(2018, 2, 17), date(2018, 2, 26)))
    assert closed.last_day_to_examine(date(2018, 1, 11)) == date(2018, 2, 28)  # 02-17 is a Saturday anyway


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2018, "01-01 01-15 02-19 05-28 07-04 09-03 11-12 11-22 12-25"),  # 11-11 is a Sunday
        (2022, "01-01 01-17 02-21 05-30 07-04 09-05 11-11 11-24 12-26"),  # 12-25 is a Sunday
        (2023, "01-02 01-16 02-20 05-29 06-19 07-04 09-04 11-10 11-23 12-25"),  # 01-01 a Sunday, 11-11 a Saturday
        (2026, "01-01 01-19 02-16 05-25 06-19 07-04 09-07 11-11 11-26 12-25"),  # 07-04 is a Saturday: no other day
        (2032, "01-01 01-19 02-16 05-31 06-19 07-05 09-06 11-11 11-25 12-25"),  # 07-04 is a Sunday
    ],
)
def test_the_public_holidays_of_a_year(year: int, days: str) -> None:
    assert [f"{day:%m-%d}" for day in sorted(public_holidays(year))] == days.split()


@given(filed_on=st.dates(date(2000, 1, 1), date(2100, 1, 1)), days=st.integers(1, 60))
def test_a_deadline_is_a_business_day_with_as_many_up_to_it(filed_on: date, days: int) -> None:
    found = last_day(filed_on, days)
    passed = [filed_on + timedelta(days=one) for one in range(1, (found - filed_on).days + 1)]
    open_days = [day for day in passed if is_business_day(day)]
    assert len(open_days) == days
    assert open_days[-1] == found


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_offices_are_closed_at_weekends_and_never_five_weekdays_in_a_row(day: date) -> None:
    assert not (day.weekday() >= 5 and is_business_day(day))
    assert any(is_business_day(day + timedelta(days=one)) for one in range(5))
