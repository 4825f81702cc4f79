"""A backup of a running database, and the restore to its end or to a moment, by PostgreSQL's own tools."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from app.database.backup import Archive, BaseBackup, base_backups, restore
from app.database.migrate import upgrade
from app.database.queries import current_history
from app.database.server import EmbeddedServer
from app.errors import BackupError, ServerError


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="backup-") as name:
        Path(name).chmod(0o711)  # where root runs the tests, the server's user must get through
        yield Path(name)


@asynccontextmanager
async def running(data: Path, binaries: Path | None) -> AsyncIterator[tuple[asyncpg.Connection, EmbeddedServer]]:
    with EmbeddedServer.start(data, binaries=binaries, settings={"fsync": "off"}) as server:
        connection = await asyncpg.connect(server.dsn())
        yield connection, server
        await connection.close()


async def numbers_in(data: Path, binaries: Path | None) -> tuple[str, list[int]]:
    async with running(data, binaries) as (connection, _):
        numbers = await connection.fetch("SELECT number FROM counted ORDER BY number")
        return (await current_history(connection)).name, [row["number"] for row in numbers]


@asynccontextmanager
async def archiving(archive: Archive, connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Archive the log, and at the end wait until all that was committed is there."""
    await archive.keep_slot()
    task = asyncio.create_task(archive.keep_log())
    try:
        yield
        end = await connection.fetchval("SELECT pg_current_wal_flush_lsn()")
        copied = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE flush_lsn >= $1)"
        while not await connection.fetchval(copied, end):
            assert not task.done(), task.exception()
            await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True)
class BackedUp:
    """A database that was backed up, and has numbers of before and after the base backup."""

    folder: Path  # with `data` and `backups`
    history: str
    base: BaseBackup
    moment: datetime  # after the first 2,000 numbers, of which 1,000 are in the base backup

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def segments(self) -> list[Path]:
        return sorted((self.backups / self.history / "log").glob("*"))


