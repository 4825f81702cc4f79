"""A ruleset: the numbers of the law and of the county's policy, by name. County counsel must confirm it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Literal, Self, get_args

from app.errors import RulesetRefusedError
from app.law.deadlines import last_day
from app.law.reasons import REASONS, VALID, Outcome
from app.law.signatures import CHARACTERISTICS, FEWEST_CHARACTERISTICS

Steps = tuple[tuple[int | None, int], ...]
"""Numbers by how many voters are registered: each holds below its bound, the last one, without a bound, from there."""

FEWEST_PEOPLE: Final[Mapping[str, int]] = {
    "signature_mismatch": 2,  # 2 CCR 20960: unanimous, different people; by law never a machine
    "not_personally_affixed": 1, "illegible": 1, "other": 1,  # a person sees these on paper, and data do not
}  # fmt: skip
"""How many people a reason takes at the least: no ruleset asks for fewer. The database has the same limits."""
FEWEST_AGAINST_DATA: Final = 2
"""With one, a person could reject a signature alone under another reason, past the floor of 2 CCR 20960."""
MOST_CLOSED_DAYS: Final = 400
_MOST_PEOPLE: Final = 9
_STANDARD: Final = "california-"
_PARTS: Final = 1_000_000
_DUPLICATE: Final = Outcome("invalid", "duplicate")

Day = Literal["interval_start", "interval_end", "filing"]
"""A day by which something must be so: the first or the last on which the line may have been signed, or the filing."""
SigningDay = Literal["interval_start", "interval_end"]
UndatedCancellation = Literal["review", "registered"]
"""What a cancellation without a date is: for a person to find out, or presumed to be after the line was signed."""
_VOTING_AGES: Final = (16, 18)  # cities lowered the age for some offices to 16; EC 2102(d) knows none above 18
_MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRule:
    """Which registrations count for a line. The values here are those of a ruleset that does not say otherwise."""

    inactive_counts: bool = True  # whether inactive voters count as registered
    voting_age: int = 18  # EC 2102(d)
    age_reached_by: Day = "interval_end"
    affidavit_signed_by: SigningDay = "interval_end"  # EC 2102(b)(1)
    affidavit_days_before_filing: int = 0  # so many days before the filing it must have been received (EC 2102(b)(2))
    undated_cancellation: UndatedCancellation = "review"

    def check(self) -> None:
        """Raise RulesetRefusedError if no ruleset may say this; it names the parameter."""
        youngest, oldest = _VOTING_AGES
        if not youngest <= self.voting_age <= oldest:
            raise RulesetRefusedError(f"registration: voting_age is {youngest} to {oldest}")
        if not 0 <= self.affidavit_days_before_filing <= _MOST_DAYS:
            raise RulesetRefusedError(
                f"registration: affidavit_days_before_filing is 0 to {_MOST_DAYS}: none counts that was received after"
                " the filing (EC 2102(b)(2))"
            )
        if self.age_reached_by not in get_args(Day) or self.affidavit_signed_by not in get_args(SigningDay):
            raise RulesetRefusedError("registration: none counts that was signed after the line (EC 2102(b)(1))")
        if self.undated_cancellation not in get_args(UndatedCancellation):
            raise RulesetRefusedError("registration: an undated cancellation is never presumed against the signer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """The parameters under which a petition's lines are decided. It has a name with a version, and is never edited."""

    name: str
    valid_from: date | None  # petitions filed from this day on have it by default; None: only those that ask for it
    compare_signatures: bool  # valid is unsettled until one person has compared the signature (2 CCR 20960(a))
    compare_duplicates: bool = False  # and so is a duplicate: another hand is a mismatch or another voter (20960)
    double_check_ppm: int  # of a million of the machine's decisions, how many people check blindly
    people_check_ppm: int = 0  # of a million of people's decisions, likewise
    confirmations: Mapping[str, int]  # people who must agree on a reason; one that is absent is settled by the machine
    required_percent: Steps  # of the registered voters (EC 11221(a))
    circulation_days: Steps  # EC 11220
    examination_days: int  # business days from the filing (EC 11224)
    people_against_data: int = FEWEST_AGAINST_DATA  # who must agree on what the data contradict; absent: the fewest
    registration: RegistrationRule = RegistrationRule()
    withdrawals_by_two: bool = False  # a second person accepts a request to withdraw: it strikes good lines
    mismatch_characteristics: int = FEWEST_CHARACTERISTICS  # in how many a signature must differ (2 CCR 20960(f))
    closed_days: tuple[date, ...] = ()  # on which the county's offices are closed beside the public holidays

    @classmethod
    def stored(cls, name: str, valid_from: date | None, parameters: str) -> Self:
        """The ruleset of a stored row, whose parameters are the text of a JSON object."""
        values: dict[str, Any] = json.loads(parameters)
        steps = {key: tuple(map(tuple, values[key])) for key in ("required_percent", "circulation_days")}
        registration = RegistrationRule(**values.get("registration", {}))
        closed = tuple(map(date.fromisoformat, values.get("closed_days", ())))
        values |= {**steps, "registration": registration, "closed_days": closed}
        return cls(name=name, valid_from=valid_from, **values)

    @property
    def is_standard(self) -> bool:
        """Whether it comes with the program, for every county; a county's own begins with the county's code."""
        return self.name.startswith(_STANDARD)

    def parameters(self) -> dict[str, Any]:
        """What is stored beside the name and the day."""
        stored = asdict(self) | {"closed_days": [day.isoformat() for day in self.closed_days]}
        return {key: value for key, value in stored.items() if key not in ("name", "valid_from")}

    def people_needed(self, outcome: Outcome, *, against_data: bool = False) -> int:
        """How many people must have confirmed an outcome before it is settled."""
        fewest = self.people_against_data if against_data else 0
        if outcome.status == "valid":
            return max(fewest, int(self.compares(outcome)))
        if outcome.status == "invalid":
            return max(fewest, int(self.compares(outcome)), self.confirmations.get(outcome.reason or "", 0))
        return 0

    def compares(self, outcome: Outcome) -> bool:
        """Whether a line with this outcome is unsettled until a person has compared its signature."""
        return self.compare_signatures if outcome == VALID else self.compare_duplicates and outcome == _DUPLICATE

    def required_signatures(self, registered: int) -> int:
        """How many valid signatures a recall of a local officer needs (EC 11221(a)).

        `registered` is the registrar's last report of registration before the form was approved (EC 11221(b)).
        """
        return -(-registered * _step(self.required_percent, registered) // 100)

    def days_to_circulate(self, registered: int) -> int:
        """How many days the proponents have to circulate the petition (EC 11220)."""
        return _step(self.circulation_days, registered)

    def last_day_to_examine(self, filed_on: date) -> date:
        """The last day of the examination of a petition that was filed on this day (EC 11224)."""
        return last_day(filed_on, self.examination_days, self.closed_days)


def _step(steps: Steps, registered: int) -> int:
    return next(number for below, number in steps if below is None or registered < below)


def check_ruleset(ruleset: Ruleset, county_id: str) -> None:
    """Raise RulesetRefusedError if no ruleset of a county may be like this; it names the parameter."""
    if not ruleset.name.startswith(f"{county_id}/") or county_id.startswith(_STANDARD):
        raise RulesetRefusedError("name must begin with the county's code and a slash")
    _check_confirmations(ruleset.confirmations)
    ruleset.registration.check()
    if not FEWEST_AGAINST_DATA <= ruleset.people_against_data <= _MOST_PEOPLE:
        raise RulesetRefusedError(f"people_against_data is {FEWEST_AGAINST_DATA} to {_MOST_PEOPLE}")
    if ruleset.compare_duplicates and not ruleset.compare_signatures:
        raise RulesetRefusedError("compare_duplicates: only where compare_signatures is on")
    for name in ("double_check_ppm", "people_check_ppm"):
        if not 0 <= getattr(ruleset, name) <= _PARTS:
            raise RulesetRefusedError(f"{name} is 0 to {_PARTS}")
    for name, most in (("required_percent", 100), ("circulation_days", 366)):
        _check_steps(name, getattr(ruleset, name), most)
    if not 1 <= ruleset.examination_days <= 366:  # noqa: PLR2004  # a year
        raise RulesetRefusedError("examination_days is 1 to 366")
    if not FEWEST_CHARACTERISTICS <= ruleset.mismatch_characteristics <= len(CHARACTERISTICS):
        limits = f"{FEWEST_CHARACTERISTICS} to {len(CHARACTERISTICS)} (2 CCR 20960(f))"
        raise RulesetRefusedError(f"mismatch_characteristics is {limits}")
    if len(ruleset.closed_days) > MOST_CLOSED_DAYS:
        raise RulesetRefusedError(f"closed_days: at most {MOST_CLOSED_DAYS}")


def _check_confirmations(confirmations: Mapping[str, int]) -> None:
    for reason, people in confirmations.items():
        if reason not in REASONS or not 0 <= people <= _MOST_PEOPLE:
            raise RulesetRefusedError(f"confirmations: codes of invalid lines, each with 0 to {_MOST_PEOPLE} people")
    for reason, fewest in FEWEST_PEOPLE.items():
        if confirmations.get(reason, 0) < fewest:
            raise RulesetRefusedError(f"confirmations: {reason} takes at least {fewest} different people")


def _check_steps(name: str, steps: Steps, most: int) -> None:
    bounds = [below for below, _ in steps]
    rising = [below or 0 for below in bounds[:-1]]
    if not bounds or bounds[-1] is not None or None in bounds[:-1] or sorted(set(rising)) != rising:
        raise RulesetRefusedError(f"{name}: rising bounds, and a last step without one")
    if not all(1 <= number <= most for _, number in steps):
        raise RulesetRefusedError(f"{name}: numbers from 1 to {most}")
