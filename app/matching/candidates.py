"""Looking voters up for a person: by name, by address, or by both, in the roll as it stood in an interval."""

from dataclasses import dataclass
from typing import Final, Literal

import asyncpg

from app.law.line import Writing
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching import queries as db
from app.matching.aliases import Aliases
from app.matching.blocking import KEY_COLUMNS
from app.matching.evidence import Candidate, candidate, rank_candidates
from app.matching.frequencies import TermFrequencies
from app.matching.lookup import find_in_ranges, find_keys, learn_for_wide_search, learn_streets, learn_words, roll_words
from app.matching.queries import Roll
from app.matching.reading import ReadLine, likely_readings, read_line
from app.matching.scoring import Scorer, default_model
from app.matching.search import (
    HOUSE_STREET,
    MOST_OF_A_HOUSE,
    Search,
    address_probe,
    registered_words,
    wide_search,
    written_words,
)

"""Policy: how many lookups a principal has a day (UTC), since they could be used to copy the roll (EC 2194)."""

MOST_CANDIDATES: Final = 20
# Of a range of each key so many are looked at: one line alone may look at more than one of a batch.
_MOST_OF_RANGES: Final = tuple(MOST_OF_A_HOUSE if at == HOUSE_STREET else 200 for at in range(len(KEY_COLUMNS)))
_MOST_OF_KEYS: Final = (MOST_OF_A_HOUSE,) * len(KEY_COLUMNS)

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


async def candidates_of(
    connection: asyncpg.Connection, county_id: str, roll_version: int, question: Question, aliases: Aliases
) -> FoundCandidates:
    """Who of this version of the roll the writing may mean, read with these aliases."""
    roll = Roll(connection, county_id, roll_version)
    words, line = await roll_words(roll), aliases.applied_to(read_line(question.writing))
    await learn_words(roll, words, [written_words([line])])
    line = likely_readings(line, words)
    await learn_streets(roll, words, [line])
    await learn_for_wide_search(roll, words, [line])
    found = await _registrations(roll, _search(line, words, question.kind))
    await learn_words(roll, words, [registered_words(found)])
    scorer = Scorer(line, words, default_model())
    ranked = rank_candidates(scorer, found, question.interval)
    best = ranked[:MOST_CANDIDATES]
    shown = [candidate(scorer, one) for one in best if not one.registration.confidential]
    return FoundCandidates(roll_version, shown, len(shown) < len(best), len(ranked) > len(best))


def _search(line: ReadLine, words: TermFrequencies, kind: Kind) -> Search:
    lived = address_probe(line, words)
    if kind == "address":
        return Search([lived], [])
    wide = wide_search(line, words)
    return Search([lived, *wide.ranges], wide.keys)


async def _registrations(roll: Roll, search: Search) -> list[Registration]:
    """The registrations that a search finds; of a range that holds too many those that agree in a third part."""
    ranges = await find_in_ranges(roll, [(0, probe) for probe in search.ranges], _MOST_OF_RANGES)
    keys = [(0, one.probe.narrowed(one.low)) for one in ranges if not one.whole]
    found = [one.hits for one in ranges if one.whole]
    keys += [(0, probe) for probe in search.keys]
    found += [one.hits for one in await find_keys(roll, keys, _MOST_OF_KEYS)]
    numbers = sorted({number for hits in found for number in hits.numbers})
    rows_of = await db.registrations(roll, numbers)
    return [rows_of[number] for number in numbers]
