"""What a real process says while its database is locked, busy, away or restarted, and while it is told to end."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.count.record import Count
from app.database.engine import open_database
from app.database.server import EmbeddedServer
from app.roll.loading import load_roll
from tests.commands import Running
from tests.http.conftest import a_process
from tests.http.county import COUNTY, VOTERS, line, roll_csv
from tests.http.world import World
from tests.servers import prepared, server_folder
from tests.waiting import until

OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'recall-petition-verifier'"
INTAKE, READING, BRIEF = 3, 3, 4
POOLS = {"INTAKE_CONNECTIONS": str(INTAKE), "READING_CONNECTIONS": str(READING)}
STREAMS = 20
WAITING = "SELECT count(*) >= $1 FROM pg_locks WHERE NOT granted"


def told(measured: str) -> None:
    """Tell who runs the tests with -s: no test fails for a slow machine."""
    sys.stdout.write(f"{measured}\n")


@dataclass
class Load:
    """Stations that post line after line and monitors that poll, whatever is answered; and what was."""

    client: httpx.AsyncClient
    world: World
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: set[int] = field(default_factory=set)
    without_retry_after: int = 0
    stopping: bool = False
    numbers: list[int] = field(default_factory=lambda: list(range(VOTERS, 0, -1)))

    async def station(self) -> None:
        """Post lines, each until it is taken, with a key of its own."""
        while self.numbers and not self.stopping:
            number = self.numbers.pop()
            while not self.stopping:
                headers = {"Authorization": f"Bearer {self.world.keys['station']}", "Idempotency-Key": f"k-{number}"}
                status = await self._send("POST", "/signatures", headers, json=line(number))
                if status in (200, 201):
                    self.acknowledged.add(number)
                    break
                await asyncio.sleep(0.05)

    async def monitor(self) -> None:
        """Poll the tally."""
        headers = {"Authorization": f"Bearer {self.world.keys['monitor']}"}
        while not self.stopping:
            await self._send("GET", "/tally", headers)
            await asyncio.sleep(0.02)

    async def _send(self, method: str, path: str, headers: dict[str, str], **more: object) -> int:
        try:
            where = f"/v1/petitions/{self.world.petition_id}{path}"
            answer = await self.client.request(method, where, headers=headers, **more)  # type: ignore[arg-type]  # httpx's own
        except httpx.TransportError as error:
            self.answers[f"{method} {type(error).__name__}"] += 1
            return 0
        self.answers[f"{method} {answer.status_code}"] += 1
        self.without_retry_after += answer.status_code == 503 and "retry-after" not in answer.headers
        return answer.status_code


@asynccontextmanager
async def loaded(port: int, world: World, *, stations: int = 4, monitors: int = 4) -> AsyncIterator[Load]:
    """A load on the process while the block runs."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        load = Load(client, world)
        tasks = [asyncio.create_task(load.station()) for _ in range(stations)]
        tasks += [asyncio.create_task(load.monitor()) for _ in range(monitors)]
        try:
            yield load
        finally:
            load.stopping = True
            await asyncio.gather(*tasks)


async def more_of(load: Load, answer: str, count: int = 5) -> None:
    """Wait until so many more of an answer came."""
    before = load.answers[answer]

    async def came() -> bool:
        return load.answers[answer] >= before + count

    await until(came)


@pytest.fixture
async def small(database: str, tmp_path: Path) -> AsyncIterator[tuple[Running, int]]:
    """A process with few connections."""
    async with a_process(database, tmp_path, **POOLS) as running:
        yield running


async def test_a_database_that_restarts_in_mid_load_is_a_503_and_then_used_again(
    binaries: Path | None, tmp_path: Path
) -> None:
    with server_folder("outage-") as folder:
        server = EmbeddedServer.start(folder, binaries=binaries)
        url = await prepared(server)
        await load_roll(
            url, county_id=COUNTY, source=BytesIO(roll_csv()), complete_through=date(2022, 7, 6), activate=True
        )
        async with a_process(url, tmp_path, **POOLS) as (_, port):
            pools = await open_database(url, intake=1, reading=1)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                world = await World.make(client, Count(pools))
            await pools.close()
            async with loaded(port, world) as load:
                await more_of(load, "POST 201")
                for _ in range(2):
                    server.stop()
                    await more_of(load, "POST 503")
                    await more_of(load, "GET 503")
                    server = EmbeddedServer.start(folder, binaries=binaries)
                    back = time.perf_counter()
                    await asyncio.gather(more_of(load, "POST 201"), more_of(load, "GET 200"))
                    told(f"recovered {time.perf_counter() - back:.2f} s after the database was back")
            assert set(load.answers) <= {"POST 201", "POST 200", "POST 503", "GET 200", "GET 503"}, load.answers
            assert not load.without_retry_after
            connection = await asyncpg.connect(server.dsn())
            assert await connection.fetchval("SELECT count(*) FROM line") >= len(load.acknowledged)
            found = await connection.fetch("SELECT line FROM line WHERE section = 1 AND page = 1")
            assert {row["line"] for row in found} >= load.acknowledged
            assert await connection.fetchval(OURS) <= INTAKE + READING + BRIEF
            await connection.close()
        server.stop()


