"""Measure what the findings and the ledger cost a batch: intake with and without them, in turns, in one run.

    python bench/cost.py [--scale 0.02] [--batch 500]

A made-up county and its petition are taken in four times side by side, batch by batch: with the real lookup and with
one that knows the answers beforehand, each with what proves the count and without it (findings, leaves, ledger entry;
left out in this process only). Whose turn is first changes with every batch. Printed are medians over the batches, and
by how much the proofs lower the throughput. One batch is in flight; the database's own settings hold, fsync included.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg

from app.count import queries as rows
from app.count import record as count
from app.count.intake import GroupCommit, Submission
from app.count.record import Count
from app.database.engine import open_database
from app.database.migrate import upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.demo.generate import generate
from app.law.line import Place, Signature
from app.law.petition import Petition, SigningInterval, Terms
from app.ledger import entries
from app.matching.decision import Decision
from app.matching.lookup import Decide, LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from app.roll.loading import load_roll

BOUND = 0.35  # of the throughput: the most that the proofs may cost together
COUNTY = "bench"
FROM, TO = date(2022, 1, 27), date(2022, 7, 6)
MODES = [(lookup, proofs) for lookup in ("real", "known") for proofs in ("with", "without")]


class Known:
    """A lookup that costs nothing: it was asked everything before."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._decisions: dict[Signature, Decision] = {}

    async def learn(self, database: Database, lines: Sequence[Signature]) -> None:
        """Ask the real one."""
        asked = [LineToDecide(line, SigningInterval(FROM, TO, TO)) for line in lines]
        async with database.intake() as connection:
            found = await decide_lines(SearchedRoll(connection, COUNTY, 1), asked)
        self._decisions.update(zip(lines, found, strict=True))

    async def decide(self, _: SearchedRoll, lines: Sequence[LineToDecide]) -> list[Decision]:
        """In place of `decide_lines`."""
        return [self._decisions[line.writing] for line in lines]


class WithoutEntry:
    """A connection that leaves the ledger's entry out and moves the head all the same."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Over a real one."""
        self._connection = connection

    async def execute(self, query: str, *arguments: object) -> None:
        """Send everything but the entry."""
        if query != rows._APPEND_ENTRY:  # noqa: SLF001  # the very statement whose cost is asked
            await self._connection.execute(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> object:
        """Send it."""
        return await self._connection.fetchval(query, *arguments)


@contextmanager
def without_proofs() -> Iterator[None]:
    """Count, and prove nothing."""
    append = rows.append_entry

    async def nothing(*_: object) -> None: ...

    async def move_head(change: rows.Change, *entry: Any) -> None:  # noqa: ANN401  # passed on
        await append(replace(change, connection=WithoutEntry(change.connection)), *entry)

    with ExitStack() as stack:
        stack.enter_context(patch.object(count, "finding_content", lambda *_: ""))
        stack.enter_context(patch.object(entries, "leaf_hash", lambda *_: b""))
        stack.enter_context(patch.object(count, "merkle_root", lambda _: bytes(32)))
        stack.enter_context(patch.object(rows, "write_findings", nothing))
        stack.enter_context(patch.object(rows, "append_entry", move_head))
        yield


def batches(petition: Path, size: int) -> list[list[Signature]]:
    """The petition's lines, as stations send them."""
    lines = []
    for text in petition.read_text(encoding="utf-8").splitlines():
        said = json.loads(text)
        place = Place(said["section"], said["page"], said["line"])
        writing = Signature(
            said["printed_name"], said["residence_address"], said["city"], said["zip"], signed=said["signed"]
        )
        lines.append(writing.at(place))
    return [lines[at : at + size] for at in range(0, len(lines) - size + 1, size)]


async def open_one(database: Database, title: str) -> Petition:
    """A petition of its own for one mode."""
    terms = Terms(
        county_id=COUNTY,
        title=title,
        officer="The assessor",
        required=1_000,
        registered_voters=None,
        circulation_from=FROM,
        circulation_to=TO,
        filed_on=TO,
        ruleset_name="california-local-recall/1",
    )
    return await Count(database).open_petition(terms, opened_by="bench", now=datetime.now(UTC))


async def turn(
    database: Database, petition: Petition, batch: Sequence[Signature], mode: tuple[str, str], known: Known
) -> float:
    """Take one batch in; the seconds that it took."""
    lookup, proofs = mode
    submission = Submission("station-1", batch, str(batch[0].place), bytes(32))
    decide: Decide = known.decide if lookup == "known" else decide_lines
    with without_proofs() if proofs == "without" else nullcontext():
        started = time.perf_counter()
        outcome = await GroupCommit(Count(database), lambda: datetime.now(UTC), decide).take_in(petition, submission)
        seconds = time.perf_counter() - started
    if isinstance(outcome, Exception):
        raise outcome
    return seconds


async def measure(database: Database, work: Sequence[list[Signature]]) -> dict[tuple[str, str], list[float]]:
    """The seconds of every batch in every mode; the first batch warms up and is not counted."""
    known, seconds = Known(), defaultdict[tuple[str, str], list[float]](list)
    petitions = {mode: await open_one(database, " ".join(mode)) for mode in MODES}
    for number, batch in enumerate(work):
        await known.learn(database, batch)
        first = number % len(MODES)
        for mode in MODES[first:] + MODES[:first]:
            took = await turn(database, petitions[mode], batch, mode, known)
            if number:
                seconds[mode].append(took)
    return seconds


def report(seconds: dict[tuple[str, str], list[float]], size: int) -> None:
    """Print one JSON object for each lookup."""
    for lookup in ("real", "known"):
        took = {proofs: statistics.median(seconds[lookup, proofs]) for proofs in ("with", "without")}
        cost = 1 - took["without"] / took["with"]
        figures = {f"lines a second {proofs}": round(size / one) for proofs, one in took.items()}
        microseconds = round((took["with"] - took["without"]) / size * 1e6)
        print(
            json.dumps(
                {
                    "lookup": lookup,
                    "batches": len(seconds[lookup, "with"]),
                    **figures,
                    "cost": round(cost, 3),
                    "microseconds a line": microseconds,
                    "within the bound": cost <= BOUND,
                }
            ),
            flush=True,
        )


async def run(url: str, folder: Path, scale: str, size: int) -> None:
    """Make the county and its petition, and measure."""
    made = generate(scale, 1, folder / "made")
    await upgrade(url)
    await load_roll(url, county_id=COUNTY, source=folder / "made" / made.roll, complete_through=TO, activate=True)
    database = await open_database(url, intake=2, reading=2)
    try:
        report(await measure(database, batches(folder / "made" / made.petition, size)), size)
    finally:
        await database.close()


def main() -> None:
    """The steps."""
    parser = argparse.ArgumentParser(description="Measure what findings and ledger cost a batch.")
    parser.add_argument("--scale", default="0.02", help="of the county and its petition; 1 is 715,833 lines")
    parser.add_argument("--batch", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(folder) as server:
            asyncio.run(run(server.url(), folder, arguments.scale, arguments.batch))


if __name__ == "__main__":
    main()
