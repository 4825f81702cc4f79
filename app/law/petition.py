"""A petition: the number it requires, its window, and when a line of it was signed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, Self
from uuid import UUID

from app.errors import InvalidPetitionError
from app.law.deadlines import rolled_forward
from app.law.district import district_codes
from app.law.ruleset import Day, RegistrationRule, Ruleset


def last_day_to_file(circulation_from: date, days: int, closed: Collection[date] = ()) -> date:
    """The last of so many days to sign and file a petition (EC 11220); the next business day if it is none (EC 15)."""
    return rolled_forward(circulation_from + timedelta(days=days), closed)


class PetitionKey(NamedTuple):
    """The identity of a petition: its county, and its id within the county."""

    county_id: str
    petition_id: UUID


class SectionDates(NamedTuple):
    """The dates that a section's circulator declared; either may be missing."""

    signed_from: date | None
    signed_to: date | None


class SigningInterval(NamedTuple):
    """The dates between which a line was signed, both included, the day of filing, and what counts as registered then.

    A line itself carries no date: they follow from its section's (EC 100, 104).
    """

    start: date
    end: date
    filed_on: date
    rule: RegistrationRule = RegistrationRule()

    def day(self, named: Day) -> date:
        """The day that a parameter of the rule names."""
        if named == "filing":
            return self.filed_on
        return self.end if named == "interval_end" else self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a petition is opened with: `required` or, to derive it, `registered_voters` with its date and source."""

    county_id: str
    title: str
    officer: str
    office: str | None = None
    district: str | None = None  # of the office; None: it is voted for in the whole county, or was not entered
    required: int | None
    registered_voters: int | None
    registration_reported_on: date | None = None  # the day of the report that says how many voters are registered
    registration_source: str | None = None  # which report that is
    form_approved_on: date | None = None
    circulation_from: date
    circulation_to: date
    filed_on: date
    window_exception: str | None = None  # such as a court's order: why the window may be longer than EC 11220 allows
    ruleset_name: str | None = None  # None: the one that is valid on the day of filing


_SEALED: Final = (
    "office", "district", "required", "registered_voters", "registration_reported_on", "registration_source",
    "form_approved_on", "circulation_from", "circulation_to", "filed_on", "window_exception",
)  # fmt: skip
"""The terms in the ledger's opening entry. Entries of earlier programs lack some: those petitions have None there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition(Terms):
    """An effort to recall one officer."""

    petition_id: UUID
    required: int
    ruleset_name: str
    ruleset: Ruleset  # in force when the petition was read; `ruleset_name` is the one that it was opened with
    state: Literal["open", "closed"]
    created_at: datetime

    @classmethod
    def stored(cls, row: Mapping[str, Any]) -> Self:
        """The petition of a row that has its terms, and `name`, `valid_from` and `parameters` of its ruleset."""
        values = dict(row)
        ruleset = Ruleset.stored(*(values.pop(name) for name in ("name", "valid_from", "parameters")))
        return cls(**values, ruleset=ruleset)

    @property
    def key(self) -> PetitionKey:
        """Its identity."""
        return PetitionKey(self.county_id, self.petition_id)

    @property
    def ruleset_in_force(self) -> str:
        """The name of the ruleset under which its lines are decided."""
        return self.ruleset.name

    @property
    def window(self) -> SigningInterval:
        """The interval of a line whose section says nothing narrower: no one signs after the filing."""
        last = min(self.circulation_to, self.filed_on)
        return SigningInterval(self.circulation_from, last, self.filed_on, self.ruleset.registration)

    def facts(self) -> dict[str, object]:
        """The terms as the ledger's opening entry records them: nothing of them can change later unseen."""
        key = {"county_id": self.county_id, "petition_id": str(self.petition_id)}
        terms = {name: getattr(self, name) for name in _SEALED}
        plain = {name: term.isoformat() if isinstance(term, date) else term for name, term in terms.items()}
        return {**key, **plain, "ruleset": self.ruleset_name}


def check_terms(petition: Petition) -> None:
    """Raise InvalidPetitionError if the terms contradict each other; it names them, never their values."""
    if petition.required < 1:
        raise InvalidPetitionError("required must be at least 1")
    if petition.circulation_to < petition.circulation_from:
        raise InvalidPetitionError("circulation_to is before circulation_from")
    if petition.filed_on < petition.circulation_from:
        raise InvalidPetitionError("filed_on is before circulation_from")
    if petition.district is not None and len(district_codes(petition.district)) != 1:
        raise InvalidPetitionError("district must be the code of one district, as the roll has it")
    _check_registration(petition)
    _check_window(petition)


def check_district(petition: Petition, known: Collection[str]) -> None:
    """Raise InvalidPetitionError if the district is not among those that the roll in use names, if it names any."""
    if petition.district is not None and known and not set(district_codes(petition.district)) <= set(known):
        raise InvalidPetitionError("the roll in use has no registration with the code of this district (EC 11045)")


def _check_registration(terms: Terms) -> None:
    """The number registered is the last report's before the form was approved (EC 11221(b))."""
    if terms.registered_voters is None:
        return
    reported_on, approved_on = terms.registration_reported_on, terms.form_approved_on
    if terms.registered_voters < 1:
        raise InvalidPetitionError("registered_voters must be at least 1")
    if reported_on is None or not (terms.registration_source or "").strip() or approved_on is None:
        raise InvalidPetitionError(
            "registered_voters needs registration_reported_on, registration_source and form_approved_on (EC 11221(b))"
        )
    if reported_on > approved_on:
        raise InvalidPetitionError("registration_reported_on is after form_approved_on (EC 11221(b))")


def _check_window(terms: Petition) -> None:
    """The window and the filing are within the days of EC 11220, unless the reason why not is on record.

    Where the number registered is not known, the window is taken as it was entered.
    """
    if terms.form_approved_on and terms.form_approved_on > terms.circulation_from:
        raise InvalidPetitionError("form_approved_on is after circulation_from")
    if (terms.window_exception or "").strip():
        return
    registered, first = terms.registered_voters, terms.circulation_from
    days = terms.ruleset.days_to_circulate(registered) if registered else 0
    closed = terms.ruleset.closed_days
    last = last_day_to_file(first, days, closed) if registered else rolled_forward(terms.circulation_to, closed)
    for name in ("circulation_to", "filed_on"):
        if getattr(terms, name) > last:
            raise InvalidPetitionError(
                f"{name} is after the last day to file (EC 11220): give the reason, such as a court's order, as"
                " window_exception"
            )


def signing_interval(window: SigningInterval, section: SectionDates | None) -> SigningInterval | None:
    """The interval of a line: its section's dates clipped to the window, the window if none were declared.

    None where a date is missing or the two do not meet: the dates contradict and a person must look (EC 104).
    """
    if section is None:
        return window
    if section.signed_from is None or section.signed_to is None:
        return None
    start, end = max(window.start, section.signed_from), min(window.end, section.signed_to)
    return window._replace(start=start, end=end) if start <= end else None
