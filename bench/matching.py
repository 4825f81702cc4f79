"""Scores the matcher on petitions whose truth is known, through the service's own code and a real PostgreSQL.

    python bench/matching.py --roll ROLL.csv.gz --petition P.ndjson.gz --truth T.ndjson.gz [--petition ... --truth ...]

Without --url it starts a server of its own in a folder that is deleted afterwards. With --url (or --reuse, a folder
that is kept) a roll that is loaded already is used again.

A truth is one JSON object a line: place, class (valid, dup, moved, cancelled, notreg, ooc, illegible), ok (the voters
it may be), tags. A `junior` is an unregistered person of a voter's full name at the voter's address: no lookup can
tell the two apart, so they are counted on their own.
"""

import argparse
import asyncio
import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, from anywhere

from app.actions.lookup import LineToDecide, decide_lines, roll_words
from app.actions.roll import load_roll
from app.db.candidates import Roll
from app.db.engine import connect_arguments
from app.db.migrate import upgrade
from app.db.server import EmbeddedServer
from app.domain.matching import Decision
from app.domain.signature import Writing

COUNTY = "bench"
VALID = {"valid", "dup", "illegible"}  # a duplicate is the count's business, not the lookup's
REASONS = {
    "moved": {"different_address"},
    "cancelled": {"canceled"},
    "ooc": {"out_of_county"},
    "notreg": {"not_registered", "registered_late", "pending_registration", "under_age"},
}


@dataclass
class Score:
    """Counts over the lines of one petition."""

    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    by_class: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    juniors: int = 0
    legible_false_invalid: int = 0
    valid: int = 0
    valid_found: int = 0
    reviewed: int = 0
    reviewed_first: int = 0
    evidence_bytes: int = 0

    def add(self, truth: dict[str, Any], decision: Decision) -> None:
        """Count one line."""
        kind, outcome = truth["class"], judge(truth, decision)
        self.lines += 1
        self.outcomes[outcome] += 1
        self.by_class[kind][outcome] += 1
        self.juniors += outcome == "wrong match" and "junior" in truth["tags"]
        self.legible_false_invalid += outcome == "false invalid" and kind != "illegible"
        self.evidence_bytes += len(json.dumps(decision.evidence, separators=(",", ":")))
        if kind in {"valid", "dup"}:
            self.valid += 1
            self.valid_found += outcome == "correct"
            self.reviewed += outcome == "review"
            self.reviewed_first += outcome == "review" and decision.voter_id in truth["ok"]

    def figures(self) -> dict[str, float]:
        """The figures that the goals are set in; rates per 100,000 lines with the upper end of their 95 % interval."""
        wrong = self.outcomes["wrong match"] - self.juniors
        review, opened = self.outcomes["review"], self.outcomes["correct, reason open"]
        return {
            "lines": self.lines,
            "decided on validity": 1 - review / self.lines,
            "decided with certain reason": 1 - (review + opened) / self.lines,
            "valid lines found": self.valid_found / max(self.valid, 1),
            "wrong match per 100k, juniors apart": 1e5 * wrong / self.lines,
            "  at most": 1e5 * upper(wrong, self.lines),
            "juniors per 100k": 1e5 * self.juniors / self.lines,
            "false invalid per 100k, legible": 1e5 * self.legible_false_invalid / self.lines,
            "  at most ": 1e5 * upper(self.legible_false_invalid, self.lines),
            "wrong reason per 100k": 1e5 * self.outcomes["wrong reason"] / self.lines,
            "true voter first in review": self.reviewed_first / max(self.reviewed, 1),
            "bytes of evidence a line": self.evidence_bytes / self.lines,
        }


def judge(truth: dict[str, Any], decision: Decision) -> str:
    """Return what a decision is worth against the truth."""
    kind, own = truth["class"], (decision.voter_id or "") in truth["ok"]
    if decision.status == "review":
        return "review"
    if decision.status == "valid":
        return "correct" if kind in VALID and own else "wrong match"
    if kind in VALID:
        return "false invalid"
    if decision.reason_open:
        return "correct, reason open"
    right = decision.reason in REASONS[kind] and (own or kind in {"notreg", "ooc"})
    return "correct" if right else "wrong reason"


