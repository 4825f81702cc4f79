"""An embedded database is copied before its schema changes, and the copy is the way back."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.database import upgrading
from app.database.backup import Archive, base_backups, restore
from app.database.migrate import current_revision, head_revision, is_current, upgrade
from app.database.server import EmbeddedServer
from app.database.upgrading import upgrade_embedded
from app.errors import BackupError
from tests.commands import command
from tests.http.conftest import a_process
from tests.servers import server_folder

BEFORE = "0006"  # an earlier schema


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("upgrade-") as made:
        yield made


@pytest.fixture
async def old(folder: Path, binaries: Path | None) -> Path:
    """A data folder whose database has an earlier schema, and a row."""
    with EmbeddedServer.start(folder / "data", binaries=binaries, settings={"fsync": "off"}) as server:
        await upgrade(server.url(), BEFORE)
        connection = await asyncpg.connect(server.dsn())
        await connection.execute("INSERT INTO county (county_id, name) VALUES ('kept', 'Kept')")
        await connection.close()
    return folder / "data"


def environment(data: Path, binaries: Path | None, **more: str) -> dict[str, str]:
    chosen = {"PG_BIN": str(binaries)} if binaries else {}
    return {**os.environ, "DATA_DIR": str(data), "DATABASE_URL": "", **chosen, **more}


async def run(*arguments: str, **settings: str) -> tuple[int, str]:
    """A command's status, and what it printed on standard error."""
    status, _, errors = await command(*arguments, environment=settings)
    return status, errors


def copies_in(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("copied ")]


async def found_in(data: Path, binaries: Path | None) -> tuple[str | None, str]:
    with EmbeddedServer.start(data, binaries=binaries) as server:
        connection = await asyncpg.connect(server.dsn())
        try:
            return await current_revision(connection), await connection.fetchval("SELECT name FROM county")
        finally:
            await connection.close()


@pytest.mark.parametrize("arguments", [["migrate"], ["roll", "list", "--county", "kept"]])
async def test_a_command_copies_an_older_database_once_and_says_where(
    old: Path, binaries: Path | None, arguments: list[str]
) -> None:
    status, printed = await run(*arguments, **environment(old, binaries))
    [copy] = base_backups(old / "before-upgrade")
    assert (status, copies_in(printed)) == (0, [f"copied the database to {copy.folder} and upgraded it"])
    assert copy.schema == BEFORE
    assert await found_in(old, binaries) == (head_revision(), "Kept")
    status, printed = await run(*arguments, **environment(old, binaries))
    assert (status, copies_in(printed)) == (0, [])
    assert base_backups(old / "before-upgrade") == [copy]


async def test_the_copy_is_the_way_back_to_the_earlier_schema(old: Path, folder: Path, binaries: Path | None) -> None:
    backups = folder / "backups"
    assert (await run("migrate", **environment(old, binaries, BACKUP_DIR=str(backups))))[0] == 0
    assert not (old / "before-upgrade").exists()
    restore(folder / "again", backups / "before-upgrade", None, binaries)
    assert await found_in(folder / "again", binaries) == (BEFORE, "Kept")


async def test_the_service_copies_an_older_database_when_it_starts(old: Path, binaries: Path | None) -> None:
    async with a_process("", old, **{k: v for k, v in environment(old, binaries).items() if k not in os.environ}):
        [copy] = base_backups(old / "before-upgrade")
    assert f"copied the database to {copy.folder} and upgraded it\n" in (old / "log").read_text()


async def test_commands_that_start_at_once_make_one_copy(old: Path, binaries: Path | None) -> None:
    settings = environment(old, binaries)
    done = await asyncio.gather(*(run("roll", "list", "--county", "kept", **settings) for _ in range(3)))
    assert [status for status, _ in done] == [0, 0, 0]
    assert sum(len(copies_in(printed)) for _, printed in done) == len(base_backups(old / "before-upgrade")) == 1


async def test_without_room_for_the_copy_nothing_changes(
    old: Path, binaries: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrading, "_LOG", 1 << 60)
    with EmbeddedServer.start(old, binaries=binaries) as server:
        archive = Archive(server.url(), old / "copies", binaries, old)
        needed = (
            r"^before an upgrade the database is copied, which needs \d+ MB in .*/copies, and \d+ MB are free there"
        )
        with pytest.raises(BackupError, match=needed):
            await upgrade_embedded(archive)
        assert not await is_current(server.url())
    assert await found_in(old, binaries) == (BEFORE, "Kept")


async def test_a_new_database_is_not_copied(folder: Path, binaries: Path | None) -> None:
    assert await run("migrate", **environment(folder / "new", binaries)) == (0, "")
    assert not (folder / "new" / "before-upgrade").exists()
