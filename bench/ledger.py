"""Measure what proving a count costs: a made-up petition through the real count, then each command as its own process.

    python bench/ledger.py [--lines 1000000] [--batch 1000]

It prints one JSON object a step: seconds, and the most memory the process had in MB (the database's not included).
Everything happens in a folder of its own, which is removed at the end.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from app.count.queries import take_places
from app.count.record import Count, record
from app.database.engine import open_database
from app.database.migrate import upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.law.line import Finding, Place, Signature, canonical_text
from app.law.petition import Petition, Terms
from app.law.reasons import VALID, Outcome
from app.ledger.evidence import make_checkpoint
from app.ledger.notes import Signer

ROOT = Path(__file__).parents[1]
EVIDENCE = canonical_text(
    {
        "fields": {
            f: {"level": "exact", "weight": 7.25} for f in ("surname", "given", "middle", "house", "street", "zip")
        },
        "candidates": [{"voter_id": "V1", "score": 31.5}, {"voter_id": "V2", "score": 12.25}],
        "model": "model-1",
    }
)
TERMS = Terms(
    county_id="bench",
    title="Recall of the assessor",
    officer="The assessor",
    required=1_000,
    registered_voters=None,
    circulation_from=date(2022, 1, 27),
    circulation_to=date(2022, 7, 6),
    filed_on=date(2022, 7, 6),
    ruleset_name="california-local-recall/1",
)


def found(place: Place, number: int) -> Finding:
    """Of ten lines one has no voter and one is of a voter who signed before; the rest count."""
    if number % 10 == 0:
        return Finding(place, Outcome("invalid", "not_registered"), evidence=EVIDENCE, roll_version=1)
    voter = number - 1 if number % 10 == 5 else number  # noqa: PLR2004  # the one of ten
    return Finding(place, VALID, f"V{voter:09}", registration_no=number, evidence=EVIDENCE, roll_version=1)


def batches(lines: int, size: int) -> Iterator[list[tuple[Signature, Finding]]]:
    """The lines in batches, as a station sends them."""
    for first in range(0, lines, size):
        batch = []
        for number in range(first, min(first + size, lines)):
            writing = Signature(f"MARIA GARCIA {number}", f"{number} W SUNSET BLVD APT 5", "LOS ANGELES", "90026")
            place = Place(number // 200 + 1, number // 20 % 10 + 1, number % 20 + 1)
            batch.append((writing.at(place), found(place, number)))
        yield batch


async def fill(database: Database, signer: Signer, lines: int, size: int) -> Petition:
    """Count the lines, with a checkpoint every hundred entries."""
    petition = await Count(database).open_petition(TERMS, opened_by="bench", now=datetime.now(UTC))
    where = petition.key
    for index, batch in enumerate(batches(lines, size), 1):
        now = datetime.now(UTC)
        async with database.intake() as connection, Count(database).change(connection, petition, now) as change:
            await take_places(change, [(line, "station-1") for line, _ in batch])
            findings = [f._replace(writing_sha256=line.sha256, station="station-1") for line, f in batch]
            await record(change, "intake", findings)
        if index % 100 == 0:
            await make_checkpoint(database, signer, where, now=datetime.now(UTC))
    await make_checkpoint(database, signer, where, now=datetime.now(UTC))
    return petition


def report(step: str, started: float, **more: object) -> None:
    """Print what a step took."""
    print(json.dumps({"step": step, "seconds": round(time.monotonic() - started, 1), **more}), flush=True)


def run(step: str, *command: str, folder: Path) -> None:
    """Run a command in a process of its own and report its time and memory."""
    started = time.monotonic()
    environment = {**os.environ, "DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    process = os.posix_spawn(sys.executable, [sys.executable, *command], environment)
    _, status, usage = os.wait4(process, 0)
    cpu = round(usage.ru_utime + usage.ru_stime, 1)
    report(step, started, cpu_seconds=cpu, megabytes=usage.ru_maxrss // 1024, status=os.waitstatus_to_exitcode(status))


async def prepare(url: str, folder: Path, lines: int, size: int) -> str:
    """Make the petition; returns its id."""
    await upgrade(url)
    database = await open_database(url, intake=2, reading=2)
    try:
        petition = await fill(database, Signer.from_file(folder / "checkpoint.key", create=True), lines, size)
    finally:
        await database.close()
    return str(petition.petition_id)


def main() -> None:
    """The steps."""
    parser = argparse.ArgumentParser(description="Measure what proving a count costs.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(folder, settings={"fsync": "off"}) as server:
            started = time.monotonic()
            petition = asyncio.run(prepare(server.url(), folder, arguments.lines, arguments.batch))
            report("count", started, lines=arguments.lines)
            bundle = folder / "bundle.zip"
            run("verify", "-m", "app", "verify", petition, folder=folder)
            run("bundle", "-m", "app", "bundle", "--petition", petition, "--out", str(bundle), folder=folder)
            run("verify_bundle", str(ROOT / "tools" / "verify_bundle.py"), str(bundle), folder=folder)
            print(json.dumps({"bundle_megabytes": bundle.stat().st_size // 2**20}))


if __name__ == "__main__":
    main()
