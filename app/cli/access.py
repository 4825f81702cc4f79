"""`python -m app keys`: who may use the service."""

import sys
from datetime import timedelta
from typing import Final

from app.access.keys import VALID_FOR, issue_key, revoke_key
from app.access.principals import ROLES, Principal
from app.access.queries import COUNTY_KNOWN, list_keys
from app.cli import common as cli
from app.database.pools import Database

_MOST_DAYS: Final = 36_500


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    keys = cli.group(subparsers, "keys", "issue, list and revoke bearer keys")
    text = "issue a key and print it alone on the last line of the output"
    create = cli.command(keys, "create", text, _create, cli.COUNTY)
    create.add_argument("--role", required=True, choices=ROLES, help="what the key may do")
    create.add_argument("--name", required=True, help="the owner of the key, such as station-7")
    days = cli.a_number_within(1, _MOST_DAYS)
    create.add_argument("--days", type=days, metavar="N", help=f"expires after N days (default: {VALID_FOR.days})")
    cli.command(keys, "list", "list a county's keys", _list, cli.COUNTY)
    revoke = cli.command(keys, "revoke", "revoke a key: no later request is accepted with it", _revoke, cli.COUNTY)
    revoke.add_argument(
        "prefix", type=cli.argument(str, "text in ASCII", str.isascii), help="the key's prefix, as `keys list` shows it"
    )


async def _create(arguments: cli.Arguments, database: Database) -> None:
    owner = Principal(arguments.county_id, arguments.name, arguments.role)
    who = await cli.the_user(database, arguments.county_id, "admin")
    expires = cli.now() + timedelta(days=arguments.days) if arguments.days else None
    async with database.reading() as connection:
        is_new = not await connection.fetchval(COUNTY_KNOWN, owner.county_id)
    key = await issue_key(database, owner, now=cli.now(), expires_at=expires, by=who.name)
    print("The key is shown only once. Keep it like a password.", key, sep="\n")
    if is_new:
        nothing = (
            f"county {owner.county_id} is new: it has nothing but this key. If the code is mistyped, revoke the key"
        )
        print(f"note: {nothing}", file=sys.stderr)


async def _list(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        keys = await list_keys(connection, arguments.county_id)
    for key in keys:
        state = key.state(cli.now())
        used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        people = {"issued": key.issued_by, "revoked": key.revoked_by}
        by = ", ".join(f"{what} by {who}" for what, who in people.items() if who)
        print(f"{key.prefix}  {key.role:10}  {state:7}  {key.created_at:%Y-%m-%d}  {key.principal}  {used}  {by}")
    if not keys:
        print(cli.lacking(arguments.county_id, "keys", "issue one with `keys create`"), file=sys.stderr)


async def _revoke(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.county_id, "admin")
    await revoke_key(database, arguments.county_id, arguments.prefix, now=cli.now(), by=who.name)
