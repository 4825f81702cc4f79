"""The file of a station: one JSON signature a line, plain or gzip, read twice in bounded memory."""

import gzip
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import IO, NamedTuple, cast

from app.station.errors import BadFileError, SpoolError

LONGEST_LINE = 65_536  # bytes; ten times the longest signature that the service takes
GZIP_MAGIC = b"\x1f\x8b"


class Line(NamedTuple):
    """One signature: its place on paper (`12-3-4`) and its JSON text as it will be sent."""

    place: str
    body: bytes


class Survey(NamedTuple):
    """What the first pass found: SHA-256 of the (uncompressed) content in hex, and the number of signatures."""

    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class Source:
    """An open file of signatures.

    Attributes:
        file: Seekable, at any position.
        path: The resolved path, or None for a stream, which has no name that a later command could repeat.
        stamp: Size and time of modification when it was opened.
    """

    file: IO[bytes]
    path: Path | None
    stamp: tuple[int, int]

    def survey(self) -> Survey:
        """Check the shape of every line, so that a malformed file is refused before anything is sent.

        Raises:
            BadFileError: Naming the number of the first bad line.
        """
        digest, count = hashlib.sha256(), 0
        try:
            for number, text in self._numbered():
                digest.update(text)
                if text.strip():
                    line_of(text, number)
                    count += 1
        except BadFileError as error:
            message = f"{error}; nothing was sent"
            raise BadFileError(message) from None
        self.check_unchanged()
        return Survey(digest.hexdigest(), count)

    def lines(self) -> Iterator[Line]:
        """Every signature of the file, from its beginning; blank lines are passed over."""
        return (line_of(text, number) for number, text in self._numbered() if text.strip())

    def check_unchanged(self) -> None:
        """Raise SpoolError if the file was written to since it was opened."""
        if _stamp(self.file) != self.stamp:
            message = "the file is being written to; post it when it is complete"
            raise SpoolError(message)

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        self.file.seek(0)
        compressed = self.file.read(2) == GZIP_MAGIC
        self.file.seek(0)
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=self.file)) if compressed else self.file
        number = 0
        try:
            while text := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(text) > LONGEST_LINE:
                    raise _bad(number, f"longer than {LONGEST_LINE} bytes")
                yield number, text
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise _bad(number + 1, "the compressed file is damaged or incomplete") from None


@contextmanager
def open_source(file: str, scratch: Path) -> Iterator[Source]:
    """Open `file`; '-' is standard input.

    A stream cannot be read twice, so it is copied first, into an unnamed file in the folder `scratch` (made if it is
    missing) that vanishes with the process: no copy of names and addresses stays behind.

    Raises:
        BadFileError: It cannot be opened.
    """
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        opened = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115  it is, below
    except OSError as error:
        message = f"cannot open the file: {error.strerror}"
        raise BadFileError(message) from None
    with opened, tempfile.TemporaryFile(dir=scratch) as copy:
        if file != "-" and stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            yield Source(opened, Path(file).resolve(), _stamp(opened))
        else:
            shutil.copyfileobj(opened, copy)
            copy.flush()
            yield Source(copy, None, _stamp(copy))


def line_of(text: bytes, number: int) -> Line:
    """The signature in one line of text; `number` is for the error only.

    Raises:
        BadFileError: It is not a JSON object with a section, a page and a line. Says nothing of the content.
    """
    try:
        signature = json.loads(
            text.decode(), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_unrepeated
        )
        if b"\\u" in text:  # an escape may stand for half a character, which has no encoding
            json.dumps(signature, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _bad(number, "not one JSON object in UTF-8 with each field once") from None
    if not isinstance(signature, dict):
        raise _bad(number, "not a JSON object")
    return Line(_place(signature, number), text.strip())


def line_from(signature: Mapping[str, object], number: int) -> Line:
    """The same from a mapping in memory."""
    try:
        return Line(_place(signature, number), json.dumps(signature, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise _bad(number, "holds what JSON cannot hold") from None


def chunked(lines: Iterable[Line], size: int) -> Iterator[tuple[Line, ...]]:
    """The lines in order, `size` at a time, the last chunk being what remains."""
    following = iter(lines)
    while chunk := tuple(islice(following, size)):
        yield chunk


def _place(signature: Mapping[str, object], number: int) -> str:
    parts = [signature.get(field) for field in ("section", "page", "line")]
    if not all(type(part) is int and part > 0 for part in parts):  # not isinstance: true is no page number
        raise _bad(number, "section, page and line must be whole numbers from 1")
    return "-".join(map(str, parts))


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError
    return number


def _no_number(_: str) -> object:
    raise ValueError


def _bad(number: int, why: str) -> BadFileError:
    return BadFileError(f"line {number}: {why}")


def _stamp(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
