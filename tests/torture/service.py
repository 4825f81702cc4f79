"""The service as a real process over its embedded database, to be killed and started again."""

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import asyncpg

from app.access.keys import issue_key
from app.access.principals import Principal
from app.count.record import Count
from app.database.engine import open_database
from app.database.server import EmbeddedServer
from app.law.petition import Terms
from app.roll.loading import load_roll
from tests.commands import PROGRAM, Running, serving
from tests.http.county import COUNTY, roll_csv
from tests.rulesets import CALIFORNIA
from tests.servers import prepared


@dataclass
class Service:
    """The service on a port of its own."""

    data_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)  # besides DATA_DIR
    port: int = 0  # any free one until it is started
    key: str = ""
    petition_id: UUID | None = None
    url: str = ""
    process: Running | None = None
    program: str = PROGRAM  # the module to run

    async def prepare(self) -> None:
        """A county's roll, an open petition and a station's key, before the service starts."""
        now = datetime.now(UTC)
        with self.server() as server:
            url = await prepared(server)
            source = BytesIO(roll_csv())
            await load_roll(url, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)
            await self.issue_key()
            database = await open_database(url)
            terms = Terms(
                county_id=COUNTY,
                title="Recall of the assessor",
                officer="The assessor",
                required=100,
                registered_voters=None,
                circulation_from=date(2022, 1, 27),
                circulation_to=date(2022, 7, 6),
                filed_on=date(2022, 7, 6),
                ruleset_name=CALIFORNIA.name,
            )
            self.petition_id = (await Count(database).open_petition(terms, opened_by="clerk-1", now=now)).petition_id
            await database.close()

    async def issue_key(self) -> None:
        """Issue a key for the station."""
        with self.server() as server:
            database = await open_database(server.logins().service)
            self.key = await issue_key(database, Principal(COUNTY, "station-1", "station"), now=datetime.now(UTC))
            await database.close()

    @contextmanager
    def server(self) -> Iterator[EmbeddedServer]:
        """The embedded database, joined where the service runs."""
        with EmbeddedServer.start(self.data_dir, join=True) as server:
            yield server

    async def lines(self, server: EmbeddedServer) -> int:
        """How many lines are on record."""
        connection = await asyncpg.connect(server.dsn())
        try:
            count: int = await connection.fetchval("SELECT count(*) FROM line")
            return count
        finally:
            await connection.close()

    async def start(self) -> None:
        """Start the service and wait until it listens."""
        environment = {**os.environ, "DATA_DIR": str(self.data_dir), **self.environment}
        environment.pop("DATABASE_URL", None)
        self.process, self.url = await serving(port=self.port, environment=environment, program=self.program)
        self.port = int(self.url.rpartition(":")[2])

    async def kill(self) -> None:
        """Kill the service without a word; its database server ends with it."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> None:
        """Let the service end as an administrator does."""
        if self.process and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def damage(self, relation: str) -> None:
        """Overwrite bytes of the first page of a table or an index, while the service does not run."""
        files = "SELECT pg_relation_filepath(relid) AS path FROM pg_partition_tree($1::regclass) WHERE isleaf"
        with self.server() as server:
            connection = await asyncpg.connect(server.dsn())
            paths = [row["path"] for row in await connection.fetch(files, relation)]
            await connection.close()
        for path in paths:
            with (self.data_dir / "postgres" / "cluster" / path).open("r+b") as file:
                file.seek(4_000)
                file.write(b"\xff" * 64)

    async def execute(self, *statements: str, database: str = "recall") -> None:
        """Execute statements as the owner of the database."""
        with self.server() as server:
            connection = await asyncpg.connect(server.dsn(database))
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

    def database_processes(self) -> list[int]:
        """The ids of the database server's processes, the first one before its children."""
        first = int((self.data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])
        return [first, *_children(first)]

    def matcher_processes(self) -> list[int]:
        """The ids of the processes that look lines up."""
        assert self.process
        children = _children(self.process.pid)
        return [child for child in children if b"processes import serve" in Path(f"/proc/{child}/cmdline").read_bytes()]

    async def kill_database(self) -> None:
        """Kill every process of the database server at once; the service brings it back."""
        signal_all(self.database_processes(), signal.SIGKILL)

    async def lose_commits(self) -> None:
        """Let the database acknowledge what it has not written yet: what must not be."""
        with self.server() as server:
            connection = await asyncpg.connect(server.dsn())
            await connection.execute("ALTER DATABASE recall SET synchronous_commit = off")
            await connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")  # 0.2 s are soon over
            await connection.close()


def signal_all(processes: Iterable[int], order: signal.Signals) -> None:
    """Send a signal to each process that still runs."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, order)


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found]
