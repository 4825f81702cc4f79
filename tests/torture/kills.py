"""Killing the service and its database under load, and holding what stations were told against what is there."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg
import httpx
import pytest

from app.database.engine import open_database
from app.database.pools import Database
from tests.races import pauses
from tests.races.pairs import PAIRS
from tests.races.schedules import Pair, storm
from tests.torture.load import Account, Stations, check
from tests.torture.service import Service
from tests.waiting import until


@dataclass
class Torture:
    """One service, its stations, and the faults that are done to it."""

    service: Service
    draw: random.Random
    stations: Stations = field(init=False)

    def __post_init__(self) -> None:
        """Send the stations to the service."""
        self.stations = Stations(self.service, self.draw)

    @property
    def account(self) -> Account:
        """What was sent, and how it ended."""
        return self.stations.account

    async def round(self, fault: str, stations: int = 12) -> int:
        """Post, do one fault to the service in the middle of it, and check; how many requests were in flight."""
        await self.service.start()
        self.stations.fault, before = "none", self.account.acknowledged

        async def going_well() -> bool:
            return self.account.acknowledged >= before + stations

        posting = asyncio.create_task(self.stations.post_until_stopped(stations))
        await asyncio.sleep(0.3 + self.draw.random())
        await until(going_well)  # which takes longer on a loaded machine
        self.stations.fault, hit = fault, self.account.in_flight
        await self._faults[fault]()
        await asyncio.sleep(0.2)
        self.stations.stopping = True
        await posting
        self.stations.fault = "none"
        await self.service.kill()
        await self.check()
        return hit

    @property
    def _faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {"kill -9 of the service": self.service.kill, "kill -9 of PostgreSQL": self._kill_database}

    async def _kill_database(self) -> None:
        await self.service.kill_database()
        async with httpx.AsyncClient(base_url=self.service.url) as client:
            while True:  # the service must bring it back by itself
                try:
                    if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)

    async def storm(self, seconds: float) -> int:
        """Race pairs of verbs on one voter, thousands of them; how many."""
        races, ends = 0, time.monotonic() + seconds
        with self.service.server() as server, pytest.MonkeyPatch.context() as patch:
            pauses.install(patch)
            database = await open_database(server.logins().service, intake=12)
            async with database.reading() as watching:
                while time.monotonic() < ends:
                    pairs = self.draw.choices(list(PAIRS.values()), k=5)
                    await asyncio.gather(*(self._race(database, pair) for pair in pairs))
                    races += len(pairs)
                assert await watching.fetchval("SELECT count(*) FROM petition") > races
            await database.close()
        return races

    async def _race(self, database: Database, pair: Pair) -> None:
        async with database.reading() as watching:
            await storm(database, watching, pair, self.draw)

    async def repeat(self) -> None:
        """Let stations send again what was not acknowledged, and check."""
        await self.service.start()
        await self.stations.repeat()
        await self.service.kill()
        await self.check()

    async def check(self) -> None:
        """Hold the account against the rows."""
        with self.service.server() as server:
            connection = await asyncpg.connect(server.dsn())
            try:
                await check(connection, self.account, self.service)
            finally:
                await connection.close()
