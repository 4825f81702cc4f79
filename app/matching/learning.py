"""Learning a model from judged lines."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log
from operator import attrgetter
from random import Random
from typing import Final, Literal, NamedTuple

from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching.comparison import ADDRESS_FIELDS, NAME_FIELDS, Field
from app.matching.frequencies import TermFrequencies
from app.matching.model import Model, Prior, default_model
from app.matching.names import given_words, surname_parts
from app.matching.parsing import ParsedLine, likely_names
from app.matching.scoring import ComparedRegistration, Household, Scorer


class JudgedLine(NamedTuple):
    """A line that people have judged."""

    line: ParsedLine
    interval: SigningInterval
    reason: str | None  # that it is invalid for; None: it is valid
    own: Sequence[Registration]  # the signer's; empty where the signer is not in the roll
    household: Sequence[Registration]  # found at its address


_Field = Field | Literal["reading"]
_NAME_FIELDS: Final[tuple[_Field, ...]] = (*NAME_FIELDS, "reading")
# In how many ways an address comes to be of a level: the share of the level is spread over so many written addresses.
# For the unit, since a building counts by all who live in it: what share of its other units is of the level.
_WAYS: Final[Mapping[Field, Mapping[str, float]]] = {
    "house": {"near": 60, "far": 2_000, "other": 20_000, "missing": 50},
    "street": {"near": 3, "other": 5_000, "missing": 50},
    "way": {"other type": 2, "other direction": 2, "other": 4},
    "zip": {"near": 4, "other": 4},
    "unit": {"near": 0.05},
}
# Levels, of whatever field, that never speak for a registration, and those that say nothing of an address.
_NEVER_FOR: Final[frozenset[str]] = frozenset({"conflict", "missing", "added"})
_SILENT: Final[frozenset[str]] = frozenset({"none", "missing"})
_OTHERS_A_LINE: Final = 15
_NAMESAKES_A_LINE: Final = 5
_ROUNDS: Final = 2  # the weights choose the order of a name's words, and the orders the weights
_FAINT: Final = 0.5  # added to every count, so that what was never seen is rare and not impossible


@dataclass(slots=True)
class _Counts:
    """How often each level of each field was seen."""

    own: dict[_Field, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    other: dict[_Field, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    # Over others: the sum of exp(inverse document frequency of the word agreed upon).
    by_chance: dict[tuple[_Field, str], float] = field(default_factory=lambda: defaultdict(float))
    double: int = 0  # pairs with others in which the registered surname is a double one
    written_double: int = 0  # in which the written one is

    def add_other(self, scorer: Scorer, compared: ComparedRegistration, *fields: Field) -> None:
        """Count some fields of a registration that is not the signer's."""
        comparisons = compared.fields()
        for name in fields:
            level = comparisons[name].level
            idf = scorer.field_weight(name, comparisons[name]) - scorer.model.weights[name][level]
            self.other[name][level] += 1
            self.by_chance[name, level] += exp(idf)


def learn(judged: Sequence[JudgedLine], others: Sequence[Registration], terms: TermFrequencies) -> Model:
    """Return the default model with weights and priors learned from judged lines, the same for the same arguments.

    `others` is a sample of the roll, which shows how often the registrations of others agree by chance; `terms` has the
    frequencies of all words of the lines and of these registrations.
    """
    model = default_model()
    judged = [one._replace(line=likely_names(one.line, terms)) for one in judged]  # as the lookup reads them
    for _ in range(_ROUNDS):
        counts = _count(judged, others, terms, model)
        weights: dict[str, dict[str, float]] = {name: _name_weights(name, counts, model) for name in _NAME_FIELDS}
        weights |= {name: _address_weights(name, counts, model) for name in ADDRESS_FIELDS}
        model = replace(model, weights=weights)
    reasons = Counter(one.reason or "valid" for one in judged)
    source = {"lines": len(judged), "registrations": terms.registrations, "reasons": dict(sorted(reasons.items()))}
    hypotheses = Counter(_hypothesis(one, terms, model) for one in judged)
    total = len(judged) + _FAINT * len(model.priors)
    priors = {prior: (hypotheses[prior] + _FAINT) / total for prior in model.priors}
    return replace(model, priors=priors, learned_from=source)


