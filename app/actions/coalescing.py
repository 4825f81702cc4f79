"""One query for everybody who asks the same kind of question at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Coalesced(Generic[Key, Value]):
    """Reads by key. While one query runs, all who come wait for the next, which asks for all their keys at once.

    Nobody is given the result of a query that began before they asked, so an answer is never older than its request;
    and there is one query at a time, however many ask.
    """

    def __init__(self, fetch: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        """Read with `fetch`, which leaves out the keys that do not exist."""
        self._fetch = fetch
        self._one_at_a_time = asyncio.Lock()
        self._next: tuple[set[Key], asyncio.Task[Mapping[Key, Value]]] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value as of now; None where there is none. What `fetch` raises, all who wait for it get."""
        if self._next is None:
            self._next = set(), asyncio.create_task(self._read())
        keys, task = self._next
        keys.add(key)
        return (await asyncio.shield(task)).get(key)  # one who gives up does not take the others' answer along

    async def _read(self) -> Mapping[Key, Value]:
        async with self._one_at_a_time:
            keys = self._next[0] if self._next else set()
            self._next = None
            return await self._fetch(keys)
