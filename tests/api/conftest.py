"""A service over a database of the test's own, with a small county's roll in use."""

from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.actions.roll import load_roll
from app.main import create_app
from app.settings import Settings
from tests.api.county import COUNTY, roll_csv
from tests.api.world import World

SETTINGS = Settings(
    database_url=None,
    data_dir=Path("unused"),
    pg_bin=None,
    log_format="text",
    intake_connections=4,
    reading_connections=4,
)


@pytest.fixture
async def app(database: str) -> AsyncIterator[FastAPI]:
    application = create_app(SETTINGS, database)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as opened:
        yield opened


@pytest.fixture
async def world(client: httpx.AsyncClient, app: FastAPI, database: str) -> World:
    """A county with a roll and an open petition, and a key for each role."""
    await load_roll(
        database, county_id=COUNTY, source=BytesIO(roll_csv()), complete_through=date(2022, 7, 6), activate=True
    )
    return await World.make(client, app.state.recall.database)
