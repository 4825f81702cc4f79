"""A small service that keeps the batch contract over real HTTP, and a bad network in front of it."""

import asyncio
import json
import random
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn

KEY = "station-key"
Message = MutableMapping[str, Any]
Answer = tuple[int, dict[str, str], Any]
Fault = Callable[[int], Answer | None]  # the number of the request, from 0, to what it gets instead of an answer


def no_fault(_: int) -> Answer | None:
    return None


@dataclass
class Service:
    """Takes batches once per key, and lines once per place; remembers who sent what under which key."""

    fault: Fault = no_fault
    largest_body: int = 1_000_000
    requests: int = 0
    url: str = ""
    answers: dict[str, tuple[bytes, Answer]] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)
    entries: list[str] = field(default_factory=list)
    keys: dict[str, set[str]] = field(default_factory=dict)
    history: str | None = "1-1"

    def restore(self, *, without: set[str]) -> None:
        """Be a database that was restored to a moment before these places were posted."""
        self.history = f"{self.history}'"
        self.answers = {key: answer for key, answer in self.answers.items() if not without & set(_places(answer[0]))}
        self.standing = {place: writing for place, writing in self.standing.items() if place not in without}
        self.entries = [place for place in self.entries if place not in without]

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] == "/health/ready":
            answer: Answer = 200, {}, {"status": "ready", "history": self.history}
        else:
            number, self.requests = self.requests, self.requests + 1
            answer = self.fault(number) or self.answer(scope["path"], headers, body)
        status, extra, content = answer
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        fields = {"content-type": "application/json", "content-length": str(len(payload)), **extra}
        raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": payload})

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "unknown key")
        if path != "/v1/petitions/gascon-2022/signatures/batch":
            return problem(404, "no such petition")
        if len(body) > self.largest_body:
            return problem(413, "too large")
        key = headers["idempotency-key"]
        if key in self.answers:
            content, (status, _, results) = self.answers[key]
            same = content == body
            replayed = {"Idempotent-Replayed": "true", "Database-History": self.history or ""}
            return (status, replayed, results) if same else problem(422, "key used before")
        results = {"results": [self.enter(line, key) for line in json.loads(body)["signatures"]]}
        self.answers[key] = body, (200, {}, results)
        return 200, {"Database-History": self.history or ""}, results

    def enter(self, line: dict[str, Any], key: str) -> dict[str, Any]:
        place = f"{line['section']}-{line['page']}-{line['line']}"
        self.keys.setdefault(place, set()).add(key)
        if line["printed_name"] == "\x00":
            field = {"path": "signatures.0.printed_name", "code": "text", "message": "a control character"}
            return {"place": None, "error": {"code": "bad_text", "message": "Not as documented.", "errors": [field]}}
        writing = json.dumps(line, sort_keys=True)
        if self.standing.setdefault(place, writing) != writing:
            return {"place": place, "error": {"code": "place_conflict", "message": f"other writing stands at {place}"}}
        self.entries.append(place)
        return {"place": place, "status": "valid", "reason": None, "settled": True, "version": len(self.entries)}


def _places(body: bytes) -> list[str]:
    return [f"{line['section']}-{line['page']}-{line['line']}" for line in json.loads(body)["signatures"]]


def problem(status: int, title: str, **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"content-type": "application/problem+json", **fields}, {"title": title, "status": status}


@dataclass
class Host:
    """A port on which one service after the other answers."""

    url: str
    service: Service = field(default_factory=Service)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await self.service(scope, receive, send)


@contextmanager
def serving() -> Iterator[Host]:
    """A host that serves, in a thread of its own, while the block runs."""
    listening = socket.create_server(("127.0.0.1", 0))
    host = Host(f"http://127.0.0.1:{listening.getsockname()[1]}")
    config = uvicorn.Config(host, lifespan="off", ws="none", log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield host
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@dataclass(frozen=True)
class Fate:
    """What happens to one connection: bytes that pass each way before it breaks, how it breaks, how slow it is."""

    up: float = float("inf")
    down: float = float("inf")
    reset: bool = False
    delay: float = 0.0


def random_disruption(dice: random.Random) -> Fate:
    """Most connections break somewhere: in the request, before the reply, within it; some are only slow."""
    up, down = float(dice.randrange(40_000)), float(dice.randrange(12_000))
    return dice.choice(
        [
            Fate(),
            Fate(up=up, reset=dice.random() < 0.5),
            Fate(down=0, reset=dice.random() < 0.5),
            Fate(down=down, reset=dice.random() < 0.5),
            Fate(delay=dice.uniform(0, 0.6)),
        ]
    )


@asynccontextmanager
async def bad_network(to: str, disruptions: Callable[[], Fate]) -> AsyncIterator[str]:
    """A TCP proxy before `to`; its address. Each new connection asks for its disruption."""
    host, port = to.removeprefix("http://").split(":")
    ways: set[asyncio.Task[None]] = set()
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        connections.add(connection)
        disruption = disruptions()
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        both = {
            asyncio.create_task(_pass(reader, far_writer, disruption.up, 0)),
            asyncio.create_task(_pass(far_reader, writer, disruption.down, disruption.delay)),
        }
        ways.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for way in both:
            way.cancel()
        await asyncio.wait(both)
        if disruption.reset:
            linger = struct.pack("ii", 1, 0)  # close() then sends RST
            with suppress(OSError):  # the other side was first
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for end in (writer, far_writer):
            end.close()
            with suppress(OSError):
                await end.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*connections)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: float, delay: float) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            await asyncio.sleep(delay)
            passed = data if len(data) <= budget else data[: int(budget)]
            budget -= len(passed)
            writer.write(passed)
            await writer.drain()
            if len(passed) < len(data):
                return
