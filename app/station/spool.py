"""The spool: what must survive the process, so that the same command resumes where the last one ended.

A journal has one JSON record per line. The first names the content (SHA-256), the batch size and a random run id;
the idempotency key of every batch follows from it (`Plan.key`), so one flush to disk before the first request fixes all
keys. Each further record is the outcome of one batch. Outcomes are not flushed one by one: if a power failure loses
one, the same batch is sent again under the same key. No name or address is ever written here.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from app.station.outcome import Outcome, Refusal, SpoolError

VERSION = 1


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
    """An open journal, locked by this process."""

    path: Path
    plan: Plan
    file: IO[bytes]

    def append(self, outcome: Outcome) -> None:
        """Record the outcome of a batch; the record survives this process. Raises SpoolError if the disk fails."""
        try:
            self.file.write(_encoded(outcome))
            self.file.flush()
        except OSError as error:
            raise SpoolError(f"cannot write the spool {self.path}: {error.strerror}") from None

    def outcomes(self) -> Iterator[Outcome]:
        """The recorded outcomes, in the order of the answers."""
        for _, record in islice(_records(self.path), 1, None):
            yield Outcome(**{**record, "refusals": tuple(Refusal(*refusal) for refusal in record["refusals"])})


def journal_path(spool: Path, *identity: str) -> Path:
    """Where the same command finds its journal again: a name derived from what identifies the posting."""
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    return spool / f"{digest[:20]}.journal"


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
        earlier, end = _resumable(path, plan)
        file.truncate(end)  # drops a last record that a sudden end left incomplete
        if not earlier:
            file.write(_encoded(plan))
            file.flush()
            for written in (path, path.parent):  # nothing is sent before the plan, and its file's name, are on disk
                descriptor = os.open(written, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
        yield Journal(path, earlier or plan, file)


def _resumable(path: Path, new: Plan) -> tuple[Plan | None, int]:
    """The plan of an earlier run, if it is to be resumed, and the end of the journal's part that stays."""
    earlier, end, answered = None, 0, set[int]()
    for end, record in _records(path):  # noqa: B007  the last position is the result
        if earlier:
            answered.add(record["batch"])
        elif record.get("version") == VERSION:
            earlier = Plan(**record)
        else:
            raise SpoolError(f"{path} was written by another version of this program; finish it with that version")
    if not earlier or earlier.sha256 == new.sha256:
        return earlier, end
    if len(answered) * earlier.batch < earlier.lines:
        raise SpoolError(
            "the file has changed since its posting began; restore it to resume, "
            f"or remove {path} to post it as a new file"
        )
    return None, 0


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


def _encoded(record: Plan | Outcome) -> bytes:
    return json.dumps(asdict(record)).encode() + b"\n"
