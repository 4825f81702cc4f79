"""A counted petition in a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.database.engine import Database, open_database
from tests.database.counted import Counted, a_counted_petition


@pytest.fixture
async def service(database: str) -> AsyncIterator[Database]:
    """The database as the service reaches it, in its role."""
    opened = await open_database(database, intake=2, reading=2)
    yield opened
    await opened.close()


@pytest.fixture
async def counted(service: Database, tmp_path: Path) -> Counted:
    return await a_counted_petition(service, tmp_path)
