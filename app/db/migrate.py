"""The schema's version: bringing a database to head, and asking where it is."""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.db.engine import connect_arguments

_CONFIGURATION = Path(__file__).parents[2] / "pyproject.toml"  # [tool.alembic]

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


def head_revision() -> str | None:
    """The newest revision this program knows."""
    return ScriptDirectory.from_config(Config(toml_file=_CONFIGURATION)).get_current_head()


async def current_revision(connection: asyncpg.Connection) -> str | None:
    """The revision the database is at; None before the first migration."""
    if not await connection.fetchval(_VERSION_TABLE):
        return None
    revision: str | None = await connection.fetchval(_CURRENT_REVISION)
    return revision
