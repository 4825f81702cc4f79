"""Post signatures, each exactly once: a file that can be resumed, or what a caller has in memory."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.station.courier import Batch, Courier, Patience, Target, new_client
from app.station.errors import StationError
from app.station.lines import Source, Survey, chunked, line_from, open_source
from app.station.spool import Journal, journal_path, new_plan, open_journal
from app.station.summary import Outcome, Refusal, Summary

DEFAULT_SPOOL = Path("spool")
DEFAULT_BATCH = 500
DEFAULT_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how it goes. Called between awaits: it must return at once.

    Attributes:
        progress: At the beginning and after every batch, with the same growing summary.
        refused: Each line that was not accepted.
        trouble: Each sending that failed and will be repeated, in words without personal data.
    """

    progress: Callable[[Summary], None] = lambda _: None
    refused: Callable[[Refusal], None] = lambda _: None
    trouble: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patiently: lines a batch (up to 1,000), batches under way at once, waits."""

    batch: int = DEFAULT_BATCH
    in_flight: int = DEFAULT_IN_FLIGHT
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a caller asked for, but for the lines."""

    target: Target
    pace: Pace
    listener: Listener
    stop: asyncio.Event


async def post_file(
    file: str,
    target: Target,
    *,
    pace: Pace | None = None,
    spool: Path = DEFAULT_SPOOL,
    listener: Listener | None = None,
    stop: asyncio.Event | None = None,
) -> Summary:
    """Post a file of one JSON signature a line (plain, gzip, or '-'); after any death the same call goes on.

    The lines that were not accepted, by this and earlier runs, are left in `FILE.conflicts.ndjson`
    (`place`, `code`, `message`), for '-' in the spool; there is no such file if there are none.

    Args:
        file: Path, or '-' for standard input.
        target: Where to.
        pace: Batches and waits.
        spool: Folder of the journals; made if it is missing.
        listener: Told of progress.
        stop: Set it to end the posting early; what is under way gets `patience.grace` seconds.

    Raises:
        StationError: It ended early; one of `errors`.
    """
    errand = _Errand(target, pace or Pace(), listener or Listener(), stop or asyncio.Event())
    with open_source(file, spool) as source:
        survey = await asyncio.to_thread(source.survey)
        path = journal_path(spool, file=source.path, survey=survey, petition=target.petition, url=target.url)
        with open_journal(path, survey, errand.pace.batch) as journal:
            try:
                return await _post_source(source, journal, errand)
            finally:
                _write_refusals(Path(f"{source.path or path.with_suffix('')}.conflicts.ndjson"), journal)


async def post_signatures(
    signatures: Iterable[Mapping[str, object]],
    target: Target,
    *,
    pace: Pace | None = None,
    listener: Listener | None = None,
    stop: asyncio.Event | None = None,
) -> Summary:
    """Post signatures from memory, taken from the iterable as they are sent. Nothing is spooled.

    Raises:
        StationError: It ended early; what was sent stays sent.
    """
    errand = _Errand(target, pace or Pace(), listener or Listener(), stop or asyncio.Event())
    size = errand.pace.batch
    lines = (line_from(signature, number) for number, signature in enumerate(signatures, start=1))
    batches = (Batch(number, number * size, chunk) for number, chunk in enumerate(chunked(lines, size)))
    summary = Summary()

    def settle(outcome: Outcome) -> None:
        _tell(outcome, summary, errand.listener)

    await _post(batches, new_plan(Survey("", 0), size).key, errand, settle)
    return summary


async def _post_source(source: Source, journal: Journal, errand: _Errand) -> Summary:
    summary, answered = Summary(lines=journal.plan.lines), set[int]()
    for outcome in journal.outcomes():
        summary.resume(outcome)
        answered.add(outcome.batch)
    errand.listener.progress(summary)

    def settle(outcome: Outcome) -> None:
        journal.append(outcome)
        _tell(outcome, summary, errand.listener)

    await _post(_unanswered(source, journal.plan.batch, answered), journal.plan.key, errand, settle)
    return summary


def _unanswered(source: Source, size: int, answered: set[int]) -> Iterator[Batch]:
    for number, lines in enumerate(chunked(source.lines(), size)):
        source.check_unchanged()
        if number not in answered:
            yield Batch(number, number * size, lines)


async def _post(
    batches: Iterable[Batch],
    key_of: Callable[[int, int], str],
    errand: _Errand,
    settle: Callable[[Outcome], None],
) -> None:
    """Send the batches in order, some at a time, until all are answered or one fails.

    A failure, like the caller's wish to stop, begins nothing new and lets what is under way come home within the grace.
    """
    room = asyncio.Semaphore(errand.pace.in_flight)
    failures: list[StationError] = []
    async with new_client(errand.target, errand.pace.patience, errand.pace.in_flight) as client:
        courier = Courier(client, errand.target, key_of, errand.pace.patience, errand.listener.trouble)

        async def carry(batch: Batch) -> None:
            with _room(room), _noting(failures, courier):
                settle(await courier.deliver(batch))

        async with asyncio.TaskGroup() as group:
            heeding = group.create_task(_heed(errand.stop, courier))
            with _noting(failures, courier):
                for batch in batches:
                    await room.acquire()
                    group.create_task(carry(batch))
                    if courier.halted.is_set():
                        break
            for _ in range(errand.pace.in_flight):  # until all are home
                await room.acquire()
            heeding.cancel()
    if failures:
        raise failures[0]


async def _heed(stop: asyncio.Event, courier: Courier) -> None:
    await stop.wait()
    courier.halt()


@contextmanager
def _room(room: asyncio.Semaphore) -> Iterator[None]:
    try:
        yield
    finally:
        room.release()


@contextmanager
def _noting(failures: list[StationError], courier: Courier) -> Iterator[None]:
    try:
        yield
    except StationError as failure:
        failures.append(failure)
        courier.halt()


def _tell(outcome: Outcome, summary: Summary, listener: Listener) -> None:
    summary.add(outcome)
    for refusal in outcome.refusals:
        listener.refused(refusal)
    listener.progress(summary)


def _write_refusals(path: Path, journal: Journal) -> None:
    """Leave the refused lines to a person: the whole file or none, so that nobody works from half of it."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        for refusal in journal.refusals():
            file.write(json.dumps(refusal._asdict(), ensure_ascii=False) + "\n")
        some = file.tell() > 0
    if some:
        draft.replace(path)
    else:
        draft.unlink()
        path.unlink(missing_ok=True)
