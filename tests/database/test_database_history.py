"""The history of a database, as the service's role reads and records it."""

import asyncpg

from app.database.pools import Database
from app.database.queries import cluster_of, current_history


async def test_a_database_begins_in_its_first_history(service: Database) -> None:
    async with service.brief() as connection:
        first = await current_history(connection)
        assert first == await current_history(connection)
    assert first.restored_at is None
    assert first.name.split("-")[1] == "1"


async def test_another_history_than_the_first_is_one_that_was_restored(
    service: Database, connection: asyncpg.Connection
) -> None:
    await connection.execute("INSERT INTO database_history VALUES ('1-1', '1-1-a', '2022-07-06')")
    async with service.brief() as reading:
        found = await current_history(reading)
        assert found == await current_history(reading)
        assert found.name.startswith(f"{await cluster_of(reading)}-")
    assert found.restored_at is not None


async def test_the_service_cannot_change_a_history(service: Database) -> None:
    async with service.brief() as connection:
        await current_history(connection)
        for statement in ("UPDATE database_history SET history = 'x'", "DELETE FROM database_history"):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            raise AssertionError(statement)


async def test_a_server_that_does_not_say_is_of_an_unknown_history(
    service: Database, connection: asyncpg.Connection
) -> None:
    await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system FROM PUBLIC")
    async with service.brief() as reading:
        assert await current_history(reading) == ("", None)
    assert await connection.fetchval("SELECT count(*) FROM database_history") == 0
