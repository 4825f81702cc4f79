"""Post signatures, each exactly once: a file, which can be resumed from its journal, or lines from memory."""

import asyncio
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from app.station.client import Client, Control, Options, Target
from app.station.outcome import Outcome, Refusal, SpoolError, Summary
from app.station.source import Source, batches, line_from, open_source

DEFAULT_SPOOL = Path("spool")
DEFAULT_OPTIONS = Options()
VERSION = 1  # of the journals


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


async def post_file(
    file: str,
    target: Target,
    *,
    options: Options = DEFAULT_OPTIONS,
    spool: Path = DEFAULT_SPOOL,
    control: Control | None = None,
) -> Summary:
    """Post a file of one JSON signature per line (plain or gzip); after any interruption the same call resumes.

    The lines that were not accepted, in this and earlier runs, are written to `FILE.conflicts.ndjson`
    (`place`, `code`, `message`), for '-' in the spool. Without such lines there is no such file.

    Args:
        file: Path, or '-' for standard input.
        target: Where to post.
        options: Batch size, concurrency and waits.
        spool: Folder of the journals; created if missing.
        control: How the caller follows and stops the posting.

    Returns:
        The totals of this and earlier runs.

    Raises:
        StationError: The posting ended early; one of its subclasses in `outcome`.
    """
    with open_source(file, spool) as source:
        plan = Plan(*await asyncio.to_thread(source.survey), options.batch)
        # The same command finds its journal again: the name is derived from what identifies the posting.
        identity = "\0".join((str(source.path or plan.sha256), target.petition, target.url))
        path = spool / f"{hashlib.sha256(identity.encode()).hexdigest()[:20]}.journal"
        with open_journal(path, plan) as journal:
            try:
                return await _resume(source, journal, Client(target, options, control or Control(), journal.plan.key))
            finally:
                _write_refusals(Path(f"{source.path or path.with_suffix('')}.conflicts.ndjson"), journal)


async def _resume(source: Source, journal: Journal, client: Client) -> Summary:
    summary, answered = Summary(lines=journal.plan.lines), set[int]()
    for outcome in journal.outcomes():
        summary.add(outcome, earlier=True)
        answered.add(outcome.batch)
    client.control.progress(summary)

    def record(outcome: Outcome) -> None:
        journal.append(outcome)
        client.control.report(outcome, summary)

    remaining = (batch for batch in batches(source.lines(), journal.plan.batch) if batch.number not in answered)
    await client.send_all(remaining, record)
    return summary


async def post_signatures(
    signatures: Iterable[Mapping[str, object]],
    target: Target,
    *,
    options: Options = DEFAULT_OPTIONS,
    control: Control | None = None,
) -> Summary:
    """Post signatures from memory, taken from the iterable as they are sent. It cannot be resumed.

    Args:
        signatures: Mappings with the fields of a signature.
        target: Where to post.
        options: Batch size, concurrency and waits.
        control: How the caller follows and stops the posting.

    Raises:
        StationError: The posting ended early; what was sent stays sent.
    """
    summary = Summary()
    client = Client(target, options, control or Control(), Plan("", 0, options.batch).key)
    lines = (line_from(signature, number) for number, signature in enumerate(signatures, start=1))
    await client.send_all(batches(lines, options.batch), lambda outcome: client.control.report(outcome, summary))
    return summary


def _write_refusals(path: Path, journal: Journal) -> None:
    """Write the refused lines for a clerk: the whole file or none, so that no one works from a partial list."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        for outcome in journal.outcomes():
            for refusal in outcome.refusals:
                file.write(json.dumps(refusal._asdict(), ensure_ascii=False) + "\n")
        empty = file.tell() == 0
    if empty:
        draft.unlink()
        path.unlink(missing_ok=True)
    else:
        draft.replace(path)
