"""A voter's standing while a line was signed: rule by rule, from the registration's dates and status."""

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from app.domain.line import Interval
from app.domain.voter import Registration

Standing = Literal["registered", "registered_late", "pending_registration", "under_age", "canceled", "former"]
_ORDER: Final[tuple[Standing, ...]] = (
    "registered", "registered_late", "pending_registration", "under_age", "canceled", "former",
)  # fmt: skip
_VOTING_AGE: Final = 18
_LEAP_DAY: Final = (2, 29)


def standing(registration: Registration, interval: Interval) -> Standing:
    """Return the standing of one registration during the interval; `former` is an address that was left before it.

    An affidavit counts when it was signed on or before the interval's end and received by the filing date
    (EC 2102(b)); an unknown date is presumed in time. Inactive voters count as registered.
    """
    if registration.affidavit_signed and registration.affidavit_signed > interval.end:
        return "registered_late"
    if registration.affidavit_received and registration.affidavit_received > interval.filed_on:
        return "registered_late"
    ended = registration.effective_to is not None and registration.effective_to < interval.start
    if registration.status == "canceled":  # EC 2201: a cancellation counts from its day, an unknown day from ever
        return "canceled" if ended or registration.effective_to is None else _by_age(registration, interval)
    if ended:
        return "former"
    if registration.status == "pending":
        return "pending_registration"
    return _by_age(registration, interval)


def _by_age(registration: Registration, interval: Interval) -> Standing:
    """EC 2102(d): one who preregisters becomes a voter on turning 18.

    For an active voter the county has settled the age; a date of birth that says otherwise is the roll's slip.
    """
    if registration.status != "preregistered":
        return "registered"
    born = registration.birth_date
    return "registered" if born and of_age_on(born) <= interval.end else "under_age"


def of_age_on(born: date) -> date:
    """Return the 18th birthday; one born on a leap day comes of age on March 1."""
    if (born.month, born.day) == _LEAP_DAY:
        return date(born.year + _VOTING_AGE, 3, 1)
    return born.replace(year=born.year + _VOTING_AGE)


def best_standing(standings: Iterable[Standing]) -> Standing:
    """Return the standing that a person with several registrations has: the best of them."""
    return min(standings, key=_ORDER.index)
