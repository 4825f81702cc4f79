"""A voter's registration, and whether it was in force when a line was signed."""

from calendar import isleap
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, get_args

from app.law.petition import SigningInterval
from app.law.reasons import Reason

RegistrationStatus = Literal["active", "inactive", "pending", "canceled", "preregistered"]


class Registration(NamedTuple):
    """One interval of a voter's record in one version of a county's roll.

    A voter who moved has several, under the same `voter_id`. Text is as the county wrote it; an unknown value is ''.
    """

    registration_no: int  # the row's number in the file it was loaded from, from 1; unique within a roll version
    voter_id: str
    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth_date: date | None
    house_number: str
    house_fraction: str
    pre_direction: str
    street_name: str
    street_type: str
    post_direction: str
    unit_type: str
    unit_number: str
    city: str
    zip: str
    status: RegistrationStatus
    status_reason: str
    affidavit_signed: date | None
    affidavit_received: date | None
    effective_to: date | None  # when the interval ended, by a move or a cancellation; None while it runs
    confidential: bool
    districts: str | None = None  # the codes of its districts, as `district_text` joins them; None: not in the roll

    @property
    def called(self) -> tuple[str, str, str, str]:
        """The fields that name the voter: last, first and middle name, suffix."""
        return self[2:6]

    @property
    def lives(self) -> tuple[str, ...]:
        """The fields of the residence address, from house number to zip."""
        return self[7:17]


Eligibility = Literal[
    "registered", "canceled_undated", "inactive", "registered_late", "pending_registration", "under_age", "canceled",
    "former",
]  # fmt: skip
_ORDER: Final = get_args(Eligibility)  # the best first
REASON_OF: Final[Mapping[Eligibility, Reason]] = {
    "registered": "different_address", "registered_late": "registered_late", "under_age": "under_age",
    "pending_registration": "pending_registration", "canceled_undated": "canceled", "canceled": "canceled",
    "former": "canceled", "inactive": "not_registered",
}  # fmt: skip
"""Why a line is invalid whose signer has this registration, but not at the written address."""


def eligibility(registration: Registration, interval: SigningInterval) -> Eligibility:
    """Return the standing of one registration during the interval.

    `former` is an address that was left before it. `canceled_undated` is a cancellation without a date: whether it came
    before the interval is for a person to find out. `inactive` is a registration that the rule does not count.

    An affidavit counts when it was signed by the rule's day of the interval and received by the filing, or so many days
    before it as the rule says (EC 2102(b)); an unknown date is presumed in time.
    """
    rule, ended = interval.rule, registration.effective_to
    if _is_late(registration, interval):
        return "registered_late"
    if registration.status == "canceled" and ended is None:
        return "canceled_undated" if rule.undated_cancellation == "review" else "registered"
    if ended is not None and ended < interval.start:
        return "canceled" if registration.status == "canceled" else "former"
    return _in_force(registration, interval)


def _is_late(registration: Registration, interval: SigningInterval) -> bool:
    signed, received, rule = registration.affidavit_signed, registration.affidavit_received, interval.rule
    if signed and signed > interval.day(rule.affidavit_signed_by):
        return True
    due = interval.filed_on - timedelta(days=rule.affidavit_days_before_filing)
    return received is not None and received > due


def _in_force(registration: Registration, interval: SigningInterval) -> Eligibility:
    """The standing of one that had not ended; a cancellation counts from its day (EC 2201)."""
    rule = interval.rule
    if registration.status == "pending":
        return "pending_registration"
    if registration.status == "inactive" and not rule.inactive_counts:
        return "inactive"
    if registration.status != "preregistered":  # the county has settled the age; a date that contradicts it is a slip
        return "registered"
    born = registration.birth_date  # EC 2102(d)
    of_age = born and of_age_on(born, rule.voting_age) <= interval.day(rule.age_reached_by)
    return "registered" if of_age else "under_age"


def of_age_on(born: date, age: int) -> date:
    """Return the birthday of this age; one born on a leap day has it on March 1 of other years."""
    year = born.year + age
    month, day = (3, 1) if (born.month, born.day) == (2, 29) and not isleap(year) else (born.month, born.day)
    return date(year, month, day)


def best_eligibility(standings: Iterable[Eligibility]) -> Eligibility:
    """Return the standing that a person with several registrations has: the best of them."""
    return min(standings, key=_ORDER.index)
