"""Looking lines up in the roll: the household first, then every pair of keys, then corrected spellings.

The number of statements does not depend on the number of lines. Nothing is written.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

import asyncpg
from rapidfuzz import fuzz

from app.db import candidates as db
from app.db.candidates import KeyQuestion, Roll
from app.domain.line import Interval, ReadLine, read_line
from app.domain.matching import Decision, Household, decide, decide_by_household
from app.domain.model import Model, default_model
from app.domain.search import (
    MOST_OF_A_HOUSE,
    MOST_OF_A_RANGE,
    Probe,
    address_probes,
    combined_probes,
    corrected_probes,
    household_probes,
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
_words: dict[tuple[str, int, datetime | None], Words] = {}


@dataclass(slots=True)
class _Line:
    """A line on its way through the searches."""

    read: ReadLine
    interval: Interval
    decision: Decision | None = None
    found: dict[int, Registration] = field(default_factory=dict)
    household: Household | None = None


async def decide_lines(
    connection: asyncpg.Connection, *, county_id: str, roll_version: int, lines: Sequence[LineToDecide]
) -> list[Decision]:
    """Return the decision on each line, in their order, by this version of the county's roll."""
    roll = Roll(connection, county_id, roll_version)
    words, model = await roll_words(roll), default_model()
    asked = [
        _Line(read_line(line.writing), Interval(line.interval_start, line.interval_end, line.filed_on))
        for line in lines
    ]
    await _by_household(roll, asked, words, model)
    await _by_keys(roll, _open(asked), words, model)
    await _by_corrections(roll, _open(asked), words, model)
    return [line.decision for line in asked if line.decision]


def _open(lines: Iterable[_Line]) -> list[_Line]:
    return [line for line in lines if line.decision is None or line.decision.status != "valid"]


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
    return _words[key]


async def _by_household(roll: Roll, lines: list[_Line], words: Words, model: Model) -> None:
    keys = [(at, probe.keys.low) for at, line in enumerate(lines) for probe in household_probes(line.read)]
    if not keys:
        return
    for at, registration in await db.households(roll, keys):
        lines[at].found[registration.registration_no] = registration
    for line in lines:
        line.decision = decide_by_household(line.read, _ordered(line), line.interval, words, model)


async def _by_keys(roll: Roll, lines: list[_Line], words: Words, model: Model) -> None:
    await _find(roll, lines, [combined_probes(line.read) for line in lines])
    for line in lines:
        line.decision = decide(line.read, _ordered(line), None, line.interval, words, model)


async def _by_corrections(roll: Roll, lines: list[_Line], words: Words, model: Model) -> None:
    extra = await _residents(roll, lines, words)
    await _find(roll, lines, [corrected_probes(line.read, words) for line in lines], extra)
    for line in lines:
        line.decision = decide(line.read, _ordered(line), line.household, line.interval, words, model)


def _ordered(line: _Line) -> list[Registration]:
    return [line.found[number] for number in sorted(line.found)]


_RESEMBLES: Final = 40  # of 100: what 3,000 of 3,001 signers' names reach, and one in eight of other people's


async def _residents(roll: Roll, lines: list[_Line], words: Words) -> list[list[int]]:
    """Count everybody at each line's address; return for each line the numbers of those with a name like the written."""
    questions = [
        KeyQuestion(at, probe.column, *probe.keys)
        for at, line in enumerate(lines)
        for probe in address_probes(line.read, words)
    ]
    names = [_written_name(line.read) for line in lines]
    alike: list[list[int]] = [[] for _ in lines]
    units: list[Counter[str]] = [Counter() for _ in lines]
    for resident in await db.residents(roll, questions, MOST_OF_A_HOUSE) if questions else ():
        at = resident.asked_for
        units[at][resident.unit_number] += 1
        if fuzz.token_set_ratio(names[at], resident.name, score_cutoff=_RESEMBLES):
            alike[at].append(resident.registration_no)
    for line, counted in zip(lines, units, strict=True):
        line.household = Household(counted.total(), counted)
    return alike


def _written_name(line: ReadLine) -> str:
    if not line.name.readings:
        return ""
    reading = line.name.readings[0]
    return " ".join((*reading.surname, *reading.given))


async def _find(
    roll: Roll, lines: list[_Line], probes: list[list[Probe]], extra: Sequence[Sequence[int]] | None = None
) -> None:
    """Add to each line the registrations that its probes find, and those of the given numbers."""
    flat = [(at, probe) for at, asked in enumerate(probes) for probe in asked]
    numbers: list[set[int]] = [set(more) for more in extra] if extra else [set() for _ in lines]
    crowded = []
    first = await db.registration_numbers(roll, [KeyQuestion(0, p.column, *p.keys) for _, p in flat], MOST_OF_A_RANGE)
    for index, found in first.items():
        at, probe = flat[index]
        if len(found) <= MOST_OF_A_RANGE:
            numbers[at].update(found)
        elif probe.narrow:
            crowded.append((at, KeyQuestion(0, probe.column, *probe.narrow)))
    if crowded:
        second = await db.registration_numbers(roll, [question for _, question in crowded], MOST_OF_A_RANGE)
        for index, found in second.items():
            if len(found) <= MOST_OF_A_RANGE:
                numbers[crowded[index][0]].update(found)
    missing = sorted(
        {number for line, found in zip(lines, numbers, strict=True) for number in found - line.found.keys()}
    )
    rows = await db.registrations(roll, missing) if missing else {}
    for line, wanted in zip(lines, numbers, strict=True):
        line.found.update((number, rows[number]) for number in wanted - line.found.keys())
