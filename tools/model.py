"""Learns the matcher's weights from lines that people judged, and measures its probabilities by them.

    python -m tools.model learn --petition ID --version NAME --out FILE
    python -m tools.model report --petition ID

For the people who develop the matcher: a learned model is put into app/matching/data, reviewed, and released. The
settings are those of the service; run it from the folder of the project.
"""

import argparse
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log, sqrt
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple

import asyncpg

from app.cli.common import PETITION, Arguments, CommandError, an_id, command, the_petition
from app.count.line_queries import signatures_at
from app.count.queries import section_dates
from app.database.pools import Database
from app.errors import NoRollError, OperationalError, RecallError
from app.examination.quality_queries import judgments_of
from app.law.line import Signature
from app.law.petition import Petition, SigningInterval, signing_interval
from app.law.quality import DecidedLine
from app.law.registration import Registration
from app.matching import lookup, parsing, search
from app.matching import queries as db
from app.matching.comparison import ADDRESS_FIELDS, NAME_FIELDS, Field
from app.matching.decision import Decision
from app.matching.frequencies import TermFrequencies
from app.matching.model import Model, Prior, default_model, model_to_json
from app.matching.names import given_words, surname_parts
from app.matching.parsing import ParsedLine, likely_names
from app.matching.scoring import ComparedRegistration, Household, Scorer
from app.roll.queries import registrations_of_voters


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
# Levels that count as often as they may be at most: so few write another given name that the mean says little.
_AT_MOST: Final[frozenset[str]] = frozenset({"other", "other, no middle", "other, same initial"})


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
        seen = _upper(own[level]) if name == "given" and level in _AT_MOST else own[level] + _FAINT
        weight = log(seen / n_own) - log((agreed + _FAINT) / n_other)
        weights[level] = min(weight, 0.0) if level in _NEVER_FOR else weight
    return weights | dict.fromkeys({"none"} & weights.keys(), 0.0)


def _upper(count: int) -> float:
    """The upper end of the 95 % interval of a Poisson count, about: 3.6 where nothing was seen."""
    return count + 2 + 1.65 * sqrt(count + 1)


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


_BANDS: Final = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)  # their upper ends
_LEARNED_FROM: Final = frozenset({"not_registered", "out_of_county", "different_address", "canceled"})
_NO_VOTER: Final = frozenset({"not_registered", "out_of_county"})
_SAMPLE: Final = 20_000  # registrations that show how often others agree by chance
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class JudgedWriting:
    """What a person decided on a line, with its writing and interval."""

    decided: DecidedLine
    writing: Signature
    interval: SigningInterval

    @property
    def reason(self) -> str | None:
        """Why the line is invalid by itself; None where it is good, whether or not it counts."""
        return None if self.decided.outcome.eligible else self.decided.outcome.reason

    @property
    def signer(self) -> str:
        """The voter who signed; '' if the signer is no voter of the roll, whichever the lookup suggested."""
        return "" if self.reason in _NO_VOTER else self.decided.voter_id or ""


class Band(NamedTuple):
    """The decisions that claimed a probability up to `to` and above the band before."""

    to: float
    lines: int
    claimed: float  # on average
    right: int


async def learn_model(database: Database, petitions: Sequence[Petition], version: str) -> tuple[Model, int]:
    """Return a model learned from the judged lines of one county's petitions, and the number of these lines.

    The priors are the shares of the hypotheses among the judged lines: they are right for a petition of which people
    judged every line, or a random part.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petitions[0].county_id)
        writings = [judged for petition in petitions for judged in await _judged_writings(connection, petition)]
        judged = await _judged(roll, [one for one in writings if one.reason is None or one.reason in _LEARNED_FROM])
        terms = await lookup.TERM_CACHE.terms_of(roll)
        numbers = range(1, terms.registrations + 1, max(1, terms.registrations // _SAMPLE))  # always the same ones
        found = await db.registrations(roll, list(numbers))
        others = [found[number] for number in sorted(found)]
        compared = [*others, *(r for one in judged for r in (*one.own, *one.household))]
        written = search.written_words(one.line for one in judged)
        await lookup.load_counts(roll, terms, written, search.registered_words(compared))
        return replace(learn(judged, others, terms), version=version), len(judged)


async def report_model(database: Database, petition: Petition) -> list[Band]:
    """Return how often people agree with the current model, by band of the probability that it claims.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petition.county_id)
        judged = await _judged_writings(connection, petition)
        bands: list[list[tuple[float, bool]]] = [[] for _ in _BANDS]
        for batch in (judged[at : at + _BATCH] for at in range(0, len(judged), _BATCH)):
            lines = [lookup.LineToDecide(one.writing, one.interval) for one in batch]
            for claimed, right in filter(None, map(_claim, batch, await lookup.decide_lines(roll, lines))):
                bands[bisect_left(_BANDS, claimed)].append((claimed, right))
    return [
        Band(end, len(band), sum(claimed for claimed, _ in band) / len(band), sum(right for _, right in band))
        for end, band in zip(_BANDS, bands, strict=True)
        if band
    ]


