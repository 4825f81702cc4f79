"""Looking lines up in the roll: the household first, then every pair of keys, then corrected spellings.

The number of statements does not depend on the number of lines. Nothing is written.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeVar

import asyncpg
from rapidfuzz import fuzz

from app.db import candidates as db
from app.db.candidates import KeyQuestion, Roll
from app.domain.line import Interval, ReadLine, read_line
from app.domain.matching import Decision, Household, Scorer, decide, decide_by_household, decide_by_keys
from app.domain.model import default_model
from app.domain.scoring import ALIKE, written_name
from app.domain.search import (
    GIVEN_SURNAME,
    MOST_OF_A_HOUSE,
    MOST_OF_A_RANGE,
    NO_PARTS,
    Parts,
    Probe,
    address_probes,
    combined_probes,
    corrected_probes,
    household_keys,
    range_of,
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


_ROLLS_KEPT: Final = 4
_LINES_A_TURN: Final = 10  # of some tenths of a millisecond each
_words: dict[tuple[str, int, datetime | None], Words] = {}


@dataclass(slots=True)
class _Line:
    """A line on its way through the searches."""

    scorer: Scorer
    interval: Interval
    decision: Decision | None = None
    found: dict[int, Registration] = field(default_factory=dict)
    parts: Parts = NO_PARTS
    probes: list[Probe] = field(default_factory=list)  # of the last search

    @property
    def read(self) -> ReadLine:
        return self.scorer.line

    def candidates(self) -> list[Registration]:
        """What was found so far, in the order of the roll, whatever the order of finding."""
        return [self.found[number] for number in sorted(self.found)]


async def decide_lines(
    connection: asyncpg.Connection, *, county_id: str, roll_version: int, lines: Sequence[LineToDecide]
) -> list[Decision]:
    """Return the decision on each line, in their order, by this version of the county's roll."""
    roll = Roll(connection, county_id, roll_version)
    words, model = await roll_words(roll), default_model()
    asked = [
        _Line(
            Scorer(read_line(line.writing), words, model),
            Interval(line.interval_start, line.interval_end, line.filed_on),
        )
        async for line in _in_turns(lines)
    ]
    await _by_household(roll, asked)
    await _by_keys(roll, _open(asked))
    await _by_corrections(roll, _open(asked), words)
    return [line.decision for line in asked if line.decision]


_Item = TypeVar("_Item")


async def _in_turns(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    """Yield the items, and let other requests have their turn in between: a batch must not hold them up."""
    for at, item in enumerate(items, 1):
        yield item
        if at % _LINES_A_TURN == 0:
            await asyncio.sleep(0)


def _open(lines: Iterable[_Line]) -> list[_Line]:
    return [line for line in lines if line.decision is None]


async def roll_words(roll: Roll) -> Words:
    """Return the words of a roll version, made once and kept: some seconds for millions of registrations."""
    registrations, loaded_at = await db.roll_facts(roll)
    key = (roll.county_id, roll.roll_version, loaded_at)
    if key not in _words:
        counted = await db.roll_words(roll)
        made = await asyncio.to_thread(Words, registrations, counted)
        while len(_words) >= _ROLLS_KEPT:
            del _words[next(iter(_words))]
        _words[key] = made
        gc.collect()
        gc.freeze()  # the words outlive every line: walking them again and again took two fifths of a line's time
    return _words[key]


async def _by_household(roll: Roll, lines: list[_Line]) -> None:
    keys = [(at, key) for at, line in enumerate(lines) for key in household_keys(line.read)]
    for at, registration in await db.households(roll, keys) if keys else ():
        lines[at].found[registration.registration_no] = registration
    async for line in _in_turns(lines):
        line.decision = decide_by_household(line.scorer, line.candidates(), line.interval)


async def _by_keys(roll: Roll, lines: list[_Line]) -> None:
    async for line in _in_turns(lines):
        line.parts, line.probes = combined_probes(line.read)
    await _find(roll, lines)
    async for line in _in_turns(lines):
        line.decision = decide_by_keys(line.scorer, line.candidates(), line.interval)


async def _by_corrections(roll: Roll, lines: list[_Line], words: Words) -> None:
    alike = await _residents(roll, lines, words)
    async for line in _in_turns(lines):
        line.probes = corrected_probes(line.read, words, line.parts, line.probes)
    await _find(roll, lines, alike)
    async for line in _in_turns(lines):
        line.decision = decide(line.scorer, line.candidates(), line.interval)


async def _residents(roll: Roll, lines: list[_Line], words: Words) -> list[set[int]]:
    """Count everybody at each line's address; return for each line the numbers of those of a name like the written."""
    questions = [
        KeyQuestion(at, probe[0], *range_of(probe))
        async for at, line in _in_turns(enumerate(lines))
        for probe in address_probes(line.read, words)
    ]
    names = [written_name(line.read) for line in lines]
    alike: list[set[int]] = [set() for _ in lines]
    units: list[Counter[str]] = [Counter() for _ in lines]
    for at, number, name, unit in await db.residents(roll, questions, MOST_OF_A_HOUSE) if questions else ():
        units[at][unit] += 1
        if fuzz.token_set_ratio(names[at], name, score_cutoff=ALIKE):
            alike[at].add(number)
    for line, counted in zip(lines, units, strict=True):
        line.scorer.count_household(Household(counted.total(), counted))
    return alike


async def _find(roll: Roll, lines: list[_Line], more: Sequence[set[int]] | None = None) -> None:
    """Add to each line the registrations that its probes find, and those of the given numbers."""
    numbers = list(more) if more else [set() for _ in lines]
    flat: list[tuple[int, Probe]] = []
    questions: list[KeyQuestion] = []
    async for at, line in _in_turns(enumerate(lines)):
        flat.extend((at, probe) for probe in line.probes)
        questions.extend(KeyQuestion(0, probe[0], *range_of(probe)) for probe in line.probes)
    crowded = []
    for index, found in (await db.registration_numbers(roll, questions, MOST_OF_A_RANGE)).items() if flat else ():
        at, (column, low, fine) = flat[index]
        if len(found) <= MOST_OF_A_RANGE:
            numbers[at].update(found)
            continue
        lines[at].scorer.namesakes_cut |= column in GIVEN_SURNAME
        if fine:
            crowded.append((at, KeyQuestion(0, column, low | fine, low | fine)))
    if crowded:
        narrowed = await db.registration_numbers(roll, [question for _, question in crowded], MOST_OF_A_RANGE)
        for index, found in narrowed.items():
            if len(found) <= MOST_OF_A_RANGE:
                numbers[crowded[index][0]].update(found)
    await _add(roll, lines, numbers)


async def _add(roll: Roll, lines: list[_Line], numbers: list[set[int]]) -> None:
    """Add to each line the registrations of these numbers that it has not yet."""
    wanted = [asked - line.found.keys() for line, asked in zip(lines, numbers, strict=True)]
    missing = sorted(set().union(*wanted))
    rows = await db.registrations(roll, missing) if missing else {}
    async for line, asked in _in_turns(zip(lines, wanted, strict=True)):
        line.found.update((number, rows[number]) for number in asked)
