"""The contestants' turns, one function each. Whoever's turn it is has the machine for itself, but for the client."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from app.database.pools import Database
from bench import floor
from bench.county import County, batches, singles
from bench.figures import Figures
from bench.service import Program, a_petition, tally_queries
from bench.usage import Meter, Spent
from bench.wire import Reply, Wire, exchange_all, for_seconds, per_second, percentile, request

CLIENTS = 64
POLLING = 16  # connections that poll
_UNDER_WAY = 2  # seconds after which an intake keeps everybody as busy as it will
_MILLION = 1_000_000
_SHARE = 0.05  # of the petition: the batches at its beginning and its end, in three slices each
_SLICES = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured in a round."""

    rounds: int = 3
    batch: int = 500  # lines
    in_flight: int = 4
    singles: int = 2000  # lines posted one by one, of the service and of the naive way
    alone: int = 200  # lines posted one by one by a lone client
    poll_seconds: float = 4.0  # of each kind of poll


@dataclass
class Bench:
    """What runs, and who may speak to it."""

    options: Options
    county: County
    service: Program
    ungrouped: Program
    naive: Program
    database: Database
    connection: asyncpg.Connection  # as the owner
    dsn: str
    stations: Sequence[str]
    monitors: Sequence[str]
    figures: Figures
    meter: Meter
    replies: list[list[Reply]] = field(default_factory=list)  # of the batches, part by part
    spent: list[Spent] = field(default_factory=list)

    async def petition_id(self) -> UUID:
        """A new petition's."""
        return (await a_petition(self.database, self.county.code, self.county.made)).petition_id


async def warm_up(bench: Bench, lines: Sequence[bytes]) -> None:
    """Let the service read its words and plan its statements, on a petition of its own that nobody counts."""
    for program in (bench.service, bench.ungrouped):
        await exchange_all(
            program.port, batches(await bench.petition_id(), lines, bench.stations, bench.options.batch), 2
        )
    await exchange_all(bench.naive.port, [request("/signatures", body=line) for line in lines[:100]], 10)


async def batch_turn(bench: Bench, petition_id: UUID, lines: Sequence[bytes]) -> None:
    """The next part of the petition, as stations post it."""
    requests = batches(petition_id, lines, bench.stations, bench.options.batch)
    await bench.connection.execute("CHECKPOINT")
    before = await bench.connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    with bench.meter.measure() as spent:
        replies = await exchange_all(bench.service.port, requests, bench.options.in_flight)
    written = await bench.connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - before
    rate = per_second(replies) * len(lines) / len(requests)
    bench.replies.append(replies)
    bench.spent.append(spent)
    bench.figures.add("service, batches", rate, "lines/s", spent)
    bench.figures.add("service, batches: log", float(written) / len(lines), "bytes/line", spent)
    bench.figures.add("service, batches: median time of a batch", percentile(replies, 50), "ms", spent)
    for who, seconds in (("service", spent.service), ("database", spent.database), ("client", spent.client)):
        bench.figures.add(f"service, batches: processor time, {who}", seconds / len(lines) * _MILLION, "µs/line", spent)


async def floor_turn(bench: Bench, text: bytes, lines: int) -> None:
    """The whole petition by COPY and SQL, into tables with indexes; and indexed afterwards."""
    variants: tuple[tuple[floor.Indexes, str], ...] = (("before", "floor"), ("after", "floor, indexes afterwards"))
    for indexes, name in variants:
        with bench.meter.measure(ending=True) as spent:
            seconds, counts = await floor.run(bench.dsn, text, indexes=indexes)
        if sum(counts.values()) != lines:
            raise RuntimeError("the floor does not count what it took")
        bench.figures.add(name, lines / seconds, "lines/s", spent)
        bench.figures.add(f"{name}: processor time, database", spent.database / lines * _MILLION, "µs/line", spent)


async def singles_turn(bench: Bench, lines: Sequence[bytes]) -> None:
    """The same lines one by one from many clients, of the service and of the naive way."""
    requests = singles(await bench.petition_id(), lines, bench.stations)
    with bench.meter.measure() as spent:
        replies = await exchange_all(bench.service.port, requests, CLIENTS)
    _add_singles(bench, "service", replies, spent, spent.service)
    with bench.meter.measure() as spent:
        replies = await exchange_all(bench.naive.port, [request("/signatures", body=line) for line in lines], CLIENTS)
    _add_singles(bench, "naive", replies, spent, spent.naive)


def _add_singles(bench: Bench, who: str, replies: Sequence[Reply], spent: Spent, own: float) -> None:
    name = f"{who}, {CLIENTS} clients"
    bench.figures.add(name, per_second(replies), "lines/s", spent)
    for percent in (50, 99):
        bench.figures.add(f"{name}, p{percent}", percentile(replies, percent), "ms", spent)
    bench.figures.add(f"{name}: processor time, program", own / len(replies) * _MILLION, "µs/line", spent)
    bench.figures.add(f"{name}: processor time, database", spent.database / len(replies) * _MILLION, "µs/line", spent)


