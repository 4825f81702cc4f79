"""Cutting a roll's bytes into chunks of whole rows, without reading the rows."""

from collections.abc import Iterator
from typing import BinaryIO

from app.domain.roll_errors import RollError
from app.domain.roll_rows import Chunk

HEADER_LIMIT = 1 << 16  # bytes
CHUNK_SIZE = 1 << 18  # bytes: some 2,000 rows, a twentieth of a second of work
ROW_LIMIT = 1 << 20  # bytes after which a row that does not end is not waited for


def read_header(file: BinaryIO) -> bytes:
    """Return the first line of the file.

    Raises:
        RollError: there is none.
    """
    header = file.readline(HEADER_LIMIT)
    if not header.strip():
        raise RollError("the file is empty")
    if not header.endswith(b"\n") and len(header) == HEADER_LIMIT:
        raise RollError("the header does not end")
    return header


def read_chunks(file: BinaryIO, *, quoted: bool, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Yield the rows under the header in chunks of about `size` bytes; blank lines at the end are no rows.

    A line break ends a row unless it stands between quotation marks, that is after an odd number of them. Where the
    marks are out of order a chunk may come out too long or too short, and reading its rows finds the fault.
    """
    first_no, rest = 1, b""
    while read := file.read(size):
        rest += read
        end = _end_of_rows(rest.rstrip(b"\r\n"), quoted=quoted)
        if not end and len(rest) > size + ROW_LIMIT:
            end = len(rest)
        if end:
            chunk = _chunk(rest[:end], first_no, quoted=quoted)
            first_no += chunk.rows
            rest = rest[end:]
            yield chunk
    if rest := rest.rstrip(b"\r\n"):
        yield _chunk(rest, first_no, quoted=quoted)


def _end_of_rows(data: bytes, *, quoted: bool) -> int:
    """Where the last whole row ends, 0 where none does."""
    end = data.rfind(b"\n")
    marks = data.count(b'"', 0, end) if quoted and end > 0 else 0
    while end >= 0 and marks % 2:
        earlier = data.rfind(b"\n", 0, end)
        marks -= data.count(b'"', max(earlier, 0), end)
        end = earlier
    return end + 1


def _chunk(data: bytes, first_no: int, *, quoted: bool) -> Chunk:
    outside = data.split(b'"')[::2] if quoted and b'"' in data else [data]
    rows = sum(part.count(b"\n") for part in outside)
    return Chunk(data, first_no, rows if data.endswith(b"\n") else rows + 1)
