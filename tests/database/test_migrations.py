"""The schema from nothing to head and back, and what two at a time do to each other."""

import asyncio
import sys
from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.database.engine import connect_arguments
from app.database.login_queries import SERVICE_ROLE
from app.database.migrate import current_revision, head_revision, upgrade
from app.database.server import EmbeddedServer

_NUMBERS = count(1)


@pytest.fixture
async def empty(server: EmbeddedServer, administration: asyncpg.Connection) -> AsyncIterator[str]:
    name = f"empty_{next(_NUMBERS)}"
    await administration.execute(f"CREATE DATABASE {name}")
    yield server.url(database=name)
    await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def revision(url: str, **session: str) -> str | None:
    connection = await asyncpg.connect(**connect_arguments(url, **session))
    found = await current_revision(connection)
    await connection.close()
    return found


async def test_an_empty_database_has_no_revision_and_reaches_head(empty: str) -> None:
    assert await revision(empty) is None
    await upgrade(empty)
    assert await revision(empty) == head_revision()


def test_the_newest_revision_is_the_one_that_alembic_ends_at() -> None:
    assert head_revision() == ScriptDirectory.from_config(Config(toml_file="pyproject.toml")).get_current_head()


async def test_migrating_again_changes_nothing(empty: str) -> None:
    await upgrade(empty)
    await upgrade(empty)
    assert await revision(empty) == head_revision()


async def test_the_service_may_ask_for_the_revision(empty: str) -> None:
    await upgrade(empty)
    assert await revision(empty, role=SERVICE_ROLE) == head_revision()


async def test_every_migration_can_be_undone_and_done_again(empty: str) -> None:
    def downgrade(connection: Connection) -> None:
        configuration = Config(toml_file="pyproject.toml")
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "base")

    await upgrade(empty)
    engine = create_async_engine(empty)
    async with engine.begin() as connection:
        await connection.run_sync(downgrade)
    await engine.dispose()
    assert await revision(empty) is None
    await upgrade(empty)
    assert await revision(empty) == head_revision()


async def test_processes_that_migrate_at_the_same_time_do_not_disturb_each_other(
    server: EmbeddedServer, administration: asyncpg.Connection
) -> None:
    names = [f"racing_{next(_NUMBERS)}" for _ in range(2)]
    for name in names:
        await administration.execute(f"CREATE DATABASE {name}")
    program = "import asyncio, sys; from app.database.migrate import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, server.url(database=name))
        for name in names * 2
    ]
    assert [await process.wait() for process in processes] == [0] * 4
    for name in names:
        assert await revision(server.url(database=name)) == head_revision()
        await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")
