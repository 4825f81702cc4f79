"""`python -m app keys …`."""

import argparse
from datetime import timedelta

from app.access.keys import issue_key, revoke_key
from app.access.principals import ROLES
from app.access.queries import list_keys
from app.cli.common import Subparsers, now, over_database
from app.database.engine import Database


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    keys = subparsers.add_parser("keys", help="issue, list and revoke bearer keys")
    commands = keys.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="issue a key; the last line of the output is the key alone")
    create.add_argument("--county", required=True, metavar="CODE")
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--name", required=True, help="whose key it is, such as station-7")
    create.add_argument("--days", type=int, metavar="N", help="expires after so many days (default: never)")
    create.set_defaults(run=over_database(_create))
    listing = commands.add_parser("list", help="list a county's keys")
    listing.add_argument("--county", required=True, metavar="CODE")
    listing.set_defaults(run=over_database(_list))
    revoke = commands.add_parser("revoke", help="revoke a key, from the next request on")
    revoke.add_argument("prefix", help="the key's prefix, as `keys list` shows it")
    revoke.add_argument("--county", required=True, metavar="CODE")
    revoke.set_defaults(run=over_database(_revoke))


async def _create(arguments: argparse.Namespace, database: Database) -> int:
    expires = now() + timedelta(days=arguments.days) if arguments.days else None
    key = await issue_key(
        database, arguments.county, role=arguments.role, principal=arguments.name, now=now(), expires_at=expires
    )
    print("The key is shown this once; keep it like a password.")
    print(key)
    return 0


async def _list(arguments: argparse.Namespace, database: Database) -> int:
    async with database.begin() as connection:
        for key in await list_keys(connection, arguments.county):
            state = "revoked" if key.revoked_at else "expired" if key.expires_at and key.expires_at < now() else "live"
            used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
            by = ", ".join(
                f"{what} by {who}" for what, who in (("issued", key.issued_by), ("revoked", key.revoked_by)) if who
            )
            print(f"{key.prefix}  {key.role:10}  {state:7}  {key.created_at:%Y-%m-%d}  {key.principal}  {used}  {by}")
    return 0


async def _revoke(arguments: argparse.Namespace, database: Database) -> int:
    await revoke_key(database, arguments.county, arguments.prefix, now=now())
    return 0
