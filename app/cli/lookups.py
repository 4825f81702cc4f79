"""`python -m app lookups`: who looked voters up, how, and how often."""

import argparse
from datetime import UTC, date, datetime, time

from app.cli.common import Subparsers, a_date, over_database
from app.database.engine import Database
from app.examination.lookup_queries import lookup_sums


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the command."""
    lookups = subparsers.add_parser("lookups", help="who looked voters up, by day; never whom")
    lookups.add_argument("--county", required=True, metavar="CODE")
    lookups.add_argument("--since", type=a_date, default=date.min, metavar="DATE", help="default: from the first on")
    lookups.set_defaults(run=over_database(_lookups))


async def _lookups(arguments: argparse.Namespace, database: Database) -> int:
    since = datetime.combine(arguments.since, time(), UTC)
    print(f"{'day':<10} {'lookups':>8} {'shown':>8}  {'kind':<16} who")
    async with database.reading() as connection:
        for row in await lookup_sums(connection, arguments.county, since):
            print(f"{row.day} {row.lookups:>8,} {row.candidates:>8,}  {row.kind:<16} {row.principal} ({row.role})")
    return 0
