"""Taking turns in the event loop: whoever computes for long does so in slices, one in each round, whoever's it is."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeVar

import asyncpg
from rapidfuzz import fuzz

from app.law.line import Writing
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching import queries as db
from app.matching.aliases import NO_ALIASES, Aliases
from app.matching.blocking import KEY_COLUMNS
from app.matching.decision import Decision, decide, decide_by_household
from app.matching.frequencies import TermFrequencies
from app.matching.queries import Roll, hits_in_ranges, hits_of_keys
from app.matching.reading import ReadLine, likely_readings, read_line
from app.matching.scoring import ALIKE, Scorer, default_model, household_of, written_name
from app.matching.search import (
    GIVEN_STREET,
    MOST_NAMESAKES,
    MOST_OF_A_HOUSE,
    MOST_OF_KEYS,
    MOST_OF_RANGES,
    OF_A_NAME,
    Hits,
    Probe,
    Search,
    address_probe,
    at_near_houses,
    further_words,
    household_keys,
    registered_words,
    streets_to_correct,
    wide_search,
    words_to_correct,
    worth_reading,
    written_words,
)

_ROLLS_KEPT: Final = 4
_WORDS_KEPT: Final = 100_000  # of all rolls together, some 12 MB; then the oldest roll's slips of words are forgotten
_rolls: dict[tuple[str, int, datetime | None], TermFrequencies] = {}

WordsByKind = Mapping[str, Collection[str]]  # words by kind


async def roll_words(roll: Roll) -> TermFrequencies:
    """What is known of the words of a roll version so far. Whoever asks it for a word learns it before."""
    registrations, loaded_at = await db.roll_facts(roll)
    key = (roll.county_id, roll.roll_version, loaded_at)
    while _too_much_with(key):
        oldest = next(iter(_rolls))
        known = _rolls.pop(oldest).known_alone()  # whoever still works with the others keeps them
        if oldest == key and known.size <= _WORDS_KEPT // 2:
            _rolls[key] = known
    if key not in _rolls:
        made = TermFrequencies(registrations, await db.roll_cities(roll))
        _rolls.setdefault(key, made)  # unless another batch made them meanwhile
    return _rolls[key]


def _too_much_with(key: tuple[str, int, datetime | None]) -> bool:
    new = key not in _rolls
    return len(_rolls) + new > _ROLLS_KEPT or sum(words.size for words in _rolls.values()) > _WORDS_KEPT


async def learn_words(roll: Roll, words: TermFrequencies, asked: Iterable[WordsByKind]) -> None:
    """Learn the counts of the words asked for, as far as they are new. One statement."""
    wanted = {kind: words.unlearnt(kind, texts) for kind, texts in _together(asked).items()}
    words.learn(wanted, await db.word_counts(roll, wanted))


async def learn_streets(roll: Roll, words: TermFrequencies, lines: Sequence[ReadLine]) -> None:
    """Learn what the streets of lines may be slips of. One statement."""
    await _learn_corrections(roll, words, [streets_to_correct(lines)])


async def learn_for_wide_search(roll: Roll, words: TermFrequencies, lines: Sequence[ReadLine]) -> None:
    """Learn what a wide search for lines asks for, whose own words are learnt already. Two statements."""
    await learn_words(roll, words, [further_words(lines, words)])
    await _learn_corrections(roll, words, [words_to_correct(lines)])


async def _learn_corrections(roll: Roll, words: TermFrequencies, asked: Iterable[WordsByKind]) -> None:
    wanted = {kind: words.uncorrected(kind, texts) for kind, texts in _together(asked).items()}
    words.learn_corrections(wanted, await db.alike_words(roll, wanted))


def _together(asked: Iterable[WordsByKind]) -> dict[str, set[str]]:
    together: dict[str, set[str]] = {}
    for one in asked:
        for kind, texts in one.items():
            together.setdefault(kind, set()).update(texts)
    return together


class Turns:
    """Hands out one slice a round of the loop, in the order of asking.

    Yielding alone is not enough: with several batches under way each would compute a slice in every round, and a poll
    of the tally, which needs some rounds, would wait for all of them in each.
    """

    def __init__(self, lines: int = 5) -> None:
        """Nobody computes yet; a slice is of so many lines, of some tenths of a millisecond each."""
        self.lines = lines
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for the next slice; it lasts until whoever took it awaits something."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # another loop's slices ended with it
            self._loop, self._taken, self._waiting = loop, False, deque()
        if self._taken:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._taken = True
            loop.call_soon(self._pass_on, loop)

    def _pass_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # whose task was not cancelled meanwhile
                turn.set_result(None)
                loop.call_soon(self._pass_on, loop)
                return
        self._taken = False


ProbeRequest = tuple[int, Probe]  # whoever asks, and what
_Fetch = Callable[[Roll, Sequence[Sequence[int]], Sequence[int]], Awaitable[list[tuple[int, int, Hits]]]]


class ProbeResult(NamedTuple):
    """What one range or key holds."""

    asker: int
    probe: Probe
    low: int  # which of the probe's
    hits: Hits
    whole: bool  # False where it holds more than are looked at


async def find_in_ranges(
    roll: Roll, asked: Sequence[ProbeRequest], most: Sequence[int] = MOST_OF_RANGES
) -> list[ProbeResult]:
    """What the ranges of the probes hold; of each key at most `most` are looked at."""
    return await _probe(hits_in_ranges, roll, asked, most)


async def find_keys(roll: Roll, asked: Sequence[ProbeRequest], most: Sequence[int] = MOST_OF_KEYS) -> list[ProbeResult]:
    """What single keys hold, as `find_in_ranges` does."""
    return await _probe(hits_of_keys, roll, asked, most)


async def _probe(fetch: _Fetch, roll: Roll, asked: Sequence[ProbeRequest], most: Sequence[int]) -> list[ProbeResult]:
    lows: list[list[int]] = [[] for _ in KEY_COLUMNS]
    askers: list[list[ProbeRequest]] = [[] for _ in KEY_COLUMNS]
    for one in asked:
        _, probe = one
        lows[probe.column] += probe.lows
        askers[probe.column] += [one] * len(probe.lows)
    return [
        ProbeResult(*askers[column][at], lows[column][at], hits, len(hits.numbers) <= most[column])
        for column, at, hits in await fetch(roll, lows, most)
    ]


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
    interval: SigningInterval
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
            SigningInterval(line.interval_start, line.interval_end, line.filed_on),
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


async def _by_household(roll: Roll, words: TermFrequencies, lines: list[_Line]) -> None:
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


async def _by_residents(roll: Roll, words: TermFrequencies, lines: list[_Line]) -> None:
    """Look for the signer among everybody at the address, and decide where that settles it."""
    await learn_streets(roll, words, [line.read for line in lines])
    alike = await _residents(roll, lines, words)
    await _read(roll, lines, alike)
    await learn_words(roll, words, [registered_words(_registrations(lines))])
    async for line in _in_turns([line for line, found in zip(lines, alike, strict=True) if found]):
        line.decision = decide_by_household(_scorer(line), line.candidates(), line.interval)


async def _by_wide_search(roll: Roll, words: TermFrequencies, lines: list[_Line]) -> None:
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


async def _residents(roll: Roll, lines: list[_Line], words: TermFrequencies) -> list[set[int]]:
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
    ranges: list[ProbeRequest] = [(at, probe) for at, search in enumerate(searches) for probe in search.ranges]
    keys: list[ProbeRequest] = []
    for at, probe, low, hits, whole in await find_in_ranges(roll, ranges):
        if whole:
            numbers[at].update(worth_reading(probe, hits, lines[at].read))
        else:
            keys.append((at, probe.narrowed(low)))
    # Behind these, since of namesakes only so many are read: those of the very name come first.
    keys += [(at, probe) for at, search in enumerate(searches) for probe in search.keys]
    await _find_keys(roll, lines, keys, numbers)
    return numbers


async def _find_keys(roll: Roll, lines: list[_Line], keys: list[ProbeRequest], numbers: list[set[int]]) -> None:
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
