"""Looking voters up for a person: by name, by address, or by both, in the roll as it stood in an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final, Literal

import asyncpg

from app.actions.aliases_in_use import in_use
from app.actions.ids import new_id
from app.actions.lookup import LineToDecide, decide_lines
from app.actions.probing import find_in_ranges, find_keys
from app.actions.roll_words import learn_for_wide_search, learn_streets, learn_words, roll_words
from app.db import candidates as db
from app.db import voter_search as rows
from app.db.candidates import Roll
from app.db.engine import Database
from app.domain.aliases import Aliases
from app.domain.blocking import KEY_COLUMNS
from app.domain.candidates import Candidate, candidate, rank_candidates
from app.domain.errors import LookupBudgetError, NoRollError
from app.domain.keys import Principal, Role
from app.domain.line import Interval, ReadLine, read_line
from app.domain.matching import Decision
from app.domain.model import default_model
from app.domain.readings import likely_readings
from app.domain.scoring import Scorer
from app.domain.search import (
    HOUSE_STREET,
    MOST_OF_A_HOUSE,
    Search,
    address_probe,
    registered_words,
    wide_search,
    written_words,
)
from app.domain.signature import Writing
from app.domain.voter import Registration
from app.domain.words import Words

LOOKUPS_A_DAY: Final[Mapping[Role, int]] = MappingProxyType({"clerk": 2_000, "supervisor": 2_000, "system": 500})
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
    interval: Interval

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
class Found:
    """The candidates that may be shown, best first.

    `confidential`: among the best there are voters whose registration is confidential (EC 2166 ff.); they are left out
    with all that would tell who or where they are.
    """

    roll_version: int
    candidates: list[Candidate]
    confidential: bool
    more: bool  # further candidates were found, which fit less


@dataclass(frozen=True, slots=True)
class Looked:
    """The answer to a lookup; the decision where a name and an address were given, as a line would get it."""

    found: Found
    decision: Decision | None


async def look_up(database: Database, who: Principal, question: Question, *, now: datetime) -> Looked:
    """Look voters up, take it off the principal's lookups of the day and put it on record, in one transaction.

    Raises:
        LookupBudgetError: none is left for today.
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection, connection.transaction():
        most = LOOKUPS_A_DAY[who.role]
        if not await rows.take_lookup(connection, who.county_id, who.name, now.astimezone(UTC).date(), most):
            raise LookupBudgetError(retry_after=_until_tomorrow(now))
        roll_version, aliases = await in_use(connection, who.county_id)
        if roll_version is None:
            raise NoRollError
        found = await candidates_of(connection, who.county_id, roll_version, question, aliases)
        decision = await _decision(connection, who.county_id, roll_version, question, aliases)
        lookup = rows.Lookup(
            new_id(now),
            who.name,
            who.role,
            question.kind,
            found.roll_version,
            len(found.candidates),
            found.confidential,
            now,
        )
        await rows.add_lookup(connection, who.county_id, lookup)
    return Looked(found, decision)


def _until_tomorrow(now: datetime) -> int:
    """Whole seconds from now to midnight UTC, at least 1."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return int((midnight - now).total_seconds()) + 1


async def _decision(
    connection: asyncpg.Connection, county_id: str, roll_version: int, question: Question, aliases: Aliases
) -> Decision | None:
    if question.kind != "name_and_address":
        return None
    line = LineToDecide(question.writing, *question.interval)
    found = await decide_lines(
        connection, county_id=county_id, roll_version=roll_version, lines=[line], aliases=aliases
    )
    return found[0]


async def candidates_of(
    connection: asyncpg.Connection, county_id: str, roll_version: int, question: Question, aliases: Aliases
) -> Found:
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
    return Found(roll_version, shown, len(shown) < len(best), len(ranked) > len(best))


def _search(line: ReadLine, words: Words, kind: Kind) -> Search:
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
