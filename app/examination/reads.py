"""Reads of voter data: each on record before it is answered, and counted against its reader's budget of the day."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from asyncpg import Connection

from app.access.principals import Principal
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import ReadBudgetError
from app.examination import read_queries as rows
from app.matching.candidates import Kind

logger = logging.getLogger("app.reads")

_FORGET_EVERY: Final = 3600.0  # seconds

ReadKind = Literal[Kind, "line", "lines", "withdrawals", "sample", "comparison", "export"]


@dataclass(frozen=True, slots=True)
class VoterRead:
    """What is read, and how much it shows; nothing of what it shows."""

    kind: ReadKind
    petition_id: UUID | None = None
    places: tuple[str, ...] = ()  # of lines, or ids of withdrawals: each counts once a day
    voters: int = 0  # of the roll, that are shown
    anew: int = 0  # lines that it counts as besides
    roll_version: int | None = None

    @classmethod
    def of_voters(cls, kind: ReadKind, petition_id: UUID, named: Mapping[str, str]) -> "VoterRead":
        """What a list shows: by the place of a line, or the id of a withdrawal, the voter whom it names."""
        return cls(kind, petition_id, tuple(named), voters=len(set(named.values())))


def line_read(petition_id: UUID, place: object, finding: Mapping[str, Any], *, anew: int = 0) -> VoterRead:
    """The reading of one line with the finding on it.

    Args:
        petition_id: the line's petition.
        place: of the line.
        finding: as it is shown; its voters are those whom it or its evidence names.
        anew: 1 where the text was corrected: it may be another voter's, so that it counts even if the place did.
    """
    candidates = (finding["evidence"] or {}).get("candidates", ())
    named = {finding["voter_id"], *(candidate.get("voter_id") for candidate in candidates)} - {None}
    return VoterRead("line", petition_id, (str(place),), voters=len(named), anew=anew)


@dataclass(eq=False)
class ReadBudget:
    """How many lines each principal may read in a day of the county, so that the roll is not copied (EC 2194).

    A line counts once a day, whatever is read of it; so does a withdrawal. A lookup counts each
    voter that it shows, and at least one.
    """

    lines: int
    zone: str
    refused: int = 0  # reads, since the process began

    def day(self, now: datetime) -> date:
        """The county's day."""
        return now.astimezone(ZoneInfo(self.zone)).date()

    def seconds_left(self, now: datetime) -> int:
        """How many seconds the county's day still has, rounded up."""
        midnight = datetime.combine(self.day(now) + timedelta(days=1), time(), ZoneInfo(self.zone))
        return int(midnight.timestamp() - now.timestamp()) + 1

    async def put_on_record(self, connection: Connection, who: Principal, read: VoterRead, *, now: datetime) -> None:
        """Count a read against the budget and put it on record. Nothing may be answered before this is committed.

        Args:
            connection: in a transaction, which ends without effect if this raises.
            who: reads.
            read: what, and how much.
            now: the time of the request.

        Raises:
            ReadBudgetError: fewer lines are left for this day.
        """
        counted = await self.spend(connection, who, read, now=now)
        await add_read(connection, who, read, counted=counted, now=now)

    async def spend(self, connection: Connection, who: Principal, read: VoterRead, *, now: datetime) -> int:
        """Count a read against the budget; returns as how many lines. Further as `put_on_record`.

        Args:
            connection: in a transaction, which ends without effect if this raises.
            who: reads.
            read: what it counts as.
            now: the time of the request.
        """
        row = (who.county_id, who.name, self.day(now), read.petition_id, read.places, read.anew, self.lines)
        counted: int | None = await connection.fetchval(rows.SPEND, *row)
        if counted is None:
            self.refused += 1
            raise ReadBudgetError(retry_after=self.seconds_left(now))
        return counted


async def add_read(connection: Connection, who: Principal, read: VoterRead, *, counted: int, now: datetime) -> None:
    """Put a read on record.

    Args:
        connection: any.
        who: reads.
        read: what, and how much.
        counted: against the budget: how many lines; 0 where there is no budget, on the command line.
        now: the time of the request.
    """
    what = (read.kind, read.petition_id, read.places, read.voters, read.roll_version)
    await connection.execute(rows.ADD_READ, who.county_id, new_id(now), who.name, who.role, *what, counted, now)


async def keep_seen_short(database: Database, budget: ReadBudget, now: Callable[[], datetime]) -> None:
    """Forget which lines were read before yesterday, at once and then every hour, until it is canceled."""
    while True:
        try:
            async with database.reading() as connection:
                await connection.execute(rows.FORGET_SEEN, budget.day(now()) - timedelta(days=1))
        except Exception as error:  # noqa: BLE001  # such as a lost database: the next round forgets them
            logger.warning("lines read were not forgotten", extra={"error": type(error).__qualname__})
        await asyncio.sleep(_FORGET_EVERY)
