"""Looking lines up in processes of their own: it takes most of a line's time, and a poll of the tally must not wait.

Each process has connections of its own and decides several parts of batches at a time. Whatever becomes of it, lines
are decided: where it does not answer, another one is asked, and where none does, they are looked up here.
"""

import asyncio
import gc
import logging
import os
import pickle
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

import asyncpg
import uvloop

from app.database.pooling import as_it_is
from app.matching.aliases import NO_ALIASES, Aliases, aliases_of
from app.matching.decision import Decision
from app.matching.lookup import TURNS, LineToDecide, decide_lines

logger = logging.getLogger("app.matcher")

_PROJECT: Final = Path(__file__).parents[2]
_LENGTH: Final = 4  # bytes that tell a message's length
_PATIENCE = 60.0  # seconds: longer than its own waits for the database, so that only one that hangs is given up
_AGAIN: Final = 5.0  # seconds after which one that died is started anew
_WORTH_PARTING: Final = 16  # lines: fewer are looked up sooner by one process than by two, each with its statements
_PART: Final = 250  # lines at most that are looked up at a time: what is found for 500 takes 20 MB more of each process


class Decide(Protocol):
    """How lines are decided: `decide_lines`, or a matcher's method of the same name."""

    def __call__(
        self,
        connection: asyncpg.Connection,
        /,
        *,
        county_id: str,
        roll_version: int,
        lines: Sequence[LineToDecide],
        aliases: Aliases = NO_ALIASES,
    ) -> Awaitable[list[Decision]]:
        """Return the decision on each line, in their order."""
        ...


class LookupRequest(NamedTuple):
    """What the process is asked; its answer bears the number."""

    number: int
    county_id: str
    roll_version: int
    aliases_version: int
    lines: Sequence[LineToDecide]


class Matcher:
    """A process that decides lines. It ends with this one, and is started anew when it dies."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        """Decide by the rolls of the database that `asyncpg.connect` reaches with these arguments."""
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[list[Decision] | None]] = {}
        self._number = 0
        self._started = float("-inf")

    @property
    def running(self) -> bool:
        """Whether there is a process to ask."""
        return self._process is not None and self._process.returncode is None and self._reading is not None

    @property
    def process_id(self) -> int | None:
        """Of the process, for who looks after it."""
        return self._process.pid if self._process else None

    def waiting(self) -> int:
        """How many parts of batches it is asked about."""
        return len(self._waiting)

    async def start(self) -> None:
        """Start the process, unless one runs or was started a moment ago."""
        if self.running or monotonic() - self._started < _AGAIN:
            return
        self._started = monotonic()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from app.matching.workers import serve; serve()"),
            cwd=_PROJECT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._send(self._process, dict(self._arguments))
        self._reading = asyncio.create_task(self._read(self._process))

    async def ask(
        self, county_id: str, roll_version: int, aliases_version: int, lines: Sequence[LineToDecide]
    ) -> list[Decision] | None:
        """What the process decides on each line, in their order; None where it does not."""
        if not self.running or self._process is None:
            return None
        self._number += 1
        number = self._number
        answer: asyncio.Future[list[Decision] | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(self._process, LookupRequest(number, county_id, roll_version, aliases_version, lines))
            return await asyncio.wait_for(answer, _PATIENCE)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            return None
        finally:
            self._waiting.pop(number, None)

    @staticmethod
    def _send(process: asyncio.subprocess.Process, message: object) -> None:
        if process.stdin is None:
            raise BrokenPipeError
        process.stdin.write(framed(message))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out the answers until there are no more."""
        try:
            while process.stdout is not None:
                number, decisions = await read_message(process.stdout)
                answer = self._waiting.get(number)
                if answer and not answer.done():
                    answer.set_result(decisions)
        except asyncio.IncompleteReadError:
            logger.warning("a matcher ended; lines are looked up by another one, or here, until it runs again")
        finally:
            self._reading = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result(None)

    async def close(self) -> None:
        """End the process."""
        if self._reading:
            self._reading.cancel()
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class Matchers:
    """Several of them, or none; each part of a batch goes to the one that is asked the least."""

    def __init__(self, arguments: Mapping[str, Any], count: int) -> None:
        """Decide by the rolls of the database that `asyncpg.connect` reaches so, in so many processes."""
        self.each: Final = tuple(Matcher(arguments) for _ in range(count))

    async def start(self) -> None:
        """Start the processes that do not run."""
        for matcher in self.each:
            await matcher.start()

    async def decide_lines(
        self,
        connection: asyncpg.Connection,
        /,
        *,
        county_id: str,
        roll_version: int,
        lines: Sequence[LineToDecide],
        aliases: Aliases = NO_ALIASES,
    ) -> list[Decision]:
        """Return the decision on each line, in their order, as `decide_lines` does; by the processes that answer."""
        await self.start()
        parts = in_parts(lines, self._idle() if len(lines) >= _WORTH_PARTING else 1)
        asked = [self._ask(LookupRequest(0, county_id, roll_version, aliases.version, part)) for part in parts]
        found = list[Decision]()
        for part, answer in zip(parts, await asyncio.gather(*asked), strict=True):
            found += answer or await decide_lines(
                connection, county_id=county_id, roll_version=roll_version, lines=part, aliases=aliases
            )
        return found

    def _idle(self) -> int:
        """How many of them have nothing to do."""
        return sum(matcher.running and not matcher.waiting() for matcher in self.each)

    async def _ask(self, asked: LookupRequest) -> list[Decision] | None:
        """What the process says that is asked the least, and if it dies over it, another one; None where none does."""
        while running := [matcher for matcher in self.each if matcher.running]:
            matcher = min(running, key=Matcher.waiting)
            decided = await matcher.ask(*asked[1:])
            if decided is not None or matcher.running:  # one that runs and does not answer met what others would meet
                return decided
        return None

    def states(self) -> dict[str, int]:
        """How many of them run, and how many do not."""
        running = sum(matcher.running for matcher in self.each)
        return {"running": running, "ended": len(self.each) - running}

    async def close(self) -> None:
        """End the processes."""
        for matcher in self.each:
            await matcher.close()


