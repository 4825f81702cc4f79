"""The posterior over who may have signed: a voter here, one who moved, a canceled one, a relative, or a stranger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log
from types import MappingProxyType
from typing import Final, NamedTuple

from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration, best_eligibility
from app.matching.parsing import CountyMembership, county_membership
from app.matching.scoring import Model, Resemblance, Scored, Scorer

_BOUND: Final = 60.0  # of a weight, so that none overflows
_WRITES_OLD_ADDRESS: Final = 0.2  # the share of those who moved that write the address they left


_LEFT: Final = frozenset({"former", "canceled"})


@dataclass(slots=True)
class Person:
    """The registrations of one voter, the best for the line first."""

    scored: list[Scored]
    eligibility: Eligibility
    here: float  # weight of name and address together, of the best registration in force (or at all, if none is)
    name: float  # weight of the name alone
    left: float | None  # weight of name and address together, of the best registration that had ended


@dataclass(slots=True)
class Hypotheses:
    """The probability of each story; of the first three, for each person in order."""

    here: list[float]
    moved: list[float]
    canceled: list[float]  # not registered in time: canceled, late, pending or under age
    relative: float  # of the same surname as a voter at the address
    stranger: float


def group(scored: Sequence[Scored]) -> list[Person]:
    """Return the voters behind the registrations, best first; a person under two numbers is one by date of birth."""
    persons: dict[_Identity, list[Scored]] = {}
    home: dict[str, _Identity] = {}
    for one in scored:
        identity = home.setdefault(one.registration.voter_id, _identity(one.registration))
        persons.setdefault(identity, []).append(one)
    return sorted((_person(members) for members in persons.values()), key=_rank)


_Identity = tuple[date | str, ...]


def _identity(r: Registration) -> _Identity:
    return (r.birth_date, r.last_name, r.first_name) if r.birth_date else ("voter", r.voter_id)


def _person(members: list[Scored]) -> Person:
    if len(members) == 1:
        one = members[0]
        left = one.weight if one.eligibility in _LEFT else None
        return Person(members, one.eligibility, one.weight, one.name.weight, left)
    return _person_of_several(members)


def _person_of_several(members: list[Scored]) -> Person:
    ordered = sorted(members, key=lambda m: (m.eligibility != "registered", -m.weight, m.registration.registration_no))
    left = [m.weight for m in ordered if m.eligibility in _LEFT]
    name = max(m.name.weight for m in ordered)
    return Person(
        ordered, best_eligibility(m.eligibility for m in ordered), ordered[0].weight, name, max(left, default=None)
    )


def _rank(person: Person) -> tuple[float, str]:
    return -max(person.here, person.name), person.scored[0].registration.voter_id


def posterior(persons: Sequence[Person], registrations: int, model: Model) -> Hypotheses:
    """Return the posterior probabilities of the five stories over `registrations` that may be the signer's."""
    p, n = model.priors, log(registrations)
    here, moved, canceled, relative = [], [], [], 0.0
    for person in persons:
        at, away = _bounded(person.here - n), _bounded(person.name - n)
        if person.left is not None:  # who moved writes the old address, or the new one
            away += _WRITES_OLD_ADDRESS * _bounded(person.left - n)
        if person.eligibility == "registered":
            here.append(p["here"] * at)
            moved.append(p["moved"] * away)
            canceled.append(0.0)
        else:
            here.append(0.0)
            moved.append(0.0)
            canceled.append(p["canceled_here"] * at + p["canceled_moved"] * away)
        for one in person.scored:
            if one.address.here:
                relative += p["relative"] * _bounded(one.address.weight + one.name.family_weight - n)
    total = sum(here) + sum(moved) + sum(canceled) + relative + p["stranger"]
    return Hypotheses(
        [x / total for x in here],
        [x / total for x in moved],
        [x / total for x in canceled],
        relative / total,
        p["stranger"] / total,
    )


def _bounded(weight: float) -> float:
    return exp(weight) if -_BOUND < weight < _BOUND else exp(_BOUND if weight > 0 else -_BOUND)


SURE_GIVEN: Final = frozenset({"exact", "nickname", "typo", "middle", "second"})
SURE_SURNAME: Final = frozenset({"exact", "typo", "part", "longer"})


