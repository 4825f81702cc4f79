"""The decision on one line: which voter, or nobody, how sure, and why.

The posterior over five stories decides. The rules on top of it only ever turn a decision into review, or waive what
the law says is no reason to reject: unit, fraction, city, zip, type and direction of the street (EC 105(a)(2)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.domain.county import Verdict, where
from app.domain.evidence import evidence, evidence_without_lookup
from app.domain.line import Interval, ReadLine, read_line
from app.domain.scoring import Household, Scored, Scorer
from app.domain.standing import Standing
from app.domain.stories import Person, Stories, group, tell
from app.domain.voter import Registration

__all__ = [
    "Decision",
    "Household",
    "Interval",
    "ReadLine",
    "Scorer",
    "decide",
    "decide_by_household",
    "decide_by_keys",
    "read_line",
]

Status = Literal["valid", "invalid", "review"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the lookup says of a line.

    `valid` means eligible; the count decides duplicates later. `reason` is a reason code, or the cause of a review.
    `reason_open`: invalid for certain, the reason still to be chosen by a person. `secondary`: further rules that fail.
    """

    status: Status
    reason: str | None
    reason_open: bool
    voter_id: str | None
    registration_no: int | None
    secondary: tuple[str, ...]
    evidence: dict[str, Any]


@dataclass(slots=True)
class Case:
    """A line with everything that was found for it."""

    scorer: Scorer
    scored: list[Scored]
    persons: list[Person]
    stories: Stories
    where: Verdict
    fired: list[str]  # rules that turned the decision, for the evidence


_SURE_GIVEN: Final = frozenset({"exact", "nickname", "typo", "middle", "second"})
_SURE_SURNAME: Final = frozenset({"exact", "typo", "part"})
_LIKE_GIVEN: Final = _SURE_GIVEN | {"initial", "near", "missing", "middle initial", "middle alike", "garbled"}
_LIKE_SURNAME: Final = _SURE_SURNAME | {"part typo", "near", "initial", "missing", "garbled"}
_NEAR_HOUSE: Final = frozenset({"same", "near", "missing"})
_NEAR_STREET: Final = frozenset({"same", "typo", "near", "garbled", "missing"})
_SEVERAL: Final = 2
_RARE: Final = 7.0  # rarity of a name that one in 1,100 bears
_AS_WELL: Final = 1.5  # a difference of weight that is none


def decide_by_household(scorer: Scorer, household: Sequence[Registration], interval: Interval) -> Decision | None:
    """Return the decision where the people of this surname at this address settle it, None where more must be asked."""
    early = _before_lookup(scorer.line)
    return early or (_match(examine(scorer, household, interval)) if household else None)


def decide_by_keys(scorer: Scorer, candidates: Sequence[Registration], interval: Interval) -> Decision | None:
    """Return the decision where no wider search could change it: a match, or a voter that only a person may confirm."""
    case = examine(scorer, candidates, interval)
    found = _match(case)
    if found or max(case.stories.here, default=0.0) < scorer.model.thresholds["match"]:
        return found
    return _review(case)


def decide(scorer: Scorer, candidates: Sequence[Registration], interval: Interval) -> Decision:
    """Return the decision on a line given every registration that the search found, and who lives at its address."""
    early = _before_lookup(scorer.line)
    if early:
        return early
    case = examine(scorer, candidates, interval)
    return _match(case) or _reject(case) or _review(case)


def examine(scorer: Scorer, candidates: Sequence[Registration], interval: Interval) -> Case:
    """Return the line with its candidates scored, grouped by person, and weighed against each other."""
    scored = [scorer.score(registration, interval) for registration in candidates if scorer.resembles(registration)]
    persons = group(scored)
    stories = tell(persons, scorer.words.registrations, scorer.model)
    return Case(scorer, scored, persons, stories, where(scorer.line, scorer.words), [])


def _before_lookup(line: ReadLine) -> Decision | None:
    """The decision that needs no roll: not signed, no residence address, nothing readable (EC 100)."""
    if not line.signed:
        return _unasked(line, "invalid", "no_signature")
    if not line.addresses:
        return _unasked(line, "invalid", "no_address")
    return None if line.name.readings else _unasked(line, "review", "weak_match")


def _unasked(line: ReadLine, status: Status, reason: str) -> Decision:
    found = evidence_without_lookup(line, reason)
    return Decision(
        status, reason, reason_open=False, voter_id=None, registration_no=None, secondary=(), evidence=found
    )


def _match(case: Case) -> Decision | None:
    """A valid line: one registered voter of this name at this house and street, and nothing that speaks against it."""
    shares = case.stories.here
    best = max(range(len(shares)), key=lambda at: (shares[at], -at), default=None)
    if best is None or shares[best] < case.scorer.model.thresholds["match"]:
        return None
    one = next((s for s in case.persons[best].scored if s.standing == "registered" and s.address.here), None)
    if one is None:
        return None
    doubts = _doubts(case, one, shares[best])
    case.fired.extend(doubts)
    return None if doubts else _decision(case, "valid", None, one)