def _count(judged: list[JudgedLine], others: Sequence[Registration], terms: TermFrequencies, model: Model) -> _Counts:
    counts = _Counts()
    draw = Random(0)  # noqa: S311 - every run draws the same, and nothing is secret
    by_first_name: dict[str, list[Registration]] = defaultdict(list)  # where they agree, middle names are compared
    for registration in others:
        for first in given_words(registration.first_name)[:1]:
            by_first_name[first].append(registration)
    for one in judged:
        scorer = Scorer(one.line, one.interval, terms, model)
        scorer.set_household(Household(1, {}))
        if one.reason is None and one.own:
            own = max(map(scorer.compare, one.own), key=attrgetter("weight"))
            counts.own["reading"][own.name.order] += 1
            for compared_field, comparison in own.fields().items():
                counts.own[compared_field][comparison.level] += 1
        name = next(iter(one.line.names), None)
        for registration in draw.choices(others, k=_OTHERS_A_LINE):
            counts.double += len(surname_parts(registration.last_name)) > 1
            counts.written_double += name is not None and len(name.surname) > 1
            counts.add_other(scorer, scorer.compare(registration), "surname", "given", "suffix")
        namesakes = by_first_name.get(name.given[0]) if name and name.given else None
        for registration in draw.choices(namesakes, k=_NAMESAKES_A_LINE) if namesakes else ():
            counts.add_other(scorer, scorer.compare(registration), "middle")
    return counts


def _name_weights(name: _Field, counts: _Counts, model: Model) -> dict[str, float]:
    """Log of the share among own registrations over the share (weighed by word frequency) among others."""
    levels, own, other = list(model.weights[name]), counts.own[name].copy(), counts.other[name].copy()
    if name == "reading":  # how people write, whichever registration is compared
        return {level: log((own[level] + _FAINT) / (own.total() + _FAINT * len(levels))) for level in levels}
    if name == "middle":  # says nothing where the first names differ
        del own["none"], other["none"]
    n_own, n_other = own.total() + _FAINT * len(levels), other.total() + _FAINT * len(levels)
    # A chance agreement on a whole word counts as one over the word's share. Over all words these add up to the pairs
    # in which the word could have been the same. To count the few in which it was comes nowhere near: one agreement on
    # a rare word weighs as much as a thousand on a common one.
    expected = {
        "surname": {"exact": other.total(), "part": 2 * counts.double, "longer": 2 * counts.written_double},
        "given": {"exact": other.total()},
        "middle": {"same": other["same"] + other["alike"] + other["conflict"]},
    }
    whole, weights = expected.get(name, {}), dict[str, float]()
    for level in levels:
        agreed = whole.get(level, max(counts.by_chance[name, level], other[level]))
        weight = log((own[level] + _FAINT) / n_own) - log((agreed + _FAINT) / n_other)
        weights[level] = min(weight, 0.0) if level in _NEVER_FOR else weight
    return weights | dict.fromkeys({"none"} & weights.keys(), 0.0)


def _address_weights(name: Field, counts: _Counts, model: Model) -> dict[str, float]:
    """Log of the level's share among own registrations, spread over the ways of coming to it."""
    levels, ways, own = list(model.weights[name]), _WAYS[name], counts.own[name].copy()
    silent = [level for level in levels if level in _SILENT and level not in ways]
    for level in silent:
        del own[level]
    total = own.total() + _FAINT * len(levels)
    weights = {level: log((own[level] + _FAINT) / total / ways.get(level, 1)) for level in levels}
    return weights | dict.fromkeys(silent, 0.0)


def _hypothesis(one: JudgedLine, terms: TermFrequencies, model: Model) -> Prior:
    if one.reason is None:
        return "here"
    if one.reason == "different_address":
        return "moved"
    scorer = Scorer(one.line, one.interval, terms, model)
    if one.own:
        here = any(scorer.compare(r).address.here for r in one.own)
        return "canceled_here" if here else "canceled_moved"
    kin = any(n.address.here and n.name.has_surname for n in map(scorer.compare, one.household))
    return "relative" if kin else "stranger"
