"""A database that a command cannot use is named in one line, with what to do."""

import argparse
import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.__main__ import main, parser
from app.database.server import EmbeddedServer
from app.errors import OperationalError
from tests.commands import command as a_command
from tests.servers import as_owner, prepared, server_folder
from tests.test_command_line import commands

ID = str(uuid4())
COMMANDS = [["tally", ID], ["roll", "list", "--county", "c"], ["migrate"], ["serve", "--port", "0"]]
NEWER = "the database was migrated by a newer version of this program: use that version"
# What works without a database, or on one of any schema; the demo starts `serve`.
WITHOUT_SCHEMA = {"backup", "restore", "station post", "ledger-key", "openapi", "demo"}
Run = Callable[..., str]


def leaves(of: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands that do something, by what a person types."""
    below = commands(of)
    if not below:
        yield name, of
    for word, command in below.items():
        yield from leaves(command, f"{name} {word}".strip())


LEAVES = dict(leaves(parser()))


def reached(command: list[str], url: str) -> tuple[str, dict[str, str]]:
    """The setting that a command reaches a database by, and the settings."""
    name = "MIGRATE_DATABASE_URL" if command == ["migrate"] else "DATABASE_URL"
    return name, {"DATABASE_URL": url, name: url}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that fails, in this process, and returns the one line that it prints."""

    def run_one(command: list[str], **environment: str) -> str:
        for name in ("DATABASE_URL", "MIGRATE_DATABASE_URL", "DATA_DIR", "PG_BIN"):
            monkeypatch.setenv(name, environment.get(name, ""))
        monkeypatch.setattr(sys, "argv", ["app", *command])
        assert main() == 1
        out, errors = capsys.readouterr()
        assert (out, errors.count("\n")) == ("", 1)
        assert errors.startswith("error: ")
        return errors.removeprefix("error: ").rstrip("\n")

    return run_one


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("newer-") as made:
        yield made


@pytest.fixture(scope="module")
def over_tcp(binaries: Path | None) -> Iterator[EmbeddedServer]:
    """A server that asks for a password: one whose folder has too long a name for a socket."""
    with (
        server_folder("tcp-") as folder,
        EmbeddedServer.start(folder / ("x" * 100), binaries=binaries, settings={"fsync": "off"}) as server,
    ):
        yield server


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_password(run: Run, over_tcp: EmbeddedServer, command: list[str]) -> None:
    before, _, after = over_tcp.url().partition("recall_owner:")
    url = f"{before}recall_owner:Kestrel-9-umbrella@{after.partition('@')[2]}"
    name, given = reached(command, url)
    assert run(command, **given) == f"{name}: the server refuses this user or password"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_does_not_exist(run: Run, server: EmbeddedServer, command: list[str]) -> None:
    url = server.url(database="nowhere")
    name, given = reached(command, url)
    assert run(command, **given) == f"{name}: the server has no database of this name: create it first"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("host", ["127.0.0.1", "Kestrel-9-umbrella@nowhere.invalid"])
def test_a_server_that_is_not_there(run: Run, command: list[str], host: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    address = f"recall_owner@{host}:{port}" if "@" not in host else f"recall_owner:{host}:{port}"
    url = f"postgresql+asyncpg://{address}/recall"
    name, given = reached(command, url)
    assert run(command, **given) == f"{name}: no database server answers at this host and port"


@pytest.fixture
async def newer(database: str, connection: asyncpg.Connection) -> str:
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    return database


@pytest.fixture
async def older(database: str, connection: asyncpg.Connection) -> str:
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    return database


@pytest.mark.parametrize("command", [*COMMANDS, ["serve", "--port", "0", "--migrate"]])
def test_a_database_of_a_newer_program(run: Run, newer: str, command: list[str]) -> None:
    migrating = {"MIGRATE_DATABASE_URL": as_owner(newer)}
    assert run(command, DATABASE_URL=newer, **migrating) == NEWER


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - WITHOUT_SCHEMA))
def test_every_command_refuses_the_database_of_a_newer_program(
    newer: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", newer)
    monkeypatch.setenv("MIGRATE_DATABASE_URL", as_owner(newer))
    run_it = LEAVES[name].get_default("run")
    with pytest.raises(OperationalError, match=f"^{NEWER}$"):
        run_it(argparse.Namespace(migrate=False, host="127.0.0.1", port=0, petition_id=ID))


def test_a_folder_of_a_newer_program(run: Run, folder: Path, binaries: Path | None) -> None:
    with EmbeddedServer.start(folder, binaries=binaries) as server:
        asyncio.run(stamped(server))
    chosen = {"PG_BIN": str(binaries)} if binaries else {}
    for command in COMMANDS:
        assert run(command, DATA_DIR=str(folder), **chosen) == NEWER


async def stamped(server: EmbeddedServer) -> None:
    await prepared(server)
    connection = await asyncpg.connect(server.dsn())
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != ["migrate"]])
def test_a_database_of_an_older_program(run: Run, older: str, command: list[str]) -> None:
    why = run(command, DATABASE_URL=older)
    assert why == "the database's schema is not this program's: run `python -m app migrate`"


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS[:2],
        ["roll", "load", "roll.csv", "--county", "c", "--complete-through", "2022-07-06"],
        ["keys", "create", "--county", "c", "--role", "clerk", "--name", "x"],
        ["verify", ID],
    ],
)
def test_a_folder_without_a_database_is_left_as_it_is(run: Run, tmp_path: Path, command: list[str]) -> None:
    why = run(command, DATA_DIR=str(tmp_path / "data"))
    assert why.startswith(f"there is no database in {tmp_path / 'data'}: set DATA_DIR to the folder that `serve` uses")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_exist_is_named(run: Run, database: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.csv")
    load = ["roll", "load", missing, "--county", "c", "--complete-through", "2022-07-06"]
    assert run(load, DATABASE_URL=database) == f"{missing}: No such file or directory"


async def test_every_bad_row_of_a_file_has_a_line(database: str, tmp_path: Path) -> None:
    file = tmp_path / "roll.csv"
    file.write_text("voter_id,last_name\n")
    load = ["roll", "load", str(file), "--county", "c", "--complete-through", "2022-07-06"]
    lines = (await a_command(*load, environment={"DATABASE_URL": database}))[2].splitlines()
    assert lines[:2] == ["error:", "  column first_name: the header has no such column"]
    assert len(lines) == 21
