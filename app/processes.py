"""Worker processes: work that needs a processor for long runs in them, and the event loop stays free.

A worker is a plain subprocess that imports only what its handler's module imports. Requests and answers are pickled and
sent over a socket; an answer has the number of its request. A worker exits when its socket is closed: by the pool, or
because the process that started it is gone, however that ended.

A worker that hangs is found by its silence: it is asked for a sign of life every second, which it gives also while its
handler waits for the database. The silence is counted in these questions and not in time, so that no worker is blamed
for a service, or a whole machine, that stood still.
"""

import asyncio
import gc
import logging
import os
import pickle
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final, Generic, Literal, TypeVar

import uvloop

from app.errors import RecallError, WorkerDiedError, WorkerFailedError

logger = logging.getLogger("app.processes")

Setup = TypeVar("Setup")
Request = TypeVar("Request")
Answer = TypeVar("Answer")
Handler = Callable[[Request], Awaitable[Answer]]
Opener = Callable[[Setup], Awaitable[Handler[Request, Answer]]]

_PROJECT: Final = Path(__file__).parents[1]
_LENGTH: Final = 4  # bytes in front of a message that hold its length
_RESTART_AFTER: Final = 5.0  # seconds after the last start, so that a worker that dies at once is not started in a loop
_COLLECT_EVERY: Final = 30.0  # seconds between garbage collections in a worker
_BEAT_EVERY: Final = 1.0  # seconds between questions for a sign of life
_SILENT: Final = 3  # questions without an answer after which a worker is asked nothing else
_HUNG: Final = 6  # the same, after which it is killed and replaced
_HUNG_OPENING: Final = 30  # the same before its first answer: it has modules to load
_BEAT: Final = None  # the number of a question for a sign of life, and of its answer


@dataclass(eq=False)
class Worker(Generic[Request, Answer]):
    """One worker process."""

    opening: bytes  # its first message
    process: asyncio.subprocess.Process | None = None  # None before its first start
    requests: dict[int, asyncio.Future[Answer]] = field(default_factory=dict)  # those without an answer
    _numbers: Iterator[int] = field(default_factory=count)
    _started: float = float("-inf")
    _unanswered: int = 0  # questions for a sign of life since it last answered anything
    _opened: bool = False  # whether it has answered since its start
    _writer: asyncio.StreamWriter | None = None  # None while the process does not run
    _reading: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs, be it silent."""
        return self._writer is not None

    @property
    def answering(self) -> bool:
        """Whether its process runs and gives signs of life."""
        return self.running and self._unanswered < _SILENT

    async def start(self) -> None:
        """Start the process, unless it runs or was started a moment ago."""
        if self.running or monotonic() - self._started < _RESTART_AFTER:
            return
        self._started, self._unanswered, self._opened = monotonic(), 0, False
        ours, theirs = socket.socketpair()
        program = sys.executable, "-c", f"from {__name__} import serve; serve()"
        with theirs:
            self.process = await asyncio.create_subprocess_exec(*program, cwd=_PROJECT, stdin=theirs.fileno())
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._writer.write(self.opening)
        self._reading = asyncio.create_task(self._read(reader, self._writer))

    async def ask(self, request: Request) -> Answer:
        """Return the handler's answer.

        Raises:
            WorkerDiedError: the process does not run, or ended before it answered.
            WorkerFailedError: the handler raised an error that it was not written to raise.
            RecallError: the handler raised it.
        """
        if self._writer is None:
            raise WorkerDiedError
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.requests[number] = answer
        try:
            self._writer.write(_framed((number, request)))
            return await answer
        finally:
            del self.requests[number]

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Give each answer to its request until the process ends."""
        try:
            while True:
                number, answer = await _read_message(reader)
                self._unanswered, self._opened = 0, True
                self._settle(number, answer)
        except (EOFError, OSError):
            logger.warning("a worker process ended")
        except Exception as error:  # noqa: BLE001  # such as no memory for an answer: what follows cannot be read either
            logger.warning("a worker process cannot be read", extra={"error": type(error).__qualname__})
            self._kill_process()
        finally:
            self._writer = None
            writer.close()
            for number in self.requests:
                self._settle(number, WorkerDiedError())

    def _settle(self, number: int | None, answer: Answer | Exception) -> None:
        waiting = None if number is _BEAT else self.requests.get(number)
        if waiting is None or waiting.done():  # a sign of life, or the caller has given up
            return
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def beat(self) -> bool:
        """Ask for a sign of life; whether the process is killed instead, since it gave none for too long.

        What waits for its answers gets a WorkerDiedError.
        """
        if self._writer is None:
            return False
        if self._unanswered >= (_HUNG if self._opened else _HUNG_OPENING):
            logger.warning("a worker process does not answer: it is replaced")
            self._kill()
            return True
        self._unanswered += 1
        self._writer.write(_framed((_BEAT, None)))
        return False

    def _kill(self) -> None:
        if self._reading:
            self._reading.cancel()
        self._kill_process()

    def _kill_process(self) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def close(self) -> None:
        """Kill the process."""
        self._kill()
        if self.process:
            await self.process.wait()


