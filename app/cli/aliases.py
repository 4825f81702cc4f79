"""`python -m app aliases …`."""

import argparse
import csv
import sys
from pathlib import Path

from app.cli.common import CommandError, Subparsers, now, over_database
from app.database.engine import Database
from app.examination.reexamination import reexamine_county
from app.law.line import LARGEST_NUMBER
from app.roll.aliases import COLUMNS, load_aliases, rows_of
from app.roll.queries import alias_versions


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    aliases = subparsers.add_parser("aliases", help="load a county's other names of streets and cities")
    commands = aliases.add_subparsers(required=True, metavar="COMMAND")
    load = commands.add_parser(
        "load",
        help="load a file as the next version and put it into use",
        description="Load a whole table, UTF-8 CSV with the columns kind (street or city), alias (what people write)"
        " and name (what the roll has). What it reads otherwise is examined again.",
    )
    load.add_argument("file", metavar="FILE", help="'-' is standard input")
    load.add_argument("--county", required=True, metavar="CODE")
    load.set_defaults(run=over_database(_load))
    listing = commands.add_parser("list", help="list the versions; the last one is in use")
    listing.add_argument("--county", required=True, metavar="CODE")
    listing.set_defaults(run=over_database(_list))
    show = commands.add_parser("show", help="print the table of a version")
    show.add_argument("version", type=int)
    show.add_argument("--county", required=True, metavar="CODE")
    show.set_defaults(run=over_database(_show))


def _content(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


async def _load(arguments: argparse.Namespace, database: Database) -> int:
    content = _content(arguments.file)
    loaded = await load_aliases(database, arguments.county, content, by="command line", now=now())
    version = loaded.version
    print(
        f"aliases version {version.aliases_version}: {version.streets:,} of streets, {version.cities:,} of cities,"
        f" {'in use' if loaded.new else 'in use already'}"
    )
    lines = await reexamine_county(database, arguments.county, now=now())
    if lines:
        print(f"examined {lines:,} lines again")
    return 0


async def _list(arguments: argparse.Namespace, database: Database) -> int:
    async with database.reading() as connection:
        versions = await alias_versions(connection, arguments.county)
    for version in versions:
        state = "in use" if version == versions[-1] else "old"
        print(
            f"{version.aliases_version:4}  {state:6}  {version.streets:>7,} of streets  {version.cities:>7,} of cities "
            f" {version.loaded_at:%Y-%m-%d %H:%M} by {version.loaded_by}"
        )
    return 0


async def _show(arguments: argparse.Namespace, database: Database) -> int:
    rows = None
    if 0 < arguments.version <= LARGEST_NUMBER:
        async with database.reading() as connection:
            rows = await rows_of(connection, arguments.county, arguments.version)
    if rows is None:
        raise CommandError("the county's aliases have no such version")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return 0
