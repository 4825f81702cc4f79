"""Without memory a good request is answered 503, wherever that happens; sent again, it counts once."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from fastapi import FastAPI

import app as package
from app import telemetry
from app.http.connections import ConnectionLimit, DeadlineProtocol
from app.http.problems import problem_of
from tests.http.county import line
from tests.http.world import World
from tests.waiting import until

OURS = (str(Path(package.__file__).parent), str(Path(uvicorn.__file__).parent / "protocols"))
# Before there is a request to answer, and after it was answered: the connection ends, or the client waits in vain.
BESIDE = {
    "RequestResponseCycle.run_asgi",
    "Observe.__call__",
    "_Exchange.__init__",
    "RequestResponseCycle.send",
    "_give",
}


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of the service, over TCP in this process."""
    options: dict[str, Any] = {"http": partial(DeadlineProtocol, ConnectionLimit()), "ws": "none", "log_config": None}
    config = uvicorn.Config(app, port=0, lifespan="off", **options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


class Shortage:
    """Raises MemoryError as one call begins of our functions, or of the server's protocol: the `at`-th."""

    def __init__(self, at: int) -> None:
        self.at, self.calls, self.where = at, 0, ""
        self.begun: set[FrameType] = set()  # a coroutine that goes on is reported as a call once more

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OURS) or frame in self.begun:
            return
        self.begun.add(frame)
        if code.co_qualname not in BESIDE:
            self.calls += 1
            if self.calls == self.at:
                self.where = code.co_qualname
                raise MemoryError

    @contextmanager
    def provoked(self) -> Iterator[None]:
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


async def sent(client: httpx.AsyncClient, number: int, *, batch: bool) -> httpx.Response:
    """Post a line, by itself or as a batch, with a key of its own."""
    one = line(1 + number % 300, (7 if batch else 8, 1 + number // 300, 1 + number % 300))
    body: dict[str, Any] = {"signatures": [one]} if batch else one
    headers = {"Idempotency-Key": f"k-{batch}-{number}"}
    return await client.post("signatures/batch" if batch else "signatures", json=body, headers=headers)


async def sent_again(client: httpx.AsyncClient, number: int, *, batch: bool) -> httpx.Response:
    """Post a line once more, over another connection where the last one has ended."""
    for _ in range(3):
        with suppress(httpx.TransportError):
            return await sent(client, number, batch=batch)
    return await sent(client, number, batch=batch)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a connection that memory ended
@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
async def test_wherever_memory_runs_out_a_good_request_is_asked_to_come_back(
    world: World, served: str, *, batch: bool
) -> None:
    path = f"{served}/v1/petitions/{world.petition_id}/"
    headers = {"Authorization": f"Bearer {world.keys['station']}"}
    met = dict[str, int | str]()
    async with httpx.AsyncClient(base_url=path, headers=headers, timeout=10) as client:
        assert (await sent(client, 0, batch=batch)).status_code in (200, 201)
        with (whole := Shortage(0)).provoked():
            assert (await sent(client, 1, batch=batch)).status_code in (200, 201)
        tried = range(1, whole.calls + 1, 3)  # some two hundred places
        for at in tried:
            with (shortage := Shortage(at)).provoked():
                try:
                    answer = await sent(client, 1 + at, batch=batch)
                except httpx.TransportError as error:  # the connection was closed: the client tries again
                    met[shortage.where] = type(error).__name__
                else:
                    met[shortage.where] = answer.status_code
                    assert (answer.status_code == 503) == ("retry-after" in answer.headers)
            assert (await sent_again(client, 1 + at, batch=batch)).status_code in (200, 201), shortage.where
    met.pop("", None)  # where there were fewer calls than before
    assert set(met.values()) <= {200, 201, 503, "RemoteProtocolError", "ReadError"}, met
    assert sum(status == 503 for status in met.values()) > 50, met
    assert (await world.tally())["raw"] == 2 + len(tried)
    await world.recount()


def clean_up() -> None:
    """Fails as well, after memory ran out."""
    try:
        raise MemoryError
    finally:
        raise KeyError


class Scarce(list[str]):
    """An argument for which there is no memory as it is encoded."""

    def __len__(self) -> int:
        raise MemoryError


async def test_a_lack_of_memory_is_recognized_under_the_name_that_the_driver_gives_it(
    connection: asyncpg.Connection,
) -> None:
    with pytest.raises(asyncpg.DataError) as lacking:
        await connection.fetch("SELECT $1::text[]", Scarce("a"))
    assert problem_of(lacking.value).status == 503
    with pytest.raises(asyncpg.DataError) as wrong:
        await connection.fetch("SELECT $1::text[]", [1])
    assert problem_of(wrong.value).status == 500
    with pytest.raises(KeyError) as in_clean_up:
        clean_up()
    assert problem_of(in_clean_up.value).status == 503


async def test_the_log_of_requests_outlives_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    written = list[bytes]()

    def write_out(text: bytes) -> None:
        if b"first" in text:
            raise MemoryError
        written.append(text)

    monkeypatch.setattr(telemetry, "_write_out", write_out)
    log = telemetry.RequestLog()
    log.open("text")
    log.write({"route": "first"})

    async def logged() -> bool:
        log.write({"route": "second"})
        return b"route=second" in b"".join(written)

    await until(logged)
    log.close()
