"""How a signer is found: in the household, then among all residents of the address, then by a wide search.

Each step handles all lines of a batch that are still undecided, in a number of statements that does not depend on the
number of lines, and decides those whose signer it finds.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import asyncpg

from app.law.line import Signature
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching import queries as db
from app.matching import search
from app.matching.confidential import ConfidentialNames
from app.matching.decision import Decision, decide
from app.matching.frequencies import Dictionary, TermFrequencies, Words
from app.matching.model import default_model
from app.matching.parsing import NO_ALIASES, Aliases, ParsedLine, likely_names, parse_line
from app.matching.queries import LineQuery, SearchedRoll
from app.matching.scoring import FEW_RESIDENTS, Scorer, household_of, name_ratio, written_name
from app.matching.search import Search


class LineToDecide(NamedTuple):
    """A line, and the interval in which it was signed according to the dates of its section."""

    writing: Signature
    interval: SigningInterval
    district: str | None = None  # of which a signer must be (EC 11045); None: of the county


@dataclass(slots=True)
class _Lookup:
    """A line on its way through the steps."""

    scorer: Scorer
    found: dict[int, Registration]  # by number
    worth_reading: set[int] = field(default_factory=set)  # numbers of registrations that may be the signer's
    decision: Decision | None = None
    search: Search = field(init=False)  # of a line that the people of its surname at its address do not settle

    def candidates(self) -> list[Registration]:
        """The registrations found so far, in the order of the roll, whichever was found first."""
        return [self.found[number] for number in sorted(self.found)]


Decide = Callable[[SearchedRoll, Sequence[LineToDecide]], Awaitable[list[Decision]]]
"""How lines are decided: `decide_lines`, or the method of the same name of the worker processes."""


async def decide_lines(roll: SearchedRoll, lines: Sequence[LineToDecide]) -> list[Decision]:
    """Return the decision on each line, in their order."""
    terms = await TERM_CACHE.terms_of(roll)
    lookups = await _look_up_households(roll, terms, lines)
    undecided = [lookup for lookup in lookups if lookup.decision is None]
    made = await searches(roll, terms, [lookup.scorer.line for lookup in undecided])
    for lookup, its_search in zip(undecided, made, strict=True):
        lookup.search = its_search
    await _look_up_residents(roll, terms, undecided)
    await _search_widely(roll, terms, [lookup for lookup in undecided if lookup.decision is None])
    return [lookup.decision for lookup in lookups if lookup.decision]


async def _look_up_households(
    roll: SearchedRoll, terms: TermFrequencies, lines: Sequence[LineToDecide]
) -> list[_Lookup]:
    """Compare each line with the people of its surname at its address, and decide it if they settle it."""
    parsed = [roll.aliases.applied_to(parse_line(line.writing)) async for line in SCHEDULER.in_slices(lines)]
    found: list[dict[int, Registration]] = [{} for _ in lines]
    keys = [(at, key) for at, line in enumerate(parsed) for key in search.household_keys(line)]
    for at, registration in await db.households(roll, keys):
        found[at][registration.registration_no] = registration
    registrations = [registration for of_line in found for registration in of_line.values()]
    await load_counts(roll, terms, search.written_words(parsed), search.registered_words(registrations))
    lookups = []
    async for at, line in SCHEDULER.in_slices(enumerate(lines)):
        likely = likely_names(parsed[at], terms)
        lookup = _Lookup(Scorer(likely, line.interval, terms, default_model(), line.district), found[at])
        lookup.decision = decide(lookup.scorer, lookup.candidates(), by_name=False)
        lookups.append(lookup)
    return lookups


async def _look_up_residents(roll: SearchedRoll, terms: TermFrequencies, lookups: list[_Lookup]) -> None:
    """Compare each line with all people at its address whose name is similar, and decide it if they settle it."""
    ranges = [
        (at, low)
        async for at, lookup in SCHEDULER.in_slices(enumerate(lookups))
        for low in lookup.search.at_address().keys
    ]
    places: list[Counter[str]] = [Counter() for _ in lookups]
    names: list[dict[int, str]] = [{} for _ in lookups]  # of the residents, by number
    for at, number, name, place in await db.residents(roll, ranges, search.MAX_RESIDENTS):
        places[at][place] += 1
        names[at][number] = name
    for lookup, counted, named in zip(lookups, places, names, strict=True):
        lookup.scorer.set_household(household_of(counted))
        written, all_read = written_name(lookup.scorer.line), len(named) <= FEW_RESIDENTS
        lookup.worth_reading |= {n for n, name in named.items() if all_read or name_ratio(written, name.upper())}
    await _read_matches(roll, terms, lookups)
    async for lookup in SCHEDULER.in_slices([lookup for lookup in lookups if lookup.worth_reading]):
        lookup.decision = decide(lookup.scorer, lookup.candidates(), by_name=False)


async def _search_widely(roll: SearchedRoll, terms: TermFrequencies, lookups: list[_Lookup]) -> None:
    """Search the whole roll by each pair of the line's words, as written and corrected, and decide."""
    wide_searches = [lookup.search.wide() async for lookup in SCHEDULER.in_slices(lookups)]
    ranges = [(at, query) for at, wide in enumerate(wide_searches) for query in wide.ranges]
    keys: list[LineQuery] = []
    for matches in await db.find_matches(roll, ranges, search.RANGE_LIMITS, ranges=True):
        if matches.complete:
            lookup = lookups[matches.line]
            lookup.worth_reading.update(lookup.search.worth_reading(matches))
        else:
            keys.append((matches.line, matches.query.narrowed(matches.key)))
    # The exact spellings come first, since only so many namesakes are read.
    keys += [(at, query) for at, wide in enumerate(wide_searches) for query in wide.keys]
    await _find_matches_of_keys(roll, lookups, keys)
    await _read_matches(roll, terms, lookups)
    async for lookup in SCHEDULER.in_slices(lookups):
        lookup.decision = decide(lookup.scorer, lookup.candidates(), by_name=True)