async def test_while_the_readers_connections_are_all_taken_readers_get_503_and_stations_go_on(
    small: tuple[Running, int], world: World, connection: asyncpg.Connection
) -> None:
    _, port = small
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        clerk = {"Authorization": f"Bearer {world.keys['clerk']}"}
        async with connection.transaction():
            await connection.execute("LOCK TABLE checkpoint IN ACCESS EXCLUSIVE MODE")
            path = f"/v1/petitions/{world.petition_id}/ledger/checkpoint"
            held_up = [asyncio.create_task(client.get(path, headers=clerk)) for _ in range(READING)]
            await until(partial(connection.fetchval, WAITING, READING))
            lists = [
                asyncio.create_task(client.get(f"/v1/petitions/{world.petition_id}/signatures", headers=clerk))
                for _ in range(20)
            ]
            async with loaded(port, world) as load:  # it begins when no reader's connection is to be had
                await asyncio.gather(more_of(load, "POST 201"), more_of(load, "GET 200"))
            assert set(load.answers) == {"POST 201", "GET 200"}
            assert (await client.get("/health/ready")).status_code == 200
            assert await connection.fetchval(WAITING, READING), "all of this while they were still held up"
            listed = await asyncio.gather(*lists)  # those that wait longest are served, once the others are given up
            assert {answer.status_code for answer in listed} <= {200, 503}
            assert {answer.headers["retry-after"] for answer in listed if answer.status_code == 503} == {"1"}
        assert {answer.status_code for answer in await asyncio.gather(*held_up)} <= {200, 404, 503}
        assert (await client.get(f"/v1/petitions/{world.petition_id}/signatures", headers=clerk)).status_code == 200

        async def given_back() -> bool:  # the process's own rounds take one for a moment
            metrics = (await client.get("/metrics")).text
            used = 'recall_database_connections{{pool="{}",state="used"}} 0.0'.format
            return used("reading") in metrics and used("intake") in metrics

        await until(given_back)
        assert await connection.fetchval(OURS) <= INTAKE + READING + BRIEF + 9  # `world` has connections of its own


async def test_what_is_under_way_at_the_end_is_answered_and_streams_end_and_nothing_is_dropped(
    small: tuple[Running, int], world: World, connection: asyncpg.Connection
) -> None:
    running, port = small
    monitor = {"Authorization": f"Bearer {world.keys['monitor']}"}
    station = {"Authorization": f"Bearer {world.keys['station']}"}
    path = f"/v1/petitions/{world.petition_id}"

    events: Counter[int] = Counter()

    async def follow(client: httpx.AsyncClient, number: int) -> None:
        async with client.stream("GET", f"{path}/tally/stream", headers=monitor) as stream:
            async for text in stream.aiter_lines():
                events[number] += text.startswith("data: ")

    async def all_began() -> bool:
        return len(+events) == STREAMS

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        streams = [asyncio.create_task(follow(client, number)) for number in range(STREAMS)]
        await until(all_began)
        async with connection.transaction():
            await connection.execute("LOCK TABLE head IN EXCLUSIVE MODE")
            posts = [
                asyncio.create_task(client.post(f"{path}/signatures", headers=station, json=line(n)))
                for n in range(1, 41)
            ]
            await until(partial(connection.fetchval, WAITING, 1))  # of one petition one transaction is under way
            began = time.perf_counter()
            running.send_signal(signal.SIGTERM)
            await asyncio.sleep(1)
            assert running.returncode is None
        answers = await asyncio.gather(*posts, return_exceptions=True)
        await asyncio.gather(*streams)
    assert await running.wait() in (0, -signal.SIGTERM)
    told(f"ended {time.perf_counter() - began:.2f} s after SIGTERM")
    taken = [a for a in answers if isinstance(a, httpx.Response) and a.status_code == 201]
    assert len(taken) == 40, Counter(type(a).__name__ for a in answers)
    assert await connection.fetchval("SELECT count(*) FROM line") == 40


async def test_a_process_that_cannot_finish_what_is_under_way_ends_all_the_same(
    small: tuple[Running, int], world: World, connection: asyncpg.Connection
) -> None:
    running, port = small
    station = {"Authorization": f"Bearer {world.keys['station']}"}
    path = f"/v1/petitions/{world.petition_id}/signatures"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        async with connection.transaction():
            await connection.execute("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
            batch = {"signatures": [line(1)]}
            posts = [asyncio.create_task(client.post(f"{path}/batch", headers=station, json=batch)) for _ in range(6)]
            await until(partial(connection.fetchval, WAITING, INTAKE))
            began = time.perf_counter()
            running.send_signal(signal.SIGTERM)
            await asyncio.wait_for(running.wait(), 60)
            told(f"ended {time.perf_counter() - began:.2f} s after SIGTERM")
        answers = await asyncio.gather(*posts, return_exceptions=True)
    told_so = [a for a in answers if isinstance(a, httpx.Response)]  # the others' requests were not read any more
    assert len(told_so) >= INTAKE
    assert {(a.status_code, a.headers["retry-after"], a.headers["content-type"]) for a in told_so} == {
        (503, "1", "application/problem+json")
    }
    assert await connection.fetchval("SELECT count(*) FROM line") == 0
