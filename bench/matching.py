"""Scores the matcher on petitions whose truth is known, through the service's own code and a real PostgreSQL.

    python bench/matching.py --generate [--noise] [--scale 0.02] [--seed 71] [--unlisted] [--splink]
    python bench/matching.py --generate --elsewhere [--adopted 0.005] [--seed 71]
    python bench/matching.py --roll ROLL.csv.gz --petition P.ndjson.gz --truth T.ndjson.gz [--petition ... --truth ...]

With --generate a county and two petitions of it, an ordinary and a hard one, are made up; with --noise as well, one in
another hand than the demo's, of a roll in another shape; with --elsewhere a third hand writes, of another population.
With --unlisted the matcher lacks one in five of the short forms that it lists. Beside the matcher the exact join is
scored on the same lines, with --splink Splink too. Without --url a server is started in a folder that is deleted
afterwards. With --url (or --reuse, a folder that is kept) a roll that is loaded already is used again.
"""

import argparse
import asyncio
import gc
import gzip
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch
from zlib import crc32

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, from anywhere

from app.database.engine import SESSION, connect_arguments
from app.database.migrate import upgrade
from app.database.server import EmbeddedServer
from app.demo.generate import generate
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching import lookup, names
from app.matching.decision import Decision, decide
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from app.matching.scoring import Scorer
from app.matching.workers import Matchers
from app.roll.loading import load_roll
from bench import elsewhere, noise, rivals
from bench.score import score, show, show_calibration, show_fairness

COUNTY = "bench"
ALONE = 500  # lines that are decided one by one
_STATIONS = 2  # that send batches at the same time
_LINES_OF_NOISE = 20_000
_REGISTRATIONS_ELSEWHERE = 60_000


class Asked(NamedTuple):
    """A petition to be decided, and its truth."""

    name: str
    lines: list[LineToDecide]
    truths: list[dict[str, Any]]


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file of lines, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def writing(line: dict[str, Any]) -> Signature:
    """Return the writing of a petition's line."""
    return Signature(line["printed_name"], line["residence_address"], line["city"], line["zip"], signed=line["signed"])


async def decide_all(connection: asyncpg.Connection, lines: list[LineToDecide], batch: int) -> list[Decision]:
    """Decide the lines in batches and print the time."""
    started, cpu = time.perf_counter(), time.process_time()
    decisions = []
    for at in range(0, len(lines), batch):
        decisions += await decide_lines(SearchedRoll(connection, COUNTY, 1), lines[at : at + batch])
    wall = (time.perf_counter() - started) / len(lines) * 1e6
    own = (time.process_time() - cpu) / len(lines) * 1e6
    print(f"{wall:.0f} µs a line: {own:.0f} in Python, {wall - own:.0f} waiting for PostgreSQL; batches of {batch}")
    return decisions


async def decide_as_served(url: str, connection: asyncpg.Connection, lines: list[LineToDecide], batch: int) -> None:
    """Decide the lines as the service does, by matchers of its usual number, and print the time by the clock."""
    matchers = Matchers(connect_arguments(url, **SESSION), min(os.cpu_count() or 1, 2))  # as the settings have it
    await matchers.start()
    parts = iter([lines[at : at + batch] for at in range(0, len(lines), batch)])

    async def station() -> None:
        for part in parts:
            await matchers.decide_lines(SearchedRoll(connection, COUNTY, 1), part)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as stations:
        for _ in range(_STATIONS):
            stations.create_task(station())
    each = (time.perf_counter() - started) / len(lines) * 1e6
    load = os.getloadavg()[0]
    print(f"{each:.0f} µs a line by the service's {matchers.states()['running']} matchers; load {load:.1f}")
    await matchers.close()


