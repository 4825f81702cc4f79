"""What a station has on disk: a file of signatures, read twice with bounded memory, and the journal of its posting."""

import fcntl
import gzip
import hashlib
import json
import os
import secrets
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias, cast

from app.station.outcome import BadFileError, Outcome, Refusal, SpoolError

LONGEST_LINE = 65_536  # bytes; ten times the longest signature that the service accepts
GZIP_MAGIC = b"\x1f\x8b"
VERSION = 1  # of the journals

Signature: TypeAlias = Mapping[str, object]  # the fields of one


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

        Returns the SHA-256 of the (uncompressed) content in hex and the number of signatures. Raises as `lines` does.
        """
        digest = hashlib.sha256()
        try:
            count = sum(1 for _ in self.lines(digest.update))
        except BadFileError as error:
            raise BadFileError(f"{error}; nothing was sent") from None
        return digest.hexdigest(), count

    def lines(self, read: Callable[[bytes], None] = lambda _: None) -> Iterator[Line]:
        """Every signature of the file, from its beginning; blank lines are skipped. Calls `read` with all text.

        Raises BadFileError with the number of the first bad line, or SpoolError if the file was written to since it was
        opened.
        """
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
                read(text)
                if text.strip():
                    yield _parsed(text, number)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise _bad(number + 1, "the compressed file is damaged or incomplete") from None


@contextmanager
def open_source(file: str, scratch: Path) -> Iterator[Source]:
    """Open `file`; '-' is standard input. Raises BadFileError.

    A stream cannot be read twice, so it is copied first into an unnamed file in the folder `scratch` (created if
    missing). That file disappears with the process: no copy of names and addresses remains.
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


def _stamp(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def batches(lines: Iterable[Line], size: int) -> Iterator[Batch]:
    """The lines in order, in batches of `size`; the last batch has the rest."""
    remaining, first = iter(lines), 0
    while chunk := tuple(islice(remaining, size)):
        yield Batch(first // size, first, chunk)
        first += size


def line_from(signature: Signature, number: int) -> Line:
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


@dataclass(frozen=True, slots=True)
class Plan:
    """The first record of a journal: what is posted, the batch size, and a run id that no other posting has."""

    sha256: str
    lines: int
    batch: int
    run: str = field(default_factory=lambda: secrets.token_hex(16))
    version: int = VERSION

    def key(self, first: int, count: int) -> str:
        """The idempotency key of `count` lines starting at index `first` (from 0)."""
        return f"{self.run}-{first}-{count}"


@dataclass(frozen=True, slots=True)
class Journal:
    """What must survive the process, so that the same command resumes where the last one ended; locked by this process.

    It has one JSON record per line. The first names the content (SHA-256), the batch size and a random run id; the
    idempotency key of every batch follows from it (`Plan.key`), so one flush to disk before the first request fixes all
    keys. Each further record is the outcome of one batch. Outcomes are not flushed one by one: if a power failure loses
    one, the same batch is sent again under the same key. No name or address is ever written here.
    """

    path: Path
    plan: Plan
    file: IO[bytes]

    def append(self, record: Plan | Outcome) -> None:
        """Write a record, which then survives this process. Raises SpoolError if the disk fails."""
        try:
            self.file.write(json.dumps(asdict(record)).encode() + b"\n")
            self.file.flush()
        except OSError as error:
            raise SpoolError(f"cannot write the spool {self.path}: {error.strerror}") from None

    def outcomes(self) -> dict[int, Outcome]:
        """The last outcome of each batch that was answered, by its number."""
        outcomes = dict[int, Outcome]()
        for _, record in islice(_records(self.path), 1, None):
            refusals = tuple(Refusal(*refusal) for refusal in record["refusals"])
            outcomes[record["batch"]] = Outcome(**{**record, "refusals": refusals})
        return outcomes


@contextmanager
def open_journal(path: Path, plan: Plan) -> Iterator[Journal]:
    """Resume the journal at `path` if it is for the same content, with its own plan; else start it with `plan`.

    Raises SpoolError if another process is posting this file, the file changed before all of it was posted, or the
    journal is of another version.
    """
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel releases it however the process ends
        except OSError:
            raise SpoolError("another process is posting this file to this petition") from None
        earlier, end, answered = None, 0, set[int]()
        for end, record in _records(path):  # noqa: B007  the last position is needed
            if earlier:
                answered.add(record["batch"])
            elif record.get("version") == VERSION:
                earlier = Plan(**record)
            else:
                raise SpoolError(f"{path} was written by another version of this program; finish it with that version")
        if earlier and earlier.sha256 != plan.sha256:
            if len(answered) * earlier.batch < earlier.lines:
                to_do = f"restore it to resume, or remove {path} to post it as a new file"
                raise SpoolError(f"the file has changed since its posting began; {to_do}")
            earlier, end = None, 0
        file.truncate(end)  # drops a last record that a sudden end left incomplete
        journal = Journal(path, earlier or plan, file)
        if not earlier:
            journal.append(plan)
            for written in (path, path.parent):  # nothing is sent before the plan, and its file's name, are on disk
                descriptor = os.open(written, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
        yield journal


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each complete record with the position after it; the first incomplete one and all after it do not count."""
    with path.open("rb") as file:
        for text in file:
            try:
                record = json.loads(text)
            except ValueError:
                return
            if not text.endswith(b"\n") or not isinstance(record, dict):
                return
            yield file.tell(), record
