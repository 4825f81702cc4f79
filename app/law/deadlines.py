"""Deadlines in business days: a day that is no Saturday, Sunday or holiday of the county (EC 11224, 11225)."""

from collections.abc import Container
from datetime import date, timedelta
from typing import Final

FULL_EXAMINATION: Final = 30  # business days from the filing, for the examination of every line (EC 11224)
_SATURDAY: Final = 5


def last_day(filed_on: date, business_days: int, holidays: Container[date] = ()) -> date:
    """Return the last of so many business days after a filing; the first is the first one after that day.

    Without the county's holidays the result is the earliest day that it can be.
    """
    day = filed_on
    while business_days > 0:
        day += timedelta(days=1)
        business_days -= day.weekday() < _SATURDAY and day not in holidays
    return day
