"""Processes that turn chunks of a roll into what the database copies.

Python does the work of a row in some 20 µs, ten times what the database needs to take it: so there is a process for
each processor. Each has one chunk at a time, and the chunks come back in the order of the file.
"""

import asyncio
import multiprocessing
import os
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, cycle
from multiprocessing.connection import Connection
from typing import Self

from app.db.roll import copy_lines, copy_token_lines
from app.domain.blocking import registration_keys, registration_tokens
from app.domain.roll_errors import RollError
from app.domain.roll_formats import RollFormat
from app.domain.roll_rows import Chunk, RowReader

_DISTINCT_WORDS = 100_000  # after so many a process hands its count over, to keep its memory
_MOST_PROCESSES = 4


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
        self._counts.update(chain.from_iterable(map(registration_tokens, registrations)))
        lines = copy_lines((registration, registration_keys(registration)) for registration in registrations)
        tokens = b""
        if chunk is None or len(self._counts) > _DISTINCT_WORDS:
            tokens = copy_token_lines(self._counts)
            self._counts.clear()
        return Converted(lines, len(registrations), tokens, self._reader.county)


def _serve(pipe: Connection, roll_format: RollFormat, header: bytes) -> None:
    """What a process does: convert what comes through the pipe until it closes."""
    converter = Converter(RowReader(roll_format, header))
    while True:
        try:
            chunk = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(converter.convert(chunk))
        except RollError as error:
            pipe.send(error)


class RemoteConverter:
    """A `Converter` in a process of its own."""

    def __init__(self, roll_format: RollFormat, header: bytes) -> None:
        """Start the process. It is spawned, not forked: the parent has threads and connections."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, roll_format, header), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        """Use it until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
        self._pipe.close()

    def convert(self, chunk: Chunk | None) -> Converted:
        """Convert one chunk, as `Converter.convert` does, waiting for the process."""
        self._pipe.send(chunk)
        answer: Converted | RollError = self._pipe.recv()
        if isinstance(answer, RollError):
            raise answer
        return answer


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
