"""Looking lines up in the roll: the household first, then every pair of the line's words, as written and corrected.

The number of statements does not depend on the number of lines. Nothing is written.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, TypeVar

import asyncpg
from rapidfuzz import fuzz

from app.actions.probing import Asked, find_in_ranges, find_keys
from app.actions.roll_words import learn_for_wide_search, learn_streets, learn_words, roll_words
from app.actions.turns import Turns
from app.db import candidates as db
from app.db.candidates import Roll
from app.domain.aliases import NO_ALIASES, Aliases
from app.domain.line import Interval, ReadLine, read_line
from app.domain.matching import Decision, Scorer, decide, decide_by_household
from app.domain.model import default_model
from app.domain.readings import likely_readings
from app.domain.resemblance import ALIKE, written_name
from app.domain.scoring import household_of
from app.domain.search import (
    GIVEN_STREET,
    MOST_NAMESAKES,
    MOST_OF_A_HOUSE,
    OF_A_NAME,
    Search,
    address_probe,
    at_near_houses,
    household_keys,
    registered_words,
    wide_search,
    worth_reading,
    written_words,
)
from app.domain.signature import Writing
from app.domain.voter import Registration
from app.domain.words import Words


class LineToDecide(NamedTuple):
    """A line, and when it was signed as far as the section's dates tell."""

    writing: Writing
    interval_start: date
    interval_end: date
    filed_on: date


TURNS: Final = Turns()


@dataclass(slots=True)
class _Line:
    """A line on its way through the searches."""

    read: ReadLine
    interval: Interval
    found: dict[int, Registration] = field(default_factory=dict)
    scorer: Scorer | None = None
    decision: Decision | None = None

    def candidates(self) -> list[Registration]:
        """What was found so far, in the order of the roll, whatever the order of finding."""
        return [self.found[number] for number in sorted(self.found)]


async def decide_lines(
    connection: asyncpg.Connection,
    *,
    county_id: str,
    roll_version: int,
    lines: Sequence[LineToDecide],
    aliases: Aliases = NO_ALIASES,
) -> list[Decision]:
    """Return the decision on each line, in their order, by this version of the county's roll, read with its aliases."""
    roll = Roll(connection, county_id, roll_version)
    words = await roll_words(roll)
    asked = [
        _Line(
            aliases.applied_to(read_line(line.writing)),
            Interval(line.interval_start, line.interval_end, line.filed_on),
        )
        async for line in _in_turns(lines)
    ]
    await _by_household(roll, words, asked)
    await _by_residents(roll, words, [line for line in asked if line.decision is None])
    await _by_wide_search(roll, words, [line for line in asked if line.decision is None])
    return [line.decision for line in asked if line.decision]


_Item = TypeVar("_Item")