def _doubts(case: Case, one: Scored, probability: float) -> list[str]:
    """What never lets a machine accept by itself."""
    name = one.name.levels
    doubts = []
    if name.given.level not in _LIKE_GIVEN or name.surname.level not in _LIKE_SURNAME:
        doubts.append("name differs")
    sure = name.given.level in _SURE_GIVEN and name.surname.level in _SURE_SURNAME
    if not sure and probability < case.scorer.model.thresholds["match_weak"]:
        doubts.append("weak name")
    if name.given.level in {"initial", "missing"}:
        doubts.append("initial only")
    if name.given.level == "near" and case.scorer.words.rarity("given", name.given.word) < _RARE:
        doubts.append("another given name")  # ROSE is no slip of JOSE, BRITANY may be one of BRITTANY
    if name.middle.level == "initial conflict":
        doubts.append("middle initial differs")
    if name.suffix == "conflict":
        doubts.append("suffix differs")
    if any(_canceled_namesake(person, one) for person in case.persons):
        doubts.append("canceled namesake here")
    if case.where == "out":
        doubts.append("city and zip out of county")
    if one.registration.confidential:
        doubts.append("confidential")
    return doubts


def _canceled_namesake(person: Person, one: Scored) -> bool:
    """Whether another person, not registered, fits the line at the same address about as well."""
    other = person.scored[0]
    return person.standing != "registered" and other.address.here and other.name.weight > one.name.weight - _AS_WELL


def _reject(case: Case) -> Decision | None:
    """An invalid line: nobody who may be the signer is registered at this address, or a slip of the pen from it."""
    t = case.scorer.model.thresholds
    here = sum(case.stories.here)
    out = case.where == "out"
    readable, street = _readable(case)
    limit = t["invalid"] if readable else t["invalid_unread"]
    if here > limit:
        case.fired.append("may be registered here")
    if not street and not out:
        case.fired.append("street not readable")
    if any(_plausible_here(one) for one in case.scored):
        case.fired.append("like name at the address")
    if not out and any(
        share > t["invalid_new_surname"] and _same_given_here(person)
        for person, share in zip(case.persons, case.stories.here, strict=True)
    ):
        case.fired.append("same given name at the address")
    if any(one.registration.confidential for one in case.scored if one.address.here):
        case.fired.append("confidential")
    return None if case.fired else _invalid(case)


def _readable(case: Case) -> tuple[bool, bool]:
    """Whether the written name and house number can be read, and whether the street is one of the county's."""
    reading = case.scorer.line.name.readings[0]
    given = bool(reading.given) and case.scorer.words.known("given", reading.given[0])
    surname = bool(reading.surname) and all(case.scorer.words.known("surname", part) for part in reading.surname)
    house = all(address.house and address.house_certain for address in case.scorer.line.addresses)
    known = any(
        case.scorer.words.known("street", name) for address in case.scorer.line.addresses for name in address.streets
    )
    somebody = case.scorer.household is not None and case.scorer.household.size > 0
    street = (given or surname) and (known or somebody)
    return given and surname and house, street


def _plausible_here(one: Scored) -> bool:
    """Whether somebody of a like name is registered at the address or one slip from it: never rejected."""
    if one.standing != "registered":
        return False
    name, address = one.name.levels, one.address.levels
    like = name.given.level in _LIKE_GIVEN and name.surname.level in _LIKE_SURNAME
    if address.house == "far":
        return (
            name.given.level in _SURE_GIVEN
            and name.surname.level in _SURE_SURNAME
            and one.address.levels.street.level == "same"
        )
    return like and address.house in _NEAR_HOUSE and address.street.level in _NEAR_STREET


def _same_given_here(person: Person) -> bool:
    """Whether the person may have signed under a new surname."""
    one = person.scored[0]
    return one.address.here and one.name.levels.given.level in {"exact", "nickname", "middle"}


_REASON: Final[dict[Standing, str]] = {"registered": "different_address", "former": "canceled"}


def _invalid(case: Case) -> Decision:
    """The likeliest reason; open where it is not certain."""
    stories = case.stories
    nobody = stories.relative + stories.stranger
    others = [m + c for m, c in zip(stories.moved, stories.canceled, strict=True)]
    best = max(range(len(others)), key=lambda at: (others[at], -at), default=None)
    if case.where == "out":
        return _decision(case, "invalid", "out_of_county", None)
    certain = case.where == "in" and not case.scorer.namesakes_cut
    if best is None or nobody >= others[best]:
        sure = certain and nobody >= case.scorer.model.thresholds["reason"]
        return _decision(case, "invalid", "not_registered", None, reason_open=not sure)
    person = case.persons[best]
    reason = _REASON.get(person.standing, person.standing)
    sure = certain and others[best] >= case.scorer.model.thresholds["reason"]
    return _decision(case, "invalid", reason, person.scored[0], reason_open=not sure)


def _review(case: Case) -> Decision:
    """A person looks; the likeliest voter comes first."""
    shares = case.stories.here
    order = sorted(
        range(len(shares)), key=lambda at: (-shares[at] - case.stories.moved[at] - case.stories.canceled[at], at)
    )
    one = case.persons[order[0]].scored[0] if order else None
    rivals = [at for at in order if shares[at] >= case.scorer.model.thresholds["rival"]]
    if "confidential" in case.fired or (one and one.registration.confidential):
        cause = "confidential"
    elif len(rivals) >= _SEVERAL:
        cause = "ambiguous"
    elif one and not one.address.here and one.name.levels.given.level in _SURE_GIVEN:
        cause = "possible_move"
    else:
        cause = "weak_match"
    return _decision(case, "review", cause, one)


def _decision(
    case: Case, status: Status, reason: str | None, one: Scored | None, *, reason_open: bool = False
) -> Decision:
    r = one.registration if one else None
    found = evidence(case.scorer, case.persons, case.stories, case.where, case.fired)
    voter, number = (r.voter_id, r.registration_no) if r else (None, None)
    return Decision(status, reason, reason_open, voter, number, (), found)
