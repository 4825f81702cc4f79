"""Deadlines in business days: a day that is no Saturday, no Sunday and no holiday (EC 11224, 11225)."""

from collections.abc import Collection
from datetime import date, timedelta
from functools import cache
from typing import Final

_SATURDAY, _SUNDAY = 5, 6
_MONDAY, _THURSDAY = 0, 3
_JUNETEENTH_SINCE: Final = 2023


@cache
def public_holidays(year: int) -> frozenset[date]:
    """Return the holidays of Government Code 6700 and 6701 on which the counties' offices are closed.

    Not in it are the Code's days on which most counties work: Lunar New Year, Lincoln Day, Cesar Chavez Day, Genocide
    Remembrance Day, Good Friday, Admission Day, Native American Day, Columbus Day, Diwali. Where a county is closed on
    such a day, its ruleset says so (`closed_days`).
    """
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed += [date(year, 6, 19)] if year >= _JUNETEENTH_SINCE else []
    nth = [
        _nth(3, _MONDAY, date(year, 1, 1)),  # Martin Luther King
        _nth(3, _MONDAY, date(year, 2, 1)),  # Washington
        _nth(1, _MONDAY, date(year, 5, 25)),  # Memorial Day, the last Monday of May
        _nth(1, _MONDAY, date(year, 9, 1)),  # Labor Day
        _nth(4, _THURSDAY, date(year, 11, 1)),  # Thanksgiving
    ]
    return frozenset(nth) | frozenset(map(_observed, fixed))


def _nth(number: int, weekday: int, first: date) -> date:
    """The n-th of a weekday, on or after a day."""
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _observed(day: date) -> date:
    """The day on which a holiday is kept (GC 6701): Monday for Sunday; of Veterans Day also Friday for Saturday."""
    if day.weekday() == _SUNDAY:
        return day + timedelta(days=1)
    veterans_day = (day.month, day.day) == (11, 11)
    return day - timedelta(days=1) if veterans_day and day.weekday() == _SATURDAY else day


def is_business_day(day: date, closed: Collection[date] = ()) -> bool:
    """Whether the offices of a county are open, which are also `closed` on these days."""
    return day.weekday() < _SATURDAY and day not in public_holidays(day.year) and day not in closed


def rolled_forward(day: date, closed: Collection[date] = ()) -> date:
    """Return the day, or if it is no business day the next one: until then an act of law may be done (EC 15)."""
    while not is_business_day(day, closed):
        day += timedelta(days=1)
    return day


def last_day(filed_on: date, business_days: int, closed: Collection[date] = ()) -> date:
    """Return the last of so many business days after a filing; the first is the first one after that day."""
    day = filed_on
    while business_days > 0:
        day += timedelta(days=1)
        business_days -= is_business_day(day, closed)
    return day