async def _in_turns(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    """Yield the items, and let other requests have their turn in between: a batch must not hold them up."""
    for at, item in enumerate(items):
        if at % TURNS.lines == 0:
            await TURNS.take()
        yield item


async def _by_household(roll: Roll, words: Words, lines: list[_Line]) -> None:
    keys = [(at, key) for at, line in enumerate(lines) for key in household_keys(line.read)]
    for at, registration in await db.households(roll, keys):
        lines[at].found[registration.registration_no] = registration
    await learn_words(
        roll, words, [written_words(line.read for line in lines), registered_words(_registrations(lines))]
    )
    model = default_model()
    async for line in _in_turns(lines):
        line.read = likely_readings(line.read, words)
        line.scorer = Scorer(line.read, words, model)
        line.decision = decide_by_household(line.scorer, line.candidates(), line.interval)


def _registrations(lines: Iterable[_Line]) -> Iterable[Registration]:
    return (registration for line in lines for registration in line.found.values())


async def _by_residents(roll: Roll, words: Words, lines: list[_Line]) -> None:
    """Look for the signer among everybody at the address, and decide where that settles it."""
    await learn_streets(roll, words, [line.read for line in lines])
    alike = await _residents(roll, lines, words)
    await _read(roll, lines, alike)
    await learn_words(roll, words, [registered_words(_registrations(lines))])
    async for line in _in_turns([line for line, found in zip(lines, alike, strict=True) if found]):
        line.decision = decide_by_household(_scorer(line), line.candidates(), line.interval)


async def _by_wide_search(roll: Roll, words: Words, lines: list[_Line]) -> None:
    """Look for the signer by whatever of name and address may be right, and decide."""
    await learn_for_wide_search(roll, words, [line.read for line in lines])
    searches = [wide_search(line.read, words) async for line in _in_turns(lines)]
    numbers = await _find(roll, lines, searches)
    await _read(roll, lines, numbers)
    await learn_words(roll, words, [registered_words(_registrations(lines))])
    async for line in _in_turns(lines):
        line.decision = decide(_scorer(line), line.candidates(), line.interval)


def _scorer(line: _Line) -> Scorer:
    if line.scorer is None:
        raise RuntimeError("the household comes first")
    return line.scorer


async def _residents(roll: Roll, lines: list[_Line], words: Words) -> list[set[int]]:
    """Count everybody at each line's address; return for each line the numbers of those of a name like the written."""
    questions = [
        (at, low) async for at, line in _in_turns(enumerate(lines)) for low in address_probe(line.read, words).lows
    ]
    names = [written_name(line.read) for line in lines]
    alike: list[set[int]] = [set() for _ in lines]
    places: list[Counter[str]] = [Counter() for _ in lines]
    for at, number, name, place in await db.residents(roll, questions, MOST_OF_A_HOUSE):
        places[at][place] += 1
        if fuzz.token_set_ratio(names[at], name.upper(), score_cutoff=ALIKE):
            alike[at].add(number)
    for line, counted in zip(lines, places, strict=True):
        _scorer(line).count_household(household_of(counted))
    return alike


async def _find(roll: Roll, lines: list[_Line], searches: list[Search]) -> list[set[int]]:
    """Return for each line the numbers of the registrations that its search finds and that are worth reading."""
    numbers: list[set[int]] = [set() for _ in lines]
    ranges: list[Asked] = [(at, probe) for at, search in enumerate(searches) for probe in search.ranges]
    keys: list[Asked] = []
    for at, probe, low, hits, whole in await find_in_ranges(roll, ranges):
        if whole:
            numbers[at].update(worth_reading(probe, hits, lines[at].read))
        else:
            keys.append((at, probe.narrowed(low)))
    # Behind these, since of namesakes only so many are read: those of the very name come first.
    keys += [(at, probe) for at, search in enumerate(searches) for probe in search.keys]
    await _find_keys(roll, lines, keys, numbers)
    return numbers


async def _find_keys(roll: Roll, lines: list[_Line], keys: list[Asked], numbers: list[set[int]]) -> None:
    """Add to each line's numbers what single keys hold; who bears the name and was found by that alone is elsewhere."""
    namesakes: list[set[int]] = [set() for _ in lines]
    for at, probe, _, hits, whole in await find_keys(roll, keys):
        if probe.column == GIVEN_STREET:
            numbers[at].update(at_near_houses(hits, lines[at].read) if whole else ())
        elif probe.column not in OF_A_NAME:
            numbers[at].update(hits.numbers if whole else ())
        elif whole and len(namesakes[at]) + len(hits.numbers) <= MOST_NAMESAKES:
            namesakes[at].update(hits.numbers)
        else:
            _scorer(lines[at]).namesakes_cut = True
    for line, found, by_name in zip(lines, numbers, namesakes, strict=True):
        _scorer(line).found_elsewhere(frozenset(by_name - found - line.found.keys()))
        found.update(by_name)


async def _read(roll: Roll, lines: list[_Line], numbers: list[set[int]]) -> None:
    """Add to each line the registrations of these numbers that it has not yet."""
    wanted = [asked - line.found.keys() for line, asked in zip(lines, numbers, strict=True)]
    rows = await db.registrations(roll, sorted(set().union(*wanted)))
    for line, asked in zip(lines, wanted, strict=True):
        line.found.update((number, rows[number]) for number in asked)
