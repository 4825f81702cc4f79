"""One query for everybody who asks the same kind of question at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Moment(NamedTuple):
    """When a query began, by the loop's clock, and how much this process had written by then."""

    began: float
    writes: int


class _Query(Generic[Key, Value]):
    """What one query asks for, who waits for it, and when it began.

    Each waiter has a future of its own: one who gives up does not take the others' answer along, and all are woken in
    the same turn of the loop.
    """

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.waiters: list[asyncio.Future[Mapping[Key, Value]]] = []
        self.moment: _Moment | None = None

    def answer(self, found: Mapping[Key, Value]) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(found)

    def fail(self, error: Exception) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)


class Coalesced(Generic[Key, Value]):
    """Reads by key. While one query runs, all who come wait for the next, which asks for all their keys at once.

    Nobody is given the result of a query that began before they asked, unless it began less than `max_age` seconds
    before and this process has written nothing since; and there is one query at a time, however many ask.
    """

    def __init__(
        self,
        fetch: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        max_age: float = 0.0,
        every: float = 0.0,
        writes: Callable[[], int] = lambda: 0,
    ) -> None:
        """Read with `fetch`, which leaves out the keys that do not exist; `writes` counts what may change values.

        A query begins no sooner than `every` seconds after the last one, whatever was written meanwhile.
        """
        self._fetch = fetch
        self._max_age = max_age
        self._every = every
        self._last = float("-inf")  # when a query began
        self._writes = writes
        self._next: _Query[Key, Value] | None = None
        self._running: _Query[Key, Value] | None = None
        self._known: dict[Key, tuple[Value, _Moment]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value as of now; None where there is none. What `fetch` raises, all who wait for it get."""
        if key in self._known:
            value, moment = self._known[key]
            if self._is_fresh(moment):
                if not self._is_fresh(moment, self._max_age / 2):  # whoever comes next shall not wait either
                    self._ask(key)
                return value
        waiter: asyncio.Future[Mapping[Key, Value]] = asyncio.get_running_loop().create_future()
        self._ask(key).waiters.append(waiter)
        return (await waiter).get(key)

    def ask_ahead(self, key: Key) -> None:
        """Have the value read where it is not known: somebody is about to ask for it."""
        if key not in self._known or not self._is_fresh(self._known[key][1]):
            self._ask(key)

    def _ask(self, key: Key) -> _Query[Key, Value]:
        """The query that asks for this key: the one that runs, where it is fresh enough, or the next."""
        running = self._running
        if running and running.moment and key in running.keys and self._is_fresh(running.moment):
            return running
        if self._next is None:
            self._next = _Query()
        self._next.keys.add(key)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return self._next

    def _is_fresh(self, moment: _Moment, max_age: float | None = None) -> bool:
        age = asyncio.get_running_loop().time() - moment.began
        return age < (self._max_age if max_age is None else max_age) and moment.writes == self._writes()

    async def _read(self) -> None:
        """One query after the other, until nobody waits."""
        loop = asyncio.get_running_loop()
        while self._next:
            if (wait := self._last + self._every - loop.time()) > 0:
                await asyncio.sleep(wait)
            query, self._next = self._next, None
            self._running, self._last = query, loop.time()
            query.moment = moment = _Moment(self._last, self._writes())
            try:
                found = await self._fetch(query.keys)
            except Exception as error:  # noqa: BLE001  # it is not swallowed: everybody who waits raises it
                query.fail(error)
            else:
                self._remember(found, moment)
                query.answer(found)
        self._running = self._reading = None

    def _remember(self, found: Mapping[Key, Value], moment: _Moment) -> None:
        """Keep what was found. What is not there is not remembered: it may be there the next moment."""
        if self._max_age:
            fresh = {key: known for key, known in self._known.items() if self._is_fresh(known[1])}
            self._known = fresh | {key: (value, moment) for key, value in found.items()}
