"""What every command shares: how it is declared and its arguments are read, its database, and its way of failing."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

from app.access.keys import KeyRing, parse
from app.access.names import COMMAND_LINE
from app.access.principals import Principal, Role, is_county_code
from app.count.line_queries import list_petitions
from app.database.backup import Archive
from app.database.engine import open_database
from app.database.login_queries import Logins
from app.database.migrate import check_service, give_logins, is_current, upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.database.upgrading import COPIES_KEPT, upgrade_embedded
from app.errors import CheckpointKeyError, OperationalError
from app.law.line import LARGEST_NUMBER, Place
from app.law.petition import Petition
from app.ledger.notes import Signer
from app.ledger.queries import any_checkpoint
from app.settings import Settings

Arguments: TypeAlias = argparse.Namespace
Parser: TypeAlias = argparse.ArgumentParser
Subparsers: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001  # it has no public name
Work = Callable[[Arguments, Database], Coroutine[Any, Any, None]]
T = TypeVar("T")

DECIDERS: Final[tuple[Role, ...]] = ("clerk", "supervisor")
now = partial(datetime.now, UTC)


class CommandError(OperationalError):
    """A command that cannot do what it was asked."""


def add_command(subparsers: "Subparsers", name: str, text: str, *shared: Parser) -> Parser:
    """Add a command without saying yet what it runs; the arguments are those of `command`."""
    return subparsers.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", parents=shared)


def group(subparsers: "Subparsers", name: str, text: str) -> "Subparsers":
    """Add a command that consists of further commands."""
    return add_command(subparsers, name, text).add_subparsers(required=True, metavar="COMMAND")


def command(subparsers: "Subparsers", name: str, text: str, work: Work, *shared: Parser) -> Parser:
    """Add a command that works on the database.

    Args:
        subparsers: where it is added.
        name: what a person types.
        text: what it does, for the help.
        work: does it; raises CommandError or RecallError if it cannot. After PETITION, its arguments hold the petition.
        shared: arguments that several commands have, such as COUNTY.
    """
    parser = add_command(subparsers, name, text, *shared)
    parser.set_defaults(run=partial(_over_database, work))
    return parser


def _over_database(work: Work, arguments: Arguments) -> None:
    settings = Settings.from_environment()

    async def main(logins: Logins) -> None:
        await prepare(logins, settings, migrate=not settings.database_url)
        database = await open_database(logins.service, intake=2, reading=2)
        try:
            if "petition_id" in arguments:
                arguments.petition = await the_petition(database, arguments.petition_id)
            await work(arguments, database)
        finally:
            await database.close()

    with database_logins(settings) as logins:
        asyncio.run(main(logins))


@contextmanager
def database_logins(settings: Settings, *, create: bool = False) -> Iterator[Logins]:
    """The addresses of the database: the given one's, or the embedded server's, which is joined if the service runs.

    Raises NoDatabaseError if there is no embedded database and `create` does not allow to make one, and ServerError.
    """
    if settings.database_url:
        yield Logins(settings.database_url, settings.migrate_database_url)
        return
    with EmbeddedServer.start(settings.data_dir, join=True, create=create, binaries=settings.pg_bin) as server:
        yield server.logins()


async def prepare(logins: Logins, settings: Settings, *, migrate: bool) -> None:
    """Bring the database to this program's schema if `migrate` allows it, and check what the service may do there.

    Before an upgrade, an embedded database is copied, and a line on standard error says where to.

    Raises:
        OperationalError: the database cannot be reached; its schema is newer, or older and may not be changed; or the
            service's login may do more than the service needs.
        BackupError: the database cannot be copied. It is as it was.
    """
    if migrate:
        if not logins.owner:
            raise CommandError("name the login of the owner of the tables in MIGRATE_DATABASE_URL")
        if not settings.database_url:
            await _upgrade_embedded(logins.owner, settings)
        elif not await is_current(logins.owner, "MIGRATE_DATABASE_URL"):
            await upgrade(logins.owner)
        await give_logins(logins)
    if settings.database_url:
        await check_service(settings.database_url)


async def _upgrade_embedded(owner: str, settings: Settings) -> None:
    folder = (settings.backup_dir or settings.data_dir) / "before-upgrade"
    copy = await upgrade_embedded(Archive(owner, folder, settings.pg_bin, settings.data_dir, kept=COPIES_KEPT))
    if copy:
        print(f"copied the database to {copy} and upgraded it", file=sys.stderr, flush=True)


async def the_user(database: Database, county_id: str, *roles: Role) -> Principal:
    """Who runs a command: the person whose key is in RECALL_KEY. Without a key it is the command line, no person.

    Raises CommandError if the key is not accepted, is another county's, or has none of these roles.
    """
    key = Settings.from_environment().person_key
    if not key:
        return Principal(county_id, COMMAND_LINE, roles[0])
    keys = KeyRing(database)
    who = await keys.recognize(parse(key), now=now())
    await keys.settle()
    if who is None or who.county_id != county_id:
        raise CommandError(f"RECALL_KEY: this key is not accepted in county {county_id}")
    if who.role not in roles:
        raise CommandError(f"RECALL_KEY: this needs a key of the role {' or '.join(roles)}")
    return who


async def the_petition(database: Database, petition_id: UUID) -> Petition:
    """The petition of this id, in any county. Raises CommandError if there is none."""
    async with database.begin() as connection:
        petitions = await list_petitions(connection, petition_id=petition_id)
    if not petitions:
        raise CommandError(f"there is no petition {petition_id}: check the id, or open one with `petition open`")
    return petitions[0]


def signer(settings: Settings) -> Signer:
    """The key that signs checkpoints. Raises CommandError if there is none."""
    try:
        return Signer.from_file(settings.checkpoint_key, create=False)
    except CheckpointKeyError:
        raise CommandError(
            f"{_key_name(settings)} must be a file with an Ed25519 key in PEM: put it back if it is missing"
        ) from None


async def first_signer(settings: Settings, database: Database) -> Signer:
    """The key that signs checkpoints, made where there is neither one nor a checkpoint: a lost key is not replaced.

    Raises CommandError if there is none.
    """
    if not settings.checkpoint_key.exists() and settings.checkpoint_key_file is None:
        async with database.reading() as connection:
            if await any_checkpoint(connection):
                lost = "is missing, and the database has checkpoints that were signed with it: put it back"
                raise CommandError(f"{_key_name(settings)} {lost}")
        Signer.from_file(settings.checkpoint_key, create=True)
    return signer(settings)


def _key_name(settings: Settings) -> str:
    return "CHECKPOINT_KEY_FILE" if settings.checkpoint_key_file else "DATA_DIR: checkpoint.key"


def content_of(file: str) -> bytes:
    """The content of a file, or of standard input where the name is '-'."""
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def show(answer: BaseModel) -> None:
    """Print what the API would answer."""
    print(answer.model_dump_json(indent=2))


def lacking(county_id: str, what: str, next_step: str) -> str:
    """Why a county's list is empty, and what to do."""
    return f"county {county_id} has no {what}: check the code, or {next_step}"


