"""Reaching the database: how a process connects, opens its pools, and knows that the database is away."""

from typing import Any, Final

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from app.database.login_queries import SERVICE_ROLE
from app.database.pools import Database, no_reset

_BRIEF = 4  # connections: keys and tallies use one each at a time; the others are for health checks
_WAIT = 5  # seconds for a free connection to read with, before the client is asked to try again

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
    """Open the pools of a process, in the service's role."""
    writers, quick = await _pool(url, intake), await _pool(url, _BRIEF)
    sessions = {"server_settings": SESSION, "command_timeout": 40}
    engine = create_async_engine(url, pool_size=reading, max_overflow=0, pool_timeout=_WAIT, connect_args=sessions)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return Database(writers, quick, engine, _WAIT)


async def _pool(url: str, most: int) -> asyncpg.Pool:
    arguments = connect_arguments(url, **SESSION)
    return await asyncpg.create_pool(**arguments, min_size=1, max_size=most, command_timeout=40, reset=no_reset)


def _refuse_closed(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Have the pool open another connection for one that the server closed meanwhile: no round trip is spent on it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


# The database is unreachable, restarting, or too busy: the client is asked to try again, which its idempotency key
# makes safe even where the outcome of a commit is unknown.
UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection was lost in the middle of an answer, and the driver lost its place
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,
    # Of a connection that is refused: the database takes none, has another password, or is away for a restore.
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
NO_WRITES: Final = (asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError)
# A page that fails its checksum, an index that contradicts its table, a file that is gone or cannot be read: trying
# again does not help, and what else is damaged is unknown.
_DAMAGE: Final = (
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
    asyncpg.PostgresIOError,
    asyncpg.UndefinedFileError,
)
DATABASE_ERRORS: Final = (SQLAlchemyError, asyncpg.PostgresError, *UNAVAILABLE)
"""All that the drivers raise."""


def is_unavailable(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    return isinstance(_of_driver(error), UNAVAILABLE) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def is_damage(error: BaseException) -> bool:
    """Whether the database's files are damaged."""
    return isinstance(_of_driver(error), _DAMAGE)


def takes_no_write(error: BaseException) -> bool:
    """Whether the database answers and takes no write: its disk is full, or it is read-only."""
    return isinstance(_of_driver(error), NO_WRITES)


def _of_driver(error: BaseException) -> BaseException | None:
    """The driver's error, which SQLAlchemy wraps twice."""
    return getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
