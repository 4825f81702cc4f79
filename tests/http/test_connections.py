"""Slow clients of a real process: they are cut, and meanwhile hold nobody up. And how it ends."""

import asyncio
import json
import signal
from pathlib import Path

import httpx

from tests.commands import Running
from tests.http.county import line
from tests.http.slow import slow_clients, until_cut
from tests.http.world import World

CUT_WITHIN = 30  # seconds: a bound for the test to end, far above the ten that a busy machine may stretch


async def test_slow_clients_are_cut_and_hold_nobody_up(
    process: tuple[Running, int], world: World, tmp_path: Path
) -> None:
    _, port = process
    slow = slow_clients(port, world)
    waiting = [asyncio.create_task(client) for client in slow.values()]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Authorization": f"Bearer {world.keys['monitor']}"}
        while not all(task.done() for task in waiting):
            answer = await client.get(f"/v1/petitions/{world.petition_id}/tally", headers=headers)
            assert answer.status_code == 200
            assert answer.json()["raw"] == 0
            await asyncio.sleep(0.05)
    done = await asyncio.wait_for(asyncio.gather(*waiting), CUT_WITHIN)
    assert done == [b""] * len(slow)
    assert "request failed" not in (tmp_path / "log").read_text(), "whoever is cut is no fault of the service"


async def test_heads_that_are_wrong_or_gigantic_are_refused(process: tuple[Running, int]) -> None:
    _, port = process
    bad = {
        "no HTTP": b"CANARYQ7X\r\n\r\n",
        "no version": b"GET /canaryq7x\r\n\r\n",
        "a version of the future": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "a space in a header's name": b"GET / HTTP/1.1\r\nHost: a\r\nCanary Q7X: 1\r\n\r\n",
        "a NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: canary\0q7x\r\n\r\n",
        "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "a negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "a length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a chunk of no size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ncanaryq7x\r\n",
        "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "a head of 10 MB": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"canaryq7x" * 1_000_000 + b"\r\n\r\n",
        "100,000 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Canaryq7x: 1\r\n" * 100_000 + b"\r\n",
        "a path of 1 MB": b"GET /" + b"canaryq7x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    }
    for kind, sent in bad.items():
        answer = await asyncio.wait_for(until_cut(port, sent.replace(b"Host: a", b"Connection: close")), CUT_WITHIN)
        head, _, content = answer.partition(b"\r\n\r\n")
        assert not answer or b" 4" in head.partition(b"\r\n")[0], kind
        assert not answer or json.loads(content)["status"] // 100 == 4, kind
        assert b"canary" not in answer.lower(), kind
        assert len(answer) <= 8192, kind
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_a_stream_ends_whole_when_the_process_is_told_to_end(process: tuple[Running, int], world: World) -> None:
    running, port = process
    headers = {"Authorization": f"Bearer {world.keys['monitor']}"}
    path = f"http://127.0.0.1:{port}/v1/petitions/{world.petition_id}/tally/stream"
    async with httpx.AsyncClient(timeout=60) as client, client.stream("GET", path, headers=headers) as stream:
        lines = stream.aiter_lines()
        events = []
        async for text in lines:  # it ends without an error only where the last chunk was sent
            if text.startswith("data: "):
                events.append(json.loads(text.removeprefix("data: ")))
                if len(events) == 1:
                    assert (await world.post(line(1))).status_code == 201
                else:
                    running.send_signal(signal.SIGTERM)
    assert [event["version"] for event in events] == [1, 2]
    assert await running.wait() in (0, -signal.SIGTERM)
