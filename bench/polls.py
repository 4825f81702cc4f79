"""Measure what those who only look cost: polls of the tally beside two stations, and hundreds who follow its stream.

    python bench/polls.py [--scale 0.04] [--seconds 10]

A made-up county and its petition, the service and the stations as processes of their own, all on the loopback. The
polls are sent at fixed times, whether the last ones were answered or not, and timed from when they were due.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg

from app.access.keys import issue_key
from app.access.principals import Principal
from app.count.record import Count
from app.database.engine import open_database
from app.database.migrate import give_logins, upgrade
from app.database.server import EmbeddedServer
from app.demo.generate import generate
from app.demo.run import share_out
from app.law.petition import Terms
from app.roll.loading import load_roll
from bench.service import the_service
from bench.wire import Wire, exchange_all, request

COUNTY = "bench"
FILED = date(2022, 7, 6)
POLLS = 200  # a second
LIVE = "/health/live"  # what the cheapest answer of all is
MONITORS = 20  # connections that they come from
LISTENERS = 500
HEADS = "SELECT calls FROM pg_stat_statements WHERE query LIKE '%FROM head JOIN unnest%'"


@dataclass(frozen=True, slots=True)
class Bench:
    """The running service, and who speaks to it."""

    port: int
    process: int
    petition_id: str
    station: str
    monitors: Sequence[str]  # a key for each connection: one key alone may not ask as often
    folder: Path

    @property
    def tally(self) -> str:
        """The path of the tally."""
        return f"/v1/petitions/{self.petition_id}/tally"

    def megabytes(self, field: str = "VmRSS") -> int:
        """The memory of the service's process: VmRSS now, VmHWM at most."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) // 1024


def say(what: str, figure: object, unit: str = "") -> None:
    """One row of the table."""
    print(f"{what:<66}{figure:>10} {unit}", flush=True)


def milliseconds(times: Sequence[float], percent: int) -> float:
    """A percentile of times in seconds."""
    return round(statistics.quantiles(times, n=100)[percent - 1] * 1000, 2)


def say_times(what: str, times: Sequence[float]) -> None:
    """Median and 99th percentile."""
    say(f"{what}: p50", milliseconds(times, 50), "ms")
    say(f"{what}: p99", milliseconds(times, 99), "ms")


async def one_by_one(bench: Bench, path: str, bodies: Sequence[bytes], key: str) -> list[float]:
    """The time of each request of a lone client."""
    replies = await exchange_all(bench.port, [request(path, key, body) for body in bodies], 1)
    return [reply.answered - reply.sent for reply in replies]


async def as_often_as_answered(bench: Bench, path: str, seconds: float = 3) -> float:
    """The answers a second to all monitors, each asking again as soon as it is answered."""

    async def ask_on(key: str) -> int:
        wire, answered, asked = await Wire.open(bench.port), 0, request(path, key)
        while time.perf_counter() < ends:
            await wire.ask(asked)
            answered += 1
        wire.close()
        return answered

    ends = time.perf_counter() + seconds
    return sum(await asyncio.gather(*map(ask_on, bench.monitors))) / seconds


async def measure_rates(bench: Bench) -> None:
    """How many answers there are to as many requests as can be, the tally beside the cheapest answer, in turns."""
    rates = [[await as_often_as_answered(bench, path) for path in (LIVE, bench.tally)] for _ in range(3)]
    live, tally = (statistics.median(rate) for rate in zip(*rates, strict=True))
    say(f"{LIVE} over {MONITORS} connections", round(live), "answers/s")
    say(f"tally over {MONITORS} connections", round(tally), "answers/s")
    say(f"tally's rate, in that of {LIVE}", round(tally / live, 2), "times")


async def poll(bench: Bench, path: str, number: int, stop: asyncio.Event) -> list[tuple[float, float]]:
    """One monitor's polls, MONITORS / POLLS seconds apart; their times since due, and since sent."""
    wire, times, start = await Wire.open(bench.port), [], time.perf_counter() + number / POLLS
    asked = request(path, bench.monitors[number])
    for turn in itertools.count():
        due = start + turn * MONITORS / POLLS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if stop.is_set():
            break
        reply = await wire.ask(asked)
        times.append((reply.answered - due, reply.answered - reply.sent))
    wire.close()
    return times


async def post(bench: Bench, files: Sequence[Path]) -> float:
    """Let a station post each file, as a process of its own; the seconds until all are done."""
    started = time.perf_counter()
    stations = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "station", "post", str(file), "--url", f"http://127.0.0.1:{bench.port}"),
            *("--petition", bench.petition_id, "--in-flight", "2", "--spool", str(bench.folder / "spool")),
            env={**os.environ, "STATION_KEY": bench.station},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for file in files
    ]
    if any([await station.wait() for station in stations]):
        raise RuntimeError("a station failed")
    return time.perf_counter() - started


async def measure_polls(bench: Bench, what: str, path: str, files: Sequence[tuple[Path, int]]) -> None:
    """Two stations beside the polls."""
    stop = asyncio.Event()
    monitors = [asyncio.create_task(poll(bench, path, number, stop)) for number in range(MONITORS)]
    beside = await post(bench, [file for file, _ in files])
    stop.set()
    times = [taken for monitor in monitors for taken in await monitor]
    say(f"intake by two stations beside {POLLS} polls/s of {what}", round(sum(n for _, n in files) / beside), "lines/s")
    say(f"{what} during intake: answered", round(len(times) / beside), "polls/s")
    say_times(f"{what} during intake, since a poll was due", [since_due for since_due, _ in times])
    say_times(f"{what} during intake, since it was sent", [since_sent for _, since_sent in times])
    say("memory of the service, at most until here", bench.megabytes("VmHWM"), "MB")


