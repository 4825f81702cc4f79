"""What the service exists for, as ratios of one run on one machine: a whole petition against its yardsticks.

    python bench/throughput.py [--scale 0.02] [--rounds 3] [--json FILE]

The service runs as it is delivered: `python -m app serve`, with its own PostgreSQL and the settings that survive a loss
of power. Beside it, in the same database: the tutorial's way (bench/naive.py), the floor (bench/floor.py), and the
service without group commit (bench/ungrouped.py). They take turns, round by round. docs/benchmarks.md tells the rest.
"""

import argparse
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from app.database.engine import open_database
from app.database.migrate import upgrade
from app.database.server import EmbeddedServer
from app.demo.generate import REGISTERED
from bench import floor, naive, parts
from bench.county import County, load_roll, samples
from bench.figures import Figures, judge, print_judged, write
from bench.rounds import (
    Bench,
    Options,
    add_ends,
    alone_turn,
    batch_turn,
    floor_turn,
    petition_text,
    polls_turn,
    singles_turn,
    split,
    warm_up,
)
from bench.service import address, keys, prepare_database, the_naive, the_service, without_group_commit
from bench.usage import Meter, memory

PARTS = ("rounds", "restart", "replay", "growth")
_WARM = 2000  # lines
_SMALL, _LARGE = 100_000, 22_000_000  # registrations, at scale 1
_SMALLEST = 10_000
_SIGNERS = 4  # times the usual share of the small county, so that its petition lasts


async def load(server: EmbeddedServer, counties: list[County], data_dir: Path, note: Path) -> dict[str, Any]:
    """Load the rolls that are not there, and make what the yardsticks need of the first; what each load took."""
    done = _read(note)
    for county in counties:
        if county.code not in done:
            done[county.code] = asdict(await load_roll(county, data_dir))
            _keep(note, done)
    code = counties[0].code
    if done.get("yardsticks") != code:
        await naive.prepare(server.url(), server.dsn(), code)
        await floor.prepare(server.dsn(), code)
        done["yardsticks"] = code
        _keep(note, done)
    return done


def _read(note: Path) -> dict[str, Any]:
    return dict(json.loads(note.read_text("utf-8"))) if note.exists() else {}


def _keep(note: Path, done: dict[str, Any]) -> None:
    note.write_text(json.dumps(done), "utf-8")


@asynccontextmanager
async def everything(figures: Figures, options: Options, county: County, data_dir: Path) -> AsyncIterator[Bench]:
    """The service and whoever is compared with it, running."""
    service = the_service(data_dir)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(service.running())
        server = address(data_dir)
        logins, url, dsn = server.logins(), server.url(), server.dsn()
        server.stop()
        ungrouped = await stack.enter_async_context(without_group_commit(data_dir, logins.service).running())
        naive_program = await stack.enter_async_context(the_naive(url).running())
        database = await open_database(url, intake=1, reading=1)
        stack.push_async_callback(database.close)
        connection = await asyncpg.connect(dsn)
        stack.push_async_callback(connection.close)
        yield Bench(
            options=options,
            county=county,
            service=service,
            ungrouped=ungrouped,
            naive=naive_program,
            database=database,
            connection=connection,
            dsn=dsn,
            stations=await keys(database, county.code, "station"),
            monitors=await keys(database, county.code, "monitor"),
            figures=figures,
            meter=Meter(service.pid, naive_program.pid, [ungrouped.pid]),
        )


async def rounds(figures: Figures, options: Options, county: County, data_dir: Path) -> None:
    """All turns of all rounds; the next round begins with another contestant."""
    lines = county.lines()
    text = petition_text(lines)
    some, few = samples(lines, options.singles), samples(lines, options.alone)
    async with everything(figures, options, county, data_dir) as bench:
        await warm_up(bench, lines[:_WARM])
        petition_id = await bench.petition_id()
        figures.add("size of a finding", await floor.sample_findings(bench.connection), "bytes")
        for number, part in enumerate(split(lines, options.rounds, options.batch)):
            turns: list[Callable[[], Coroutine[Any, Any, None]]] = [
                partial(batch_turn, bench, petition_id, part),
                partial(floor_turn, bench, text, len(lines)),
                partial(singles_turn, bench, next(some)),
                partial(alone_turn, bench, next(few)),
                partial(polls_turn, bench, lines),
            ]
            for turn in turns[number % len(turns) :] + turns[: number % len(turns)]:
                await turn()
        add_ends(bench)
        figures.add("memory of the service", memory(bench.service.pid), "MB")
        figures.add("memory of its database", memory(bench.service.pid, database=True), "MB")
        await parts.check_count(bench, petition_id, len(lines))
        await parts.add_sizes(bench)


