"""`python -m app keys` and `lookups`: who may use the service, and who looked voters up."""

from datetime import UTC, date, datetime, time, timedelta

from app.access.keys import issue_key, revoke_key
from app.access.principals import ROLES
from app.access.queries import list_keys
from app.cli.arguments import COUNTY, Arguments, a_date, a_number, command, group, note_empty
from app.cli.common import Subparsers, now
from app.database.pools import Database
from app.examination.lookup_queries import lookup_sums


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    keys = group(subparsers, "keys", "issue, list and revoke bearer keys")
    create = command(keys, "create", "issue a key and print it alone on the last line of the output", _create, COUNTY)
    create.add_argument("--role", required=True, choices=ROLES, help="what the key may do")
    create.add_argument("--name", required=True, help="the owner of the key, such as station-7")
    create.add_argument("--days", type=a_number, metavar="N", help="expires after N days (default: never)")
    command(keys, "list", "list a county's keys", _list, COUNTY)
    revoke = command(keys, "revoke", "revoke a key: no later request is accepted with it", _revoke, COUNTY)
    revoke.add_argument("prefix", help="the key's prefix, as `keys list` shows it")
    text = "show voter lookups by user and day (what was searched for is not stored)"
    lookups = command(subparsers, "lookups", text, _lookups, COUNTY)
    lookups.add_argument("--since", type=a_date, default=date.min, metavar="DATE", help="default: all")


async def _create(arguments: Arguments, database: Database) -> None:
    expires = now() + timedelta(days=arguments.days) if arguments.days else None
    key = await issue_key(
        database, arguments.county, role=arguments.role, principal=arguments.name, now=now(), expires_at=expires
    )
    print("The key is shown only once. Keep it like a password.")
    print(key)


async def _list(arguments: Arguments, database: Database) -> None:
    async with database.reading() as connection:
        keys = await list_keys(connection, arguments.county)
    for key in keys:
        state = key.state(now())
        used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        by = ", ".join(
            f"{what} by {who}" for what, who in (("issued", key.issued_by), ("revoked", key.revoked_by)) if who
        )
        print(f"{key.prefix}  {key.role:10}  {state:7}  {key.created_at:%Y-%m-%d}  {key.principal}  {used}  {by}")
    if not keys:
        note_empty(arguments.county, "keys", "issue one with `keys create`")


async def _revoke(arguments: Arguments, database: Database) -> None:
    await revoke_key(database, arguments.county, arguments.prefix, now=now())


async def _lookups(arguments: Arguments, database: Database) -> None:
    since = datetime.combine(arguments.since, time(), UTC)
    async with database.reading() as connection:
        sums = await lookup_sums(connection, arguments.county, since)
    if not sums:
        note_empty(arguments.county, "recorded lookups", "an earlier --since")
    print(f"{'day':<10} {'lookups':>8} {'shown':>8}  {'kind':<16} user")
    for row in sums:
        print("{day} {lookups:>8,} {candidates:>8,}  {kind:<16} {principal} ({role})".format_map(row))
