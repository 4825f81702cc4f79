"""The database of the tests: one server for the run, one database for each test, cloned from a migrated one.

TEST_PG_BIN names the folder of other PostgreSQL binaries to run the same tests on.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from app.database import engine
from app.database.engine import connect_arguments, open_database
from app.database.login_queries import SERVICE_ROLE
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.roll.loading import load_roll
from tests.http.county import COUNTY, roll_csv
from tests.ledger.counted import Counted, a_counted_petition
from tests.servers import a_clone, as_owner, prepared, server_folder

# Nothing here must survive the machine, so nothing waits for the disk. Every DROP DATABASE searches all shared buffers.
_SETTINGS = {"fsync": "off", "shared_buffers": "128MB"}

# A loaded machine may hold any example up: no test fails because one took longer than another.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Wait longer for a free connection than the service does: on a loaded machine five seconds are soon over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_WAIT", 60)
        yield


@pytest.fixture(scope="session")
def binaries() -> Path | None:
    named = os.environ.get("TEST_PG_BIN")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def server(binaries: Path | None) -> Iterator[EmbeddedServer]:
    with (
        server_folder("test-") as folder,
        EmbeddedServer.start(folder, binaries=binaries, settings=_SETTINGS) as started,
    ):
        yield started


@pytest.fixture(scope="session")
async def administration(server: EmbeddedServer) -> AsyncIterator[asyncpg.Connection]:
    """Makes and drops databases; on first use it migrates the one that the others are cloned from."""
    await prepared(server)
    connection = await asyncpg.connect(server.dsn(database="postgres"))
    yield connection
    await connection.close()


@pytest.fixture
async def database(server: EmbeddedServer, administration: asyncpg.Connection) -> AsyncIterator[str]:
    """The SQLAlchemy URL of a migrated, empty database of this test's own, with the service's login."""
    async with a_clone(administration, "recall") as name:
        yield server.url(name, SERVICE_ROLE)


@pytest.fixture(scope="session")
async def county(server: EmbeddedServer, administration: asyncpg.Connection) -> str:
    """The name of a database with a small county's roll in use, loaded once, for others to be cloned from."""
    await administration.execute("CREATE DATABASE county TEMPLATE recall")
    await load_roll(
        server.url("county", SERVICE_ROLE),
        county_id=COUNTY,
        source=BytesIO(roll_csv()),
        complete_through=date(2022, 7, 6),
        activate=True,
    )
    return "county"


@pytest.fixture
async def county_database(
    server: EmbeddedServer, administration: asyncpg.Connection, county: str
) -> AsyncIterator[str]:
    """The SQLAlchemy URL of a database of this test's own, with the small county's roll in use; the service's login."""
    async with a_clone(administration, county) as name:
        yield server.url(name, SERVICE_ROLE)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the test's database, as the owner."""
    opened = await asyncpg.connect(**connect_arguments(as_owner(database)))
    yield opened
    await opened.close()


@pytest.fixture
async def service(database: str) -> AsyncIterator[Database]:
    """The test's database as the service reaches it."""
    opened = await open_database(database, intake=2, reading=2)
    yield opened
    await opened.close()


@pytest.fixture
async def counted(service: Database, tmp_path: Path) -> Counted:
    return await a_counted_petition(service, tmp_path)