@pytest.fixture(scope="module")
async def backed_up(binaries: Path | None) -> AsyncIterator[BackedUp]:
    with TemporaryDirectory(prefix="backup-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # noqa: ASYNC240  # nothing else runs in this loop
        async with running(folder / "data", binaries) as (connection, server):
            await upgrade(server.url())
            archive = Archive(server.url(), folder / "backups", binaries, folder / "data")
            async with archiving(archive, connection):
                await connection.execute("CREATE TABLE counted (number int)")
                await connection.execute("INSERT INTO counted SELECT generate_series(1, 1000)")
                base = await archive.make_base()
                await connection.execute("INSERT INTO counted SELECT generate_series(1001, 2000)")
                await asyncio.sleep(0.05)
                moment = await connection.fetchval("SELECT clock_timestamp()")
                await asyncio.sleep(0.05)
                for first in (2001, 3001, 4001):
                    await connection.execute("SELECT pg_switch_wal()")
                    await connection.execute("INSERT INTO counted SELECT generate_series($1::int, $1 + 999)", first)
            history = (await current_history(connection)).name
        yield BackedUp(folder, history, base, moment)


async def test_all_that_was_committed_is_restored_as_another_history(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    assert restore(folder, backed_up.backups, None, binaries) == backed_up.base
    history, numbers = await numbers_in(folder, binaries)
    assert numbers == list(range(1, 5001))
    (cluster, timeline, _), (restored_cluster, restored_timeline, _) = backed_up.history.split("-"), history.split("-")
    assert (timeline, restored_timeline) == ("1", "2")
    assert cluster == restored_cluster
    with pytest.raises(ServerError, match="has a database already"):
        restore(folder, backed_up.backups, None, binaries)


async def test_a_moment_between_two_commits_is_restored(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    histories = set()
    for place in (folder / "once", folder / "again"):
        restore(place, backed_up.backups, backed_up.moment, binaries)
        history, numbers = await numbers_in(place, binaries)
        assert numbers == list(range(1, 2001))
        histories.add(history)
    assert len(histories) == 2, "a station that posted to one of them notices the other"


async def test_a_base_backup_is_enough_without_any_log(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    alone = folder / "backups" / backed_up.history / "base" / backed_up.base.folder.name
    shutil.copytree(backed_up.base.folder, alone)
    restore(folder / "data", folder / "backups", None, binaries)
    assert (await numbers_in(folder / "data", binaries))[1] == list(range(1, 1001))


def test_what_cannot_be_restored_is_refused_and_leaves_nothing(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    def refused(why: str, until: datetime | None = None, backups: Path = backed_up.backups) -> None:
        with pytest.raises(BackupError, match=why):
            restore(folder / "data", backups, until, binaries)
        assert not [*(folder / "data").glob("postgres/cluster*")]

    refused("has no base backup$", backups=folder / "nothing")
    refused("has no base backup that ended before this moment", backed_up.base.ended_at - timedelta(seconds=1))
    refused("recovery ended before configured recovery target was reached", datetime.now(UTC) + timedelta(days=1))
    shutil.copytree(backed_up.backups, folder / "backups")
    before, missing = (folder / "backups" / one.relative_to(backed_up.backups) for one in backed_up.segments[-3:-1])
    missing.unlink()
    refused(f"has a gap after {before.name}", backups=folder / "backups")


async def test_the_oldest_backups_are_dropped_with_the_log_before_them(folder: Path, binaries: Path | None) -> None:
    async with running(folder / "data", binaries) as (connection, server):
        archive = Archive(server.url(), folder / "backups", binaries, folder / "data", kept=2)
        async with archiving(archive, connection):
            made = [await archive.make_base() for _ in range(3)]
            assert base_backups(folder / "backups") == made[1:]
            needed = min(file.name for file in (made[1].folder / "pg_wal").glob("0*"))
            assert min(file.name for file in (made[1].folder.parents[1] / "log").glob("0*")) == needed


async def test_a_failed_backup_leaves_nothing_and_says_why(folder: Path, binaries: Path | None) -> None:
    async with running(folder / "data", binaries) as (connection, server):
        await connection.execute("CREATE ROLE reader LOGIN")
        powerless = Archive(server.url(role="reader"), folder / "backups", binaries, folder / "data")
        with pytest.raises(
            BackupError, match=r"^pg_basebackup: .*(permission denied|must be superuser or replication role)"
        ):
            await powerless.make_base()
        assert not [*(folder / "backups").glob("*/base/*")]


async def test_two_base_backups_at_once_do_not_spoil_each_other(folder: Path, binaries: Path | None) -> None:
    async with running(folder / "data", binaries) as (_, server):
        archive = Archive(server.url(), folder / "backups", binaries, folder / "data")
        results = await asyncio.gather(archive.make_base(), archive.make_base(), return_exceptions=True)
    made = [one for one in results if isinstance(one, BaseBackup)]
    assert [str(one) for one in results if isinstance(one, BackupError)] == ["another base backup is being made"]
    assert base_backups(folder / "backups") == made


async def test_a_restored_database_is_backed_up_and_restored_like_any_other(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    restore(folder / "data", backed_up.backups, backed_up.moment, binaries)
    async with running(folder / "data", binaries) as (connection, server):
        archive = Archive(server.url(), folder / "backups", binaries, folder / "data")
        async with archiving(archive, connection):
            await archive.make_base()
            await connection.execute("INSERT INTO counted SELECT generate_series(2001, 2500)")
    restore(folder / "elsewhere", folder / "backups", None, binaries)
    history, numbers = await numbers_in(folder / "elsewhere", binaries)
    assert (history.split("-")[1], numbers) == ("3", list(range(1, 2501)))


async def test_what_a_restored_database_archived_before_its_first_base_backup_is_restored_as_well(
    backed_up: BackedUp, folder: Path, binaries: Path | None
) -> None:
    backups = folder / "backups"
    shutil.copytree(backed_up.backups, backups)
    restore(folder / "data", backups, backed_up.moment, binaries)
    async with running(folder / "data", binaries) as (connection, server):
        archive = Archive(server.url(), backups, binaries, folder / "data")
        async with archiving(archive, connection):  # it is lost before it has a base backup
            await connection.execute("INSERT INTO counted SELECT generate_series(2001, 2500)")
            await connection.execute("SELECT pg_switch_wal()")
            await connection.execute("INSERT INTO counted SELECT generate_series(2501, 2600)")
    restore(folder / "elsewhere", backups, None, binaries)
    history, numbers = await numbers_in(folder / "elsewhere", binaries)
    assert (history.split("-")[1], numbers) == ("3", list(range(1, 2601)))
    restore(folder / "before", backups, backed_up.moment, binaries)
    assert (await numbers_in(folder / "before", binaries))[1] == list(range(1, 2001))
