"""`python -m app reads`: who read voter data, and how much; and how other commands put their own reads on record."""

import sys
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from app.cli import common as cli
from app.count.line_queries import LineRead, read_tallies
from app.database.pools import Database
from app.examination.read_queries import read_sums
from app.examination.reads import VoterRead, add_read, line_read
from app.law.petition import Petition
from app.settings import Settings


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the command."""
    text = "show reads of voter data by user and day (what was shown or searched for is not stored)"
    reads = cli.command(subparsers, "reads", text, _reads, cli.COUNTY)
    reads.add_argument("--since", default=date(2000, 1, 1), **cli.DATE, help="default: all")


async def _reads(arguments: cli.Arguments, database: Database) -> None:
    since = datetime.combine(arguments.since, time(), ZoneInfo(Settings.from_environment().time_zone))
    async with database.reading() as connection:
        sums = await read_sums(connection, arguments.county_id, since)
    if not sums:
        print(cli.lacking(arguments.county_id, "recorded reads", "an earlier --since"), file=sys.stderr)
    print(f"{'day':<10} {'reads':>8} {'counted':>8} {'voters':>8}  {'kind':<16} user")
    for row in sums:
        print("{day} {reads:>8,} {counted:>8,} {candidates:>8,}  {kind:<16} {principal} ({role})".format_map(row))


async def put_on_record(database: Database, petition: Petition, line: LineRead | None = None) -> None:
    """Put it on record that a command reads a line, or without one exports the petition, before the command shows it.

    It counts against no budget: the user of the command has the database.
    """
    if line:
        read = line_read(petition.petition_id, line.line.place, line.finding)
    else:
        async with database.reading() as connection:
            tallies = await read_tallies(connection, [petition.key])
        read = VoterRead("export", petition.petition_id, voters=tallies[petition.key].counts.raw)
    await put_read_on_record(database, petition, read)


async def put_read_on_record(database: Database, petition: Petition, read: VoterRead) -> None:
    """Put any other read on record; as above."""
    who = await cli.the_user(database, petition.county_id, "admin", "clerk", "supervisor", "auditor")
    async with database.reading() as connection:
        await add_read(connection, who, read, counted=0, now=cli.now())
