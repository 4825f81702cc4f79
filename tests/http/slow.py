"""Clients that are slow on purpose."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.http.world import World


def slow_clients(port: int, world: World) -> dict[str, Coroutine[Any, Any, bytes]]:
    """Every kind, not begun yet; each returns what came before it was cut."""
    key = world.keys["station"].encode()
    head = b"POST /v1/petitions/" + world.petition_id.encode() + b"/signatures HTTP/1.1\r\nHost: a\r\n"
    body = b"Authorization: Bearer " + key + b"\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    chunked = body.replace(b"Content-Length: 500", b"Transfer-Encoding: chunked")
    document = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
    return {
        "nothing": until_cut(port, b""),
        "half a line": until_cut(port, b"POST /v1/pet"),
        "half a head": until_cut(port, head),
        "a head that never ends": until_cut(port, head, drip=b"X-More: 1\r\n"),
        "empty lines": until_cut(port, b"\r\n", drip=b"\r\n"),
        "half a body": until_cut(port, head + body + b'{"section": 1'),
        "a body by single bytes": until_cut(port, head + body + b'{"section": 1', drip=b" "),
        "half a chunk": until_cut(port, head + chunked + b"5\r\n{"),
        "a reader who never reads": until_cut(port, document * 50, read=False),
    }


async def until_cut(port: int, sent: bytes, *, drip: bytes = b"", read: bool = True) -> bytes:
    """Send something, go on with single bytes or with nothing, and return what came before the connection was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    dripping = asyncio.create_task(_drop_by_drop(writer, drip)) if drip else None
    try:
        if not read:
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
            while not writer.transport.is_closing():
                writer.write(sent)
                await asyncio.sleep(0.2)
            return b""
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        if dripping:
            dripping.cancel()
        writer.transport.abort()


async def _drop_by_drop(writer: asyncio.StreamWriter, drip: bytes) -> None:
    while True:
        writer.write(drip)
        await asyncio.sleep(0.5)
