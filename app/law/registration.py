"""A voter's registration, and whether it was in force when a line was signed."""

from collections.abc import Iterable, Mapping
from datetime import date
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
    "registered", "canceled_undated", "registered_late", "pending_registration", "under_age", "canceled", "former"
]  # fmt: skip
_ORDER: Final = get_args(Eligibility)  # the best first
REASON_OF: Final[Mapping[Eligibility, Reason]] = {
    "registered": "different_address", "registered_late": "registered_late", "under_age": "under_age",
    "pending_registration": "pending_registration", "canceled_undated": "canceled", "canceled": "canceled",
    "former": "canceled",
}  # fmt: skip
"""Why a line is invalid whose signer has this registration, but not at the written address."""
_VOTING_AGE: Final = 18


def eligibility(registration: Registration, interval: SigningInterval) -> Eligibility:
    """Return the standing of one registration during the interval.

    `former` is an address that was left before it. `canceled_undated` is a cancellation without a date: whether it came
    before the interval is for a person to find out.

    An affidavit counts when it was signed on or before the interval's end and received by the filing date
    (EC 2102(b)); an unknown date is presumed in time. Inactive voters count as registered.
    """
    signed, received = registration.affidavit_signed, registration.affidavit_received
    if (signed and signed > interval.end) or (received and received > interval.filed_on):
        return "registered_late"
    ended = registration.effective_to is not None and registration.effective_to < interval.start
    if registration.status == "canceled":  # EC 2201: a cancellation counts from its day
        undated = registration.effective_to is None
        return "canceled_undated" if undated else "canceled" if ended else "registered"
    if ended:
        return "former"
    if registration.status == "pending":
        return "pending_registration"
    if registration.status != "preregistered":  # the county has settled the age; a date that contradicts it is a slip
        return "registered"
    born = registration.birth_date  # EC 2102(d): one who preregisters becomes a voter on turning 18
    return "registered" if born and of_age_on(born) <= interval.end else "under_age"


def of_age_on(born: date) -> date:
    """Return the 18th birthday; one born on a leap day comes of age on March 1."""
    month, day = (3, 1) if (born.month, born.day) == (2, 29) else (born.month, born.day)
    return date(born.year + _VOTING_AGE, month, day)


def best_eligibility(standings: Iterable[Eligibility]) -> Eligibility:
    """Return the standing that a person with several registrations has: the best of them."""
    return min(standings, key=_ORDER.index)
