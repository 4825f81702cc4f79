"""`python -m app roll`, `aliases` and `reexamine`: what a county's lines are compared with."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli import common as cli
from app.count.record import Count
from app.database.pools import Database
from app.examination.actions import reexamine
from app.matching.queries import alias_rows, alias_version
from app.roll import aliases, formats, loading, queries


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    roll = cli.group(subparsers, "roll", "load a county's voter roll and put it into use")
    load = cli.command(roll, "load", "load a file as the roll's next version", _load, cli.COUNTY)
    load.description = "docs/rolls.md has the columns, values and dates of each format, with an example to copy."
    load.add_argument("file", metavar="FILE", help="plain, .gz or .zip; '-' is standard input")
    text = "the last day whose registrations are in the file"
    load.add_argument("--complete-through", required=True, **cli.DATE, help=text)
    text = "default: canonical"
    load.add_argument("--format", dest="roll_format", default="canonical", choices=sorted(formats.FORMATS), help=text)
    load.add_argument("--activate", action="store_true", help="put it into use at once")
    activate = cli.command(roll, "activate", "put a loaded version into use", _activate, cli.COUNTY)
    activate.add_argument("version", type=cli.a_number, metavar="VERSION", help="its number, as `roll list` shows it")
    text = "even if it is complete through an earlier day than the version in use"
    activate.add_argument("--allow-older", action="store_true", help=text)
    text = "compute the search keys anew for a roll that another version of this program loaded"
    rekey = cli.command(roll, "rekey", text, _rekey, cli.COUNTY)
    rekey.add_argument("--version", type=cli.a_number, help="default: the version in use")
    cli.command(roll, "list", "list a county's roll versions", _list_rolls, cli.COUNTY)

    tables = cli.group(subparsers, "aliases", "load a county's other names of streets and cities")
    text = "load a file as the next version and put it into use"
    load = cli.command(tables, "load", text, _load_aliases, cli.COUNTY)
    load.description = (
        "Load a whole table and put it into use: UTF-8 CSV with the columns kind (street or city), alias (what people"
        " write) and name (what the roll has). Lines that it reads differently are examined again."
    )
    load.add_argument("file", metavar="FILE", help="'-' is standard input")
    cli.command(tables, "list", "list the versions; the last one is in use", _list_aliases, cli.COUNTY)
    show = cli.command(tables, "show", "print the table of a version", _show_aliases, cli.COUNTY)
    show.add_argument("version", type=cli.a_number, metavar="VERSION", help="its number, as `aliases list` shows it")

    text = "examine again the lines that a newer roll version or newer aliases may decide differently"
    again = cli.command(subparsers, "reexamine", text, _reexamine)
    again.add_argument("--county", dest="county_id", type=cli.a_county, metavar="CODE", help="default: every county")


async def _load(arguments: cli.Arguments, database: Database) -> None:
    await cli.the_user(database, arguments.county_id, "admin")
    source = sys.stdin.buffer if arguments.file == "-" else Path(arguments.file)
    names = ("county_id", "roll_format", "complete_through", "activate")
    options = {name: getattr(arguments, name) for name in names}
    with _progress() as progress:
        loaded = await loading.load_roll(database.url, source=source, **options, progress=progress)
    await _loaded(database, loaded)


async def _rekey(arguments: cli.Arguments, database: Database) -> None:
    await cli.the_user(database, arguments.county_id, "admin")
    roll = {"county_id": arguments.county_id, "roll_version": arguments.version}
    with _progress() as progress:
        loaded = await loading.rekey_roll(database.url, **roll, progress=progress)
    if loaded:
        await _loaded(database, loaded)
    else:
        print("the roll has this program's keys already")


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading")
        yield lambda phase, rows: progress.update(task, description=f"{phase}: {rows:,} registrations")


async def _loaded(database: Database, loaded: loading.LoadedRoll) -> None:
    rate = loaded.registrations / loaded.seconds
    print(
        f"roll version {loaded.roll_version}: {loaded.registrations:,} registrations in {loaded.seconds:.1f} s"
        f" ({rate:,.0f}/s), {'active' if loaded.active else 'not active yet'}"
    )
    if loaded.active:
        await _examine_again(database, loaded.county_id)


async def _activate(arguments: cli.Arguments, database: Database) -> None:
    await cli.the_user(database, arguments.county_id, "admin")
    name = arguments.county_id, arguments.version
    async with database.intake() as connection:
        await loading.activate_roll(connection, name, allow_older=arguments.allow_older)
    await _examine_again(database, arguments.county_id)


async def _examine_again(database: Database, county_id: str) -> None:
    lines = await reexamine(Count(database), county_id, now=cli.now())
    if lines:
        print(f"examined {lines:,} lines again")


async def _list_rolls(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        rolls = await queries.list_rolls(connection, arguments.county_id)
    for roll in rolls:
        registrations, through = roll.registrations or 0, f"complete through {roll.complete_through}"
        print(f"{roll.roll_version:4}  {roll.state:8}  {registrations:>12,}  {through}  {roll.failure or ''}".rstrip())
    if not rolls:
        print(cli.lacking(arguments.county_id, "roll", "load one with `roll load`"), file=sys.stderr)


async def _load_aliases(arguments: cli.Arguments, database: Database) -> None:
    county_id, content = arguments.county_id, cli.content_of(arguments.file)
    who = await cli.the_user(database, county_id, "admin")
    version, is_new = await aliases.load_aliases(database, county_id, content, by=who.name, now=cli.now())
    state = "in use" if is_new else "in use already"
    names = f"{version.streets:,} of streets, {version.cities:,} of cities"
    print(f"aliases version {version.aliases_version}: {names}, {state}")
    await _examine_again(database, county_id)


async def _list_aliases(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        versions = await queries.alias_versions(connection, arguments.county_id)
    for version in versions:
        state = "in use" if version == versions[-1] else "old"
        names = f"{version.streets:>7,} of streets  {version.cities:>7,} of cities"
        loaded = f"{version.loaded_at:%Y-%m-%d %H:%M} by {version.loaded_by}"
        print(f"{version.aliases_version:4}  {state:6}  {names}  {loaded}")
    if not versions:
        print(cli.lacking(arguments.county_id, "aliases", "load a table with `aliases load`"), file=sys.stderr)


async def _show_aliases(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        version = await alias_version(connection, arguments.county_id, arguments.version)
        rows = await alias_rows(connection, arguments.county_id, arguments.version)
    if version is None:
        raise cli.CommandError("the county has no such version of aliases: `aliases list` shows the versions")
    csv.writer(sys.stdout, lineterminator="\n").writerows([aliases.COLUMNS, *rows])


async def _reexamine(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        if arguments.county_id and await queries.get_roll(connection, arguments.county_id) is None:
            next_step = "load one with `roll load --activate`"
            raise cli.CommandError(cli.lacking(arguments.county_id, "roll in use", next_step))
    lines = await reexamine(Count(database), arguments.county_id, now=cli.now())
    print(f"examined {lines:,} lines again")
