"""The database's share: the service's own statements, recorded with what was given to them, run again by pgbench.

What is recorded is what `take_in` sends while it takes batches in, lookups included. It is run again for another
petition that is as empty as the first was, so it finds, locks and writes the same. Each statement is prepared once, as
in the service; its arguments stand in the script as text, which costs the database a little more than the driver's
binary ones.
"""

import itertools
import re
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.count import queries as rows
from app.count.intake import GroupCommit, Submission
from app.count.record import Count
from app.database.login_queries import SERVICE_ROLE
from app.database.pools import Database
from app.database.server import find_binaries
from app.law.petition import Petition

_LATENCY = re.compile(r"^ +([\d.]+) +\d+ +(.*)$")
_SESSION = f"SET ROLE {SERVICE_ROLE};\nSET jit = off;\n"


class Recorder:
    """A connection that keeps what is sent through it."""

    def __init__(self, connection: asyncpg.Connection, calls: list[tuple[str, tuple[Any, ...]]]) -> None:
        """Over a real one; what is sent is added to `calls`."""
        self._connection = connection
        self._calls = calls

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a connection has
        """Everything that sends no statement with arguments."""
        return getattr(self._connection, name)

    async def execute(self, query: str, *arguments: Any, **how: Any) -> str:  # noqa: ANN401
        """Keep and send."""
        self._calls.append((query, arguments))
        return str(await self._connection.execute(query, *arguments, **how))

    async def fetch(self, query: str, *arguments: Any, **how: Any) -> list[asyncpg.Record]:  # noqa: ANN401
        """Keep and send."""
        self._calls.append((query, arguments))
        return list(await self._connection.fetch(query, *arguments, **how))

    async def fetchrow(self, query: str, *arguments: Any, **how: Any) -> asyncpg.Record | None:  # noqa: ANN401
        """Keep and send."""
        self._calls.append((query, arguments))
        return await self._connection.fetchrow(query, *arguments, **how)

    async def fetchval(self, query: str, *arguments: Any, **how: Any) -> Any:  # noqa: ANN401
        """Keep and send."""
        self._calls.append((query, arguments))
        return await self._connection.fetchval(query, *arguments, **how)

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Keep where it begins and ends."""
        return self._in_transaction()

    @asynccontextmanager
    async def _in_transaction(self) -> AsyncIterator[None]:
        self._calls.append(("BEGIN", ()))
        async with self._connection.transaction():
            yield
        self._calls.append(("COMMIT", ()))


class RecordedDatabase:
    """A database whose hot path is recorded."""

    def __init__(self, database: Database) -> None:
        """Over a real one."""
        self._database = database
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a database has
        """Everything but the hot path."""
        return getattr(self._database, name)

    @asynccontextmanager
    async def intake(self) -> AsyncIterator[Any]:
        """A connection that keeps what is sent through it."""
        async with self._database.intake() as connection:
            yield Recorder(connection, self.calls)


async def record(
    database: Database, petition: Petition, batches: Sequence[Submission]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Take the batches in; the statements sent, with their arguments, BEGIN and COMMIT between them."""
    recorded: Any = RecordedDatabase(database)
    for batch in batches:
        outcome = await GroupCommit(Count(recorded), lambda: datetime.now(UTC)).take_in(petition, batch)
        if isinstance(outcome, Exception):
            raise outcome
    calls: list[tuple[str, tuple[Any, ...]]] = recorded.calls
    return calls


def literal(value: object) -> str:
    """An argument as SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple | set | frozenset):
        return quoted("{" + ",".join(_element(item) for item in value) + "}")
    return quoted(_text(value))


def quoted(text: str) -> str:
    """A text as an SQL literal on one line, whatever is in it: a line that begins with a backslash is pgbench's own."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"E'{escaped}'"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return _text(value)
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


async def check_same(connection: asyncpg.Connection, one: Petition, other: Petition) -> None:
    """See that both petitions have the same tally: what was run again did what it did the first time.

    Raises:
        RuntimeError: they differ.
    """
    query = "SELECT received, valid, invalid, review, by_reason, version FROM head WHERE petition_id = $1"
    if await connection.fetchrow(query, one.petition_id) != await connection.fetchrow(query, other.petition_id):
        raise RuntimeError("what was run again did something else")


@dataclass(slots=True)
class Script:
    """What pgbench runs: each different statement prepared once, then every call."""

    text: str
    names: dict[str, str] = field(default_factory=dict)  # prepared name -> statement


def script(calls: Sequence[tuple[str, tuple[Any, ...]]], instead: tuple[UUID, UUID]) -> Script:
    """The calls as a script, for another petition: the second of `instead` where the first stood."""
    names: dict[str, str] = {}
    body = []
    for query, arguments in calls:
        if query in ("BEGIN", "COMMIT"):
            body.append(f"{query};\n")
            continue
        name = names.setdefault(query, f"s{len(names)}")
        given = [literal(instead[1] if argument == instead[0] else argument) for argument in arguments]
        body.append(f"EXECUTE {name}\n({', '.join(given)});\n" if given else f"EXECUTE {name};\n")
    prepared = [f"PREPARE {name} AS {query.strip()};\n" for query, name in names.items()]
    return Script("".join([_SESSION, *prepared, *body]), {name: query for query, name in names.items()})


