"""The connections of one process: a pool for writes to the count, one for short reads, one for everything else."""

from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine

from app.database.pools import Database, no_reset

_BRIEF = 4  # connections: keys and tallies use one each at a time; the others are for health checks

SERVICE_ROLE = "recall_service"

SESSION = {
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


async def open_database(url: str, *, intake: int = 4, reading: int = 8) -> Database:
    """Open the pools of a process, as the service's role."""
    writers, quick = await _pool(url, intake), await _pool(url, _BRIEF)
    engine = create_async_engine(
        url,
        pool_size=reading,
        max_overflow=0,
        pool_timeout=5,
        connect_args={"server_settings": SESSION, "command_timeout": 40},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return Database(writers, quick, engine)


async def _pool(url: str, most: int) -> asyncpg.Pool:
    """A pool of the driver's own."""
    return await asyncpg.create_pool(
        **connect_arguments(url, **SESSION),
        min_size=1,
        max_size=most,
        command_timeout=40,
        reset=no_reset,
    )


def _refuse_closed(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Have the pool open another connection for one that the server closed meanwhile: no round trip is spent on it.

    Raises:
        DisconnectionError: the pool's way to hear of it.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
