"""`python -m app backup` and `restore`."""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

from app.cli import common as cli
from app.database.backup import Archive, restore
from app.settings import Settings


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


_a_moment = cli.argument(_moment, "a date and time with its offset, such as 2022-07-06T17:00:00Z")


def add_parser(subparsers: "cli.Subparsers") -> None:
    """Add the commands."""
    backup = cli.add_command(subparsers, "backup", "copy the database, also while the service runs, and check the copy")
    backup.add_argument("--to", type=Path, metavar="DIR", help="where backups are kept (default: BACKUP_DIR)")
    backup.set_defaults(run=_backup)
    back = cli.add_command(subparsers, "restore", "make the database of an empty DATA_DIR from a backup")
    back.add_argument("--from", dest="source", type=Path, metavar="DIR", help="where backups are (default: BACKUP_DIR)")
    text = "the moment to restore to, such as 2022-07-06T17:00:00Z (default: the last that was archived)"
    back.add_argument("--until", type=_a_moment, metavar="TIME", help=text)
    back.set_defaults(run=_restore)


def _folder(given: Path | None, settings: Settings, option: str) -> Path:
    if folder := given or settings.backup_dir:
        return folder.absolute()
    raise cli.CommandError(f"name the folder of the backups: {option} DIR, or BACKUP_DIR")


def _backup(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    folder = _folder(arguments.to, settings, "--to")
    with cli.database_logins(settings) as logins:
        url = settings.database_url or logins.owner or ""  # the backups' own role may not exist yet
        made = asyncio.run(Archive(url, folder, settings.pg_bin, settings.embedded_data_dir).make_base())
    print(f"backed up to {made.folder}")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    if settings.database_url:
        raise cli.CommandError("restore makes the database of a DATA_DIR: unset DATABASE_URL")
    folder = _folder(arguments.source, settings, "--from")
    used = restore(settings.data_dir, folder, arguments.until, settings.pg_bin)
    print(f"restored to {settings.data_dir} from {used.folder} and the log after it")
    return 0