def counties_of(arguments: argparse.Namespace, folder: Path) -> list[County]:
    """The county of the rounds, and the two that growth is measured with: the same kind of petition, another roll."""
    made = folder / "made"
    if arguments.data:
        result = [County.in_folder(arguments.data)]
    else:
        result = [County.make(made / f"scale-{arguments.scale.replace('/', '-')}", arguments.scale)]
    result = [replace(county, most_lines=arguments.lines) for county in result]
    if "growth" in arguments.parts:
        petition = f"{_SIGNERS * arguments.rolls[0]}/{REGISTERED}"
        for size in arguments.rolls:
            result.append(County.make(made / f"roll-{size}", f"{size}/{REGISTERED}", petition))
    return result


async def prepare(server: EmbeddedServer) -> None:
    """The schema, the counting of statements, no petition."""
    await upgrade(server.url())
    await prepare_database(server)


def run(arguments: argparse.Namespace, folder: Path, options: Options, figures: Figures) -> dict[str, Any]:
    """Everything that was asked for; facts about it for the file."""
    counties, data_dir = counties_of(arguments, folder), folder / "data"
    with EmbeddedServer.start(data_dir) as server:
        uvloop.run(prepare(server))
    with EmbeddedServer.start(data_dir) as server:  # which counts statements from here on
        loads = uvloop.run(load(server, counties, data_dir, folder / "loaded.json"))
    for county, name in zip(counties, ("roll load", "roll load, small roll", "roll load, large roll"), strict=False):
        one = loads[county.code]
        figures.add(name, one["registrations"] / one["seconds"], "rows/s")
        figures.add(f"{name}: memory", one["megabytes"], "MB")
    steps: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "rounds": lambda: rounds(figures, options, counties[0], data_dir),
        "restart": lambda: parts.restart(figures, options, counties[0], data_dir),
        "replay": lambda: parts.replay(figures, options, counties[0], data_dir),
        "growth": lambda: parts.growth(figures, options, counties[1:], data_dir),
    }
    for name in PARTS:
        if name in arguments.parts:
            uvloop.run(steps[name]())
    return {"options": asdict(options), "counties": {county.code: county.made for county in counties}, "loads": loads}


@contextmanager
def working_folder(reuse: Path | None) -> Iterator[Path]:
    """The folder to keep, or one that is deleted afterwards."""
    if reuse:
        reuse.mkdir(parents=True, exist_ok=True)
        yield reuse.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        Path(name).chmod(0o711)  # where root runs it, the server's user must get through
        yield Path(name)


def _two(text: str) -> tuple[int, int]:
    small, large = map(int, text.split(","))
    return small, large


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the service against its yardsticks.")
    usual = Options()
    parser.add_argument("--scale", default="0.02", help="of the county and its petition; 1 is the whole of 2022")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a county that the generator has made already")
    parser.add_argument("--reuse", type=Path, metavar="DIR", help="keep the database here, and take the rolls in it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, metavar="N", help="take only the first lines of the petition")
    parser.add_argument("--batch", type=int, default=usual.batch, help="lines of a batch")
    parser.add_argument("--in-flight", type=int, default=usual.in_flight, help="batches at once")
    parser.add_argument("--singles", type=int, default=usual.singles, help="lines a round posted one by one")
    parser.add_argument("--alone", type=int, default=usual.alone, help="lines a round posted by a lone client")
    parser.add_argument("--poll-seconds", type=float, default=usual.poll_seconds, help="a round, for each poll")
    parser.add_argument("--rolls", type=_two, metavar="SMALL,LARGE", help="registrations that growth is measured with")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=PARTS, help=f"of {','.join(PARTS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    arguments = parser.parse_args()
    share = Fraction(arguments.scale)
    arguments.rolls = arguments.rolls or (max(_SMALLEST, int(_SMALL * share)), max(10 * _SMALLEST, int(_LARGE * share)))
    return arguments


def main() -> None:
    """The steps."""
    arguments = _parse()
    options = Options(
        rounds=arguments.rounds,
        batch=arguments.batch,
        in_flight=arguments.in_flight,
        singles=arguments.singles,
        alone=arguments.alone,
        poll_seconds=arguments.poll_seconds,
    )
    figures = Figures()
    with working_folder(arguments.reuse) as folder:
        facts = run(arguments, folder, options, figures)
    judged = judge(figures)
    print_judged(judged)
    if arguments.json:
        facts |= {"date": f"{datetime.now(UTC):%Y-%m-%d}", "scale": arguments.scale, "lines": arguments.lines}
        write(arguments.json, figures, judged, facts)


if __name__ == "__main__":
    main()
