"""Measure whether stations are served beside a crowd: their posts alone, then beside everything that others may send.

    python bench/crowd.py [--streams 2000] [--proofs 100] [--entries 1000000] [--seconds 30] [--files 1024]

The crowd follows the tally, asks for proofs of a ledger of so many entries, reads long lists, uploads two rolls slowly
and an archive of 400,000 files, and holds connections without a key. It is a process of its own, as are the service and
the stations, all on the loopback. Posts are sent at fixed times, whether the last ones were answered or not, and timed
from when they were due. Memory is that of the service's processes without PostgreSQL, each page shared by several
counted in parts.
"""

import argparse
import asyncio
import io
import itertools
import multiprocessing
import random
import resource
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop

from app.access.keys import issue_key
from app.access.principals import Principal, Role
from app.access.queries import add_county
from app.database.engine import open_database
from app.database.migrate import give_logins, upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.ledger.entries import Entry
from app.ledger.queries import Span, page_of_entries
from app.roll.loading import load_roll
from bench.county import County
from bench.service import Program, a_petition
from bench.usage import shared_memory
from bench.wire import Wire, request

COUNTIES: Final = ("bench", "slow", "zip")
STATIONS: Final = 8
POSTS: Final = 40  # a second, of all stations together
SLOW: Final = 40_000  # bytes a second of a slow upload: just enough that it is not cut
SLOW_UPLOADS: Final = 2
PAUSE: Final = 1.0  # seconds until a request that was refused is sent again
# The service with so many file descriptors and no right to more, and its log in a file, as it is where it is delivered.
WITH_FILES: Final = """
import os, resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))
os.dup2(os.open(os.environ["DATA_DIR"] + "/log", os.O_CREAT | os.O_WRONLY, 0o600), 2)
runpy.run_module("app", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the service is, who speaks to it, and how much of everything."""

    port: int
    petition: str  # the stations'
    ledger: str  # the petition whose ledger is long
    entries: int
    keys: dict[str, str]  # by role, and `admin-COUNTY`
    streams: int
    proofs: int
    lists: int
    idle: int
    files: int  # in the archive

    def path(self, rest: str, petition: str = "") -> str:
        """A path below the stations' petition, or below another one."""
        return f"/v1/petitions/{petition or self.petition}{rest}"


