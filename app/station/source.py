"""A station's file: one JSON signature per line, plain or gzip, read twice with bounded memory."""

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
from pathlib import Path
from typing import IO, NamedTuple, cast

from app.station.outcome import BadFileError, SpoolError

LONGEST_LINE = 65_536  # bytes; ten times the longest signature that the service accepts
GZIP_MAGIC = b"\x1f\x8b"


class Line(NamedTuple):
    """One signature: its place on paper (`12-3-4`) and the JSON text to send."""

    place: str
    body: bytes


class Batch(NamedTuple):
    """Consecutive lines."""

    number: int  # from 0
    first: int  # index of the first line, from 0
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An open file of signatures."""

    file: IO[bytes]  # seekable
    path: Path | None  # resolved; None for a stream, which has no name that a later command could repeat
    stamp: tuple[int, int]  # size and modification time when it was opened

    def survey(self) -> tuple[str, int]:
        """Check the shape of every line, so that a malformed file is refused before anything is sent.

        Returns the SHA-256 of the (uncompressed) content in hex and the number of signatures. Raises BadFileError with
        the number of the first bad line, or SpoolError if the file was written to since it was opened.
        """
        digest, count = hashlib.sha256(), 0
        try:
            for number, text in self._numbered():
                digest.update(text)
                if text.strip():
                    _parsed(text, number)
                    count += 1
        except BadFileError as error:
            raise BadFileError(f"{error}; nothing was sent") from None
        return digest.hexdigest(), count

    def lines(self) -> Iterator[Line]:
        """Every signature of the file, from its beginning; blank lines are skipped. Raises as `survey` does."""
        return (_parsed(text, number) for number, text in self._numbered() if text.strip())

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        self.file.seek(0)
        compressed = self.file.read(2) == GZIP_MAGIC
        self.file.seek(0)
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=self.file)) if compressed else self.file
        number = 0
        try:
            while text := stream.readline(LONGEST_LINE + 1):
                number += 1
                if _stamp(self.file) != self.stamp:
                    raise SpoolError("the file is being written to; post it when it is complete")
                if len(text) > LONGEST_LINE:
                    raise _bad(number, f"longer than {LONGEST_LINE} bytes")
                yield number, text
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise _bad(number + 1, "the compressed file is damaged or incomplete") from None


@contextmanager
def open_source(file: str, scratch: Path) -> Iterator[Source]:
    """Open `file`; '-' is standard input.

    A stream cannot be read twice, so it is copied first into an unnamed file in the folder `scratch` (created if
    missing). That file disappears with the process: no copy of names and addresses remains. Raises BadFileError.
    """
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        opened = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115  the `with` below closes it
    except OSError as error:
        raise BadFileError(f"cannot open the file: {error.strerror}") from None
    with opened, tempfile.TemporaryFile(dir=scratch) as copy:
        if file != "-" and stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            yield Source(opened, Path(file).resolve(), _stamp(opened))
        else:
            shutil.copyfileobj(opened, copy)
            copy.flush()
            yield Source(copy, None, _stamp(copy))


def batches(lines: Iterable[Line], size: int) -> Iterator[Batch]:
    """The lines in order, in batches of `size`; the last batch has the rest."""
    remaining, first = iter(lines), 0
    while chunk := tuple(islice(remaining, size)):
        yield Batch(first // size, first, chunk)
        first += size


def line_from(signature: Mapping[str, object], number: int) -> Line:
    """One signature from memory; `number` is for the error, a BadFileError that does not quote the content."""
    place = [signature.get(field) for field in ("section", "page", "line")]
    if not all(type(part) is int and part > 0 for part in place):  # not isinstance: true is not a page number
        raise _bad(number, "section, page and line must be whole numbers from 1")
    try:  # no half of a surrogate pair, no number that is not finite
        text = json.dumps(signature, ensure_ascii=False, allow_nan=False).encode()
        return Line("-".join(map(str, place)), text)
    except (ValueError, RecursionError):
        raise _bad(number, "contains what JSON in UTF-8 cannot express") from None


def _parsed(text: bytes, number: int) -> Line:
    """One signature from a line of the file, checked and as it was written."""
    try:
        signature = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _bad(number, "not one JSON object in UTF-8 with each field once") from None
    if not isinstance(signature, dict):
        raise _bad(number, "not a JSON object")
    return line_from(signature, number)._replace(body=text.strip())


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _bad(number: int, why: str) -> BadFileError:
    return BadFileError(f"line {number}: {why}")


def _stamp(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
