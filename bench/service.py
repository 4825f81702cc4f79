"""Programs that answer HTTP, run as processes of their own: the service, and what it is compared with."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg

from app.access.keys import issue_key
from app.access.principals import Principal, Role
from app.count.record import Count
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.law.petition import Petition, Terms

ROOT = Path(__file__).parents[1]
PRINCIPALS = 8  # of each role, since one key may only ask so often
_STATEMENTS = "pg_stat_statements"
_EMPTIED = (
    "api_key, petition, section, signature, signature_revision, line, finding, slot, withdrawal, withdrawal_revocation,"
    " withdrawal_decision, withdrawal_search, head, ledger, idempotency"
)


@dataclass
class Program:
    """A program that answers HTTP on a port of the loopback."""

    arguments: Sequence[str]  # of Python
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT  # of the checkout that it is run from
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process; 0 where it does not run."""
        return self.process.pid if self.process and self.process.returncode is None else 0

    async def start(self, *more: str) -> None:
        """Start, and wait until it says where it listens.

        Raises:
            RuntimeError: it ended before it did.
        """
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.arguments, *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**inherited, "PYTHONPATH": str(self.root), **self.environment},
            cwd=self.root,
        )
        assert self.process.stdout  # noqa: S101  # it was asked for
        said = b""
        while b"http://" not in said:
            said = await self.process.stdout.readline()
            if not said:
                raise RuntimeError(f"{self.arguments} ended before it listened")
        self.port = int(said.partition(b"http://")[2].split()[0].rpartition(b":")[2])
        self._reading = asyncio.create_task(_pass_on(self.process.stdout))

    async def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, in order or, with SIGKILL, without a word."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()
        if self._reading:
            await self._reading
            self._reading = None

    @asynccontextmanager
    async def running(self, *more: str) -> AsyncIterator["Program"]:
        """Run it for the block."""
        await self.start(*more)
        try:
            yield self
        finally:
            await self.end()


async def _pass_on(stream: asyncio.StreamReader) -> None:
    """Let whatever goes wrong be seen."""
    async for line in stream:
        if b"rror" in line:
            print(line.decode(errors="replace").rstrip(), file=sys.stderr)


def the_service(data_dir: Path, **environment: str) -> Program:
    """The service as it is delivered, with a database of its own in `data_dir` unless DATABASE_URL is given."""
    return Program(("-m", "app", "serve", "--port", "0"), {"DATA_DIR": str(data_dir), **environment})


def without_group_commit(data_dir: Path, url: str) -> Program:
    """The service over the database of another, with a transaction for each single signature."""
    key = str(data_dir / "checkpoint.key")
    environment = {"DATABASE_URL": url, "DATA_DIR": str(data_dir), "CHECKPOINT_KEY_FILE": key}
    return Program(("bench/ungrouped.py", "serve", "--port", "0"), environment)


def the_naive(url: str) -> Program:
    """The tutorial's way, in the same database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uvicorn = ("-m", "uvicorn", "bench.naive:app", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
    return Program((*uvicorn, "--port", str(port)), {"NAIVE_DATABASE_URL": url})


def address(data_dir: Path) -> EmbeddedServer:
    """The server that runs in `data_dir`, to be asked for its address and left again."""
    return EmbeddedServer.start(data_dir, join=True)


async def prepare_database(server: EmbeddedServer) -> None:
    """Let the database count its statements from its next start on, and empty it of petitions and keys."""
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(f"ALTER SYSTEM SET shared_preload_libraries = '{_STATEMENTS}'")
    await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {_STATEMENTS}")
    await connection.execute(f"TRUNCATE {_EMPTIED} CASCADE")
    await connection.close()


async def tally_queries(connection: asyncpg.Connection) -> int:
    """How often the database was asked for a tally so far."""
    query = f"""
        SELECT coalesce(sum(calls), 0) FROM {_STATEMENTS}
        WHERE query LIKE '%by_reason%FROM head%' AND query NOT LIKE '%FOR UPDATE%'
    """  # noqa: S608  # our own constant
    return int(await connection.fetchval(query))


def terms(county: str, made: Mapping[str, Any]) -> Terms:
    """The terms of the petition of a generator's manifest."""
    return Terms(
        county_id=county,
        title="Recall of the assessor",
        officer="The assessor",
        required=made["required"],
        registered_voters=None,
        circulation_from=date.fromisoformat(made["circulation"][0]),
        circulation_to=date.fromisoformat(made["circulation"][1]),
        filed_on=date.fromisoformat(made["filed"]),
        ruleset_name="california-local-recall/1",
    )


async def a_petition(database: Database, county: str, made: Mapping[str, Any]) -> Petition:
    """Open one."""
    return await Count(database).open_petition(terms(county, made), opened_by="bench", now=datetime.now(UTC))


async def keys(database: Database, county: str, role: Role) -> list[str]:
    """Keys of several principals of a role."""
    names = [f"{role}-{number}" for number in range(1, PRINCIPALS + 1)]
    return [await issue_key(database, Principal(county, name, role), now=datetime.now(UTC)) for name in names]
