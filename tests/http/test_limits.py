"""What goes beyond the limits is told when to come again, and a database that is away comes back by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.database import engine
from app.database.server import EmbeddedServer
from app.http.frame import RateLimit
from app.main import create_app
from tests.http.conftest import SETTINGS
from tests.http.county import line
from tests.http.world import World
from tests.servers import prepared, server_folder


@asynccontextmanager
async def working(url: str, folder: Path, requests_per_second: int = 1000) -> AsyncIterator[World]:
    settings = replace(SETTINGS, data_dir=folder, requests_per_second=requests_per_second)
    app = create_app(settings, url)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield await World.make(client, app.state.recall.count)


def test_a_bucket_allows_a_burst_and_then_its_rate() -> None:
    time = 0.0
    rate = RateLimit(2, clock=lambda: time)
    assert [rate.take("a").allowed for _ in range(5)] == [True] * 4 + [False]
    refused = rate.take("a")
    assert (refused.remaining, refused.reset, refused.limit) == (0, 1, 4)
    assert rate.take("b").allowed, "another key has a bucket of its own"
    time = 0.5
    assert [rate.take("a").allowed for _ in range(2)] == [True, False]
    time = 1000.0
    assert rate.take("a").remaining == 3


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(database: str, tmp_path: Path) -> None:
    async with working(database, tmp_path, requests_per_second=2) as world:
        answers = [await world.call("GET", "/tally", who="monitor") for _ in range(12)]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert [int(answer.headers["ratelimit-limit"]) for answer in answers] == [4] * 12
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["ratelimit-remaining"] == "0"
        assert refused.json()["type"].endswith(":too_many_requests")
        assert (await world.call("GET", "/tally", who="auditor")).status_code == 200


async def test_a_process_that_is_full_refuses_and_still_says_that_it_lives(app: FastAPI, world: World) -> None:
    app.state.recall.limits.most = 0
    answer = await world.call("GET", "/tally", who="monitor")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert (await world.client.get("/health/live")).status_code == 200


async def test_a_table_that_is_locked_is_a_503_and_nothing_is_lost(
    database: str, connection: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.SESSION, "lock_timeout", "100ms")  # ten seconds otherwise
    async with working(database, tmp_path) as world:
        async with connection.transaction():
            await connection.execute("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
            for answer in (await world.post(line(1), key="k"), await world.call("GET", "/tally", who="monitor")):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await world.post(line(1), key="k")).status_code == 201
        assert (await world.tally())["raw"] == 1


async def test_a_database_that_goes_away_and_comes_back_is_used_again(binaries: Path | None, tmp_path: Path) -> None:
    with server_folder("away-") as folder:
        server = EmbeddedServer.start(folder, binaries=binaries)
        async with working(await prepared(server), tmp_path) as world:
            assert (await world.post(line(1), key="k")).status_code == 201
            server.stop()
            for answer in (
                await world.post(line(2), key="l"),
                await world.call("GET", "/tally", who="monitor"),
                await world.client.get("/health/ready"),
            ):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            metrics = await world.client.get("/metrics")
            assert "recall_database_up 0.0" in metrics.text
            with EmbeddedServer.start(folder, binaries=binaries):
                assert (await world.post(line(1), key="k")).headers["idempotent-replayed"] == "true"
                assert (await world.post(line(2), key="l")).status_code == 201
                assert (await world.tally())["raw"] == 2
