"""What is measured beside the rounds: the start after an end, the database's share, the growth of the roll."""

import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.count.intake import Submission
from app.database.engine import open_database
from app.database.pools import Database
from app.http.signatures import SignatureIn
from bench import replay as recorded
from bench.county import County, batches, samples
from bench.figures import Figures
from bench.rounds import Bench, Options
from bench.service import Program, a_petition, address, keys, the_service
from bench.usage import Meter, memory
from bench.wire import Wire, exchange_all, per_second

_REPLAYED = 20  # batches
_NOTEWORTHY = 0.03  # of the time of all statements
_COMMITTING = 8  # clients that want one petition's head
_MILLION = 1_000_000


class Running(NamedTuple):
    """The service alone, with a connection to its database."""

    service: Program
    database: Database
    connection: asyncpg.Connection
    dsn: str
    meter: Meter


class Part(NamedTuple):
    """Requests of so many lines each."""

    requests: Sequence[bytes]
    batch: int


@asynccontextmanager
async def reached(service: Program, data_dir: Path) -> AsyncIterator[Running]:
    """The database of a running service."""
    server = address(data_dir)
    url, dsn = server.url(), server.dsn()
    server.stop()
    database = await open_database(url, intake=1, reading=1)
    connection = await asyncpg.connect(dsn)
    try:
        yield Running(service, database, connection, dsn, Meter(service.pid))
    finally:
        await connection.close()
        await database.close()


async def check_count(bench: Bench, petition_id: UUID, lines: int) -> None:
    """See that the service counted what it was sent, no line more or less.

    Raises:
        RuntimeError: it did not.
    """
    query = "SELECT received + valid + invalid + review, valid FROM head WHERE petition_id = $1"
    raw, valid = await bench.connection.fetchrow(query, petition_id)
    if raw != lines:
        raise RuntimeError(f"{raw} lines were counted of {lines}")
    bench.figures.add("service, batches: valid lines", valid / lines * 100, "percent")


async def add_sizes(bench: Bench) -> None:
    """The disk that a line and a registration take, with everything that is kept of them and all indexes."""
    lines, line_bytes = await bench.connection.fetchrow(
        "SELECT (SELECT count(*) FROM signature), sum(pg_total_relation_size(oid)) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname = ANY ($1::text[])",
        ["signature", "line", "finding", "slot", "ledger", "idempotency"],
    )
    bench.figures.add("disk of a line", float(line_bytes) / lines, "bytes")
    registrations, bytes_in_all = await bench.connection.fetchrow(
        "SELECT registrations, pg_total_relation_size(format('%I', roll_partition($1, roll_version))::regclass)"
        " FROM roll WHERE county_id = $1 AND state = 'active'",
        bench.county.code,
    )
    bench.figures.add("disk of a registration", bytes_in_all / registrations, "bytes")


async def restart(figures: Figures, options: Options, county: County, data_dir: Path) -> None:
    """End the service, start it again, and wait for the first answer to a batch of lines."""
    lines = samples(county.lines(), options.batch)
    service = the_service(data_dir)
    for how, name in ((signal.SIGKILL, "restart after a kill"), (signal.SIGTERM, "restart after an end in order")):
        for _ in range(options.rounds):
            async with service.running():
                async with reached(service, data_dir) as running:
                    petition = await a_petition(running.database, county.code, county.made)
                    (key, *_) = await _a_key(running, county.code)
                    (asked,) = batches(petition.petition_id, next(lines), [key], options.batch)
                    (before, *_) = batches(petition.petition_id, next(lines), [key], options.batch)
                await exchange_all(service.port, [before], 1)
                await service.end(how)
                started = perf_counter()
                await service.start()
                figures.add(f"{name}: listening", perf_counter() - started, "s")
                wire = await Wire.open(service.port)
                await wire.ask(asked)
                figures.add(name, perf_counter() - started, "s")
                wire.close()


async def _a_key(running: Running, county_id: str) -> list[str]:
    await running.connection.execute("DELETE FROM api_key WHERE county_id = $1", county_id)
    return await keys(running.database, county_id, "station")


def submissions(lines: Sequence[bytes], batch: int) -> list[Submission]:
    """The lines as the service's intake takes them."""
    result = []
    for at in range(0, len(lines), batch):
        submitted = [SignatureIn.model_validate_json(line).signature() for line in lines[at : at + batch]]
        digest = sha256(b"".join(line.sha256 for line in submitted)).digest()
        result.append(Submission("station-1", submitted, f"replay-{at}", digest))
    return result


