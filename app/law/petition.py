"""A petition: the number it requires, its window, and the dates between which a line of it was signed."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from app.errors import InvalidPetitionError, UndecidedLinesError
from app.law.line import RULESETS, Counts, Ruleset

_PERCENT_BELOW = ((1_000, 30), (10_000, 25), (50_000, 20), (100_000, 15))
_DAYS_BELOW = ((1_000, 40), (5_000, 60), (10_000, 90), (50_000, 120))


def required_signatures(registered: int) -> int:
    """How many valid signatures a recall of a local officer needs (EC 11221(a)).

    `registered` is the registrar's last report of registration before the form was approved (EC 11221(b)).
    """
    percent = next((p for bound, p in _PERCENT_BELOW if registered < bound), 10)
    return -(-registered * percent // 100)


def circulation_days(registered: int) -> int:
    """How many days the proponents have to circulate the petition (EC 11220)."""
    return next((d for bound, d in _DAYS_BELOW if registered < bound), 160)


class PetitionKey(NamedTuple):
    """The identity of a petition: its county, and its id within the county."""

    county_id: str
    petition_id: UUID


class DateRange(NamedTuple):
    """The dates between which a line was signed, both included. A line itself carries no date (EC 100, 104)."""

    start: date
    end: date


class SigningInterval(NamedTuple):
    """When a line was signed according to its section's dates (EC 104), and the day the petition was filed."""

    start: date
    end: date
    filed_on: date


@dataclass(frozen=True, slots=True)
class Petition:
    """An effort to recall one officer."""

    county_id: str
    petition_id: UUID
    title: str
    officer: str
    required: int
    registered_voters: int | None
    circulation_from: date
    circulation_to: date
    filed_on: date
    ruleset_name: str
    state: Literal["open", "closed"]
    created_at: datetime

    @property
    def key(self) -> PetitionKey:
        """Its identity."""
        return PetitionKey(self.county_id, self.petition_id)

    @property
    def window(self) -> DateRange:
        """The interval of a line whose section says nothing narrower: no one signs after the filing."""
        return DateRange(self.circulation_from, min(self.circulation_to, self.filed_on))

    def facts(self) -> dict[str, object]:
        """The terms as the ledger's opening entry records them: nothing of them can change later unseen."""
        return {
            "county_id": self.county_id,
            "petition_id": str(self.petition_id),
            "required": self.required,
            "registered_voters": self.registered_voters,
            "circulation_from": self.circulation_from.isoformat(),
            "circulation_to": self.circulation_to.isoformat(),
            "filed_on": self.filed_on.isoformat(),
            "ruleset": self.ruleset_name,
        }

    @property
    def ruleset(self) -> Ruleset:
        """The parameters under which its lines are decided."""
        return RULESETS[self.ruleset_name]


def check_terms(*, required: int, circulation_from: date, circulation_to: date, filed_on: date, ruleset: str) -> None:
    """Refuse a petition whose terms contradict each other.

    Args:
        required: how many valid signatures it needs.
        circulation_from: the first day of the circulation.
        circulation_to: the last day.
        filed_on: when it was filed.
        ruleset: the name of its ruleset.

    Raises:
        InvalidPetitionError: it names the terms, never their values.
    """
    if required < 1:
        raise InvalidPetitionError("required must be at least 1")
    if circulation_to < circulation_from:
        raise InvalidPetitionError("circulation_to is before circulation_from")
    if filed_on < circulation_from:
        raise InvalidPetitionError("filed_on is before circulation_from")
    if ruleset not in RULESETS:
        raise InvalidPetitionError("there is no such ruleset")


def check_closing(counts: Counts, required: int) -> None:
    """Refuse to end a count in which lines are still to be decided: nothing can be decided afterwards.

    Fewer lines than are required are not examined at all (EC 11222): such a count may end undecided.

    Raises:
        UndecidedLinesError: lines are received, in review or unsettled.
    """
    if counts.raw >= required and (counts.received or counts.review or counts.unsettled):
        raise UndecidedLinesError


def signing_interval(window: DateRange, section: DateRange | None) -> DateRange | None:
    """The interval of a line: its section's dates clipped to the window, the window where the section has none.

    None where the two do not meet: the dates contradict each other and a person must look (EC 104).
    """
    if section is None:
        return window
    start, end = max(window.start, section.start), min(window.end, section.end)
    return DateRange(start, end) if start <= end else None
