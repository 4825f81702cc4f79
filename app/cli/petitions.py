"""`python -m app petition open` and `close`, `tally` and `explain`."""

import argparse
from uuid import UUID

from app.cli.common import CommandError, Subparsers, a_date, a_petition, now, over_database, signer
from app.count.line_queries import county_of, get_petition, read_tally
from app.count.petitions import Terms, close_petition, open_petition
from app.database.engine import Database
from app.examination.explanation import explain
from app.http.petitions import PetitionOut
from app.http.tally import tally_out
from app.law.line import LARGEST_NUMBER, Place
from app.law.petition import Petition, PetitionKey
from app.law.ruleset import CALIFORNIA, RULESETS
from app.ledger.checkpoints import make_checkpoint
from app.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    petition = subparsers.add_parser("petition", help="open or close a petition")
    commands = petition.add_subparsers(required=True, metavar="COMMAND")
    opening = commands.add_parser("open", help="open a petition and print it as JSON")
    opening.add_argument("--county", required=True, metavar="CODE")
    opening.add_argument("--title", required=True)
    opening.add_argument("--officer", required=True)
    number = opening.add_mutually_exclusive_group(required=True)
    number.add_argument("--required", type=int, metavar="N", help="signatures required")
    number.add_argument("--registered", type=int, metavar="N", help="registered voters, to derive it (EC 11221)")
    opening.add_argument("--circulation", required=True, nargs=2, type=a_date, metavar=("FROM", "TO"))
    opening.add_argument("--filed", required=True, type=a_date, metavar="DATE")
    opening.add_argument("--ruleset", default=CALIFORNIA.name, choices=sorted(RULESETS))
    opening.set_defaults(run=over_database(_open))
    closing = commands.add_parser("close", help="end a petition's count and print the petition as JSON")
    closing.add_argument("petition", type=a_petition, metavar="ID")
    closing.set_defaults(run=over_database(_close))
    tally = subparsers.add_parser("tally", help="print a petition's tally as JSON")
    tally.add_argument("petition", type=a_petition, metavar="ID")
    tally.set_defaults(run=over_database(_tally))
    explaining = subparsers.add_parser("explain", help="print one line's finding with its evidence")
    explaining.add_argument("--petition", required=True, type=a_petition, metavar="ID")
    explaining.add_argument("place", type=a_place, metavar="PLACE", help="section-page-line, as 12-3-4")
    explaining.set_defaults(run=over_database(_explain))


def a_place(text: str) -> Place:
    """An argument that is a place."""
    numbers = [int(part) for part in text.split("-") if part.isascii() and part.isdigit()]
    if len(numbers) != len(text.split("-")) or len(numbers) != len(Place._fields) or not _in_range(numbers):
        raise argparse.ArgumentTypeError("must be section-page-line, as 12-3-4")
    return Place(*numbers)


def _in_range(numbers: list[int]) -> bool:
    return all(0 < number <= LARGEST_NUMBER for number in numbers)


async def _open(arguments: argparse.Namespace, database: Database) -> int:
    terms = Terms(
        county_id=arguments.county,
        title=arguments.title,
        officer=arguments.officer,
        required=arguments.required,
        registered_voters=arguments.registered,
        circulation_from=arguments.circulation[0],
        circulation_to=arguments.circulation[1],
        filed_on=arguments.filed,
        ruleset_name=arguments.ruleset,
    )
    petition = await open_petition(database, terms, opened_by="command line", now=now())
    print(PetitionOut.of(petition).model_dump_json(indent=2))
    return 0


async def the_petition(database: Database, petition_id: UUID) -> Petition:
    """The petition of this id, whatever its county.

    Raises:
        CommandError: there is none.
    """
    async with database.begin() as connection:
        county_id = await county_of(connection, petition_id)
        petition = await get_petition(connection, PetitionKey(county_id, petition_id)) if county_id else None
    if petition is None:
        raise CommandError("there is no such petition")
    return petition


async def _close(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    key = signer(Settings.from_environment())
    closed = await close_petition(database, petition, closed_by="command line", now=now())
    await make_checkpoint(database, key, petition.key, now=now())
    print(PetitionOut.of(closed).model_dump_json(indent=2))
    return 0


async def _tally(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    async with database.reading() as connection:
        row = await read_tally(connection, petition.key)
    if row is None:
        raise CommandError("there is no such petition")
    print(tally_out(petition, row).model_dump_json(indent=2))
    return 0


async def _explain(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    print(await explain(database, petition, arguments.place))
    return 0
