"""One query for all callers who ask the same kind of question at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Query(Generic[Key, Value]):
    """What one query asks for, who waits for it, and when it began.

    Each caller has a future of its own: one that gives up does not take the others' answer along, and all wake up in
    the same turn of the loop.
    """

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.waiters: list[asyncio.Future[Mapping[Key, Value]]] = []
        self.began: float | None = None

    def answer(self, found: Mapping[Key, Value]) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(found)

    def fail(self, error: Exception) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)


class Coalesced(Generic[Key, Value]):
    """Reads by key. While one query runs, all callers wait for the next, which asks for all their keys at once.

    No caller gets the result of a query that began before it asked, unless the query began less than `max_age` seconds
    before; and there is one query at a time, however many callers ask.
    """

    def __init__(
        self,
        fetch: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        max_age: float = 0.0,
        every: float = 0.0,
    ) -> None:
        """Read with `fetch`, which leaves out the keys that do not exist, at most once in `every` seconds."""
        self._fetch = fetch
        self._max_age = max_age
        self._every = every
        self._last = float("-inf")  # when a query began
        self._next: _Query[Key, Value] | None = None
        self._running: _Query[Key, Value] | None = None
        self._known: dict[Key, tuple[Value, float]] = {}  # and when its query began
        self._outdated: dict[Key, float] = {}  # a query that began before this does not count
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value as of now; None if there is none. All callers who wait for a query get the error that it raises."""
        if key in self._known:
            value, began = self._known[key]
            if self._is_fresh(key, began, self._max_age):
                if not self._is_fresh(key, began, self._max_age / 2):  # so that the next caller does not wait either
                    self._ask(key)
                return value
        waiter: asyncio.Future[Mapping[Key, Value]] = asyncio.get_running_loop().create_future()
        self._ask(key).waiters.append(waiter)
        return (await waiter).get(key)

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
        if running and running.began and key in running.keys and self._is_fresh(key, running.began, self._max_age):
            return running
        if self._next is None:
            self._next = _Query()
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
            if (wait := self._last + self._every - loop.time()) > 0:
                await asyncio.sleep(wait)
            query, self._next = self._next, None
            self._running, self._last = query, loop.time()
            query.began = began = self._last
            try:
                found = await self._fetch(query.keys)
            except Exception as error:  # noqa: BLE001  # it is not swallowed: every caller who waits raises it
                query.fail(error)
            else:
                self._remember(found, began)
                query.answer(found)
        self._running = self._reading = None

    def _remember(self, found: Mapping[Key, Value], began: float) -> None:
        """Keep what was found. A key that does not exist is not remembered: it may exist the next moment."""
        if not self._max_age:
            return
        self._known = {k: known for k, known in self._known.items() if self._is_fresh(k, known[1], self._max_age)}
        for key, value in found.items():
            self.put(key, value, began)
