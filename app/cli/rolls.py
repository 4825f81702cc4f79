"""`python -m app roll …`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.common import Subparsers, a_date, check_schema, database, database_url, now, over_database
from app.database.engine import Database
from app.examination.reexamination import reexamine_county
from app.roll.formats import FORMATS
from app.roll.loading import LoadedRoll, activate_roll, load_roll, rekey_roll
from app.roll.queries import list_rolls
from app.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    roll = subparsers.add_parser("roll", help="load a county's voter roll and put it into use")
    commands = roll.add_subparsers(required=True, metavar="COMMAND")
    load = commands.add_parser("load", help="load a file as the roll's next version")
    load.add_argument("file", type=Path, metavar="FILE", help="plain, .gz or .zip; '-' is standard input")
    load.add_argument("--county", required=True, metavar="CODE")
    load.add_argument("--complete-through", required=True, type=a_date, metavar="DATE")
    load.add_argument("--format", default="canonical", choices=sorted(FORMATS))
    load.add_argument("--activate", action="store_true", help="put it into use at once")
    load.set_defaults(run=_load)
    activate = commands.add_parser("activate", help="put a loaded version into use")
    activate.add_argument("version", type=int)
    activate.add_argument("--county", required=True, metavar="CODE")
    activate.add_argument("--allow-older", action="store_true", help="even where it is complete through an earlier day")
    activate.set_defaults(run=over_database(_activate))
    rekey = commands.add_parser("rekey", help="make a roll anew that an older program loaded, with this one's keys")
    rekey.add_argument("--county", required=True, metavar="CODE")
    rekey.add_argument("--version", type=int, help="the version in use where none is given")
    rekey.set_defaults(run=_rekey)
    listing = commands.add_parser("list", help="list a county's roll versions")
    listing.add_argument("--county", required=True, metavar="CODE")
    listing.set_defaults(run=over_database(_list))


def _load(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    with database_url(settings) as url:
        return asyncio.run(_load_into(arguments, url, settings))


async def _load_into(arguments: argparse.Namespace, url: str, settings: Settings) -> int:
    await check_schema(url, settings)
    with _shown() as shown:
        loaded = await load_roll(
            url,
            county_id=arguments.county,
            source=sys.stdin.buffer if str(arguments.file) == "-" else arguments.file,
            roll_format=arguments.format,
            complete_through=arguments.complete_through,
            activate=arguments.activate,
            progress=shown,
        )
    return await _tell(loaded, url, settings)


def _rekey(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    with database_url(settings) as url:
        return asyncio.run(_rekey_in(arguments, url, settings))


async def _rekey_in(arguments: argparse.Namespace, url: str, settings: Settings) -> int:
    await check_schema(url, settings)
    with _shown() as shown:
        loaded = await rekey_roll(url, county_id=arguments.county, roll_version=arguments.version, progress=shown)
    if loaded is None:
        print("the roll has this program's keys already")
        return 0
    return await _tell(loaded, url, settings)


@contextmanager
def _shown() -> Iterator[Callable[[str, int], None]]:
    """Show how far a load is."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("reading")
        yield lambda phase, rows: progress.update(task, description=f"{phase}: {rows:,} registrations")


async def _tell(loaded: LoadedRoll, url: str, settings: Settings) -> int:
    rate = loaded.registrations / loaded.seconds
    print(
        f"roll version {loaded.roll_version}: {loaded.registrations:,} registrations in {loaded.seconds:.1f} s"
        f" ({rate:,.0f}/s), {'active' if loaded.active else 'not active yet'}"
    )
    if loaded.active:
        async with database(url, settings) as opened:
            await _reexamine(opened, loaded.county_id)
    return 0


async def _activate(arguments: argparse.Namespace, opened: Database) -> int:
    async with opened.intake() as connection:
        await activate_roll(
            connection, county_id=arguments.county, roll_version=arguments.version, allow_older=arguments.allow_older
        )
    await _reexamine(opened, arguments.county)
    return 0


async def _reexamine(opened: Database, county_id: str) -> None:
    lines = await reexamine_county(opened, county_id, now=now())
    if lines:
        print(f"examined {lines:,} lines again")


async def _list(arguments: argparse.Namespace, opened: Database) -> int:
    async with opened.reading() as connection:
        for roll in await list_rolls(connection, arguments.county):
            print(
                f"{roll.roll_version:4}  {roll.state:8}  {roll.registrations or 0:>12,}  complete through"
                f" {roll.complete_through}  {roll.failure or ''}".rstrip()
            )
    return 0
