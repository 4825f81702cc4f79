"""A county's database, with room for many racers."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database.engine import connect_arguments, open_database
from app.database.pools import Database
from tests.servers import as_owner


@pytest.fixture
async def racing(county_database: str) -> AsyncIterator[Database]:
    opened = await open_database(county_database, intake=20, reading=4)
    yield opened
    await opened.close()


@pytest.fixture
async def watching(county_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the racers', as the owner."""
    connection = await asyncpg.connect(**connect_arguments(as_owner(county_database)))
    yield connection
    await connection.close()
