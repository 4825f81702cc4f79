"""What may have happened: this voter, here; this voter, moved; a canceled one; a relative; a stranger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log
from typing import Final

from app.domain.model import Model
from app.domain.scoring import Scored
from app.domain.standing import Standing, best_standing
from app.domain.voter import Registration

_BOUND: Final = 60.0  # of a weight, so that none overflows
_WRITES_OLD_ADDRESS: Final = 0.2  # the share of those who moved that write the address they left


_LEFT: Final = frozenset({"former", "canceled"})


@dataclass(slots=True)
class Person:
    """The registrations of one voter, the best for the line first."""

    scored: list[Scored]
    standing: Standing
    here: float  # weight of name and address together, of the best registration in force (or at all, if none is)
    name: float  # weight of the name alone
    left: float | None  # weight of name and address together, of the best registration that had ended


@dataclass(slots=True)
class Stories:
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
        left = one.weight if one.standing in _LEFT else None
        return Person(members, one.standing, one.weight, one.name.weight, left)
    return _person_of_several(members)


def _person_of_several(members: list[Scored]) -> Person:
    ordered = sorted(members, key=lambda m: (m.standing != "registered", -m.weight, m.registration.registration_no))
    left = [m.weight for m in ordered if m.standing in _LEFT]
    name = max(m.name.weight for m in ordered)
    return Person(ordered, best_standing(m.standing for m in ordered), ordered[0].weight, name, max(left, default=None))


def _rank(person: Person) -> tuple[float, str]:
    return -max(person.here, person.name), person.scored[0].registration.voter_id


def tell(persons: Sequence[Person], registrations: int, model: Model) -> Stories:
    """Return the posterior probabilities of the five stories over `registrations` that may be the signer's."""
    p, n = model.priors, log(registrations)
    here, moved, canceled, relative = [], [], [], 0.0
    for person in persons:
        at, away = _bounded(person.here - n), _bounded(person.name - n)
        if person.left is not None:  # who moved writes the old address, or the new one
            away += _WRITES_OLD_ADDRESS * _bounded(person.left - n)
        if person.standing == "registered":
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
    return Stories(
        [x / total for x in here],
        [x / total for x in moved],
        [x / total for x in canceled],
        relative / total,
        p["stranger"] / total,
    )


def _bounded(weight: float) -> float:
    return exp(weight) if -_BOUND < weight < _BOUND else exp(_BOUND if weight > 0 else -_BOUND)