def _claim(judged: JudgedWriting, decision: Decision) -> tuple[float, bool] | None:
    """The probability that a decision claims, and whether the person agrees; None if it is left to a person."""
    if decision.here is None or decision.outcome.status == "review":
        return None
    if decision.outcome.status == "valid":
        return decision.here, judged.reason is None and judged.decided.voter_id == decision.voter_id
    return 1 - decision.here, judged.reason is not None


async def _active(connection: asyncpg.Connection, county_id: str) -> db.SearchedRoll:
    roll, *_ = await lookup.in_use(connection, county_id)
    if roll is None:
        raise NoRollError
    return roll


async def _judged_writings(connection: asyncpg.Connection, petition: Petition) -> list[JudgedWriting]:
    found = await judgments_of(connection, petition.key)
    lines = await signatures_at(connection, petition.key, found)
    _, declared, _ = await section_dates(connection, petition.key, {place.section for place in found})
    return [
        JudgedWriting(decided, lines[place], interval)
        for place, decided in found.items()
        if (interval := signing_interval(petition.window, declared.get(place.section)))
    ]


async def _judged(roll: db.SearchedRoll, writings: Sequence[JudgedWriting]) -> list[JudgedLine]:
    lines = [roll.aliases.applied_to(parsing.parse_line(one.writing)) for one in writings]
    voters = sorted({one.signer for one in writings})
    own: dict[str, list[Registration]] = defaultdict(list)
    for registration in await registrations_of_voters(roll, voters):
        own[registration.voter_id].append(registration)
    strangers = {at: lines[at] for at, one in enumerate(writings) if one.reason is not None and not one.signer}
    households = await _households(roll, strangers)
    return [
        JudgedLine(line, one.interval, one.reason, own[one.signer], households[at])
        for at, (one, line) in enumerate(zip(writings, lines, strict=True))
    ]


async def _households(roll: db.SearchedRoll, lines: Mapping[int, parsing.ParsedLine]) -> dict[int, list[Registration]]:
    """The registrations at the addresses of lines whose signers are not on the roll: perhaps relatives."""
    terms = await lookup.TERM_CACHE.terms_of(roll)
    await lookup.load_counts(roll, terms, search.written_words(lines.values()))
    made = await lookup.searches(roll, terms, lines.values())
    ranges = [(at, low) for at, one in zip(lines, made, strict=True) for low in one.at_address().keys]
    residents = await db.residents(roll, ranges, search.MAX_RESIDENTS)
    rows = await db.registrations(roll, sorted({number for _, number, *_ in residents}))
    found: dict[int, list[Registration]] = defaultdict(list)
    for at, number, *_ in residents:
        found[at].append(rows[number])
    return found


async def _learn(arguments: Arguments, database: Database) -> None:
    petitions = [await the_petition(database, petition_id) for petition_id in arguments.petition]
    if len({petition.county_id for petition in petitions}) > 1:
        raise CommandError("the petitions are of several counties, whose rolls differ: name petitions of one county")
    model, lines = await learn_model(database, petitions, arguments.version)
    if not lines:
        raise CommandError("people have judged no line yet that a model could be learned from")
    try:
        with arguments.out.open("x", encoding="utf-8") as file:
            file.write(model_to_json(model))
    except FileExistsError:
        raise CommandError(f"{arguments.out} exists already: name a new file") from None
    print(f"{arguments.version}, learned from {lines:,} judged lines")


async def _report(arguments: Arguments, database: Database) -> None:
    print(bands_as_text(await report_model(database, arguments.petition)))


def bands_as_text(bands: Sequence[Band]) -> str:
    """The report as a table: for each band of probability, the mean that was claimed and how often people agree."""
    rows = [f"{b.to:>13} {b.claimed:>10.4f} {b.lines:>9,} {b.right / b.lines:>13.4f}" for b in bands]
    return "\n".join([f"{'claimed up to':>13} {'on average':>10} {'lines':>9} {'people agree':>13}", *rows])


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m tools.model", description="The matcher's weights.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "learn the weights from the lines that people judged, at best from every line of a petition"
    learning = command(commands, "learn", text, _learn)
    text = "the petition's id; several are allowed, of one county"
    learning.add_argument("--petition", required=True, type=an_id, action="append", metavar="ID", help=text)
    learning.add_argument(
        "--version", required=True, metavar="NAME", help="the model's name, which its findings record"
    )
    learning.add_argument("--out", required=True, type=Path, metavar="FILE", help="a new JSON file")
    text = "compare the probabilities that the model in use claims with how often people agree"
    command(commands, "report", text, _report, PETITION)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (OperationalError, RecallError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