@dataclass(slots=True)
class CandidateSet:
    """A line, the people it may be, and how likely each story is."""

    scorer: Scorer
    interval: SigningInterval
    scored: list[Scored]
    persons: list[Person]
    stories: Hypotheses
    where: CountyMembership
    by_name: bool  # the whole roll was searched for the name, not only the household
    fired: list[str]  # rules that turned the decision, for the evidence


def compare_candidates(
    scorer: Scorer, candidates: Sequence[Registration], interval: SigningInterval, *, by_name: bool
) -> CandidateSet:
    """Return the line with the candidates that are worth comparing: all of those found at the address."""
    if by_name:
        resemblance = Resemblance(scorer)
        candidates = [registration for registration in candidates if resemblance.of(registration)]
    scored = [scorer.score(registration, interval) for registration in candidates]
    persons = group(scored)
    stories = posterior(persons, scorer.words.registrations, scorer.model)
    return CandidateSet(
        scorer, interval, scored, persons, stories, county_membership(scorer.line, scorer.words), by_name, []
    )


def sure_name(one: Scored) -> bool:
    """Whether the name is the written one, other forms of it and slips of the pen included."""
    return one.name.levels.given.level in SURE_GIVEN and one.name.levels.surname.level in SURE_SURNAME


def alias_doubts(case: CandidateSet, one: Scored) -> list[str]:
    """What speaks against a match that rests on an alias of the street: the written name is a street as well.

    Where somebody else of the surname is registered on that one, at this number, either street may be meant.
    """
    addresses = case.scorer.line.addresses
    if not addresses[one.address.at].alias:
        return []
    others = [person.scored for person in case.persons if all(scored is not one for scored in person.scored)]
    meant = any(_lives_as_written(case, other) for scored in others for other in scored)
    return ["street of both names"] if meant else []


def _lives_as_written(case: CandidateSet, one: Scored) -> bool:
    """Whether somebody of the surname is registered at the address without any alias."""
    written = one.address.here and not case.scorer.line.addresses[one.address.at].alias
    return written and one.eligibility == "registered" and one.name.levels.surname.level in SURE_SURNAME


def namesakes(case: CandidateSet) -> int:
    """Return how many voters bear the written name, wherever they live."""
    return sum(any(map(sure_name, person.scored)) for person in case.persons)


class Rule(NamedTuple):
    """What a rule says, for a person, and the law that it rests on ('': a precaution of the ruleset)."""

    words: str
    cites: str = ""


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "no_signature": Rule("nobody signed the line", "EC 100"),
        "no_address": Rule("no residence address is written, or only a PO box", "EC 100"),
        "weak_match": Rule("no name can be read", "EC 100"),
        "name differs": Rule("the name is not the voter's in every part"),
        "weak name": Rule("the name resembles the voter's, and that is not enough to be certain"),
        "initial only": Rule("a voter is not identified by an initial alone", "EC 105(a)(1)"),
        "another given name": Rule("the given name is one that others bear, and resembles the voter's"),
        "middle initial differs": Rule("the middle initial is another than the voter's", "EC 100"),
        "suffix differs": Rule("the suffix is another than the voter's", "EC 100"),
        "canceled namesake here": Rule("somebody of this name at this address is not registered any more", "EC 2201"),
        "city and zip out of county": Rule("city and zip are not of this county", "EC 105(a)(2)"),
        "street of both names": Rule(
            "the voter is registered on the street under its other name, and what is written is a street as well where"
            " somebody of this surname is registered at the number",
            "EC 105(a)(1)",
        ),
        "confidential": Rule("the voter may be a confidential one", "EC 2166"),
        "may be registered here": Rule("it is not certain that nobody at this address signed", "EC 105(a)(1)"),
        "name not known": Rule("neither given name nor surname is one of the county's: it may be misread"),
        "street not known": Rule(
            "the street is none of the county's, and nobody is registered there: it may be misread"
        ),
        "like name at the address": Rule(
            "somebody of a like name is registered there, or a slip of the pen from there", "EC 105(a)(1), 2 CCR 20931"
        ),
        "same given name at the address": Rule("the surname of a voter there may have changed", "2 CCR 20931"),
    }
)


def fired(rule: str) -> dict[str, str]:
    """Return a rule as it is kept with the evidence."""
    cites = RULES[rule].cites
    return {"rule": rule, "cites": cites} if cites else {"rule": rule}
