"""Post signatures, each exactly once: a file, which can be resumed, or lines from memory."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from app.station.client import Client, Control, Options, Target
from app.station.outcome import Outcome, Summary
from app.station.source import Source, batches, line_from, open_source
from app.station.spool import Journal, Plan, journal_path, open_journal

DEFAULT_SPOOL = Path("spool")
DEFAULT_OPTIONS = Options()


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
        path = journal_path(spool, str(source.path or plan.sha256), target.petition, target.url)
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