async def decide_alone(connection: asyncpg.Connection, lines: list[LineToDecide]) -> None:
    """Decide some lines one by one and print how long that takes."""
    times = []
    for line in lines[:: max(1, len(lines) // ALONE)]:
        started = time.perf_counter()
        await decide_lines(SearchedRoll(connection, COUNTY, 1), [line])
        times.append((time.perf_counter() - started) * 1000)
    median, late = (quantiles(times, n=20)[at] for at in (9, 18))
    print(f"one line alone: p50 {median:.1f} ms, p95 {late:.1f} ms\n")


def hide_short_forms() -> None:
    """Take one in five of the pairs of a name and its form from the matcher, always the same ones."""

    def hidden(one: str, other: str) -> bool:
        return crc32("/".join(sorted((one, other))).encode()) % 5 == 0

    for name, forms in names._FORMS.items():  # noqa: SLF001 - a list that no setting shortens
        names._FORMS[name] = frozenset(form for form in forms if not hidden(name, form))  # noqa: SLF001


@contextmanager
def candidates_noted() -> Iterator[dict[int, set[str]]]:
    """Note which voters each decision of the wide search was made among, by the decision's identity."""
    seen: dict[int, set[str]] = {}

    def noted(scorer: Scorer, candidates: Sequence[Registration], *, by_name: bool) -> Decision | None:
        decision = decide(scorer, candidates, by_name=by_name)
        if by_name:
            seen[id(decision)] = {registration.voter_id for registration in candidates}
        return decision

    with patch.object(lookup, "decide", noted):
        yield seen


def show_candidates(truths: list[dict[str, Any]], decisions: list[Decision], seen: dict[int, set[str]]) -> None:
    """Print how often the true voter of a valid line was among those it was decided among."""
    valid = [(t, d) for t, d in zip(truths, decisions, strict=True) if t["class"] in {"valid", "dup"}]
    among = sum(any(voter in seen.get(id(d), {d.voter_id}) for voter in t["ok"]) for t, d in valid)
    print(f"{'true voter among the candidates':40} {among / max(len(valid), 1):.4f}")


async def compare(connection: asyncpg.Connection, asked: Asked, arguments: argparse.Namespace) -> None:
    """Score the matcher, and on the same lines what else one might use."""
    print(f"\n== {asked.name}: the matcher")
    with candidates_noted() as seen:
        decisions = await decide_all(connection, asked.lines, arguments.batch)
    await decide_as_served(arguments.url, connection, asked.lines, arguments.batch)
    await decide_alone(connection, asked.lines)
    show_candidates(asked.truths, decisions, seen)
    show(score(asked.truths, decisions))
    show_calibration(asked.truths, decisions)
    rows = await connection.fetch(
        "SELECT voter_id, last_name FROM registration"
        " UNION ALL SELECT voter_id, last_name FROM confidential_registration"
    )
    show_fairness(asked.truths, decisions, {row[0]: row[1] for row in rows})
    roll = await rivals.voters(connection, COUNTY, 1, arguments.start, arguments.end)
    writings = [line.writing for line in asked.lines]
    lines = rivals.written(writings)
    print(f"\n== {asked.name}: exact join of first name, surname, house and street")
    started = time.perf_counter()
    joined = await rivals.exact_join(connection, roll, lines)
    print(f"{(time.perf_counter() - started) / len(lines) * 1e6:.0f} µs a line, the copy of the roll included\n")
    show(score(asked.truths, rivals.by_signature(writings, joined)))
    if arguments.splink:
        print(f"\n== {asked.name}: Splink, p >= {rivals.CERTAIN}")
        started = time.perf_counter()
        linked = rivals.splink(roll, lines)
        print(f"{(time.perf_counter() - started) / len(lines) * 1e6:.0f} µs a line, training included\n")
        show(score(asked.truths, rivals.by_signature(writings, linked)))


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


def made_up(arguments: argparse.Namespace, folder: Path) -> None:
    """Make a county and two petitions up; the arguments name their files from then on."""
    if arguments.elsewhere:
        elsewhere.make(folder, arguments.seed, _REGISTRATIONS_ELSEWHERE, _LINES_OF_NOISE, arguments.adopted)
        arguments.roll = folder / "roll.csv"
        arguments.petition.append(folder / "petition.ndjson")
        arguments.truth.append(folder / "truth.ndjson")
        return
    for number, hard in enumerate((False,) if arguments.noise else (False, True), 1):
        out = folder / ("hard" if hard else "ordinary")
        generate(arguments.scale, arguments.seed, out, petition_seed=arguments.seed + number, hard=hard)
        arguments.roll = out / "roll.csv"  # the same both times
        if arguments.noise:
            noise.make(arguments.roll, folder / "noise", arguments.seed, _LINES_OF_NOISE)
            out, arguments.roll = folder / "noise", folder / "noise" / "roll.csv"
        arguments.petition.append(out / "petition.ndjson")
        arguments.truth.append(out / "truth.ndjson")


async def run(arguments: argparse.Namespace, url: str) -> None:
    """Load the roll unless it is there, decide each petition and print its score."""
    arguments.url = url
    await upgrade(url)
    connection = await asyncpg.connect(**connect_arguments(url))
    if not await connection.fetchval("SELECT count(*) FROM roll WHERE county_id = $1 AND roll_version = 1", COUNTY):
        loaded = await load_roll(
            url, county_id=COUNTY, source=arguments.roll, complete_through=arguments.filed, activate=True
        )
        print(f"loaded {loaded.registrations} registrations in {loaded.seconds:.0f} s")
    for petition, truth in zip(arguments.petition, arguments.truth, strict=True):
        interval = SigningInterval(arguments.start, arguments.end, arguments.filed)
        lines = [LineToDecide(writing(line), interval) for line in objects(petition)]
        name = f"{petition.parent.name}/{petition.name}"
        await compare(connection, Asked(name, lines, list(objects(truth))), arguments)
    await connection.close()


def parsed() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generate", action="store_true", help="make a county and its petitions up")
    parser.add_argument("--noise", action="store_true", help="let another hand write the petition (see bench/noise.py)")
    parser.add_argument("--elsewhere", action="store_true", help="another population and hand (see bench/elsewhere.py)")
    parser.add_argument("--adopted", type=float, default=0.0, help="share of its voters who sign with an adopted name")
    parser.add_argument("--unlisted", action="store_true", help="hide one in five short forms from the matcher")
    parser.add_argument("--scale", default="0.02", help="of the county that is made up")
    parser.add_argument("--seed", type=int, default=71, help="of the county that is made up")
    parser.add_argument("--roll", type=Path)
    parser.add_argument("--petition", type=Path, action="append", default=[])
    parser.add_argument("--truth", type=Path, action="append", default=[])
    parser.add_argument("--start", type=date.fromisoformat, default=date(2022, 1, 27))
    parser.add_argument("--end", type=date.fromisoformat, default=date(2022, 7, 6))
    parser.add_argument("--filed", type=date.fromisoformat, default=date(2022, 7, 6))
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--splink", action="store_true", help="score Splink on the same lines")
    parser.add_argument("--url", help="a database that is running")
    parser.add_argument("--reuse", type=Path, help="a folder in which the database is kept")
    arguments = parser.parse_args()
    if not arguments.generate and not (arguments.roll and arguments.petition):
        parser.error("give --generate, or --roll, --petition and --truth")
    if len(arguments.petition) != len(arguments.truth):
        parser.error("each --petition needs its --truth")
    if arguments.splink and not importlib.util.find_spec("splink"):
        parser.error("Splink is not installed: install the dependency group `bench` of pyproject.toml")
    return arguments


def main() -> None:
    """Read the arguments and run."""
    arguments = parsed()
    gc.set_threshold(50_000, 20, 100)  # as the service does
    if arguments.unlisted:
        hide_short_forms()
    with TemporaryDirectory(prefix="bench-") as folder, database(arguments) as url:
        if arguments.generate:
            made_up(arguments, Path(folder))
        asyncio.run(run(arguments, url))


if __name__ == "__main__":
    main()
