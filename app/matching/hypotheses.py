"""The hypotheses of who signed: a voter registered here, one who moved, a canceled one, a relative, or a stranger."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final, NamedTuple

from app.law.registration import Eligibility, Registration, best_eligibility
from app.matching.model import Model, Threshold
from app.matching.parsing import CountyMembership, county_membership
from app.matching.scoring import ComparedRegistration, Scorer, worth_comparing

_BOUND: Final = 60.0  # of a weight, so that none overflows
_WRITES_OLD_ADDRESS: Final = 0.2  # the share of those who moved that write the address they left
_ENDED: Final = frozenset({"former", "canceled"})


@dataclass(slots=True, eq=False)
class Person:
    """The registrations of one voter, the best for the line first. Weights are those of the best ones."""

    registrations: list[ComparedRegistration]
    eligibility: Eligibility
    weight: float  # of name and address of the best registration in force (or at all, if none is)
    name_weight: float
    ended_weight: float | None  # of name and address of the best registration that had ended

    @property
    def best(self) -> ComparedRegistration:
        """The registration that fits the line best: one in force, if there is one."""
        return self.registrations[0]


class Posterior(NamedTuple):
    """The probability of each hypothesis; of the first three, for each person in order."""

    here: list[float]
    moved: list[float]
    canceled: list[float]  # not registered in time: canceled, late, pending or under age
    relative: float  # of the same surname as a voter at the address
    stranger: float

    def of_persons(self) -> list[float]:
        """Return the probability of each person to have signed."""
        return [here + moved + out for here, moved, out in zip(self.here, self.moved, self.canceled, strict=True)]


def group(compared: Iterable[ComparedRegistration]) -> list[Person]:
    """Return the voters behind the registrations, the best first; name and date of birth unite two voter numbers."""
    persons: dict[Hashable, list[ComparedRegistration]] = {}
    identities: dict[str, Hashable] = {}
    for one in compared:
        r = one.registration
        identity: Hashable = (r.birth_date, r.last_name, r.first_name) if r.birth_date else ("voter", r.voter_id)
        persons.setdefault(identities.setdefault(r.voter_id, identity), []).append(one)
    return sorted(
        map(_person, persons.values()),
        key=lambda person: (-max(person.weight, person.name_weight), person.best.registration.voter_id),
    )


def _person(registrations: list[ComparedRegistration]) -> Person:
    if len(registrations) == 1:  # as nearly all have
        one = registrations[0]
        ended = one.weight if one.eligibility in _ENDED else None
        return Person(registrations, one.eligibility, one.weight, one.name.weight, ended)
    registrations.sort(key=lambda r: (r.eligibility != "registered", -r.weight, r.registration.registration_no))
    return Person(
        registrations,
        best_eligibility(r.eligibility for r in registrations),
        registrations[0].weight,
        max(r.name.weight for r in registrations),
        max((r.weight for r in registrations if r.eligibility in _ENDED), default=None),
    )


def posterior(persons: Sequence[Person], registrations: int, model: Model) -> Posterior:
    """Return the posterior probabilities of the hypotheses, by Bayes' rule.

    Each of the roll's `registrations` is as likely to be the signer's at first; the model gives the priors.
    """
    p, n = model.priors, log(registrations)
    here, moved, canceled, relative = [], [], [], 0.0
    for person in persons:
        at, away = _likelihood(person.weight - n), _likelihood(person.name_weight - n)
        if person.ended_weight is not None:  # a voter who moved writes the old address, or the new one
            away += _WRITES_OLD_ADDRESS * _likelihood(person.ended_weight - n)
        registered = person.eligibility == "registered"
        here.append(p["here"] * at if registered else 0.0)
        moved.append(p["moved"] * away if registered else 0.0)
        canceled.append(0.0 if registered else p["canceled_here"] * at + p["canceled_moved"] * away)
        for one in person.registrations:
            if one.address.here:
                relative += p["relative"] * _likelihood(one.address.weight + one.name.family_weight - n)
    total = sum(here) + sum(moved) + sum(canceled) + relative + p["stranger"]
    here, moved, canceled = ([share / total for share in shares] for shares in (here, moved, canceled))
    return Posterior(here, moved, canceled, relative / total, p["stranger"] / total)


def _likelihood(weight: float) -> float:
    """The likelihood ratio of a match weight, bounded."""
    return exp(weight) if -_BOUND < weight < _BOUND else exp(_BOUND if weight > 0 else -_BOUND)


class CandidateSet(NamedTuple):
    """A line, the people it may be, and how likely each hypothesis is."""

    scorer: Scorer
    registrations: list[ComparedRegistration]
    persons: list[Person]
    posterior: Posterior
    county: CountyMembership
    by_name: bool  # the whole roll was searched for the name, not only the household

    @property
    def thresholds(self) -> Mapping[Threshold, float]:
        """The model's."""
        return self.scorer.model.thresholds


def compare_candidates(scorer: Scorer, candidates: Sequence[Registration], *, by_name: bool) -> CandidateSet:
    """Compare a line with the registrations that a search found, group them by person, and weigh the hypotheses.

    `by_name`: the whole roll was searched for the name; candidates found by chance are dropped.
    """
    worth = worth_comparing(scorer, candidates) if by_name else candidates
    compared = [scorer.compare(registration) for registration in worth]
    persons = group(compared)
    probabilities = posterior(persons, scorer.terms.registrations, scorer.model)
    county = county_membership(scorer.line, scorer.terms)
    return CandidateSet(scorer, compared, persons, probabilities, county, by_name)