class Crowd:
    """All the others."""

    def __init__(self, plan: Plan) -> None:
        """Begin with nothing seen."""
        self.plan, self.seen, self.archive = plan, Counter[str](), b""

    async def run(self, ready: Any, stop: Any) -> dict[str, int]:  # noqa: ANN401  # events between processes
        """Do everything until `stop`; set `ready` once all have begun. Returns what they saw, counted."""
        plan = self.plan
        if plan.files:
            self.archive = await asyncio.to_thread(archive, plan.files)
        works = [self.hold() for _ in range(plan.idle)]
        works += [self.ask("proof", self.proof) for _ in range(plan.proofs)]
        works += [self.ask("list", self.listing) for _ in range(plan.lists)]
        works += [self.upload(county) for county in COUNTIES[:SLOW_UPLOADS] if plan.files]
        works += [self.ask("archive", self.packed)] if plan.files else []
        tasks = [asyncio.create_task(self.again(self.follow)) for _ in range(plan.streams)]
        until = time.monotonic() + 30  # streams that are refused are tried again, so they may never be all
        while self.seen["streams"] < plan.streams and time.monotonic() < until:  # noqa: ASYNC110  # or the time is over
            await asyncio.sleep(0.1)
        tasks += [asyncio.create_task(work) for work in works]
        ready.set()
        while not stop.is_set():  # noqa: ASYNC110  # an event of another process
            await asyncio.sleep(0.1)
        seen = dict(self.seen)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return seen

    async def again(self, work: Callable[[Wire], Awaitable[None]]) -> None:
        """Do something over a connection, and once it ends over another one."""
        while True:
            with suppress(OSError, EOFError):
                async with connected(self.plan.port) as wire:
                    await work(wire)
            await asyncio.sleep(PAUSE)

    async def follow(self, wire: Wire) -> None:
        """Follow the tally."""
        await wire.send(request(self.plan.path("/tally/stream"), self.plan.keys["monitor"]))
        try:
            await wire.first_event()
        except EOFError:
            self.seen["stream refused"] += 1
            raise
        self.seen["streams"] += 1
        try:
            while True:
                await wire.first_event()
                self.seen["events"] += 1
        finally:
            self.seen["streams"] -= 1

    async def hold(self) -> None:
        """Hold connections that send nothing."""

        async def wait(wire: Wire) -> None:
            self.seen["idle connections"] += 1
            await wire.exchange(b"")  # nothing is sent, so it ends when it is cut

        await self.again(wait)

    async def ask(self, name: str, made: Callable[[], bytes]) -> None:
        """Send one request after the other."""

        async def ask_on(wire: Wire) -> None:
            while True:
                status = await wire.exchange(made())
                self.seen[f"{name} {status}"] += 1
                if status not in (200, 304):
                    await asyncio.sleep(PAUSE)

        await self.again(ask_on)

    def proof(self) -> bytes:
        """Ask that a ledger continues an earlier one."""
        first = random.randint(1, self.plan.entries)  # noqa: S311  # no secret
        path = f"/ledger/proofs/consistency?first={first}&second={self.plan.entries}"
        return request(self.plan.path(path, self.plan.ledger), self.plan.keys["auditor"])

    def listing(self) -> bytes:
        """Ask for a long list."""
        cursor = random.randint(1, self.plan.entries)  # noqa: S311  # no secret
        path = f"/ledger/entries?limit=1000&cursor={cursor}"
        return request(self.plan.path(path, self.plan.ledger), self.plan.keys["auditor"])

    def packed(self) -> bytes:
        """Upload the archive."""
        return upload("zip", self.plan, len(self.archive)) + self.archive

    async def upload(self, county: str) -> None:
        """Upload a roll as slowly as is allowed."""

        async def send_slowly(wire: Wire) -> None:
            await wire.send(upload(county, self.plan, 1 << 30))
            answered = asyncio.create_task(wire.exchange(b""))
            answered.add_done_callback(lambda done: done.cancelled() or done.exception())
            while not answered.done():
                await wire.send(b"x" * (SLOW // 2))
                await asyncio.wait([answered], timeout=0.5)
            self.seen[f"slow upload {answered.result()}"] += 1

        await self.again(send_slowly)


def upload(county: str, plan: Plan, size: int) -> bytes:
    """The head of an upload."""
    head = [
        "POST /v1/rolls?complete_through=2022-07-06 HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {plan.keys[f'admin-{county}']}",
        "Content-Type: application/octet-stream",
        f"Content-Length: {size}",
    ]
    return "\r\n".join([*head, "", ""]).encode()


def archive(files: int) -> bytes:
    """A zip archive of so many empty files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for number in range(files):
            made.writestr(zipfile.ZipInfo(f"{number}"), b"")
    return content.getvalue()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    """One connection, closed at the end."""
    wire = await Wire.open(port)
    try:
        yield wire
    finally:
        wire.close()


def crowd(plan: Plan, ready: Any, stop: Any, results: Any) -> None:  # noqa: ANN401  # between processes
    """The crowd's process."""
    results.put(uvloop.run(Crowd(plan).run(ready, stop)))


async def station(plan: Plan, number: int, bodies: Iterator[bytes], seconds: float) -> list[tuple[float, int]]:
    """One station's posts at fixed times; the time since each was due, and its status (0: the connection was cut)."""
    every, taken, wire = STATIONS / POSTS, list[tuple[float, int]](), None
    start = time.perf_counter() + number / POSTS
    for turn in itertools.count():
        due = start + turn * every
        if due - start > seconds:
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        body = next(bodies)
        raw = request(plan.path("/signatures"), plan.keys["station"], body, idempotency_key=f"line-{hash(body)}")
        try:
            wire = wire or await Wire.open(plan.port)
            status = await asyncio.wait_for(wire.exchange(raw), 60)
        except (OSError, EOFError, TimeoutError):
            status, wire = 0, None
        taken.append((time.perf_counter() - due, status))
    if wire:
        wire.close()
    return taken


async def post(plan: Plan, bodies: Iterator[bytes], seconds: float, what: str) -> None:
    """Let the stations post for so long, and print what they saw."""
    every = await asyncio.gather(*(station(plan, number, bodies, seconds) for number in range(STATIONS)))
    results = [result for taken in every for result in taken]
    times = sorted(taken for taken, _ in results)
    for percent in (50, 99, 100):
        at = min(len(times) - 1, len(times) * percent // 100)
        say(f"posts {what}: {'longest' if percent == 100 else f'p{percent}'}", round(times[at] * 1000, 1), "ms")  # noqa: PLR2004
    refused = Counter(status for _, status in results if status not in (200, 201))
    say(f"posts {what}: answered 201", sum(status in (200, 201) for _, status in results), f"of {len(results)}")
    if refused:
        say(f"posts {what}: refused, by status", str(dict(refused)))


def say(what: str, figure: object, unit: str = "") -> None:
    """One row of the table."""
    print(f"{what:<50}{figure:>14} {unit}", flush=True)


async def watch_memory(process: int, most: list[float]) -> None:
    """Note the most memory that the service's processes hold together, until cancelled."""
    while True:
        most.append(await asyncio.to_thread(shared_memory, process))
        await asyncio.sleep(0.25)


async def lengthen(database: Database, petition: Any, entries: int) -> None:  # noqa: ANN401  # a Petition
    """Give a petition a ledger of so many entries, which record nothing."""
    async with database.reading() as connection:
        last = (await page_of_entries(connection, petition.key, Span()))[0][-1]
    rows = []
    for seq in range(last.seq + 1, entries + 1):
        last = Entry(seq, "retention", bytes(32), b"", "{}").after(last.hash)
        rows.append((*petition.key, *last))
    async with database.intake() as connection, connection.transaction():
        await connection.execute("RESET ROLE")
        columns = ["county_id", "petition_id", "seq", "type", "leaf_root", "leaves", "payload", "hash"]
        await connection.copy_records_to_table("ledger", records=rows, columns=columns)
        head = "UPDATE head SET version = $3, hash = $4 WHERE county_id = $1 AND petition_id = $2"
        await connection.execute(head, *petition.key, last.seq, last.hash)


async def prepare(server: EmbeddedServer, scale: str, entries: int, folder: Path) -> tuple[dict[str, Any], list[bytes]]:
    """The counties, the petitions and the keys; and the stations' lines."""
    county = County.make(folder / "made", scale)
    await upgrade(server.url())
    await give_logins(server.logins())
    through = datetime.fromisoformat(county.made["complete_through"]).date()
    await load_roll(server.url(), county_id=COUNTIES[0], source=county.roll, complete_through=through, activate=True)
    connection = await asyncpg.connect(server.dsn())
    for other in COUNTIES[1:]:
        await add_county(connection, other)
    await connection.close()
    database, now = await open_database(server.url(), intake=1, reading=1), datetime.now(UTC)

    async def key(role: Role, of: str = COUNTIES[0]) -> str:
        return await issue_key(database, Principal(of, f"{role}-1", role), now=now)

    posted, long = [await a_petition(database, COUNTIES[0], county.made) for _ in range(2)]
    await lengthen(database, long, entries)
    keys = {role: await key(role) for role in ("station", "monitor", "auditor")}
    keys |= {f"admin-{one}": await key("admin", one) for one in COUNTIES}
    await database.close()
    facts = {"petition": str(posted.petition_id), "ledger": str(long.petition_id), "keys": keys, "entries": entries}
    return facts, county.lines()


async def signed(plan: Plan) -> None:
    """Wait until a checkpoint covers the long ledger: making it is not what is measured."""
    wire, asked = await Wire.open(plan.port), plan.path("/ledger/checkpoint", plan.ledger)
    while await wire.exchange(request(asked, plan.keys["auditor"])) != 200:  # noqa: ASYNC110, PLR2004
        await asyncio.sleep(1)
    wire.close()


async def measure(plan: Plan, process: int, lines: list[bytes], seconds: int) -> None:
    """The stations alone, then beside the crowd."""
    bodies, most, alone = itertools.cycle(lines), list[float](), list[float]()
    await signed(plan)
    watching = asyncio.create_task(watch_memory(process, alone))
    await post(plan, bodies, 3, "while the matchers warm up")
    await post(plan, bodies, seconds, "alone")
    watching.cancel()
    say("memory alone, at most", round(max(alone)), "MB")
    context = multiprocessing.get_context("spawn")
    ready, stop, results = context.Event(), context.Event(), context.Queue()
    others = context.Process(target=crowd, args=(plan, ready, stop, results))
    watching = asyncio.create_task(watch_memory(process, most))
    others.start()
    await asyncio.to_thread(ready.wait)
    await post(plan, bodies, seconds, "beside the crowd")
    stop.set()
    for name, count in sorted((await asyncio.to_thread(results.get)).items()):
        say(f"the crowd: {name}", count)
    watching.cancel()
    say("memory beside the crowd, at most", round(max(most)), "MB")
    others.join()


async def run(server: EmbeddedServer, arguments: argparse.Namespace, folder: Path) -> None:
    """Prepare, serve, measure."""
    facts, lines = await prepare(server, arguments.scale, arguments.entries, folder)
    program = ("-c", WITH_FILES.format(arguments.files), "serve", "--port", "0")
    environment = {"DATA_DIR": str(folder), "DATABASE_URL": server.logins().service}
    async with Program(program, environment, root=arguments.service).running() as service:
        sizes = {name: getattr(arguments, name) for name in ("streams", "proofs", "lists", "idle")}
        plan = Plan(port=service.port, **facts, **sizes, files=arguments.archive)
        await measure(plan, service.pid, lines, arguments.seconds)


def main() -> None:
    """The steps."""
    parser = argparse.ArgumentParser(description="Measure whether stations are served beside a crowd.")
    parser.add_argument("--scale", default="0.01", help="of the county and its petition; 1 is 715,833 lines")
    parser.add_argument("--streams", type=int, default=2_000, help="that follow the tally")
    parser.add_argument("--proofs", type=int, default=100, help="asked for at a time")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the ledger that they are of")
    parser.add_argument("--lists", type=int, default=10, help="read at a time")
    parser.add_argument("--archive", type=int, default=400_000, help="files in an uploaded archive; 0: no uploads")
    parser.add_argument("--idle", type=int, default=200, help="connections that send nothing")
    parser.add_argument("--files", type=int, default=8_192, help="file descriptors of the service")
    parser.add_argument("--seconds", type=int, default=30, help="for which the stations post, each time")
    parser.add_argument("--service", type=Path, default=Path(__file__).parents[1], help="the checkout to measure")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(folder) as server:
            uvloop.run(run(server, arguments, folder))


if __name__ == "__main__":
    main()
