"""Learning a model from judged lines, and reporting how far its probabilities can be believed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from random import Random
from typing import Any, Final, NamedTuple

from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching.frequencies import TermFrequencies
from app.matching.hypotheses import SURE_SURNAME
from app.matching.names import given_words, surname_parts
from app.matching.parsing import ParsedLine, likely_names
from app.matching.scoring import Household, Model, Scored, Scorer


class JudgedLine(NamedTuple):
    """A line that people have judged: the reason it is invalid for (None: it is valid), and the signer's registrations.

    `own` is empty where the signer is not in the roll. `household` are the registrations found at its address.
    """

    line: ParsedLine
    interval: SigningInterval
    reason: str | None
    own: Sequence[Registration]
    household: Sequence[Registration]


_NAME_FIELDS: Final = ("surname", "given", "middle", "suffix", "reading")
_ADDRESS_FIELDS: Final = ("house", "street", "way", "unit", "zip")
# In how many ways an address comes to be of a level: the share of the level is spread over so many written addresses.
# For the unit, since a building counts by all who live in it: what share of its other units is of the level.
_WAYS: Final[Mapping[str, Mapping[str, float]]] = {
    "house": {"near": 60, "far": 2_000, "other": 20_000, "missing": 50},
    "street": {"near": 3, "other": 5_000, "missing": 50},
    "way": {"other type": 2, "other direction": 2, "other": 4},
    "zip": {"near": 4, "other": 4},
    "unit": {"near": 0.05},
}
_OTHERS_A_LINE: Final = 15
_NAMESAKES_A_LINE: Final = 5
_ROUNDS: Final = 2  # the weights choose the readings, and the readings the weights
_FAINT: Final = 0.5  # added to every count, so that what was never seen is rare and not impossible


@dataclass(slots=True)
class _Counts:
    own: dict[str, Counter[str]]
    other: dict[str, Counter[str]]
    rare: dict[str, dict[str, float]]  # over others: the sum of exp(rarity) by field and level
    of_two: int = 0  # pairs with others in which the registered surname is a double one
    written_of_two: int = 0  # in which the written one is


def learn(
    judged: Sequence[JudgedLine], others: Sequence[Registration], words: TermFrequencies, start: Model, version: str
) -> Model:
    """Return a model with weights and priors learnt from judged lines.

    `others` is a sample of the roll, to see how often strangers agree by chance; `start` gives the levels, caps and
    thresholds. The same arguments give the same model.
    """
    model = start
    judged = [one._replace(line=likely_names(one.line, words)) for one in judged]  # as the lookup reads them
    for _ in range(_ROUNDS):
        counts = _count(judged, others, words, model)
        weights = {field: _name_weights(field, counts, model) for field in _NAME_FIELDS}
        weights |= {field: _address_weights(field, counts, model) for field in _ADDRESS_FIELDS}
        model = replace(model, version=version, weights=weights)
    reasons = Counter(one.reason or "valid" for one in judged)
    learnt_from = {"lines": len(judged), "registrations": words.registrations, "reasons": dict(sorted(reasons.items()))}
    return replace(model, priors=_priors(judged, words, model), learnt_from=learnt_from)


def _count(
    judged: Sequence[JudgedLine], others: Sequence[Registration], words: TermFrequencies, model: Model
) -> _Counts:
    fields = (*_NAME_FIELDS, *_ADDRESS_FIELDS)
    counts = _Counts({f: Counter() for f in fields}, {f: Counter() for f in fields}, {f: {} for f in _NAME_FIELDS})
    draw = Random(0)  # noqa: S311 - the same draw for everybody, and nothing secret
    called = _by_given_name(others)
    for one in judged:
        scorer = Scorer(one.line, words, model)
        scorer.count_household(Household(1, {}))
        if one.reason is None and one.own:
            best = max((scorer.score(r, one.interval) for r in one.own), key=lambda scored: scored.weight)
            for field, level in _levels(best):
                counts.own[field][level] += 1
        for registration in draw.choices(others, k=_OTHERS_A_LINE):
            scored = scorer.score(registration, one.interval)
            counts.of_two += len(surname_parts(registration.last_name)) > 1
            counts.written_of_two += len(one.line.names[0].surname) > 1
            for field in ("surname", "given", "suffix", "reading"):
                _count_other(counts, field, scorer, scored)
        first = one.line.names[0].given[:1] if one.line.names else ()
        if first and first[0] in called:
            for registration in draw.choices(called[first[0]], k=_NAMESAKES_A_LINE):
                _count_other(counts, "middle", scorer, scorer.score(registration, one.interval))
    return counts


def _by_given_name(others: Sequence[Registration]) -> dict[str, list[Registration]]:
    """The registrations by first name: middle names are compared where the first names agree."""
    called: dict[str, list[Registration]] = {}
    for registration in others:
        for first in given_words(registration.first_name)[:1]:
            called.setdefault(first, []).append(registration)
    return called


def _count_other(counts: _Counts, field: str, scorer: Scorer, scored: Scored) -> None:
    level = dict(_levels(scored))[field]
    counts.other[field][level] += 1
    rare = counts.rare[field]
    rare[level] = rare.get(level, 0.0) + exp(_rarity(scorer, field, scored))


def _levels(scored: Scored) -> list[tuple[str, str]]:
    name, address = scored.name.levels, scored.address.levels
    return [
        ("surname", name.surname.level), ("given", name.given.level), ("middle", name.middle.level),
        ("suffix", name.suffix), ("reading", scored.name.reading),
        ("house", address.house), ("street", address.street.level), ("way", address.way),
        ("unit", address.unit), ("zip", address.zip),
    ]  # fmt: skip


def _rarity(scorer: Scorer, field: str, scored: Scored) -> float:
    """The part of the field's weight that the word's rarity makes."""
    levels = scored.name.levels
    one = {"surname": levels.surname, "given": levels.given, "middle": levels.middle}.get(field)
    return scorer.field_weight(field, one) - scorer.model.weights[field][one.level] if one else 0.0


def _name_weights(field: str, counts: _Counts, model: Model) -> dict[str, float]:
    """Log of the share among own registrations over the share (weighed by rarity) among others."""
    own, other, rare = counts.own[field], counts.other[field], counts.rare[field]
    levels = list(model.weights[field])
    if field == "reading":  # how people write, whoever is compared
        return {level: log((own[level] + _FAINT) / (own.total() + _FAINT * len(levels))) for level in levels}
    if field == "middle":  # says nothing where the first names differ
        own, other = _without(own, "none"), _without(other, "none")
    n_own, n_other = own.total() + _FAINT * len(levels), other.total() + _FAINT * len(levels)
    weights = {}
    whole = _agreements(field, counts)
    for level in levels:
        agreed = whole.get(level, max(rare.get(level, 0.0), other[level]))
        weights[level] = log((own[level] + _FAINT) / n_own) - log((agreed + _FAINT) / n_other)
    bounded = {level: min(weights[level], 0.0) for level in ("conflict", "missing", "added") if level in weights}
    return weights | bounded | {level: 0.0 for level in ("none",) if level in weights}


def _agreements(field: str, counts: _Counts) -> dict[str, float]:
    """The chance agreements on a whole word, each counted as one over the word's share, that are to be expected.

    Over all words these add up to the pairs in which the word could have been the same. To count the few in which it
    was comes nowhere near: one agreement on a rare word weighs as much as a thousand on a common one.
    """
    other = counts.other[field]
    if field == "surname":
        return {"exact": other.total(), "part": 2 * counts.of_two, "longer": 2 * counts.written_of_two}
    if field == "given":
        return {"exact": other.total()}
    return {"same": other["same"] + other["alike"] + other["conflict"]} if field == "middle" else {}


def _without(counts: Counter[str], level: str) -> Counter[str]:
    return Counter({key: count for key, count in counts.items() if key != level})


def _address_weights(field: str, counts: _Counts, model: Model) -> dict[str, float]:
    """Log of the level's share among own registrations, spread over the ways of coming to it."""
    levels, ways = list(model.weights[field]), _WAYS[field]
    silent = [level for level in ("none", "missing") if level in levels and level not in ways]
    own = Counter({level: count for level, count in counts.own[field].items() if level not in silent})
    total = own.total() + _FAINT * len(levels)
    weights = {level: log((own[level] + _FAINT) / total / ways.get(level, 1)) for level in levels}
    return weights | dict.fromkeys(silent, 0.0)


