"""How commands are declared, and how their arguments are read."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from app.access.principals import is_county_code
from app.cli.common import CommandError, Subparsers, Work, over_database
from app.count.line_queries import county_of, get_petition
from app.database.pools import Database
from app.law.line import LARGEST_NUMBER, Place
from app.law.petition import Petition, PetitionKey

Arguments: TypeAlias = argparse.Namespace
Parser: TypeAlias = argparse.ArgumentParser
T = TypeVar("T")


def group(subparsers: "Subparsers", name: str, text: str) -> "Subparsers":
    """Add a command that consists of further commands."""
    return add_command(subparsers, name, text).add_subparsers(required=True, metavar="COMMAND")


def command(subparsers: "Subparsers", name: str, text: str, work: Work, *shared: Parser) -> Parser:
    """Add a command that works on the database.

    Args:
        subparsers: where it is added.
        name: what a person types.
        text: what it does, for the help.
        work: does it; raises CommandError or RecallError if it cannot.
        shared: arguments that several commands have, such as COUNTY.
    """
    parser = add_command(subparsers, name, text, *shared)
    parser.set_defaults(run=over_database(work))
    return parser


def add_command(subparsers: "Subparsers", name: str, text: str, *shared: Parser) -> Parser:
    """Add a command without saying yet what it runs; the arguments are those of `command`."""
    return subparsers.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", parents=shared)


def argument(read: Callable[[str], T], wanted: str) -> Callable[[str], T]:
    """How an argument's text is read; a ValueError becomes a message that names what is expected."""

    def read_or_refuse(text: str) -> T:
        try:
            return read(text)
        except (ValueError, ArithmeticError):
            raise argparse.ArgumentTypeError(f"must be {wanted}") from None

    return read_or_refuse


def a_number_within(least: int, most: int) -> Callable[[str], int]:
    """How the text of a whole number within these bounds is read."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError
        return int(text)

    return argument(read, f"a whole number from {least} to {most:,}")


a_number = a_number_within(1, LARGEST_NUMBER)
a_port = a_number_within(0, 65_535)


def _place(text: str) -> Place:
    try:
        section, page, line = map(a_number, text.split("-"))
    except argparse.ArgumentTypeError:
        raise ValueError from None
    return Place(section, page, line)


def _county(text: str) -> str:
    if not is_county_code(text):
        raise ValueError
    return text


a_county = argument(_county, "1 to 32 letters, digits, hyphens and underscores, beginning with a letter or digit")
a_date = argument(date.fromisoformat, "a date such as 2022-07-06")
an_id = argument(UUID, "an id such as 0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60")
a_place = argument(_place, "section-page-line, such as 12-3-4")


def _shared(name: str, **options: Any) -> Parser:  # noqa: ANN401  # as argparse has them
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(name, **options)
    return parser


COUNTY = _shared("--county", required=True, type=a_county, metavar="CODE", help="the county's code")
PETITION = _shared("--petition", required=True, type=an_id, metavar="ID", help="the petition's id")
PETITION_FIRST = _shared("petition", type=an_id, metavar="ID", help="the petition's id")
PLACE = _shared("place", type=a_place, metavar="PLACE", help="the line's place: section-page-line, such as 12-3-4")


def content_of(file: str) -> bytes:
    """The content of a file, or of standard input where the name is '-'."""
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


async def the_petition(database: Database, petition_id: UUID) -> Petition:
    """The petition of this id, in any county.

    Raises:
        CommandError: there is none.
    """
    async with database.begin() as connection:
        county_id = await county_of(connection, petition_id)
        petition = await get_petition(connection, PetitionKey(county_id, petition_id)) if county_id else None
    if petition is None:
        raise CommandError(f"there is no petition {petition_id}: check the id, or open one with `petition open`")
    return petition


def note_empty(county_id: str, lacks: str, next_step: str) -> None:
    """Say on standard error why a county's list is empty, and what to do."""
    print(f"county {county_id} has no {lacks}: check the code, or {next_step}", file=sys.stderr)
