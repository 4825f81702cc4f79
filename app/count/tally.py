"""The tallies for monitors: as new as this process's last commit, and for any number of monitors at the cost of one."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from time import monotonic

from app.count.line_queries import read_tallies
from app.database.coalescing import Coalesced
from app.database.engine import Database
from app.errors import BusyError
from app.law.petition import PetitionKey
from app.law.tally import Tally

logger = logging.getLogger("app.tally")

_MAX_AGE = 0.2  # seconds that a tally may be old
_EVERY = 0.05  # seconds between two queries at the least
_REMEMBERED = 60  # seconds: longer than any query that began before a commit may take
_LISTENERS = 1_000  # streams of one process
_QUIET_ROUNDS = 15  # after so many without a new version a stream sends a keep-alive


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
        self._round = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ended = False

    def publish(self, petition: PetitionKey, tally: Tally, as_of: float) -> None:
        """Take the tally as a commit of this process left it, before the caller is answered.

        Args:
            petition: whose tally it is.
            tally: with the version that the commit made.
            as_of: when the tally was the newest for certain, by the loop's clock.
        """
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

    def check_room(self) -> None:
        """Raise BusyError if the process has as many streams as it takes."""
        if self.listeners >= _LISTENERS:
            raise BusyError

    async def follow(self, petition: PetitionKey, version: int | None) -> AsyncGenerator[Tally | None]:
        """Each new version that is seen, the first at once unless it is the given one; None as a keep-alive.

        All streams of the process share one look a second. Versions between two looks are skipped. A notification in
        the writing transactions would serialize their commits.
        """
        self._listeners[petition] += 1
        try:
            async with aclosing(self._versions(petition, version)) as versions:
                async for tally in versions:
                    yield tally
        finally:
            self._listeners[petition] -= 1
            if not self._listeners[petition]:
                del self._listeners[petition]

    async def _versions(self, petition: PetitionKey, version: int | None) -> AsyncGenerator[Tally | None]:
        tally, quiet = await self.read(petition), 0
        while not self._ended:
            if tally and tally.version != version:
                version, quiet = tally.version, 0
                yield tally
            elif quiet >= _QUIET_ROUNDS:
                quiet = 0
                yield None
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._watch())
            await self._round.wait()
            tally, quiet = self._seen.get(petition, tally), quiet + 1

    async def _watch(self) -> None:
        while self._listeners and not self._ended:
            await asyncio.sleep(self._every)
            try:
                watched = list(self._listeners)
                found = await asyncio.gather(*map(self.read, watched))
                self._seen = {petition: row for petition, row in zip(watched, found, strict=True) if row}
            except Exception as error:  # noqa: BLE001  # such as the database being away: the next round tries again
                logger.warning("reading the tallies failed", extra={"error": type(error).__qualname__})
            over, self._round = self._round, asyncio.Event()
            over.set()

    def end(self) -> None:
        """End every stream, so that the process can end."""
        self._ended = True
        self._round.set()
