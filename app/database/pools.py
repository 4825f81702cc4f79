"""The connection pools of one process: for changes of the count, for short reads, and for everything else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import asyncpg

if TYPE_CHECKING:  # worker processes import this module and have no use for SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.pool import QueuePool


async def no_reset(_connection: asyncpg.Connection) -> None:
    """Return a connection without a round trip: the driver has rolled back an open transaction already.

    The driver's own reset would in addition undo what outlives a transaction: settings, listeners, session locks, held
    cursors. The hot path leaves none (a test checks), and a lone station would wait for the reset at each transaction.
    """


class Database:
    """The pools of one process."""

    def __init__(self, intake: asyncpg.Pool, brief: asyncpg.Pool, reading: "AsyncEngine") -> None:
        """Keep the pools; `open_database` makes them."""
        self._intake = intake
        self._brief = brief
        self._reading = reading

    @property
    def url(self) -> str:
        """The database's address with its password, for connections outside the pools."""
        return self._reading.url.render_as_string(hide_password=False)

    @asynccontextmanager
    async def intake(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for the hot path, straight from the driver."""
        async with self._intake.acquire(timeout=20) as connection:
            yield connection

    @asynccontextmanager
    async def brief(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection to read a row by its key: stations wait for that as well, however busy the readers are."""
        async with self._brief.acquire(timeout=5) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A driver's connection from the readers' pool."""
        async with self._reading.connect() as connection:
            raw = await connection.get_raw_connection()
            yield raw.driver_connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["AsyncConnection"]:
        """A SQLAlchemy transaction, committed on leaving."""
        async with self._reading.begin() as connection:
            yield connection

    def connections(self) -> dict[str, tuple[int, int]]:
        """How many connections each pool has, and how many of them are in use."""
        reading = cast("QueuePool", self._reading.pool)
        used, idle = reading.checkedout(), reading.checkedin()
        pools = {"intake": self._intake, "brief": self._brief}
        sizes = {name: (pool.get_size(), pool.get_size() - pool.get_idle_size()) for name, pool in pools.items()}
        return {**sizes, "reading": (used + idle, used)}

    async def close(self) -> None:
        """Close the pools."""
        await self._intake.close()
        await self._brief.close()
        await self._reading.dispose()
