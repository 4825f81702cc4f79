"""Deadlines in business days, held against filings whose deadlines are known."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.law.deadlines import FULL_EXAMINATION, last_day


@pytest.mark.parametrize(
    ("filed_on", "holidays", "deadline"),
    [
        (date(2022, 7, 6), [], date(2022, 8, 17)),
        (date(2018, 1, 11), [date(2018, 1, 15), date(2018, 2, 19)], date(2018, 2, 26)),
        (date(2022, 7, 8), [], date(2022, 8, 19)),  # a Friday: the first day is the Monday after
        (date(2022, 7, 9), [], date(2022, 8, 19)),  # a Saturday
    ],
)
def test_thirty_business_days_after_a_filing(filed_on: date, holidays: list[date], deadline: date) -> None:
    assert last_day(filed_on, FULL_EXAMINATION, holidays) == deadline


@given(
    filed_on=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    days=st.integers(1, 60),
    holidays=st.frozensets(st.integers(0, 120)),
)
def test_a_deadline_is_a_business_day_with_as_many_up_to_it(
    filed_on: date, days: int, holidays: frozenset[int]
) -> None:
    closed = {filed_on + timedelta(days=one) for one in holidays}
    found = last_day(filed_on, days, closed)
    passed = [filed_on + timedelta(days=one) for one in range(1, (found - filed_on).days + 1)]
    open_days = [day for day in passed if day.weekday() < 5 and day not in closed]
    assert len(open_days) == days
    assert open_days[-1] == found
