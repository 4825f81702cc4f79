"""Taking turns in the event loop: whoever computes for long does so in slices, one in each round, whoever's it is."""

import asyncio
from collections import deque


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
