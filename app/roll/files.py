"""The file of a roll: plain, gzip or zip, from a path or through a pipe, hashed while it is read."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from app.errors import RollError

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


class HashingReader(RawIOBase):
    """A stream that takes the SHA-256 of what is read from it. A damaged archive is a `RollError`."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from `stream`."""
        self._stream = stream
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        """Return True."""
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
        """The hash of what was read so far, in hexadecimal."""
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
    buffered = BufferedReader(cast("Any", source))  # to look ahead in
    try:
        hashing = HashingReader(_unpacked(buffered))
        yield cast("BinaryIO", BufferedReader(hashing, 1 << 18)), hashing
    finally:
        buffered.detach()  # the caller's stream stays open


def _unpacked(file: BufferedReader) -> BinaryIO:
    start = file.peek(4)[:4]
    if start.startswith(_GZIP):
        return cast("BinaryIO", GzipFile(fileobj=file))
    return _only_file(file) if start.startswith(_ZIP) else file


def _only_file(file: BufferedReader) -> BinaryIO:
    if not file.seekable():
        raise RollError("a zip archive cannot be read from a pipe: unpack it first")
    try:
        archive = zipfile.ZipFile(file)
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        if len(names) != 1:
            raise RollError(f"the zip archive holds {len(names)} files: one is expected")
        return cast("BinaryIO", archive.open(names[0]))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile):  # RuntimeError: it asks for a password
        raise RollError("the zip archive is damaged, encrypted or of an unknown kind") from None
