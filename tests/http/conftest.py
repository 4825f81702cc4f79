"""A service over a database of the test's own, with a small county's roll in use."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.database.engine import open_database
from app.database.login_queries import SERVICE_ROLE
from app.database.server import EmbeddedServer
from app.main import create_app
from app.settings import Settings
from tests.commands import Running, serving
from tests.http.documented import check_documented
from tests.http.world import World, keys_of_each_role
from tests.servers import a_clone

KEYED = "keyed"
SETTINGS = Settings(
    database_url=None,
    data_dir=Path("unused"),
    pg_bin=None,
    log_format="text",
    intake_connections=4,
    reading_connections=4,
)


@pytest.fixture(scope="session")
async def keys(server: EmbeddedServer, administration: asyncpg.Connection, county: str) -> dict[str, str]:
    """A key for each role of the county, in a database for others to be cloned from."""
    await administration.execute(f"CREATE DATABASE {KEYED} TEMPLATE {county}")
    database = await open_database(server.url(KEYED, SERVICE_ROLE), intake=1, reading=1)
    made = await keys_of_each_role(database)
    await database.close()
    return made


@pytest.fixture
async def database(
    server: EmbeddedServer,
    administration: asyncpg.Connection,
    keys: dict[str, str],  # noqa: ARG001  # makes what is cloned
) -> AsyncIterator[str]:
    """The county's, since every story needs its roll; with `keys`."""
    async with a_clone(administration, KEYED) as name:
        yield server.url(name, SERVICE_ROLE)


@pytest.fixture
async def app(database: str, tmp_path: Path) -> AsyncIterator[FastAPI]:
    application = create_app(replace(SETTINGS, data_dir=tmp_path), database)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
def app_without_database() -> FastAPI:
    """The service as it is before it starts: its routes."""
    return create_app(SETTINGS, "postgresql+asyncpg://")


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails on any answer that the OpenAPI document does not declare."""
    transport, hooks = httpx.ASGITransport(app=app), {"response": [check_documented]}
    async with httpx.AsyncClient(transport=transport, base_url="http://service", event_hooks=hooks) as opened:
        yield opened


@pytest.fixture
async def world(client: httpx.AsyncClient, app: FastAPI, keys: dict[str, str]) -> World:
    """A county with a roll and an open petition, and a key for each role."""
    return await World.make(client, app.state.recall.count, keys)


@pytest.fixture
async def process(database: str, tmp_path: Path) -> AsyncIterator[tuple[Running, int]]:
    """The service as a process of its own, and its port."""
    async with a_process(database, tmp_path) as running:
        yield running


@asynccontextmanager
async def a_process(database: str, folder: Path, **environment: str) -> AsyncIterator[tuple[Running, int]]:
    """The service as a process of its own, in an environment with these as well, and its port."""
    given = {"DATABASE_URL": database, "DATA_DIR": str(folder), "LOG_FORMAT": "json", "MATCHERS": "1", **environment}
    with (folder / "log").open("wb") as log:
        running, url = await serving(environment={**os.environ, **given}, errors=log)
        try:
            yield running, int(url.rpartition(":")[2])
        finally:
            running.kill()
            await running.wait()


@asynccontextmanager
async def a_client(database: str, folder: Path, **environment: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of such a process."""
    async with (
        a_process(database, folder, **environment) as (_, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client
