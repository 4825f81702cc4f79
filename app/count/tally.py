"""The tallies for monitors: as new as this process's last commit, and for any number of monitors at the cost of one."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from app.count.line_queries import read_tallies
from app.database.pools import Database
from app.law.line import Tally
from app.law.petition import PetitionKey

logger = logging.getLogger("app.tally")

_MAX_AGE = 0.2  # seconds that a tally may be old
_EVERY = 0.05  # seconds between two queries at the least
_REMEMBERED = 60  # seconds: longer than any query that began before a commit may take
_WOKEN_AT_ONCE = 25  # streams: a millisecond of work


class TallyBoard:
    """The tallies as this process knows them.

    A tally is never older than this process's own commits, which are published here, nor more than 0.2 seconds older
    than another process's last commit. One query runs at a time, and 20 a second, however many monitors poll.
    """

    def __init__(self, database: Database, *, every: float = 1.0) -> None:
        """Read from `database`; streams get a new version every so many seconds."""
        self._database = database
        self._every = every
        self._reads: Coalesced[PetitionKey, Tally] = Coalesced(self._fetch, max_age=_MAX_AGE, every=_EVERY)
        self._published: dict[PetitionKey, tuple[Tally, float]] = {}  # and when
        self._listeners: Counter[PetitionKey] = Counter()
        self._seen: dict[PetitionKey, Tally] = {}
        self._waiting: list[asyncio.Future[None]] = []  # streams, for the next round
        self._watching: asyncio.Task[None] | None = None
        self._ended = False

    def publish(self, petition: PetitionKey, tally: Tally, as_of: float) -> None:
        """Take a tally as a commit left it, before its caller is answered; at `as_of` (loop time) it was newest."""
        if tally is self._newest(petition, tally):
            self._published[petition] = tally, monotonic()
            self._reads.put(petition, tally, as_of)

    def invalidate(self, petition: PetitionKey) -> None:
        """Have the tally read anew, since a commit's outcome is unknown."""
        self._reads.forget(petition)

    async def read(self, petition: PetitionKey) -> Tally | None:
        """The tally; None if there is no such petition."""
        return self._newest(petition, await self._reads.get(petition))

    def _newest(self, petition: PetitionKey, tally: Tally | None) -> Tally | None:
        """A tally, or the one that this process published if a query that began before the commit missed it.

        What was published is not remembered for long: a database that was restored to an earlier state is right.
        """
        published, at = self._published.get(petition, (None, 0.0))
        if published is None or monotonic() - at >= _REMEMBERED:
            return tally
        return published if tally is None or published.version > tally.version else tally

    async def _fetch(self, petitions: Collection[PetitionKey]) -> Mapping[PetitionKey, Tally]:
        async with self._database.brief() as connection:
            return await read_tallies(connection, petitions)

    @property
    def listeners(self) -> int:
        """How many streams follow a tally."""
        return self._listeners.total()

    async def follow(self, petition: PetitionKey, version: int | None) -> AsyncGenerator[Tally | None]:
        """Each new version that is seen, the first at once unless it is the given one; None in a round without one.

        All streams of the process share one look a second. Versions between two looks are skipped. A notification in
        the writing transactions would serialize their commits.
        """
        self._listeners[petition] += 1
        try:
            tally = await self.read(petition)
            while not self._ended:
                is_new = tally is not None and tally.version != version
                version = tally.version if tally else version
                yield tally if is_new else None
                if self._ended:
                    return
                if self._watching is None or self._watching.done():
                    self._watching = asyncio.create_task(self._watch())
                self._waiting.append(asyncio.get_running_loop().create_future())
                await self._waiting[-1]
                tally = self._seen.get(petition, tally)
        finally:
            self._listeners -= Counter([petition])  # which leaves out those that no stream follows

    async def _watch(self) -> None:
        while self._listeners and not self._ended:
            await asyncio.sleep(self._every / 2)
            try:
                watched = list(self._listeners)
                found = await asyncio.gather(*map(self.read, watched))
                self._seen = {petition: row for petition, row in zip(watched, found, strict=True) if row}
            except Exception as error:  # noqa: BLE001  # such as the database being away: the next round tries again
                logger.warning("reading the tallies failed", extra={"error": type(error).__qualname__})
            waiting, self._waiting = self._waiting, []
            slices = max(1, -(-len(waiting) // _WOKEN_AT_ONCE))
            for number in range(slices):  # all within half a round, so that other tasks get their turns
                _wake(waiting[number::slices])
                await asyncio.sleep(self._every / 2 / slices)

    def end(self) -> None:
        """End every stream, so that the process can end."""
        self._ended = True
        _wake(self._waiting)


def _wake(streams: Iterable[asyncio.Future[None]]) -> None:
    for stream in streams:
        if not stream.done():  # its client may be gone
            stream.set_result(None)


Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(eq=False)
class _Query(Generic[Key, Value]):
    """What one query asks for, what it finds, and when it began."""

    found: asyncio.Future[Mapping[Key, Value]]
    keys: set[Key] = field(default_factory=set)
    began: float | None = None


@dataclass(eq=False)
class Coalesced(Generic[Key, Value]):
    """Reads by key. While one query runs, all callers wait for the next, which asks for all their keys at once.

    No caller gets the result of a query that began before it asked, unless the query began less than `max_age` seconds
    before; and there is one query at a time, however many callers ask.
    """

    fetch: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]  # leaves out the keys that do not exist
    max_age: float = 0.0
    every: float = 0.0  # seconds between two queries at the least
    _last: float = field(default=float("-inf"), init=False)  # when a query began
    _next: _Query[Key, Value] | None = field(default=None, init=False)
    _running: _Query[Key, Value] | None = field(default=None, init=False)
    _known: dict[Key, tuple[Value, float]] = field(default_factory=dict, init=False)  # and when its query began
    _outdated: dict[Key, float] = field(default_factory=dict, init=False)  # no query counts that began before this
    _reading: asyncio.Task[None] | None = field(default=None, init=False)

    async def get(self, key: Key) -> Value | None:
        """The value as of now; None if there is none. All callers who wait for a query get the error that it raises."""
        if key in self._known:
            value, began = self._known[key]
            if self._is_fresh(key, began, self.max_age):
                if not self._is_fresh(key, began, self.max_age / 2):  # so that the next caller does not wait either
                    self._ask(key)
                return value
        # Shielded: a caller that gives up does not take the others' answer along.
        return (await asyncio.shield(self._ask(key).found)).get(key)

    def put(self, key: Key, value: Value, as_of: float) -> None:
        """Take a value that the caller knows, as if it were read by a query that began at `as_of` (the loop's time)."""
        if key not in self._known or self._known[key][1] < as_of:
            self._known[key] = value, as_of

    def forget(self, key: Key) -> None:
        """Read the value anew: what was read before now, or is being read, may be out of date."""
        self._known.pop(key, None)
        self._outdated[key] = asyncio.get_running_loop().time()

    def _ask(self, key: Key) -> _Query[Key, Value]:
        """The query that asks for this key: the one that runs if it is fresh enough, otherwise the next."""
        running = self._running
        if running and running.began and key in running.keys and self._is_fresh(key, running.began, self.max_age):
            return running
        if self._next is None:
            self._next = _Query(asyncio.get_running_loop().create_future())
        self._next.keys.add(key)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return self._next

    def _is_fresh(self, key: Key, began: float, max_age: float) -> bool:
        now = asyncio.get_running_loop().time()
        return now - began < max_age and began > self._outdated.get(key, float("-inf"))

    async def _read(self) -> None:
        """Run one query after the other until no caller waits."""
        loop = asyncio.get_running_loop()
        while self._next:
            if (wait := self._last + self.every - loop.time()) > 0:
                await asyncio.sleep(wait)
            query, self._next = self._next, None
            self._running, self._last = query, loop.time()
            query.began = began = self._last
            try:
                found = await self.fetch(query.keys)
            except Exception as error:  # noqa: BLE001  # it is not swallowed: every caller who waits raises it
                query.found.set_exception(error)
                query.found.exception()  # also of a query that no caller waits for it counts as seen
            else:
                if self.max_age:
                    fresh = {k: known for k, known in self._known.items() if self._is_fresh(k, known[1], self.max_age)}
                    # A key that does not exist is not remembered: it may exist the next moment.
                    self._known = fresh
                    for key, value in found.items():
                        self.put(key, value, began)
                query.found.set_result(found)
        self._running = self._reading = None
