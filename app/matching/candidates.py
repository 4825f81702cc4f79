"""Looking voters up for a person: by name, by address, or by both, in the roll as it stood in an interval."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from app.law.line import Writing
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching import queries as db
from app.matching.blocking import KEY_COLUMNS
from app.matching.evidence import Candidate, candidate, rank_candidates
from app.matching.frequencies import TermFrequencies
from app.matching.parsing import ParsedLine, likely_names, parse_line
from app.matching.queries import SearchedRoll
from app.matching.roll_cache import TERM_CACHE, load_corrections, load_counts
from app.matching.scoring import Scorer, default_model
from app.matching.search import (
    MAX_RESIDENTS,
    WideSearch,
    address_query,
    name_terms,
    registered_terms,
    street_terms,
    wide_search,
    wide_search_terms,
    written_terms,
)

"""Policy: how many lookups a principal has a day (UTC), since they could be used to copy the roll (EC 2194)."""

MOST_CANDIDATES: Final = 20
# How many matches of a range and of a single key are looked at: for one line they may be more than for one of a batch.
_RANGE_LIMITS: Final = MappingProxyType(dict.fromkeys(KEY_COLUMNS, 200) | {"key_house_street": MAX_RESIDENTS})
_KEY_LIMITS: Final = MappingProxyType(dict.fromkeys(KEY_COLUMNS, MAX_RESIDENTS))

Kind = Literal["name", "address", "name_and_address"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, and when it was written."""

    writing: Writing
    interval: SigningInterval

    @property
    def asks(self) -> bool:
        """Whether there is anything to look for."""
        return self._named or self._addressed

    @property
    def kind(self) -> Kind:
        """What the search goes by."""
        if self._named and self._addressed:
            return "name_and_address"
        return "name" if self._named else "address"

    @property
    def _named(self) -> bool:
        parts = self.writing.name
        text = f"{parts.first}{parts.middle}{parts.last}" if parts else self.writing.printed_name
        return bool(text.strip())

    @property
    def _addressed(self) -> bool:
        return bool(self.writing.residence_address.strip())


@dataclass(frozen=True, slots=True)
class FoundCandidates:
    """The candidates that may be shown, best first.

    `confidential`: among the best there are voters whose registration is confidential (EC 2166 ff.); they are left out
    with all that would tell who or where they are.
    """

    roll_version: int
    candidates: list[Candidate]
    confidential: bool
    more: bool  # further candidates were found, which fit less


async def candidates_of(roll: SearchedRoll, question: Question) -> FoundCandidates:
    """Return the voters of the roll whom the writing may mean."""
    terms, line = await TERM_CACHE.terms_of(roll), roll.aliases.applied_to(parse_line(question.writing))
    await load_counts(roll, terms, written_terms([line]))
    line = likely_names(line, terms)
    await load_counts(roll, terms, wide_search_terms([line], terms))
    await load_corrections(roll, terms, street_terms([line]) | name_terms([line]))
    found = await _registrations(roll, _search(line, terms, question.kind))
    await load_counts(roll, terms, registered_terms(found))
    scorer = Scorer(line, terms, default_model())
    ranked = rank_candidates(scorer, found, question.interval)
    best = ranked[:MOST_CANDIDATES]
    shown = [candidate(scorer, one) for one in best if not one.registration.confidential]
    return FoundCandidates(roll.roll_version, shown, len(shown) < len(best), len(ranked) > len(best))


def _search(line: ParsedLine, terms: TermFrequencies, kind: Kind) -> WideSearch:
    at_address = address_query(line, terms)
    if kind == "address":
        return WideSearch([at_address], [])
    wide = wide_search(line, terms)
    return WideSearch([at_address, *wide.ranges], wide.keys)


async def _registrations(roll: SearchedRoll, search: WideSearch) -> list[Registration]:
    """The registrations that a search finds; of a range with too many matches those that agree in a third part."""
    ranges = await db.matches_in_ranges(roll, [(0, query) for query in search.ranges], _RANGE_LIMITS)
    narrowed = [one.query.narrowed(one.key) for one in ranges if not one.complete]
    keys = await db.matches_of_keys(roll, [(0, query) for query in (*narrowed, *search.keys)], _KEY_LIMITS)
    found = [one.matches for one in ranges if one.complete] + [one.matches for one in keys]
    numbers = sorted({number for matches in found for number in matches.numbers})
    rows_of = await db.registrations(roll, numbers)
    return [rows_of[number] for number in numbers]
