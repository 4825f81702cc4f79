"""HTTP at the least cost to the one who measures: requests are bytes made beforehand, answers are read and no more."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import NamedTuple, Self

_GOOD = (200, 201)


class Reply(NamedTuple):
    """When a request was sent and when it was answered, by the clock of `perf_counter`, in seconds."""

    sent: float
    answered: float


class RefusedError(Exception):
    """The service did not do what was asked; the text is the answer's status and kind."""


def request(path: str, key: str = "", body: bytes = b"", *, idempotency_key: str = "") -> bytes:
    """One request, ready to be sent: a POST if it has a body."""
    head = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: bench"]
    if key:
        head.append(f"Authorization: Bearer {key}")
    if idempotency_key:
        head.append(f"Idempotency-Key: {idempotency_key}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


class Wire:
    """One kept connection. No HTTP library's own time is in what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Over an open connection."""
        self._reader = reader
        self._writer = writer
        self.body = b""  # of the last answer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a port of the loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def exchange(self, raw: bytes) -> int:
        """Send one request and read its whole answer; the answer's status."""
        self._writer.write(raw)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].split(b"\r\n")[0]
        self.body = await self._reader.readexactly(int(length or 0))
        return int(head.split()[1])

    async def ask(self, raw: bytes) -> Reply:
        """Send one request that must be done, and read its whole answer.

        Raises:
            RefusedError: it was not done, or a line of a batch was not.
        """
        sent = perf_counter()
        status = await self.exchange(raw)
        reply = Reply(sent, perf_counter())
        if status not in _GOOD or b'"error":' in self.body:
            raise RefusedError(f"{raw[:40].split(b' ')[0].decode()} was answered {status}")
        return reply

    async def send(self, raw: bytes) -> None:
        """Send one request, whose answer is a stream."""
        self._writer.write(raw)
        await self._writer.drain()

    async def first_event(self) -> None:
        """Read until an event came."""
        await self._reader.readuntil(b"event: ")

    async def count_events(self) -> int:
        """Read on until cancelled or the end; how many events came."""
        events = 0
        try:
            async for line in self._reader:
                events += line.startswith(b"event: ")
        except asyncio.CancelledError:
            return events
        return events

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def exchange_all(port: int, requests: Iterable[bytes], connections: int) -> list[Reply]:
    """Send all requests over so many connections, each sending its next once the last was answered; in answers' order.

    Raises:
        RefusedError: a request was not done.
    """
    waiting, replies = iter(requests), list[Reply]()

    async def send_on(wire: Wire) -> None:
        for raw in waiting:
            replies.append(await wire.ask(raw))
        wire.close()

    wires = [await Wire.open(port) for _ in range(connections)]
    async with asyncio.TaskGroup() as group:
        for wire in wires:
            group.create_task(send_on(wire))
    return replies


def for_seconds(seconds: float, requests: Sequence[bytes]) -> Iterator[bytes]:
    """The requests again and again, for so long."""
    end = perf_counter() + seconds
    while perf_counter() < end:
        yield from requests


def per_second(replies: Sequence[Reply], each: float = 1) -> float:
    """How many a second, from the first request to the last answer; a reply stands for `each`."""
    taken = max(reply.answered for reply in replies) - min(reply.sent for reply in replies)
    return len(replies) * each / taken


def percentile(replies: Sequence[Reply], percent: int) -> float:
    """The time within which so many percent were answered, in milliseconds."""
    times = sorted(reply.answered - reply.sent for reply in replies)
    return times[min(len(times) - 1, len(times) * percent // 100)] * 1000