async def measure_stream(bench: Bench, database: asyncpg.Connection, lines: Sequence[bytes], seconds: int) -> None:
    """Hundreds who follow, while a line comes in every half second."""
    before, wires = bench.megabytes(), [await Wire.open(bench.port) for _ in range(LISTENERS)]
    for wire in wires:
        await wire.send(request(f"{bench.tally}/stream", bench.monitors[0]))
        await wire.first_event()
    following = [asyncio.create_task(wire.count_events()) for wire in wires]
    asked, started = await database.fetchval(HEADS), time.perf_counter()
    for line in lines[: 2 * seconds]:
        await one_by_one(bench, f"/v1/petitions/{bench.petition_id}/signatures", [line], bench.station)
        await asyncio.sleep(0.5)
    taken, asked = time.perf_counter() - started, await database.fetchval(HEADS) - asked
    say(f"reads of the tally for {LISTENERS} listeners", round(asked / taken, 2), "queries/s")
    say("memory they take", round((bench.megabytes() - before) / LISTENERS * 1024), "kB each")
    for task in following:
        task.cancel()
    events = await asyncio.gather(*following)
    say("events a listener, fewest and most", f"{min(events)}-{max(events)}", f"in {taken:.0f} s")
    for wire in wires:
        wire.close()


async def measure(bench: Bench, server: EmbeddedServer, petition: Path, seconds: int) -> None:
    """Everything, one after the other."""
    shares = list(share_out(petition, bench.folder / "shares", ["a", "b", "c", "d", "e", "f", "alone"]).values())
    lines = shares[6][0].read_bytes().splitlines()
    say("memory of the service at its start", bench.megabytes(), "MB")
    live = await one_by_one(bench, LIVE, [b""] * 1500, bench.monitors[0])
    polls = await one_by_one(bench, bench.tally, [b""] * 1500, bench.monitors[0])
    say_times(LIVE, live)
    say_times("tally, one monitor", polls)
    await measure_rates(bench)
    path = f"/v1/petitions/{bench.petition_id}/signatures"
    say_times("one signature, one client", await one_by_one(bench, path, lines[:500], bench.station))
    alone = await post(bench, [file for file, _ in shares[0:2]])
    say("intake by two stations, nobody looking", round(sum(n for _, n in shares[0:2]) / alone), "lines/s")
    await measure_polls(bench, LIVE, LIVE, shares[2:4])
    await measure_polls(bench, "tally", bench.tally, shares[4:6])
    database = await asyncpg.connect(server.dsn())
    await measure_stream(bench, database, lines[500:], seconds)
    await database.close()


async def prepare(server: EmbeddedServer, scale: str, folder: Path) -> tuple[str, str, list[str], Path]:
    """The county, its petition and keys: the petition's id, a station's key, the monitors' keys, the lines."""
    made = generate(scale, 1, folder / "made")
    await upgrade(server.url())
    await give_logins(server.logins())
    connection = await asyncpg.connect(server.dsn())
    await connection.execute("CREATE EXTENSION pg_stat_statements")
    await connection.close()
    source = folder / "made" / made.roll
    await load_roll(server.url(), county_id=COUNTY, source=source, complete_through=FILED, activate=True)
    database, now = await open_database(server.url(), intake=1, reading=1), datetime.now(UTC)
    terms = Terms(
        county_id=COUNTY,
        title="Recall of the assessor",
        officer="The assessor",
        required=1_000,
        registered_voters=None,
        circulation_from=date(2022, 1, 27),
        circulation_to=FILED,
        filed_on=FILED,
        ruleset_name="california-local-recall/1",
    )
    petition = await Count(database).open_petition(terms, opened_by="bench", now=now)
    station = await issue_key(database, Principal(COUNTY, "station-1", "station"), now=now)
    monitors = [
        await issue_key(database, Principal(COUNTY, f"monitor-{number}", "monitor"), now=now)
        for number in range(MONITORS)
    ]
    await database.close()
    return str(petition.petition_id), station, monitors, folder / "made" / made.petition


async def run(server: EmbeddedServer, scale: str, seconds: int, folder: Path) -> None:
    """Prepare, serve, measure."""
    petition_id, station, monitors, lines = await prepare(server, scale, folder)
    async with the_service(folder, DATABASE_URL=server.logins().service).running() as service:
        bench = Bench(service.port, service.pid, petition_id, station, monitors, folder)
        await measure(bench, server, lines, seconds)


def main() -> None:
    """The steps."""
    parser = argparse.ArgumentParser(description="Measure what polls and streams of the tally cost.")
    parser.add_argument("--scale", default="0.04", help="of the county and its petition; 1 is 715,833 lines")
    parser.add_argument("--seconds", type=int, default=10, help="that the streams are followed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(folder, settings={"shared_preload_libraries": "pg_stat_statements"}) as server:
            asyncio.run(run(server, arguments.scale, arguments.seconds, folder))


if __name__ == "__main__":
    main()
