"""Which errors of the database's drivers mean that it cannot be reached, or not now."""

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

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
)
DATABASE_ERRORS: Final = (SQLAlchemyError, asyncpg.PostgresError, *UNAVAILABLE)
"""All that the drivers raise."""


def is_unavailable(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, UNAVAILABLE)
    return error.connection_invalidated or isinstance(getattr(error.orig, "__cause__", None), UNAVAILABLE)