def upper(count: int, of: int) -> float:
    """Return the upper end of Wilson's 95 % interval of a rate."""
    z, p = 1.96, count / of
    return (p + z * z / (2 * of) + z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file of lines, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def writing(line: dict[str, Any]) -> Writing:
    """Return the writing of a petition's line."""
    return Writing(line["printed_name"], line["residence_address"], line["city"], line["zip"], signed=line["signed"])


async def score_all(
    connection: asyncpg.Connection, lines: list[LineToDecide], truths: list[dict[str, Any]], batch: int
) -> Score:
    """Decide the lines in batches, score each batch, and print the time; the roll's words are made beforehand."""
    await roll_words(Roll(connection, COUNTY, 1))
    wall = own = 0.0
    score = Score()
    for at in range(0, len(lines), batch):
        started, cpu = time.perf_counter(), time.process_time()
        asked = lines[at : at + batch]
        decisions = await decide_lines(connection, county_id=COUNTY, roll_version=1, lines=asked)
        wall, own = wall + time.perf_counter() - started, own + time.process_time() - cpu
        for truth, decision in zip(truths[at : at + batch], decisions, strict=True):
            score.add(truth, decision)
    print(
        f"{wall / len(lines) * 1e6:.0f} µs a line, {own / len(lines) * 1e6:.0f} of them in Python; batches of {batch}"
    )
    return score


def show(score: Score) -> None:
    """Print the table."""
    for name, figure in score.figures().items():
        print(f"{name:40} {figure:.4f}" if figure <= 1 else f"{name:40} {figure:.1f}")
    kinds = ["correct", "correct, reason open", "review", "wrong match", "false invalid", "wrong reason"]
    print(f"\n{'class':10} {'lines':>7} " + " ".join(f"{kind:>20}" for kind in kinds))
    for name, row in sorted(score.by_class.items()):
        print(f"{name:10} {row.total():7} " + " ".join(f"{row[kind] / row.total():20.4f}" for kind in kinds))


@contextmanager
def database(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the URL of a database: a given one, or one of a server of our own."""
    if arguments.url:
        yield arguments.url
        return
    with TemporaryDirectory(prefix="bench-") as folder:
        chosen = arguments.reuse or Path(folder)
        chosen.mkdir(parents=True, exist_ok=True)
        chosen.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(chosen) as server:
            yield server.url()


async def run(arguments: argparse.Namespace, url: str) -> None:
    """Load the roll unless it is there, decide each petition and print its score."""
    await upgrade(url)
    connection = await asyncpg.connect(**connect_arguments(url))
    if not await connection.fetchval("SELECT count(*) FROM roll WHERE county_id = $1 AND roll_version = 1", COUNTY):
        loaded = await load_roll(
            url, county_id=COUNTY, source=arguments.roll, complete_through=arguments.filed, activate=True
        )
        print(f"loaded {loaded.registrations} registrations in {loaded.seconds:.0f} s")
    for petition, truth in zip(arguments.petition, arguments.truth, strict=True):
        lines = [
            LineToDecide(writing(line), arguments.start, arguments.end, arguments.filed) for line in objects(petition)
        ]
        print(f"\n{petition.name}")
        score = await score_all(connection, lines, list(objects(truth)), arguments.batch)
        show(score)
    await connection.close()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roll", type=Path, required=True)
    parser.add_argument("--petition", type=Path, action="append", required=True)
    parser.add_argument("--truth", type=Path, action="append", required=True)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2022, 1, 27))
    parser.add_argument("--end", type=date.fromisoformat, default=date(2022, 7, 6))
    parser.add_argument("--filed", type=date.fromisoformat, default=date(2022, 7, 6))
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--url", help="a database that is running")
    parser.add_argument("--reuse", type=Path, help="a folder in which the database is kept")
    arguments = parser.parse_args()
    with database(arguments) as url:
        asyncio.run(run(arguments, url))


if __name__ == "__main__":
    main()
