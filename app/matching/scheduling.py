"""Fair scheduling of the event loop: long computations run in short slices, one slice in each round of the loop."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

_Item = TypeVar("_Item")


class FairScheduler:
    """Grants one slice in each round of the event loop, in the order of the requests.

    `await asyncio.sleep(0)` is not enough: with several batches in progress each would compute in every round, and a
    poll of the tally, which needs a few rounds, would wait for all of them in each.
    """

    def __init__(self, lines_per_slice: int = 5) -> None:
        """A line takes some tenths of a millisecond."""
        self.lines_per_slice = lines_per_slice
        self._loop: asyncio.AbstractEventLoop | None = None
        self._granted = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def next_slice(self) -> None:
        """Wait for a slice; it lasts until the task awaits something."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the slices of another loop ended with it
            self._loop, self._granted, self._waiting = loop, False, deque()
        if self._granted:
            slice_granted = loop.create_future()
            self._waiting.append(slice_granted)
            await slice_granted
        else:
            self._granted = True
            loop.call_soon(self._grant_next, loop)

    def _grant_next(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        while self._waiting:
            slice_granted = self._waiting.popleft()
            if not slice_granted.done():  # done: its task was canceled while it waited
                slice_granted.set_result(None)
                loop.call_soon(self._grant_next, loop)
                return
        self._granted = False

    async def in_slices(self, items: Iterable[_Item]) -> AsyncIterator[_Item]:
        """Yield the items, and let other tasks run in between: a batch must not delay other requests."""
        for at, item in enumerate(items):
            if at % self.lines_per_slice == 0:
                await self.next_slice()
            yield item


SCHEDULER: Final = FairScheduler()
