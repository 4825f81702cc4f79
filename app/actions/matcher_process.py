"""What a matcher's process does: decide the lines that come by its standard input, until there are no more."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import asyncpg
import uvloop

from app.actions.aliases_in_use import aliases_of
from app.actions.lookup import TURNS, decide_lines
from app.actions.matcher import Asked, framed, read_message
from app.db.pooling import as_it_is
from app.domain.matching import Decision

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

    async def answer(asked: Asked) -> None:
        writer.write(framed((asked.number, await _decide(pool, asked))))
        await writer.drain()
        decided(len(asked.lines))

    try:
        while True:
            message = await read_message(reader)
            if isinstance(message, Asked):
                task = asyncio.create_task(answer(message))
                deciding.add(task)
                task.add_done_callback(deciding.discard)
    except asyncio.IncompleteReadError:
        pool.terminate()
        os._exit(0)  # whoever asked is gone


async def _decide(pool: asyncpg.Pool, asked: Asked) -> list[Decision] | None:
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