async def _find_matches_of_keys(roll: SearchedRoll, lookups: list[_Lookup], keys: list[LineQuery]) -> None:
    """Find the matches of single keys; a namesake who is found by nothing else lives elsewhere."""
    namesakes: list[set[int]] = [set() for _ in lookups]
    for matches in await db.find_matches(roll, keys, search.KEY_LIMITS, ranges=False):
        lookup, by_name = lookups[matches.line], namesakes[matches.line]
        if matches.query.column == "key_given_street":
            lookup.worth_reading.update(lookup.search.at_near_houses(matches) if matches.complete else ())
        elif matches.query.column not in search.NAME_COLUMNS:
            lookup.worth_reading.update(matches.numbers if matches.complete else ())
        elif matches.complete and len(by_name) + len(matches.numbers) <= search.MAX_NAMESAKES:
            by_name.update(matches.numbers)
        else:
            lookup.scorer.namesakes_cut = True
    for lookup, by_name in zip(lookups, namesakes, strict=True):
        lookup.scorer.set_found_by_name(frozenset(by_name - lookup.worth_reading - lookup.found.keys()))
        lookup.worth_reading |= by_name


async def _read_matches(roll: SearchedRoll, terms: TermFrequencies, lookups: list[_Lookup]) -> None:
    """Read the registrations of the matches that a line does not have yet, and load their terms."""
    missing = [lookup.worth_reading - lookup.found.keys() for lookup in lookups]
    rows = await db.registrations(roll, sorted(set().union(*missing)))
    for lookup, numbers in zip(lookups, missing, strict=True):
        lookup.found.update((number, rows[number]) for number in numbers)
    await load_counts(roll, terms, search.registered_words(rows.values()))


# What a process keeps of rolls and aliases: a version of them never changes, so it is read once.


class _RollKey(NamedTuple):
    """A version of a county's roll, when it was loaded, since a version that was dropped may be loaded again.

    And the newest version, since a voter who is confidential in that one is known as such from then on.
    """

    county_id: str
    roll_version: int
    loaded_at: datetime | None
    newest: int | None


@dataclass(slots=True)
class TermCache:
    """The term frequencies of the roll versions that this process decides lines by, shared by all its batches."""

    max_rolls: int = 4
    max_terms: int = 100_000  # frequencies and corrections of all rolls together, some 12 MB
    with_dictionary: bool = False  # of one roll: it is worth its memory in a process that decides many lines
    _rolls: dict[_RollKey, TermFrequencies] = field(default_factory=dict)
    _confidential: dict[_RollKey, ConfidentialNames] = field(default_factory=dict)  # kept where the terms are dropped
    _dictionary: tuple[_RollKey, Dictionary] | None = None  # the same
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def terms_of(self, roll: SearchedRoll) -> TermFrequencies:
        """Return the term frequencies of a roll version as far as they were loaded."""
        registrations, loaded_at, newest = await db.roll_facts(roll)
        key, rolls = _RollKey(roll.county_id, roll.roll_version, loaded_at, newest), self._rolls
        # The oldest versions are dropped, or misspellings of the one asked for. Batches in progress keep theirs.
        while len(rolls.keys() | {key}) > self.max_rolls or sum(one.size for one in rolls.values()) > self.max_terms:
            oldest = next(iter(rolls))
            terms = rolls.pop(oldest)
            if oldest == key and (known := terms.known_only()).size <= self.max_terms // 2:
                rolls[key] = known
        if key not in rolls:
            confidential = await self._confidential_names(roll, key)
            cities, districts = await db.roll_words(roll, "city"), await db.roll_words(roll, "district")
            terms = TermFrequencies(registrations, cities, confidential, districts)
            terms.kept = search.registered_words(confidential.all)
            await load_counts(roll, terms, terms.kept)
            if self.with_dictionary:
                terms.dictionary = await self._dictionary_of(roll, key, registrations)
            rolls.setdefault(key, terms)  # unless another batch added them meanwhile
        return rolls[key]

    async def _dictionary_of(self, roll: SearchedRoll, key: _RollKey, registrations: int) -> Dictionary | None:
        """The dictionary of a roll; None while that of another county is kept, whose lines are decided as well."""
        async with self._loading:
            of, kept = self._dictionary or (None, None)
            if of is None or (of != key and (of not in self._rolls or of.county_id == key.county_id)):
                for terms in self._rolls.values():
                    terms.dictionary = None
                self._dictionary = None  # two at a time would take too much memory
                kept = Dictionary(await db.dictionary_pages(roll, search.COUNTED_KINDS), registrations)
                of, self._dictionary = key, (key, kept)
        return kept if of == key else None

    async def _confidential_names(self, roll: SearchedRoll, key: _RollKey) -> ConfidentialNames:
        found = self._confidential.get(key)
        if found is None:
            found = self._confidential[key] = ConfidentialNames(*await db.confidential_names(roll))
            while len(self._confidential) > self.max_rolls:
                del self._confidential[next(iter(self._confidential))]
        return found