def in_parts(lines: Sequence[LineToDecide], least: int = 1) -> list[Sequence[LineToDecide]]:
    """The lines in as few parts as may be looked up at a time, but at least so many, all of nearly the same length."""
    count = max(-(-len(lines) // _PART), least) if lines else 0
    return [lines[len(lines) * at // count : len(lines) * (at + 1) // count] for at in range(count)]


def framed(message: object) -> bytes:
    """A message as it goes through a pipe between this program's own processes."""
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(content).to_bytes(_LENGTH, "big") + content


async def read_message(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - whatever the other side sends
    """The next message of the other side.

    Raises:
        asyncio.IncompleteReadError: there are no more.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from a process of this program


_CONNECTIONS: Final = 2  # parts of batches that are decided at a time: while one waits for the database, another
_LINES_BETWEEN: Final = 10_000  # lines between looks for garbage


def serve() -> None:
    """Run until the service that asks is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the terminal's or the machine's, to all: the service drains first
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # looking for cycles among all that is found took a tenth of the time; see `_tidying`
    TURNS.lines = 1_000  # nobody else waits here for a turn
    uvloop.run(_serve())


async def _serve() -> None:
    reader, writer = await _pipes()
    arguments = await read_message(reader)
    pool = await asyncpg.create_pool(**arguments, min_size=0, max_size=_CONNECTIONS, command_timeout=40, reset=as_it_is)
    deciding: set[asyncio.Task[None]] = set()
    decided = _tidying()

    async def answer(asked: LookupRequest) -> None:
        writer.write(framed((asked.number, await _decide(pool, asked))))
        await writer.drain()
        decided(len(asked.lines))

    try:
        while True:
            message = await read_message(reader)
            if isinstance(message, LookupRequest):
                task = asyncio.create_task(answer(message))
                deciding.add(task)
                task.add_done_callback(deciding.discard)
    except asyncio.IncompleteReadError:
        pool.terminate()
        os._exit(0)  # whoever asked is gone


async def _decide(pool: asyncpg.Pool, asked: LookupRequest) -> list[Decision] | None:
    """The decisions; None where there is an error, which the service meets itself when it tries."""
    try:
        async with pool.acquire(timeout=20) as connection:
            aliases = await aliases_of(connection, asked.county_id, asked.aliases_version)
            if aliases.version != asked.aliases_version:
                return None
            return await decide_lines(
                connection,
                county_id=asked.county_id,
                roll_version=asked.roll_version,
                lines=asked.lines,
                aliases=aliases,
            )
    except Exception:  # noqa: BLE001  # it is not swallowed: the service tries again, and raises what it meets
        return None


def _tidying() -> Callable[[int], None]:
    """What is told of lines decided, and looks for garbage now and then.

    Deciding makes no cycles, so there is hardly any: what met an error, such as a lost connection, may.
    """
    gc.collect()
    gc.freeze()  # the program itself is never garbage
    since = 0

    def decided(lines: int) -> None:
        nonlocal since
        since += lines
        if since >= _LINES_BETWEEN:
            since = 0
            gc.collect()

    return decided


async def _pipes() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Standard input and output as streams."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
