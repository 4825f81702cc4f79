"""The queues of a petition: how many lines wait for whom, for what, and since when."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from asyncpg import Connection

from app.database.pools import Database
from app.examination import queue_queries as rows
from app.examination.queue_queries import Part
from app.law.petition import PetitionKey
from app.law.queues import Queue

_KEPT: Final = 5.0  # seconds that a count is shown at least, and
_SHARE: Final = 50  # times as long as it took: counting takes no more than a fiftieth of a processor


class WaitingLines(NamedTuple):
    """The lines that wait in one queue."""

    queue: Queue
    parts: Sequence[Part]  # by cause
    claimed: int  # of them, those that people hold now

    @property
    def lines(self) -> int:
        """How many there are."""
        return sum(part.lines for part in self.parts)

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the first one waits; None: there is none."""
        return min((part.waiting_since for part in self.parts), default=None)


@dataclass(eq=False)
class QueueBoard:
    """The counted queues of one process. Counting reads every waiting line, so a count is kept for some seconds."""

    database: Database
    _kept: dict[tuple[PetitionKey, Queue], tuple[list[Part], float]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(
        self, petition: PetitionKey, queues: Sequence[Queue], *, section: int | None = None, reason: str | None = None
    ) -> list[WaitingLines]:
        """How many lines wait in these queues.

        Args:
            petition: whose queues.
            queues: which.
            section: only its lines, counted now; None: all, as counted a few seconds ago at the earliest.
            reason: only lines that wait for this cause; None: any.
        """
        found = []
        async with self.database.reading() as connection:
            claimed = await rows.claimed_lines(connection, petition)
            for queue in queues:
                count = rows.parts_of(connection, petition, queue, section) if section else None
                parts = await (count or self._counted(connection, petition, queue))
                chosen = [part for part in parts if reason in (None, part.reason)]
                found.append(WaitingLines(queue, chosen, claimed.get(queue, 0)))
        return found

    async def _counted(self, connection: Connection, petition: PetitionKey, queue: Queue) -> list[Part]:
        async with self._turn:  # who waits for the same count finds it counted
            parts, until = self._kept.get((petition, queue), ([], 0.0))
            if (began := time.monotonic()) >= until:
                parts = await rows.parts_of(connection, petition, queue)
                ended = time.monotonic()
                self._kept[petition, queue] = parts, ended + max(_KEPT, _SHARE * (ended - began))
            return parts
