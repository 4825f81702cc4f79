"""The connection pools of one process: for changes of the count, for short reads, and for everything else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import asyncpg

if TYPE_CHECKING:  # worker processes import this module and have no use for SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import QueuePool

Acquire = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


async def no_reset(_connection: asyncpg.Connection) -> None:
    """Return a connection without a round trip: the driver has rolled back an open transaction already.

    The driver's own reset would in addition undo what outlives a transaction: settings, listeners, session locks, held
    cursors. The hot path leaves none (a test checks), and a lone station would wait for the reset at each transaction.
    """


class Database:
    """The pools of one process; `open_database` makes them."""

    def __init__(self, intake: asyncpg.Pool, brief: asyncpg.Pool, reading: "AsyncEngine", wait: float) -> None:
        """Keep the pools. `wait` is how many seconds to wait for a connection of the brief pool."""
        self._own: Final = {"intake": intake, "brief": brief}
        self._reading: Final = reading
        self.intake: Final[Acquire] = partial(intake.acquire, timeout=20)
        """A connection for the hot path, straight from the driver."""
        self.brief: Final[Acquire] = partial(brief.acquire, timeout=wait)
        """A connection to read a row by its key: stations wait for that as well, however busy the readers are."""
        self.begin: Final = reading.begin
        """A SQLAlchemy transaction, committed on leaving."""

    @property
    def url(self) -> str:
        """The database's address with its password, for connections outside the pools."""
        return self._reading.url.render_as_string(hide_password=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A driver's connection from the readers' pool."""
        async with self._reading.connect() as connection:
            raw = await connection.get_raw_connection()
            yield raw.driver_connection

    def connections(self) -> dict[str, tuple[int, int]]:
        """How many connections each pool has, and how many of them are in use."""
        reading = cast("QueuePool", self._reading.pool)
        used, idle = reading.checkedout(), reading.checkedin()
        sizes = {name: (pool.get_size(), pool.get_size() - pool.get_idle_size()) for name, pool in self._own.items()}
        return {**sizes, "reading": (used + idle, used)}

    async def close(self) -> None:
        """Close the pools."""
        for pool in self._own.values():
            await pool.close()
        await self._reading.dispose()