async def replay(figures: Figures, options: Options, county: County, data_dir: Path) -> None:
    """The service's own statements by pgbench; and how often one petition's head can be moved."""
    service = the_service(data_dir)
    lines = county.lines()[: _REPLAYED * options.batch]
    async with service.running(), reached(service, data_dir) as running:
        for _ in range(options.rounds):
            first = await a_petition(running.database, county.code, county.made)
            again = await a_petition(running.database, county.code, county.made)
            calls = await recorded.record(running.database, first, submissions(lines, options.batch))
            script = recorded.script(calls, (first.petition_id, again.petition_id))
            with running.meter.measure(ending=True) as spent:
                done = recorded.run(running.dsn, script, data_dir.parent)
            per = len(lines) / _MILLION
            figures.add("pgbench: processor time, database", spent.database / per, "µs/line", spent)
            figures.add("pgbench: time of the statements", done.seconds / per, "µs/line", spent)
            serial = done.serial_milliseconds(script.names) / len(lines) * options.batch
            figures.add("pgbench: head locked, a batch", serial, "ms", spent)
            for kind, milliseconds in done.by_kind(script.names).items():
                if milliseconds > _NOTEWORTHY * done.seconds * 1000:
                    figures.add(f"pgbench: {kind}", milliseconds / 1000 / per, "µs/line", spent)
            await recorded.check_same(running.connection, first, again)
        for clients in (1, _COMMITTING):
            petition = await a_petition(running.database, county.code, county.made)
            with running.meter.measure(ending=True) as spent:
                rate = recorded.head_commits(running.dsn, petition, data_dir.parent, clients=clients, seconds=5)
            figures.add(f"commits on one head, {clients} clients", rate, "commits/s", spent)


async def growth(figures: Figures, options: Options, counties: Sequence[County], data_dir: Path) -> None:
    """Batches of two counties' petitions in turn, one with a small roll and one with a large one."""
    service = the_service(data_dir)
    async with service.running(), reached(service, data_dir) as running:
        for county in counties:
            await _read_roll(running, county)
        turns = [
            (name, await _parts_of(running, county, options))
            for name, county in zip(("small roll", "large roll"), counties, strict=True)
        ]
        for _, parts in turns:
            await exchange_all(
                service.port, next(parts).requests, options.in_flight
            )  # words are read, statements planned
        for number in range(options.rounds):
            for name, parts in turns[:: 1 if number % 2 == 0 else -1]:
                await _grown(figures, options, running, f"batches, {name}", next(parts))
        figures.add("memory of the service, large roll", memory(service.pid), "MB")


async def _read_roll(running: Running, county: County) -> None:
    """Have the roll and its indexes in the system's cache, as its load leaves them and a long petition keeps them."""
    await running.connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    query = """
        SELECT sum(pg_prewarm(files.oid, 'read')) FROM roll
        CROSS JOIN LATERAL (SELECT to_regclass(format('%I', roll_partition(county_id, roll_version))) AS part) AS parts
        CROSS JOIN LATERAL (
            SELECT part AS oid UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = part
        ) AS files
        WHERE county_id = $1 AND state = 'active'
    """
    await running.connection.fetchval(query, county.code, timeout=None)


async def _parts_of(running: Running, county: County, options: Options) -> Iterator[Part]:
    """A petition in parts of whole batches, one for each round and one before."""
    lines = county.lines()
    petition = await a_petition(running.database, county.code, county.made)
    stations = await keys(running.database, county.code, "station")
    batch = min(options.batch, len(lines) // ((options.rounds + 1) * options.in_flight))
    size = len(lines) // (options.rounds + 1) // batch * batch
    starts = range(0, size * (options.rounds + 1), size)
    return iter([Part(batches(petition.petition_id, lines[at : at + size], stations, batch), batch) for at in starts])


async def _grown(figures: Figures, options: Options, running: Running, name: str, part: Part) -> None:
    with running.meter.measure() as spent:
        replies = await exchange_all(running.service.port, part.requests, options.in_flight)
    figures.add(name, per_second(replies, part.batch), "lines/s", spent)
    for who, seconds in (("service", spent.service), ("database", spent.database)):
        each = seconds / (len(replies) * part.batch) * _MILLION
        figures.add(f"{name}: processor time, {who}", each, "µs/line", spent)
