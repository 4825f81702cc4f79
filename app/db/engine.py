"""The service's connections: one pool for what writes the count, one for everything else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

SERVICE_ROLE = "recall_service"

_SESSION = {
    "role": SERVICE_ROLE,
    "application_name": "recall-petition-verifier",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",  # compiling a plan costs more than any of these statements takes
}


def connect_arguments(url: str, **session: str) -> dict[str, Any]:
    """What `asyncpg.connect` needs for a SQLAlchemy URL, several hosts included."""
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy types its dialects' users only
    _, arguments = dialect.create_connect_args(make_url(url))  # type: ignore[no-untyped-call]  # the same
    known = {k: v for k, v in arguments.items() if not k.startswith("prepared_statement")}
    return known | {"server_settings": session}


class Database:
    """The two pools of one process."""

    def __init__(self, intake: asyncpg.Pool, reading: AsyncEngine) -> None:
        """Keep the pools; `open_database` makes them."""
        self._intake = intake
        self._reading = reading
        self.writes = 0  # of this process to the count, whether they changed it or not

    @asynccontextmanager
    async def intake(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for the hot path, straight from the driver."""
        try:
            async with self._intake.acquire(timeout=20) as connection:
                yield connection
        finally:
            self.writes += 1  # after the commit and before its answer: what was read earlier may be out of date

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A driver's connection from the readers' pool."""
        async with self._reading.connect() as connection:
            raw = await connection.get_raw_connection()
            yield raw.driver_connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A SQLAlchemy transaction, committed on leaving."""
        async with self._reading.begin() as connection:
            yield connection

    def connections(self) -> dict[str, tuple[int, int]]:
        """How many connections each pool has, and how many of them are in use."""
        intake, reading = self._intake, self._reading.pool
        used = reading.checkedout() if isinstance(reading, QueuePool) else 0
        idle = reading.checkedin() if isinstance(reading, QueuePool) else 0
        return {
            "intake": (intake.get_size(), intake.get_size() - intake.get_idle_size()),
            "reading": (used + idle, used),
        }

    async def close(self) -> None:
        """Close both pools."""
        await self._intake.close()
        await self._reading.dispose()


async def open_database(url: str, *, intake: int = 4, reading: int = 8) -> Database:
    """Open the pools of a process, as the service's role."""
    pool = await asyncpg.create_pool(
        **connect_arguments(url, **_SESSION),
        min_size=1,
        max_size=intake,
        command_timeout=40,
        reset=_as_it_is,
    )
    engine = create_async_engine(
        url,
        pool_size=reading,
        max_overflow=0,
        pool_timeout=5,
        connect_args={"server_settings": _SESSION, "command_timeout": 40},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return Database(pool, engine)


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    """Give a connection back without a round trip: the driver has rolled an open transaction back already.

    Its own reset undoes in addition what outlives a transaction: settings, listeners, session locks, held cursors. The
    hot path leaves none (a test looks), and each transaction of a lone station would wait for the answer.
    """


def _refuse_closed(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Have the pool open another connection for one that the server closed meanwhile: no round trip is spent on it.

    Raises:
        DisconnectionError: the pool's way to hear of it.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
