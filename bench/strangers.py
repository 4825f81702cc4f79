"""Measure what strangers cost: the processor's time for answers to bad input, and how soon slow clients are cut.

    python bench/strangers.py

Every kind of bad input of the tests, against every route, in one process with the service; the dearest are tried again
and their best time counts, so that what else the machine does is not in it. The slow clients are those of the tests,
against a service of its own, and timed by themselves.
"""

import asyncio
import gc
import inspect
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from app.database.migrate import give_logins, upgrade
from app.database.server import EmbeddedServer
from app.main import create_app
from app.roll.loading import load_roll
from bench.service import the_service
from tests.http import test_hostile
from tests.http.conftest import SETTINGS
from tests.http.county import COUNTY, line, roll_csv
from tests.http.slow import slow_clients
from tests.http.wire import send
from tests.http.world import World

AGAIN = 60  # of the dearest kinds are tried again
TRIES = 5


@dataclass
class Purse:
    """Sends what is bad, as the tests do, and keeps account of what the answer cost."""

    app: FastAPI
    world: World
    connection: asyncpg.Connection
    costs: dict[str, float] = field(default_factory=dict)  # seconds of the processor
    requests: dict[str, Callable[[], Coroutine[Any, Any, object]]] = field(default_factory=dict)

    async def refused(self, kind: str, method: str, path: str, *, role: str | None, **more: Any) -> None:  # noqa: ANN401  # as `send`
        """Send it."""
        headers = [test_hostile.JSON, *more.pop("headers", [])] if not more.pop("bare", False) else more.pop("headers")
        if role:
            headers.append((b"authorization", f"Bearer {self.world.keys[role]}".encode()))
        name = f"{method} {path[-40:]} <- {kind}"
        self.requests[name] = lambda: send(self.app, method, path, headers=headers, **more)
        self.costs[name] = await cost(self.requests[name])


async def cost(request: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """The processor's time of one request, in seconds."""
    began = time.process_time()
    await request()
    return time.process_time() - began


def dearest(costs: dict[str, float], most: int) -> list[str]:
    """The dearest kinds first."""
    return sorted(costs, key=lambda name: -costs[name])[:most]


async def measure_costs(app: FastAPI, world: World, connection: asyncpg.Connection) -> None:
    """Every story of bad input that needs nothing but somebody who sends it."""
    purse = Purse(app, world, connection)
    await world.post(line(1))
    for name, story in vars(test_hostile).items():
        if name.startswith("test_") and list(inspect.signature(story).parameters) == ["stranger"]:
            await story(purse)
    for name in dearest(purse.costs, AGAIN):
        purse.costs[name] = min([await cost(purse.requests[name]) for _ in range(TRIES)])
    print(f"{len(purse.costs)} requests; the processor's time of the dearest answers, best of {TRIES}:")
    for name in dearest(purse.costs, 10):
        print(f"{purse.costs[name] * 1000:8.1f} ms  {name}")


async def measure_cuts(port: int, world: World) -> None:
    """When each kind of slow client was cut, by its own clock."""

    async def timed(client: Coroutine[Any, Any, bytes]) -> float:
        began = time.perf_counter()
        await client
        return time.perf_counter() - began

    clients = slow_clients(port, world)
    for kind, seconds in zip(clients, await asyncio.gather(*map(timed, clients.values())), strict=True):
        print(f"{seconds:8.2f} s   until cut: {kind}")


@asynccontextmanager
async def a_world(url: str, folder: Path) -> AsyncIterator[tuple[FastAPI, World, asyncpg.Connection]]:
    """The service in this process, over the tests' small county."""
    app = create_app(replace(SETTINGS, data_dir=folder), url)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        world = await World.make(client, app.state.recall.count)
        async with world.database.reading() as connection:
            yield app, world, connection


async def run(server: EmbeddedServer, folder: Path) -> None:
    """Prepare and measure."""
    await upgrade(server.url())
    await give_logins(server.logins())
    await load_roll(
        server.url(),
        county_id=COUNTY,
        source=BytesIO(roll_csv()),
        complete_through=date(2022, 7, 6),
        activate=True,
    )
    async with a_world(server.url(), folder) as (app, world, connection):
        async with the_service(folder, DATABASE_URL=server.logins().service).running() as service:
            await measure_cuts(service.port, world)
        await measure_costs(app, world, connection)


def main() -> None:
    """The steps."""
    gc.set_threshold(50_000, 20, 100)  # as the service does
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(folder) as server:
            asyncio.run(run(server, folder))


if __name__ == "__main__":
    main()
