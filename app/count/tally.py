"""Telling monitors where the count stands, any number of them at the price of one."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing

from app.count.line_queries import read_tallies
from app.database.coalescing import Coalesced
from app.database.engine import Database
from app.errors import BusyError
from app.law.petition import PetitionKey
from app.law.tally import Tally

logger = logging.getLogger("app.tally")

_MAX_AGE = 0.2  # seconds that a tally may be old; this process's own writes show at once
_EVERY = 0.05  # seconds between two queries at the least, whatever is written
_LISTENERS = 1_000  # of one process
_QUIET_ROUNDS = 15  # after so many without a new version a listener is told that we still live


class Tallies:
    """The tallies, at most 0.2 s old. One query at a time and 20 a second, however many monitors poll."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._reads: Coalesced[PetitionKey, Tally] = Coalesced(
            self._fetch, max_age=_MAX_AGE, every=_EVERY, writes=lambda: database.writes
        )

    async def read(self, petition: PetitionKey) -> Tally | None:
        """The tally; None where there is no such petition.

        Not older than the last commit of this process, nor more than 0.2 s older than the last one of another.
        """
        read, told = await self._reads.get(petition), self._database.told(petition)
        return told if isinstance(told, Tally) and (read is None or told.version > read.version) else read

    def read_ahead(self, petition: PetitionKey) -> None:
        """Have the tally read where it is not known: somebody is about to ask for it."""
        self._reads.ask_ahead(petition)

    async def _fetch(self, petitions: Collection[PetitionKey]) -> Mapping[PetitionKey, Tally]:
        async with self._database.brief() as connection:
            return await read_tallies(connection, petitions)


class TallyWatch:
    """Follows the tallies that somebody listens to, by one read a second for all listeners of the process.

    A notification in the writing transactions would serialize their commits.
    """

    def __init__(self, tallies: Tallies, *, every: float = 1.0) -> None:
        """Look every so many seconds."""
        self._tallies = tallies
        self._every = every
        self._listeners: Counter[PetitionKey] = Counter()
        self._seen: dict[PetitionKey, Tally] = {}
        self._round = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def listeners(self) -> int:
        """How many follow."""
        return self._listeners.total()

    def check_room(self) -> None:
        """Raise BusyError where there are as many listeners as a process takes."""
        if self.listeners >= _LISTENERS:
            raise BusyError

    async def follow(self, petition: PetitionKey, version: int | None) -> AsyncGenerator[Tally | None]:
        """Each new version that is seen, at once where it is not the one given; None as a sign of life.

        Versions that come and go between two looks are passed over: what is told is where the count stands.
        """
        self._listeners[petition] += 1
        try:
            async with aclosing(self._versions(petition, version)) as versions:
                async for row in versions:
                    yield row
        finally:
            self._listeners[petition] -= 1
            if not self._listeners[petition]:
                del self._listeners[petition]

    async def _versions(self, petition: PetitionKey, version: int | None) -> AsyncGenerator[Tally | None]:
        row, quiet = await self._tallies.read(petition), 0
        while not self._ended:
            if row and row.version != version:
                version, quiet = row.version, 0
                yield row
            elif quiet >= _QUIET_ROUNDS:
                quiet = 0
                yield None
            await self._next_round()
            row, quiet = self._seen.get(petition, row), quiet + 1

    async def _next_round(self) -> None:
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        await self._round.wait()

    async def _watch(self) -> None:
        while self._listeners and not self._ended:
            await asyncio.sleep(self._every)
            try:
                watched = list(self._listeners)
                found = await asyncio.gather(*map(self._tallies.read, watched))
                self._seen = {petition: row for petition, row in zip(watched, found, strict=True) if row}
            except Exception as error:  # noqa: BLE001  # such as the database being away: the next round tries again
                logger.warning("reading the tallies failed", extra={"error": type(error).__qualname__})
            over, self._round = self._round, asyncio.Event()
            over.set()

    def end(self) -> None:
        """End every listener's stream, so that the process can end."""
        self._ended = True
        self._round.set()
