"""`/health/ready` is false where a write would fail, says why, and is true again when it would succeed."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app import processes
from app.http import health
from app.main import create_app
from tests.http.conftest import SETTINGS
from tests.http.county import line
from tests.http.world import World
from tests.servers import server_folder
from tests.torture.service import Service
from tests.waiting import until


@pytest.fixture
async def app(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """A service with two matchers, which are asked for a sign of life more often."""
    monkeypatch.setattr(processes, "_BEAT_EVERY", 0.2)
    monkeypatch.setattr(health, "_READINESS_LASTS", 0.0)
    application = create_app(replace(SETTINGS, data_dir=tmp_path, matchers=2), database)
    async with application.router.lifespan_context(application):
        yield application


async def ready(client: httpx.AsyncClient) -> dict[str, Any]:
    """What the service says; its status agrees with it."""
    answer = await client.get("/health/ready")
    found: dict[str, Any] = answer.json()
    assert (answer.status_code == 200) == (found["status"] == "ready") == (found["reason"] is None)
    return found


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await ready(client))["reason"] is None


async def test_while_every_matcher_hangs_it_is_not_ready_and_what_was_posted_is_decided_all_the_same(
    world: World, app: FastAPI
) -> None:
    await until(partial(is_ready, world.client))
    assert (await ready(world.client))["matchers_running"] == 2
    for worker in app.state.recall.matchers.workers:
        worker.process.send_signal(signal.SIGSTOP)
    posting = [asyncio.create_task(world.post(line(number), key=f"k{number}")) for number in range(1, 9)]

    async def noticed() -> bool:
        found = await ready(world.client)
        return found["matchers_running"] == 0 and "No matcher process answers" in found["reason"]

    await until(noticed)
    assert [answer.status_code for answer in await asyncio.gather(*posting)] == [201] * 8
    assert (await world.tally())["raw"] == 8
    await until(partial(is_ready, world.client))
    replaced = (await world.client.get("/metrics")).text.partition("\nrecall_matchers_replaced_total ")[2]
    assert float(replaced.partition("\n")[0]) >= 2
    await world.recount()


async def test_a_database_that_hangs_is_not_waited_for(
    world: World, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_PATIENCE", 0.5)
    await until(partial(is_ready, world.client))
    async with app.state.recall.database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE heartbeat IN ACCESS EXCLUSIVE MODE")
        found = [await ready(world.client) for _ in range(3)]
        assert {one["status"] for one in found} == {"not_ready"}
        assert "does not answer" in found[0]["reason"]
    await until(partial(is_ready, world.client))


async def test_a_damaged_page_is_named_and_nothing_is_counted_on_it() -> None:
    with server_folder("damage-") as folder:
        service = Service(folder)
        await service.prepare()
        await service.damage("registration")
        await service.start()
        try:
            async with httpx.AsyncClient(base_url=service.url, timeout=20) as client:
                headers = {"Authorization": f"Bearer {service.key}"}
                path = f"/v1/petitions/{service.petition_id}/signatures"
                for number in (1, 2):
                    answer = await client.post(path, json=line(number), headers=headers)
                    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "60"), answer.text
                    assert answer.json()["type"].endswith(":damaged")
                found = await ready(client)
                assert (found["undamaged"], found["database"]) == (False, True)
                assert "restore the newest backup" in found["reason"]
                metrics = (await client.get("/metrics")).text
                assert "\nrecall_database_damaged 1.0\n" in metrics
                assert "\nrecall_database_checksum_failures_total 0.0\n" not in metrics
                assert "\nrecall_faults_total 0.0\n" in metrics
            await service.stop()
            await service.start()
            async with httpx.AsyncClient(base_url=service.url, timeout=20) as client:
                assert (await ready(client))["undamaged"] is False, "the server remembers it over a restart"
            with service.server() as server:
                assert await service.lines(server) == 0
        finally:
            await service.kill()


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left on device'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON signature FOR EACH ROW EXECUTE FUNCTION full_disk()
"""


async def test_it_is_not_ready_while_posts_find_the_disk_full_though_a_small_write_still_fits(
    world: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_NO_WRITE_LASTS", 0.5)
    await until(partial(is_ready, world.client))
    await connection.execute(FULL_DISK)
    answer = await world.post(line(1), key="k1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    found = await ready(world.client)
    assert (found["database"], found["writable"]) == (True, False)
    assert "its disk is full" in found["reason"]
    await connection.execute("DROP TRIGGER full_disk ON signature")
    assert (await world.post(line(1), key="k1")).status_code == 201
    await until(partial(is_ready, world.client))


async def test_an_embedded_database_that_does_not_start_is_started_again_until_it_does() -> None:
    with server_folder("revived-") as folder:
        service = Service(folder)
        await service.prepare()
        await service.start()
        try:
            control = folder / "postgres" / "cluster" / "global" / "pg_control"
            control.rename(folder / "pg_control")  # without it no server starts
            await service.kill_database()
            async with httpx.AsyncClient(base_url=service.url, timeout=20) as client:

                async def noticed() -> bool:
                    return not await is_ready(client)

                await until(noticed)
                await asyncio.sleep(3)
                (folder / "pg_control").rename(control)
                await until(partial(is_ready, client))
        finally:
            await service.kill()


@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
        ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
    ],
    ids=["read-only", "takes no connection"],
)
async def test_a_post_is_answered_503_while_the_database_refuses_it(
    world: World, connection: asyncpg.Connection, administration: asyncpg.Connection, refuse: str, allow: str
) -> None:
    name = await connection.fetchval("SELECT current_database()")
    await administration.execute(f"ALTER DATABASE {name} {refuse}")
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
    await administration.execute(ended.replace("$1", f"'{name}'"))
    answers = [await world.post(line(number), key=f"k{number}") for number in range(1, 9)]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}
    assert not await is_ready(world.client)
    await administration.execute(f"ALTER DATABASE {name} {allow}")
    await administration.execute(ended.replace("$1", f"'{name}'"))

    async def taken() -> bool:
        return (await world.post(line(1), key="k1")).status_code in (200, 201)

    await until(taken)
    await until(partial(is_ready, world.client))
