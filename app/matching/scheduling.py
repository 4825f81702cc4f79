"""Fair scheduling of the event loop: long computations run in short slices, one slice in each round of the loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

_Item = TypeVar("_Item")


class FairScheduler:
    """Grants one slice in each round of the event loop, in the order of the requests.

    `await asyncio.sleep(0)` alone is not enough: with several batches in progress each would compute in every round,
    and a poll of the tally, which needs a few rounds, would wait for all of them in each.
    """

    def __init__(self, lines_per_slice: int = 5) -> None:
        """A line takes some tenths of a millisecond."""
        self.lines_per_slice = lines_per_slice
        self._locks = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()

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
