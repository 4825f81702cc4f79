"""Upgrading an embedded database: first a copy of it, which the program that used it until now can go on with."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from app.database.backup import Archive
from app.database.engine import connect_arguments
from app.database.migrate import current_revision, is_current, upgrade
from app.database.queries import size_of
from app.errors import BackupError

COPIES_KEPT: Final = 3
_LOG: Final = 64 << 20  # bytes that a copy has of the log, about
_MEGABYTE: Final = 1 << 20


async def upgrade_embedded(archive: Archive) -> Path | None:
    """Bring an embedded database to this program's schema, after a copy of it if it has an older one.

    Args:
        archive: the database, with its owner's login, and where copies are kept.

    Returns:
        The copy; None where there was nothing to copy.

    Raises:
        BackupError: there is no room for a copy, or none can be made. The database is as it was.
        OperationalError: a newer version of this program has migrated the database.
    """
    if await is_current(archive.url):
        return None
    schema, size = await _schema_and_size(archive.url)
    if schema is None:
        await upgrade(archive.url)
        return None
    with _in_turn(archive.backup_dir):
        if await is_current(archive.url):  # another process has upgraded it meanwhile
            return None
        _check_room(archive.backup_dir, size + _LOG)
        copy = await archive.make_base()
        await upgrade(archive.url)
    return copy.folder


async def _schema_and_size(url: str) -> tuple[str | None, int]:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        return await current_revision(connection), await size_of(connection)
    finally:
        await connection.close()


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"before an upgrade the database is copied, which needs {needed // _MEGABYTE + 1} MB in {folder}, and"
            f" {free // _MEGABYTE} MB are free there: make room, or set BACKUP_DIR to a folder on another disk"
        )


@contextmanager
def _in_turn(folder: Path) -> Iterator[None]:
    """Let one process at a time upgrade; the others wait. The lock ends with its process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