def _priors(judged: Sequence[JudgedLine], words: TermFrequencies, model: Model) -> dict[str, float]:
    """The shares of the stories among the lines."""
    stories = Counter(dict.fromkeys(model.priors, _FAINT))
    for one in judged:
        stories[_story(one, words, model)] += 1
    return {story: stories[story] / stories.total() for story in model.priors}


def _story(one: JudgedLine, words: TermFrequencies, model: Model) -> str:
    scorer = Scorer(one.line, words, model)
    own = [scorer.score(r, one.interval) for r in one.own]
    if one.reason is None:
        return "here"
    if one.reason == "different_address":
        return "moved"
    if own:
        return "canceled_here" if any(s.address.here for s in own) else "canceled_moved"
    neighbours = (scorer.score(r, one.interval) for r in one.household)
    kin = any(s.address.here and s.name.levels.surname.level in SURE_SURNAME for s in neighbours)
    return "relative" if kin else "stranger"


def report(decided: Iterable[tuple[float, bool]], bins: Sequence[float]) -> list[dict[str, Any]]:
    """Return for each band of probability how many were decided so, and how many of them were right.

    `decided` holds the probability a decision claimed and whether it was right; `bins` the bands' upper ends, rising.
    """
    table = [{"to": end, "lines": 0, "claimed": 0.0, "right": 0} for end in bins]
    for probability, right in decided:
        band = next((row for row in table if probability <= row["to"]), table[-1])
        band["lines"] += 1
        band["claimed"] += probability
        band["right"] += right
    return [{**row, "claimed": row["claimed"] / row["lines"] if row["lines"] else None} for row in table]
