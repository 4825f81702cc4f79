"""The roll's values: one registration is one interval of a voter's record."""

from datetime import date
from typing import Literal, NamedTuple

RegistrationStatus = Literal["active", "inactive", "pending", "canceled", "preregistered"]


class Registration(NamedTuple):
    """One interval of a voter's record in one version of a county's roll.

    A voter who moved has several, under the same `voter_id`. Text is as the county wrote it; an unknown value is ''. A
    named tuple, since a roll is read by the million.
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

    @property
    def called(self) -> tuple[str, str, str, str]:
        """The fields that name the voter: last, first and middle name, suffix."""
        return self[2:6]

    @property
    def lives(self) -> tuple[str, ...]:
        """The fields of the residence address, from house number to zip."""
        return self[7:17]