TERM_CACHE: Final = TermCache()


async def load_counts(roll: SearchedRoll, terms: TermFrequencies, *needed: Words) -> None:
    """Load the frequencies of the words needed that are not loaded yet, in one statement."""
    missing, known = terms.without_count(needed), terms.dictionary
    terms.add_counts(missing, known.counts(missing) if known else await db.word_counts(roll, missing))


async def searches(roll: SearchedRoll, terms: TermFrequencies, lines: Iterable[ParsedLine]) -> list[Search]:
    """Return the searches for lines whose written words are loaded, with what their queries need loaded, too."""
    made = [Search(line, terms) for line in lines]
    await load_counts(roll, terms, *(one.counted for one in made))
    missing, known = terms.without_corrections(one.corrected for one in made), terms.dictionary
    terms.add_corrections(missing, known.similar(missing) if known else await db.similar_words(roll, missing))
    return made


async def in_use(connection: asyncpg.Connection, county_id: str) -> tuple[SearchedRoll | None, int, int | None]:
    """Return the roll in use with its aliases (None: the county has none that can be searched), and two versions.

    They are that of the aliases, and that of the newest roll that was loaded, in use or not.
    """
    roll_version, version, digest, newest = await db.versions_in_use(connection, county_id)
    aliases = await _cached_aliases(connection, county_id, version, digest or "")
    roll = None if roll_version is None else SearchedRoll(connection, county_id, roll_version, aliases)
    return roll, version, newest


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> Aliases:
    """Return the aliases of one version; none if it does not exist."""
    found = await db.alias_version(connection, county_id, version) if version else None
    return await _cached_aliases(connection, county_id, version, found.source_sha256) if found else NO_ALIASES


_MAX_ALIAS_VERSIONS: Final = 8
_aliases: dict[tuple[str, int, str], Aliases] = {}


async def _cached_aliases(connection: asyncpg.Connection, county_id: str, version: int, digest: str) -> Aliases:
    if not version:
        return NO_ALIASES
    key = (county_id, version, digest)
    if key not in _aliases:
        rows = await db.alias_rows(connection, county_id, version)
        aliases = await asyncio.to_thread(Aliases, version, rows)  # parsing a large table takes a second
        while len(_aliases) >= _MAX_ALIAS_VERSIONS:
            del _aliases[next(iter(_aliases))]
        _aliases[key] = aliases
    return _aliases[key]


_Item = TypeVar("_Item")


@dataclass
class FairScheduler:
    """Grants one slice in each round of the event loop, in the order of the requests.

    With `await asyncio.sleep(0)` alone each of several batches would compute in every round, and a poll of the tally,
    which needs a few rounds, would wait for all of them in each.
    """

    lines_per_slice: int = 5  # a line takes some tenths of a millisecond
    _locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = field(default_factory=WeakKeyDictionary)

    async def next_slice(self) -> None:
        """Wait for a slice; it lasts until the task awaits something."""
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:  # it is granted in the order of the requests
            await asyncio.sleep(0)

    async def in_slices(self, items: Iterable[_Item]) -> AsyncIterator[_Item]:
        """Yield the items, and let other tasks run in between: a batch must not delay other requests."""
        for at, item in enumerate(items):
            if at % self.lines_per_slice == 0:
                await self.next_slice()
            yield item


SCHEDULER: Final = FairScheduler()
