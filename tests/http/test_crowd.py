"""A real process beside a crowd: streams, slow uploads and idle connections leave the stations what they need."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx

from app.access.keys import issue_key
from app.access.principals import Principal
from app.access.queries import add_county
from tests.commands import serving
from tests.http.conftest import a_process
from tests.http.county import line
from tests.http.world import World
from tests.waiting import until

STREAMS = 40
FILES = 256  # of which half are connections


@asynccontextmanager
async def connected(port: int, sent: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which this was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        yield reader
    finally:
        writer.transport.abort()


def head(world: World, method: str, path: str, who: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: a", f"Authorization: Bearer {world.keys[who]}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def upload(world: World, who: str) -> bytes:
    """The beginning of an upload, which does not go on."""
    more = "Content-Type: text/csv", "Content-Length: 1000000"
    return head(world, "POST", "/v1/rolls?complete_through=2022-07-06", who, *more) + b"voter_id,"


async def test_stations_post_beside_as_many_streams_as_there_may_be_and_slow_uploads(
    database: str, connection: asyncpg.Connection, world: World, tmp_path: Path
) -> None:
    await add_county(connection, "other")
    administrator = Principal("other", "admin-1", "admin")
    world.keys["other"] = await issue_key(world.database, administrator, now=datetime.now(UTC))
    following = head(world, "GET", f"/v1/petitions/{world.petition_id}/tally/stream", "monitor")
    async with AsyncExitStack() as stack:
        process, port = await stack.enter_async_context(a_process(database, tmp_path, TALLY_STREAMS=str(STREAMS)))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60))
        streams = [await stack.enter_async_context(connected(port, following)) for _ in range(STREAMS + 10)]
        heads = [await stream.readuntil(b"\r\n\r\n") for stream in streams]
        statuses = [int(text.split()[1]) for text in heads]
        assert (statuses.count(200), statuses.count(503)) == (STREAMS, 10)
        assert all(b"retry-after: 1" in text.lower() for text in heads if b" 503 " in text)
        for who in ("admin", "other"):
            await stack.enter_async_context(connected(port, upload(world, who)))

        async def both_began() -> bool:
            return len(list(tmp_path.glob("uploads/*"))) == 2  # noqa: ASYNC240  # a moment's work

        await until(both_began)
        busy = await stack.enter_async_context(connected(port, upload(world, "admin")))
        assert b" 409 " in await busy.readuntil(b"\r\n"), "one upload of a county at a time"
        over_http = replace(world, client=client)
        for number in range(1, 11):
            assert (await over_http.post(line(number))).status_code == 201
        assert (await over_http.tally())["raw"] == 10
        assert process.returncode is None


async def test_idle_connections_without_a_key_make_room_for_those_with_one(
    database: str, world: World, tmp_path: Path
) -> None:
    following = head(world, "GET", f"/v1/petitions/{world.petition_id}/tally/stream", "monitor")
    async with AsyncExitStack() as stack:
        environment = {**os.environ, "DATABASE_URL": database, "DATA_DIR": str(tmp_path)}
        running, url = await serving(environment=environment, open_files=FILES)
        stack.callback(running.kill)
        port = int(url.rpartition(":")[2])
        stream = await stack.enter_async_context(connected(port, following))
        assert b" 200 " in await stream.readuntil(b"id: 1\n")
        idle = [await stack.enter_async_context(connected(port)) for _ in range(2 * FILES)]
        for number in range(1, 11):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                assert (await replace(world, client=client).post(line(number))).status_code == 201
        assert await stream.readuntil(b"id: ")
        assert sum(not reader.at_eof() for reader in idle) < FILES
