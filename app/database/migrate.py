"""The schema version: bringing a database to head, and reading where it is."""

from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.database.engine import connect_arguments
from app.errors import OperationalError

_PROJECT: Final = Path(__file__).parents[2]
_CONNECT_WITHIN: Final = 15  # seconds


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema of the database at `url` (`postgresql+asyncpg://…`) to `revision`, in one transaction.

    The connecting user becomes, or is, the owner of the schema. Several processes may do so at once; within a process
    one upgrade after the other, since Alembic keeps its context in globals.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415  # 6 MB, which a service with a current schema need not hold
    from alembic.config import Config  # noqa: PLC0415  # the same

    configuration = Config(toml_file=_PROJECT / "pyproject.toml")
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)


async def is_current(url: str) -> bool:
    """Whether the schema of the database at `url` is this program's. Every command asks this first.

    Raises:
        OperationalError: the database cannot be reached, or a newer version of this program has migrated it.
    """
    connection = await _connect(url)
    try:
        revision = await current_revision(connection)
    finally:
        await connection.close()
    if revision is not None and revision not in _revisions():
        raise OperationalError("the database was migrated by a newer version of this program: use that version")
    return revision == head_revision()


async def _connect(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(**connect_arguments(url), timeout=_CONNECT_WITHIN)
    except asyncpg.InvalidAuthorizationSpecificationError:
        why = "the server refuses this user or password"
    except asyncpg.InvalidCatalogNameError:
        why = "the server has no database of this name: create it first"
    except asyncpg.PostgresError as error:
        why = f"the server refuses the connection ({type(error).__name__})"
    except (OSError, TimeoutError):
        why = "no database server answers at this host and port"
    raise OperationalError(f"DATABASE_URL: {why}")


def _revisions() -> list[str]:
    return [file.name.partition("_")[0] for file in (_PROJECT / "migrations" / "versions").glob("[0-9]*.py")]


def head_revision() -> str:
    """The newest revision this program knows: they are numbered, and the files of migrations begin with the number."""
    return max(_revisions())


async def current_revision(connection: asyncpg.Connection) -> str | None:
    """The revision the database is at; None before the first migration, when the table does not exist."""
    if not await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL"):
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM public.alembic_version")
    return revision
