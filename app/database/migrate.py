"""The schema version: bringing a database to head, and reading where it is."""

from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.database.engine import connect_arguments

_PROJECT: Final = Path(__file__).parents[2]
_CONFIGURATION: Final = _PROJECT / "pyproject.toml"  # [tool.alembic]
_MIGRATIONS: Final = _PROJECT / "migrations" / "versions"

# The revision a database is at. NULL before the first migration: the table is looked up by name, not read blindly.
_VERSION_TABLE = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_CURRENT_REVISION = "SELECT version_num FROM public.alembic_version"


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema of the database at `url` (`postgresql+asyncpg://…`) to `revision`, in one transaction.

    The connecting user becomes, or is, the owner of the schema. Several processes may do so at
    once; within a process one upgrade after the other, since Alembic keeps its context in globals.
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

    configuration = Config(toml_file=_CONFIGURATION)
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)


async def is_current(url: str) -> bool:
    """Whether the schema of the database at `url` is this program's."""
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        return await current_revision(connection) == head_revision()
    finally:
        await connection.close()


def head_revision() -> str:
    """The newest revision this program knows: they are numbered, and the files of migrations begin with the number."""
    return max(file.name.partition("_")[0] for file in _MIGRATIONS.glob("[0-9]*.py"))


async def current_revision(connection: asyncpg.Connection) -> str | None:
    """The revision the database is at; None before the first migration."""
    if not await connection.fetchval(_VERSION_TABLE):
        return None
    revision: str | None = await connection.fetchval(_CURRENT_REVISION)
    return revision
