"""A connection of the hot path leaves no state of its session behind when it is returned to its pool."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.database.engine import open_database
from app.database.pools import Database
from tests.races import pauses

APP = Path(__file__).parents[2] / "app"
# What PostgreSQL keeps until the session ends. `SET LOCAL` and `pg_advisory_xact_lock` end with their transaction.
SESSION_STATE = re.compile(
    r'"(?:SET (?!LOCAL )|RESET |LISTEN |UNLISTEN |PREPARE )|set_config\(|advisory_(?!xact)|WITH HOLD\b', re.IGNORECASE
)


@pytest.fixture
async def one(database: str) -> AsyncIterator[Database]:
    """Pools of one connection each."""
    opened = await open_database(database, intake=1, reading=1)
    yield opened
    await opened.close()


async def begin_and_leave(database: Database) -> int:
    """Leave a transaction open on the connection; its process in the database."""
    async with database.intake() as connection:
        await connection.execute("BEGIN")
        await connection.execute("SET LOCAL statement_timeout = '1s'")
        await connection.execute("UPDATE head SET state = state")
        process: int = await connection.fetchval("SELECT pg_backend_pid()")
        return process


async def test_a_transaction_left_open_is_rolled_back_before_the_next_one_has_the_connection(one: Database) -> None:
    process = await begin_and_leave(one)
    async with one.intake() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT pg_backend_pid()") == process
        assert await connection.fetchval("SHOW statement_timeout") == "30s"
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND pid = $1"
        assert await connection.fetchval(locks, process) == 0


async def test_a_transaction_that_failed_leaves_a_connection_that_works(one: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with one.intake() as connection, connection.transaction():
            await connection.execute("SELECT 1 / 0")
    async with one.intake() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_giving_a_connection_back_costs_no_round_trip(one: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses.install(monkeypatch)
    counter = pauses.Stop(at=-1)
    token = pauses.STOP.set(counter)
    async with one.intake() as connection:
        await connection.fetchval("SELECT 1")
    pauses.STOP.reset(token)
    assert counter.passed == 1


def test_no_statement_leaves_anything_in_its_session() -> None:
    sources = [path for path in APP.rglob("*.py") if "asyncpg" in path.read_text()]
    assert any("advisory_xact_lock" in path.read_text() for path in sources)
    assert [path.name for path in sources if SESSION_STATE.search(path.read_text())] == []
