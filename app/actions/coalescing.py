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
        writes: Callable[[], int] = lambda: 0,
    ) -> None:
        """Read with `fetch`, which leaves out the keys that do not exist; `writes` counts what may change values."""
        self._fetch = fetch
        self._max_age = max_age
        self._writes = writes
        self._one_at_a_time = asyncio.Lock()
        self._next: tuple[set[Key], asyncio.Task[Mapping[Key, Value]]] | None = None
        self._running: tuple[set[Key], asyncio.Task[Mapping[Key, Value]], _Moment] | None = None
        self._known: dict[Key, tuple[Value, _Moment]] = {}

    async def get(self, key: Key) -> Value | None:
        """The value as of now; None where there is none. What `fetch` raises, all who wait for it get."""
        if key in self._known:
            value, moment = self._known[key]
            if self._is_fresh(moment):
                if not self._is_fresh(moment, self._max_age / 2):  # whoever comes next shall not wait either
                    self._ask(key).add_done_callback(_let_be)
                return value
        return (await asyncio.shield(self._ask(key))).get(key)  # who gives up does not take the others' answer along

    def _ask(self, key: Key) -> asyncio.Task[Mapping[Key, Value]]:
        """The query that asks for this key: the one that runs, where it is fresh enough, or the next."""
        if self._running:
            keys, task, moment = self._running
            if key in keys and self._is_fresh(moment):
                return task
        if self._next is None:
            self._next = set(), asyncio.create_task(self._read())
        keys, task = self._next
        keys.add(key)
        return task

    def _is_fresh(self, moment: _Moment, max_age: float | None = None) -> bool:
        age = asyncio.get_running_loop().time() - moment.began
        return age < (self._max_age if max_age is None else max_age) and moment.writes == self._writes()

    async def _read(self) -> Mapping[Key, Value]:
        async with self._one_at_a_time:
            if self._next is None:
                msg = "a query reads for those who wait for it"
                raise RuntimeError(msg)
            (keys, task), self._next = self._next, None
            moment = _Moment(asyncio.get_running_loop().time(), self._writes())
            self._running = keys, task, moment
            try:
                found = await self._fetch(keys)
            finally:
                self._running = None
        if self._max_age:  # what is not there is not remembered: it may be there the next moment
            fresh = {key: known for key, known in self._known.items() if self._is_fresh(known[1])}
            self._known = fresh | {key: (value, moment) for key, value in found.items()}
        return found


def _let_be(task: asyncio.Task[Mapping[Key, Value]]) -> None:
    """A query ahead of its time failed: who needs its answer asks again, and is told."""
    if not task.cancelled():
        task.exception()
