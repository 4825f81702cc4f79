"""Turning chunks of a roll into what the database copies, in worker processes.

Python needs some 20 µs for a row, ten times what the database needs to take it: so two processors share the work. The
chunks come back in the order of the file.
"""

import asyncio
import os
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import date
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from app.errors import FileFault
from app.law.registration import Registration
from app.matching.blocking import count_terms, registration_keys
from app.processes import Handler, WorkerPool
from app.roll.formats import FORMATS, RollFormat
from app.roll.rows import Chunk, RowReader, Rows

NULL: Final = "\x01"  # in COPY's text; no field of a roll holds a control character
_DISTINCT_WORDS: Final = 40_000  # counted words that a worker keeps at most, for its memory
_MOST_WORKERS: Final = 2  # each takes 100 MB, and the database needs a processor too


class Converted(NamedTuple):
    """A chunk as the database takes it: registrations, and from time to time a portion of the dictionary."""

    rows: int  # of the chunk
    registrations: bytes = b""  # none if a row is bad
    tokens: bytes = b""
    county: str | None = None  # the file's code of the county, where the format has one
    faults: tuple[FileFault, ...] = ()
    broken: bool = False  # as in `Rows`


def converter(roll_format: RollFormat, header: bytes) -> Callable[[Chunk | None], Converted]:
    """Return a function that converts chunks of one file, given its header, and counts words on the way.

    None stands for the end of the file: the function then returns the words still counted.
    """
    reader, counts = RowReader(roll_format, header), Counter[tuple[str, str]]()

    def convert(chunk: Chunk | None) -> Converted:
        rows, tokens = reader.read(chunk) if chunk else Rows([]), b""
        count_terms(rows.registrations, counts)
        if chunk is None or len(counts) > _DISTINCT_WORDS:
            tokens = _copy_text([f"{kind}\t{token}\t{count}" for (kind, token), count in counts.items()])
            counts.clear()
        lines = _copy_text([_copy_line(registration) for registration in rows.registrations])
        return Converted(chunk.rows if chunk else 0, lines, tokens, reader.county, rows.faults, rows.broken)

    return convert


@cache  # a roll has some thousands of them
def _date(day: date | None) -> str:
    return NULL if day is None else day.isoformat()


def _copy_line(registration: Registration) -> str:
    """A registration with its keys as COPY's text. No field has a tab or a line break."""
    no, voter_id, last, first, middle, suffix, born, *texts, signed, received, to, hidden, districts = registration
    dates, keys = (_date(signed), _date(received), _date(to)), registration_keys(registration)
    numbers = [NULL if key is None else str(key) for key in keys]
    names = (voter_id, last, first, middle, suffix)
    rest = (str(hidden), NULL if districts is None else districts)
    return "\t".join([str(no), *names, _date(born), *texts, *dates, *rest, *numbers])


def _copy_text(lines: list[str]) -> bytes:
    return "\n".join([*lines, ""]).replace("\\", "\\\\").encode()


async def open_converter(file: tuple[str, bytes]) -> Handler[Chunk | None, Converted]:
    """Return a worker's function that converts chunks of one file, given its format's name and its header."""
    convert = converter(FORMATS[file[0]], file[1])

    async def answer(chunk: Chunk | None) -> Converted:
        return convert(chunk)

    return answer


async def convert_all(
    chunks: Iterator[Chunk], roll_format: RollFormat, header: bytes
) -> AsyncGenerator[Converted, None]:
    """Yield every chunk converted, in order, and the words still counted at the end.

    Raises:
        WorkerDiedError: a worker process ended, and the words that it had counted are lost.
    """
    head = [chunk for _ in range(2) if (chunk := await asyncio.to_thread(next, chunks, None))]
    if len(head) < 2:  # noqa: PLR2004 - a single chunk is not worth a process
        convert = converter(roll_format, header)
        for only in (*head, None):
            yield await asyncio.to_thread(convert, only)
        return
    pool = WorkerPool(open_converter, (roll_format.name, header), min(_MOST_WORKERS, os.cpu_count() or 1))
    rest = chain(head, chunks)
    waiting: deque[asyncio.Task[Converted]] = deque()  # in the file's order
    try:
        await pool.start()
        while chunk := await asyncio.to_thread(next, rest, None):
            waiting.append(asyncio.create_task(pool.submit(chunk)))
            if len(waiting) > len(pool.workers):  # while one is used, each worker has one and another one waits
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
        for worker in pool.workers:
            yield await worker.ask(None)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await pool.close()