async def alone_turn(bench: Bench, lines: Sequence[bytes]) -> None:
    """A lone client, whose lines go in turn to the service and to one that gives each a transaction of its own."""
    sent = [singles(await bench.petition_id(), lines, bench.stations) for _ in range(2)]
    wires = [await Wire.open(bench.service.port), await Wire.open(bench.ungrouped.port)]
    replies: list[list[Reply]] = [[], []]
    with bench.meter.measure() as spent:
        for number in range(len(lines)):
            for which in ((0, 1), (1, 0))[number % 2]:
                replies[which].append(await wires[which].ask(sent[which][number]))
    for wire in wires:
        wire.close()
    for name, those in zip(("service, 1 client", "without group commit, 1 client"), replies, strict=True):
        bench.figures.add(f"{name}, p50", percentile(those, 50), "ms", spent)
        bench.figures.add(f"{name}, p95", percentile(those, 95), "ms", spent)


async def polls_turn(bench: Bench, lines: Sequence[bytes]) -> None:
    """Polls of the tally and of /health/live in turn, as many as are answered; then the same while lines come in."""
    watched = await bench.petition_id()
    await exchange_all(bench.service.port, batches(watched, lines[: bench.options.batch], bench.stations, 100), 1)
    await _poll(bench, watched, "")
    more = [watched, *[await bench.petition_id() for _ in range(9)]]
    stop = asyncio.Event()
    coming = _until(stop, _endless(more, lines[bench.options.batch :], bench))
    intake = asyncio.create_task(exchange_all(bench.service.port, coming, bench.options.in_flight))
    await asyncio.sleep(_UNDER_WAY)
    with bench.meter.measure() as spent:
        await _poll(bench, watched, " during intake")
        stop.set()
        replies = await intake
    bench.figures.add("service, batches beside polls", per_second(replies, bench.options.batch), "lines/s", spent)


async def _poll(bench: Bench, petition_id: UUID, when: str) -> None:
    seconds = bench.options.poll_seconds / 2
    tally = [request(f"/v1/petitions/{petition_id}/tally", key) for key in bench.monitors]
    rates: dict[str, list[float]] = {"live": [], "tally": []}
    queries = 0
    with bench.meter.measure() as spent:
        for kind in ("live", "tally", "tally", "live"):  # so that neither is always first
            before = await tally_queries(bench.connection)
            rates[kind].append(await _polled(bench, tally if kind == "tally" else [request("/health/live")], seconds))
            queries += (await tally_queries(bench.connection) - before) * (kind == "tally")
    for kind, polled in rates.items():
        bench.figures.add(f"{kind} polls{when}", sum(polled) / len(polled), "polls/s", spent)
    bench.figures.add(f"tally queries{when}", queries / (2 * seconds), "queries/s", spent)


async def _polled(bench: Bench, requests: Sequence[bytes], seconds: float) -> float:
    return per_second(await exchange_all(bench.service.port, for_seconds(seconds, requests), POLLING))


def _endless(petitions: Sequence[UUID], lines: Sequence[bytes], bench: Bench) -> Iterator[bytes]:
    """Batches of one petition after another."""
    for petition_id in petitions:
        for at in range(0, len(lines) - bench.options.batch + 1, bench.options.batch):
            yield from batches(petition_id, lines[at : at + bench.options.batch], bench.stations, bench.options.batch)
    raise RuntimeError("there are too few lines for so many seconds of polls")


def _until(stop: asyncio.Event, requests: Iterable[bytes]) -> Iterator[bytes]:
    return itertools.takewhile(lambda _: not stop.is_set(), requests)


def add_ends(bench: Bench) -> None:
    """The rates at the petition's beginning and at its end: of three slices of the first part and of the last.

    A part that is too short for three is one slice, since the batches in flight are answered close together.
    """
    total, shortest = sum(map(len, bench.replies)), min(len(bench.replies[0]), len(bench.replies[-1]))
    slices = _SLICES if shortest >= 2 * _SLICES * bench.options.in_flight else 1
    size = min(max(int(total * _SHARE / slices), 2 * bench.options.in_flight), shortest // slices)
    for which, name in ((0, "batches at first"), (-1, "batches at the end")):
        part = bench.replies[which]
        times = [min(reply.sent for reply in part), *sorted(reply.answered for reply in part)]
        skipped = 0 if which == 0 else len(part) - slices * size
        for at in range(skipped, skipped + slices * size, size):
            rate = size * bench.options.batch / (times[at + size] - times[at])
            bench.figures.add(name, rate, "lines/s", bench.spent[which])


def petition_text(lines: Sequence[bytes]) -> bytes:
    """The petition as the floor takes it."""
    return floor.copy_text(lines)


def split(lines: Sequence[bytes], parts: int, batch: int) -> list[Sequence[bytes]]:
    """The petition in successive parts of whole batches; the last has the rest."""
    size = max(batch, len(lines) // parts // batch * batch)
    return [lines[at * size : (at + 1) * size if at < parts - 1 else None] for at in range(parts)]