def argument(read: Callable[[str], T], wanted: str, allowed: Callable[[T], bool] | None = None) -> Callable[[str], T]:
    """How an argument's text is read; if that raises, or the value is not allowed, a message names what is wanted."""

    def read_or_refuse(text: str) -> T:
        with suppress(ValueError, TypeError, ArithmeticError, argparse.ArgumentTypeError):
            value = read(text)
            if allowed is None or allowed(value):
                return value
        raise argparse.ArgumentTypeError(f"must be {wanted}")

    return read_or_refuse


def a_number_within(least: int, most: int) -> Callable[[str], int]:
    """How the text of a whole number within these bounds is read."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError
        return int(text)

    return argument(read, f"a whole number from {least} to {most:,}")


def _shared(name: str, **options: Any) -> Parser:  # noqa: ANN401  # as argparse has them
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(name, **options)
    return parser


a_number = a_number_within(1, LARGEST_NUMBER)
a_port = a_number_within(0, 65_535)
_CODE: Final = "1 to 32 letters, digits, hyphens and underscores, beginning with a letter or digit"
a_county = argument(str, _CODE, is_county_code)
a_date = argument(date.fromisoformat, "a date such as 2022-07-06")
an_id = argument(UUID, "an id such as 0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60")
a_place = argument(lambda text: Place(*map(a_number, text.split("-"))), "section-page-line, such as 12-3-4")

DATE: Final[dict[str, Any]] = {"type": a_date, "metavar": "DATE"}
COUNTY = _shared("--county", dest="county_id", required=True, type=a_county, metavar="CODE", help="the county's code")
_PETITION_ID: Final[dict[str, Any]] = {"type": an_id, "metavar": "ID", "help": "the petition's id"}
PETITION = _shared("--petition", dest="petition_id", required=True, **_PETITION_ID)
PETITION_FIRST = _shared("petition_id", **_PETITION_ID)
PLACE = _shared("place", type=a_place, metavar="PLACE", help="the line's place: section-page-line, such as 12-3-4")
