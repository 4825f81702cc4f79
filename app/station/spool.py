"""The spool: what must outlive the process, so that the same command goes on where the last one died.

A journal holds one JSON record a line. The first names the content (SHA-256), the size of a batch and a random run id;
the idempotency key of every batch follows from it (`Journal.key`), so one flush to the disk before the first sending
fixes them all. Each further record is the outcome of one batch. Outcomes are not flushed one by one: one that is lost
with the power is asked for again under the same key. No name or address is ever written here.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from app.station.errors import SpoolError
from app.station.lines import Survey
from app.station.summary import Outcome, Refusal

VERSION = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """The first record: what is posted, in batches of how many lines, and under which keys."""

    sha256: str
    lines: int
    batch: int
    run: str
    version: int = VERSION

    def key(self, first: int, count: int) -> str:
        """The idempotency key of `count` lines from the `first` (from 0) on."""
        return f"{self.run}-{first}-{count}"


@dataclass(frozen=True, slots=True)
class Journal:
    """An open journal, held by this process alone."""

    path: Path
    plan: Plan
    file: IO[bytes]

    def append(self, outcome: Outcome) -> None:
        """Record the outcome of a batch; it survives this process.

        Raises:
            SpoolError: The disk takes no more.
        """
        try:
            self.file.write(json.dumps(asdict(outcome)).encode() + b"\n")
            self.file.flush()
        except OSError as error:
            message = f"cannot write the spool {self.path}: {error.strerror}"
            raise SpoolError(message) from None

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes on record, in the order of their answers."""
        return (_outcome(record) for _, record in _records(self.path) if "statuses" in record)

    def refusals(self) -> Iterator[Refusal]:
        """The lines that were not accepted."""
        return (refusal for outcome in self.outcomes() for refusal in outcome.refusals)


def new_plan(survey: Survey, batch: int) -> Plan:
    """A plan with keys that nobody used before."""
    return Plan(survey.sha256, survey.lines, batch, secrets.token_hex(16))


def journal_path(spool: Path, *, file: Path | None, survey: Survey, petition: str, url: str) -> Path:
    """Where the same command finds its journal again; a stream is known by its content alone."""
    identity = "\0".join([str(file or survey.sha256), petition, url])
    return spool / f"{hashlib.sha256(identity.encode()).hexdigest()[:20]}.journal"


@contextmanager
def open_journal(path: Path, survey: Survey, batch: int) -> Iterator[Journal]:
    """Go on with the journal at `path`, or begin it. The size of a batch is that of the beginning.

    Raises:
        SpoolError: Another process posts this file now; or the file changed before all of it was posted; or the
            journal is of another version.
    """
    with _held(path.with_suffix(".lock")):
        plan, end = _read(path)
        if plan and plan.sha256 != survey.sha256 and not _finished(path, plan):
            message = (
                "the file has changed since its posting began; restore it to go on, "
                f"or remove {path} to post it as a new one"
            )
            raise SpoolError(message)
        if plan is None or plan.sha256 != survey.sha256:
            plan = new_plan(survey, batch)
            end = _begin(path, plan)
        with path.open("r+b") as file:
            file.truncate(end)  # a record that was torn by a sudden death
            file.seek(end)
            yield Journal(path, plan, file)


def _begin(path: Path, plan: Plan) -> int:
    """Write the first record so that it is on the disk, whole, under its name, or not there at all."""
    record = json.dumps(asdict(plan)).encode() + b"\n"
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(record)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return len(record)


def _read(path: Path) -> tuple[Plan | None, int]:
    """The plan of a journal, if there is one, and the position after its last whole record."""
    plan, end = None, 0
    for position, record in _records(path):
        if end == 0:
            if record.get("version") != VERSION:
                message = f"{path} was written by another version of this program; finish it with that one"
                raise SpoolError(message)
            plan = Plan(**record)
        end = position
    return plan, end


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each whole record with the position after it; what follows the first torn one is as good as never written."""
    if not path.exists():
        return
    with path.open("rb") as file:
        position = 0
        for text in file:
            position += len(text)
            try:
                record = json.loads(text)
            except ValueError:
                return
            if not text.endswith(b"\n") or not isinstance(record, dict):
                return
            yield position, record


def _finished(path: Path, plan: Plan) -> bool:
    answered = {record["batch"] for _, record in _records(path) if "statuses" in record}
    return len(answered) * plan.batch >= plan.lines


def _outcome(record: dict[str, Any]) -> Outcome:
    return Outcome(**{**record, "refusals": tuple(Refusal(*refusal) for refusal in record["refusals"])})


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it however the process ends."""
    with lock.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message = "another process is posting this file to this petition"
            raise SpoolError(message) from None
        yield