class WorkerPool(Generic[Request, Answer]):
    """Several workers with the same handler, or none."""

    def __init__(self, open_handler: Opener[Setup, Request, Answer], setup: Setup, size: int) -> None:
        """Prepare `size` workers; each calls `open_handler` once, with `setup`, for the function that answers."""
        opening = _framed((open_handler, setup))
        self.workers: Final = tuple(Worker[Request, Answer](opening) for _ in range(size))
        self.replaced = 0  # workers that were killed since they hung

    async def start(self) -> None:
        """Start the workers that do not run, but none that was started a moment ago."""
        for worker in self.workers:
            await worker.start()

    async def watch(self) -> None:
        """Start again what ends, and replace what hangs, until cancelled."""
        while True:
            await asyncio.sleep(_BEAT_EVERY)
            try:
                self.replaced += sum([worker.beat() for worker in self.workers])
                await self.start()
            except Exception as error:  # noqa: BLE001  # no memory, or no file, for a process: the next round tries again
                logger.warning("a worker process cannot be started", extra={"error": type(error).__qualname__})

    async def submit(self, request: Request) -> Answer:
        """Return the answer of the worker with the fewest open requests; `Worker.ask` has the errors."""
        answering = [worker for worker in self.workers if worker.answering]
        if not answering:
            raise WorkerDiedError
        return await min(answering, key=lambda worker: len(worker.requests)).ask(request)

    def idle(self) -> int:
        """How many workers answer and have nothing to do."""
        return sum(worker.answering and not worker.requests for worker in self.workers)

    def states(self) -> dict[Literal["running", "silent", "ended"], int]:
        """How many workers run and answer, how many run and do not answer, and how many do not run."""
        running, answering = sum(one.running for one in self.workers), sum(one.answering for one in self.workers)
        return {"running": answering, "silent": running - answering, "ended": len(self.workers) - running}

    async def close(self) -> None:
        """Kill the workers."""
        for worker in self.workers:
            await worker.close()


def _framed(message: object) -> bytes:
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(content).to_bytes(_LENGTH, "big") + content


async def _read_message(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - whatever the other side sends
    """Return the next message; EOFError or OSError where there are no more."""
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from a process of this program


def serve() -> None:
    """Run as a worker: answer requests until the socket on standard input is closed."""
    # Ctrl-C and SIGTERM may reach every process of the service. It finishes its requests first, and needs its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    uvloop.run(_serve())


async def _serve() -> None:
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=sys.stdin.fileno()))
    open_handler, setup = await _read_message(reader)
    handler = await open_handler(setup)
    tasks = {asyncio.create_task(collect_garbage())}
    try:
        while True:
            number, request = await _read_message(reader)
            if number is _BEAT:
                writer.write(_framed((_BEAT, None)))
                continue
            task = asyncio.create_task(_answer(handler, number, request, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    except (EOFError, OSError):
        os._exit(0)  # the pool is gone, and with it everything that waits for an answer


async def _answer(handler: Handler[Any, Any], number: int, request: object, writer: asyncio.StreamWriter) -> None:
    """Send the handler's answer, or the error that `ask` is to raise."""
    answer: object
    try:
        answer = await handler(request)
    except RecallError as error:
        answer = error
    except Exception as error:  # noqa: BLE001  # `ask` raises it; the text stays here, since it may hold personal data
        answer = WorkerFailedError(type(error).__qualname__)
    writer.write(_framed((number, answer)))
    await writer.drain()


async def collect_garbage(every: float = _COLLECT_EVERY) -> None:
    """Collect garbage every so many seconds, in place of Python's collector, which took a tenth of the time.

    It walks all that is cached. Handlers make next to no cycles: only errors such as a lost connection leave some.
    """
    gc.disable()
    gc.collect()
    gc.freeze()  # modules and what they hold are never garbage
    while True:
        await asyncio.sleep(every)
        gc.collect()
