"""Where a roll comes from: a file, plain or packed, read as one stream and hashed on the way."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.domain.roll_errors import RollError

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


class HashingReader(RawIOBase):
    """A stream that takes the SHA-256 of what is read from it. A damaged archive is a `RollError`."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from `stream`."""
        self._stream = stream
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # the stub's Buffer is 3.12
        """Fill the buffer."""
        try:
            data = self._stream.read(len(buffer))
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile):
            raise RollError("the file is damaged: it cannot be unpacked to its end") from None
        self._hash.update(data)
        buffer[: len(data)] = data
        return len(data)

    def sha256(self) -> str:
        """What was read so far, hashed, in hexadecimal."""
        return self._hash.hexdigest()


@contextmanager
def open_roll(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, HashingReader]]:
    """Open a roll for reading: the stream of its content, unpacked where it is gzip or zip, and its hash.

    Raises:
        RollError: a zip archive that holds more or less than one file, or comes through a pipe.
        OSError: the file cannot be opened.
    """
    if isinstance(source, Path):
        with source.open("rb") as file, open_roll(file) as opened:
            yield opened
        return
    with _peekable(source) as file:
        hashing = HashingReader(_unpacked(file))
        yield cast("BinaryIO", BufferedReader(hashing, 1 << 18)), hashing


@contextmanager
def _peekable(source: BinaryIO) -> Iterator[BufferedReader]:
    """The source with a buffer to look ahead in; it stays open afterwards."""
    buffered = BufferedReader(cast("Any", source))
    try:
        yield buffered
    finally:
        buffered.detach()


def _unpacked(file: BufferedReader) -> BinaryIO:
    start = file.peek(4)[:4]
    if start.startswith(_GZIP):
        return cast("BinaryIO", GzipFile(fileobj=file))
    if not start.startswith(_ZIP):
        return file
    if not file.seekable():
        raise RollError("a zip archive cannot be read from a pipe: unpack it first")
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise RollError("the file is damaged: it cannot be unpacked") from None
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if len(names) != 1:
        raise RollError(f"the zip archive holds {len(names)} files: one is expected")
    try:
        return cast("BinaryIO", archive.open(names[0]))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile):  # RuntimeError: it asks for a password
        raise RollError("the zip archive cannot be unpacked") from None
