"""Looking voters up for a person: by name, by address, or by both, in the roll as it stood in an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from app.law.line import Signature
from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration
from app.matching import evidence, lookup, parsing, search
from app.matching import queries as db
from app.matching.blocking import KEY_COLUMNS
from app.matching.comparison import ADDRESS_FIELDS, NAME_FIELDS, REST_IN_WORDS, Field, level_in_words
from app.matching.model import default_model
from app.matching.scoring import ComparedRegistration, Scorer

MOST_CANDIDATES: Final = 20
# How many matches of a range and of a single key are looked at: for one line they may be more than for one of a batch.
_RANGE_LIMITS: Final = MappingProxyType(dict.fromkeys(KEY_COLUMNS, 200) | {"key_house_street": search.MAX_RESIDENTS})
_KEY_LIMITS: Final = MappingProxyType(dict.fromkeys(KEY_COLUMNS, search.MAX_RESIDENTS))

Kind = Literal["name", "address", "name_and_address"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, and when it was written."""

    writing: Signature
    interval: SigningInterval
    district: str | None = None  # of the office that a line like this is about; None: it is the whole county's

    @property
    def kind(self) -> Kind | None:
        """What the search goes by; None if there is nothing to look for."""
        parts = self.writing.name
        name = ("".join(parts[:3]) if parts else self.writing.printed_name).strip()
        if self.writing.residence_address.strip():
            return "name_and_address" if name else "address"
        return "name" if name else None


@dataclass(frozen=True, slots=True)
class WrittenField:
    """One field of one candidate. `weight` is a natural logarithm: above 0 it speaks for the candidate."""

    field: str
    written: str
    roll: str
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A voter of the roll whom the writing may mean, by the registration that fits it best."""

    registration: Registration
    eligibility: Eligibility  # in the interval that was asked about
    weight: float
    fields: tuple[WrittenField, ...]


@dataclass(frozen=True, slots=True)
class FoundCandidates:
    """The candidates, best first. Voters whose registration is confidential (EC 2166 ff.) are in no search."""

    roll_version: int
    candidates: list[Candidate]
    more: bool  # further candidates were found, which fit less


async def candidates_of(roll: db.SearchedRoll, question: Question) -> FoundCandidates:
    """Return the voters of the roll whom the writing may mean."""
    terms = await lookup.TERM_CACHE.terms_of(roll)
    line = roll.aliases.applied_to(parsing.parse_line(question.writing))
    await lookup.load_counts(roll, terms, search.written_words([line]))
    line = parsing.likely_names(line, terms)
    [its_search] = await lookup.searches(roll, terms, [line])
    wide = search.WideSearch([], []) if question.kind in {"address", None} else its_search.wide()
    found = await _registrations(roll, wide._replace(ranges=[its_search.at_address(), *wide.ranges]))
    await lookup.load_counts(roll, terms, search.registered_words(found))
    scorer = Scorer(line, question.interval, terms, default_model())
    ranked = _ranked(scorer, found)
    best = [_candidate(scorer, one) for one in ranked[:MOST_CANDIDATES]]
    return FoundCandidates(roll.roll_version, best, len(ranked) > len(best))


async def confidential_candidates_of(roll: db.SearchedRoll, question: Question) -> list[Candidate]:
    """Return the confidential voters whose name may be the written one, best first: for their officer alone."""
    terms = await lookup.TERM_CACHE.terms_of(roll)
    line = roll.aliases.applied_to(parsing.parse_line(question.writing))
    await lookup.load_counts(roll, terms, search.written_words([line]))
    scorer = Scorer(parsing.likely_names(line, terms), question.interval, terms, default_model())
    found = await db.confidential_registrations(roll, scorer.confidential_names_like())
    await lookup.load_counts(roll, terms, search.registered_words(found))
    return [_candidate(scorer, one) for one in _ranked(scorer, found)[:MOST_CANDIDATES]]


async def _registrations(roll: db.SearchedRoll, wide: search.WideSearch) -> list[Registration]:
    """The registrations that a search finds; of a range with too many matches those that agree in a third part."""
    ranges = await db.find_matches(roll, [(0, query) for query in wide.ranges], _RANGE_LIMITS, ranges=True)
    narrowed = [one.query.narrowed(one.key) for one in ranges if not one.complete]
    keys = await db.find_matches(roll, [(0, query) for query in (*narrowed, *wide.keys)], _KEY_LIMITS, ranges=False)
    found = [*(one for one in ranges if one.complete), *keys]
    numbers = sorted({number for matches in found for number in matches.numbers})
    rows_of = await db.registrations(roll, numbers)
    return [rows_of[number] for number in numbers]


def _ranked(scorer: Scorer, found: Sequence[Registration]) -> list[ComparedRegistration]:
    """The voters behind the registrations, the best first, each by the one that fits best: one in force, if any is."""

    def fit(one: ComparedRegistration) -> tuple[bool, float, int]:
        return one.eligibility != "registered", -one.weight, one.registration.registration_no

    best: dict[str, ComparedRegistration] = {}
    for one in sorted(map(scorer.compare, found), key=fit):
        best.setdefault(one.registration.voter_id, one)
    return sorted(best.values(), key=lambda one: (-_weight(scorer.line, one), one.registration.voter_id))


def _weight(line: parsing.ParsedLine, one: ComparedRegistration) -> float:
    """The weight of what is written: a name or an address that is not looked for weighs nothing."""
    return one.name.weight * bool(line.names) + one.address.weight * bool(line.addresses)


def _candidate(scorer: Scorer, one: ComparedRegistration) -> Candidate:
    """A candidate as it is shown: the fields that are written, and last what belongs to no single field."""
    line, weight = scorer.line, round(_weight(scorer.line, one), 2)
    written, compared = _written_fields(line, one), evidence.field_evidence(scorer, one)
    fields = [
        WrittenField(field, written[field], roll, level_in_words(field, compared[field], written[field]), field_weight)
        for field, (roll, _, field_weight) in compared.items()
        if (line.names if field in NAME_FIELDS else line.addresses)
    ]
    rest = WrittenField("rarity", "", "", REST_IN_WORDS, round(weight - sum(f.weight for f in fields), 2))
    return Candidate(one.registration, one.eligibility, weight, (*fields, rest))


def _written_fields(line: parsing.ParsedLine, one: ComparedRegistration) -> dict[Field, str]:
    """The written value of each field, of the name's order and the address that the candidate was compared with."""
    written = dict.fromkeys((*NAME_FIELDS, *ADDRESS_FIELDS), "")
    if names := line.names:
        name = next((name for name in names if name.order == one.name.order), names[0])
        first, *middle = name.given or ("",)
        written |= {"surname": " ".join(name.surname), "given": first, "middle": " ".join(middle)}
    if line.addresses:
        address = evidence.address_parts(line.addresses[one.address.written])
        written |= {field: address.get(field, "") for field in ADDRESS_FIELDS}
    return written | {"suffix": line.suffix, "zip": line.zip}
