"""Processes that turn chunks of a roll into what the database copies.

Python does the work of a row in some 20 µs, ten times what the database needs to take it: so there is a process for
each processor. Each has one chunk at a time, and the chunks come back in the order of the file.
"""

import asyncio
import gc
import os
import pickle
import subprocess
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from typing import IO, Self, cast

from app.errors import RollError
from app.matching.blocking import count_words, registration_keys
from app.roll.formats import FORMATS, RollFormat
from app.roll.queries import copy_lines, copy_token_lines
from app.roll.rows import Chunk, RowReader

_DISTINCT_WORDS = 40_000  # after so many a process hands its count over, to keep its memory
_MOST_PROCESSES = 2  # each takes 100 MB, and the database needs a processor too
_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Converted:
    """A chunk as the database takes it: registrations, and from time to time a portion of the dictionary."""

    registrations: bytes
    rows: int
    tokens: bytes
    county: str | None  # the file's code of the county, where the format has one


class Converter:
    """Turns chunks into `Converted`, counting words on the way."""

    def __init__(self, reader: RowReader) -> None:
        """Read rows by `reader`."""
        self._reader = reader
        self._counts: Counter[tuple[str, str]] = Counter()

    def convert(self, chunk: Chunk | None) -> Converted:
        """Convert one chunk; None stands for the end, and hands over the words still counted.

        Raises:
            RollError: a bad row.
        """
        registrations = list(self._reader.registrations(chunk)) if chunk else []
        count_words(registrations, self._counts)
        lines = copy_lines((registration, registration_keys(registration)) for registration in registrations)
        tokens = b""
        if chunk is None or len(self._counts) > _DISTINCT_WORDS:
            tokens = copy_token_lines(self._counts)
            self._counts.clear()
        return Converted(lines, len(registrations), tokens, self._reader.county)


class RemoteConverter:
    """A `Converter` in a process of its own: chunks go in by its standard input, pickled, and come out converted.

    A plain subprocess and not multiprocessing's, which would load the whole service into each of them again.
    """

    def __init__(self, roll_format: RollFormat, header: bytes) -> None:
        """Start the process."""
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no argument from outside
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send((roll_format.name, header))

    def __enter__(self) -> Self:
        """Use it until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # broken: there is more to tell it, and nobody listens
            self._process.wait()

    def _send(self, message: object) -> None:
        stdin = cast("IO[bytes]", self._process.stdin)
        pickle.dump(message, stdin)
        stdin.flush()

    def convert(self, chunk: Chunk | None) -> Converted:
        """Convert one chunk, as `Converter.convert` does, waiting for the process."""
        self._send(chunk)
        answer = pickle.load(cast("IO[bytes]", self._process.stdout))  # noqa: S301 - from our own process
        if isinstance(answer, RollError):
            raise answer
        return cast("Converted", answer)


def serve() -> None:
    """What the process does: convert what comes until there is no more, as when the loading process has died."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    gc.disable()  # nothing here makes cycles, and looking for them walks all the caches
    name, header = pickle.load(stdin)  # noqa: S301 - from the process that started this one
    converter = Converter(RowReader(FORMATS[name], header))
    while True:
        try:
            chunk = pickle.load(stdin)  # noqa: S301 - as above
        except EOFError:
            return
        try:
            pickle.dump(converter.convert(chunk), stdout)
        except RollError as error:
            pickle.dump(error, stdout)
        stdout.flush()


async def convert_all(
    chunks: Iterator[Chunk], roll_format: RollFormat, header: bytes
) -> AsyncGenerator[Converted, None]:
    """Yield every chunk converted, in order, and the words still counted at the end.

    Raises:
        RollError: a bad row, the first in the file's order.
    """
    head = [chunk for _ in range(2) if (chunk := await asyncio.to_thread(next, chunks, None))]
    if len(head) < 2:  # noqa: PLR2004 - a single chunk is not worth a process
        converter = Converter(RowReader(roll_format, header))
        for chunk in (*head, None):
            yield await asyncio.to_thread(converter.convert, chunk)
        return
    count = max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))
    with ExitStack() as stack:
        converters = [stack.enter_context(RemoteConverter(roll_format, header)) for _ in range(count)]
        async for converted in _in_turn(converters, chain(head, chunks)):
            yield converted


async def _in_turn(converters: list[RemoteConverter], chunks: Iterator[Chunk]) -> AsyncGenerator[Converted, None]:
    """Give each converter every n-th chunk, the next before the last is used, and at the end None to each."""
    waiting: deque[asyncio.Task[Converted]] = deque()
    turns = cycle(converters)
    ends = len(converters)
    try:
        while ends:
            chunk = await asyncio.to_thread(next, chunks, None)
            ends -= chunk is None
            done = await waiting.popleft() if len(waiting) == len(converters) else None
            waiting.append(asyncio.create_task(asyncio.to_thread(next(turns).convert, chunk)))
            if done:
                yield done
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