@dataclass(frozen=True, slots=True)
class Replayed:
    """What pgbench says of a script: for each statement how often it ran, and the milliseconds it took in all."""

    calls: dict[str, int]
    milliseconds: dict[str, float]

    @property
    def seconds(self) -> float:
        """All statements together, without those that prepare."""
        return sum(ms for name, ms in self.milliseconds.items() if name != "PREPARE") / 1000

    def by_kind(self, names: Mapping[str, str]) -> dict[str, float]:
        """The milliseconds of all statements on the same table, the most expensive first."""
        result: dict[str, float] = {}
        for name, milliseconds in self.milliseconds.items():
            kind = kind_of(names[name]) if name in names else name
            result[kind] = result.get(kind, 0.0) + milliseconds
        return dict(sorted(result.items(), key=lambda item: -item[1]))

    def serial_milliseconds(self, names: Mapping[str, str]) -> float:
        """From the head's lock to the end of the commit: what one petition's transactions do one after the other."""
        under = {rows._LOCK_HEAD, rows._STEP_DOWN, rows._WRITE_LINES, rows._WRITE_FINDINGS, rows._APPEND_ENTRY}  # noqa: SLF001
        under |= {rows._MOVE_HEAD}  # noqa: SLF001  # the very statements that are asked of
        held = {name for name, query in names.items() if query in under or "INTO idempotency" in query}
        return sum(ms for name, ms in self.milliseconds.items() if name in held | {"COMMIT"})


def kind_of(statement: str) -> str:
    """What a statement does to which table first: `SELECT registration`, `INSERT line`."""
    words = statement.split()
    tables = [
        b
        for a, b in itertools.pairwise(words)
        if a in ("FROM", "INTO", "UPDATE", "JOIN") and b.isidentifier() and b != "LATERAL"
    ]
    return f"{words[0]} {(tables or [''])[0]}".strip()


def run(dsn: str, prepared: Script, folder: Path, binaries: Path | None = None) -> Replayed:
    """Run a script once, over one connection."""
    file = folder / "replay.sql"
    file.write_text(prepared.text, "utf-8")
    said = pgbench(dsn, ["--report-per-command", "--transactions=1", "--client=1", f"--file={file}"], binaries)
    file.unlink()
    calls: dict[str, int] = {}
    milliseconds: dict[str, float] = {}
    for line in said.splitlines():
        if found := _LATENCY.match(line):
            words = found[2].removeprefix("EXECUTE ").rstrip(";").split()
            name = words[0]
            calls[name] = calls.get(name, 0) + 1
            milliseconds[name] = milliseconds.get(name, 0.0) + float(found[1])
    return Replayed(calls, milliseconds)


def pgbench(dsn: str, arguments: Sequence[str], binaries: Path | None = None) -> str:
    """Run pgbench and return what it prints.

    Raises:
        RuntimeError: it failed.
    """
    program = find_binaries(binaries) / "pgbench"
    result = subprocess.run(  # noqa: S603  # our own command
        [program, "--no-vacuum", *arguments, dsn], capture_output=True, text=True, check=False
    )
    if result.returncode or "aborted" in result.stderr:
        raise RuntimeError(f"pgbench failed: {result.stderr.strip().splitlines()[-1][:200]}")
    return result.stdout


_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def head_commits(dsn: str, petition: Petition, folder: Path, *, clients: int, seconds: int) -> float:
    """Transactions a second that do nothing but lock one petition's head, append an entry and move the head."""
    where = (quoted(petition.county_id), f"{quoted(str(petition.petition_id))}::uuid")
    digest = "'\\x" + "00" * 32 + "'::bytea"
    payload = quoted("{" + " " * 200 + "}")  # of the usual length; a colon would be a variable to pgbench
    entry = (*where, ":version + 1", "'intake'", digest, "''::bytea", payload, digest)
    head = (*where, ":version + 1", digest, "'open'", "now()", "0", "0", "0", "0", "0", "'{}'")
    lines = [
        "BEGIN;",
        _filled(rows._LOCK_HEAD, where) + " \\gset",  # noqa: SLF001  # the service's own statements
        _filled(rows._APPEND_ENTRY, entry) + ";",  # noqa: SLF001
        _filled(rows._MOVE_HEAD, head) + ";",  # noqa: SLF001
        "COMMIT;",
    ]
    file = folder / "head.sql"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    arguments = ["--protocol=prepared", f"--client={clients}", f"--time={seconds}", f"--file={file}"]
    said = pgbench(dsn, arguments)
    file.unlink()
    found = _RATE.search(said)
    return float(found[1]) if found else 0.0


def _filled(statement: str, values: Sequence[str]) -> str:
    """A statement with its arguments in it."""
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], statement).strip()
