"""`python -m app petition`, `tally` and `explain`: what there is to read of a petition, its opening and its closing."""

from app.cli.arguments import (
    COUNTY,
    PETITION,
    PETITION_FIRST,
    PLACE,
    Arguments,
    a_date,
    a_number,
    command,
    group,
    the_petition,
)
from app.cli.common import Subparsers, now, signer
from app.count.line_queries import read_tally
from app.count.petitions import Terms, close_petition, open_petition
from app.count.record import Count
from app.database.pools import Database
from app.errors import UnknownPetitionError
from app.examination.explanation import explain
from app.http.petitions import PetitionOut
from app.http.tally import tally_out
from app.law.line import CALIFORNIA, RULESETS
from app.ledger.checkpoints import make_checkpoint
from app.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    petition = group(subparsers, "petition", "open or close a petition")
    opening = command(petition, "open", "open a petition and print it as JSON", _open, COUNTY)
    opening.add_argument("--title", required=True, help="what the petition is called")
    opening.add_argument("--officer", required=True, help="whom it would recall")
    number = opening.add_mutually_exclusive_group(required=True)
    number.add_argument("--required", type=a_number, metavar="N", help="signatures required")
    text = "registered voters, from which the number of required signatures follows (EC 11221)"
    number.add_argument("--registered", type=a_number, metavar="N", help=text)
    text = "first and last day of circulation, such as 2022-01-27 2022-07-06"
    opening.add_argument("--circulation", required=True, nargs=2, type=a_date, metavar=("FROM", "TO"), help=text)
    opening.add_argument("--filed", required=True, type=a_date, metavar="DATE", help="the day it was filed")
    text = f"the rules of the count (default: {CALIFORNIA.name})"
    opening.add_argument("--ruleset", default=CALIFORNIA.name, choices=sorted(RULESETS), help=text)
    command(petition, "close", "end a petition's count and print the petition as JSON", _close, PETITION_FIRST)
    command(subparsers, "tally", "print a petition's tally as JSON", _tally, PETITION_FIRST)
    text = "print every finding on one line with its evidence, in words"
    command(subparsers, "explain", text, _explain, PETITION, PLACE)


async def _open(arguments: Arguments, database: Database) -> None:
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
    print(PetitionOut.model_validate(petition).model_dump_json(indent=2))


async def _close(arguments: Arguments, database: Database) -> None:
    petition = await the_petition(database, arguments.petition)
    key = signer(Settings.from_environment())
    closed = await close_petition(Count(database), petition, closed_by="command line", now=now())
    await make_checkpoint(database, key, petition.key, now=now())
    print(PetitionOut.model_validate(closed).model_dump_json(indent=2))


async def _tally(arguments: Arguments, database: Database) -> None:
    petition = await the_petition(database, arguments.petition)
    async with database.reading() as connection:
        tally = await read_tally(connection, petition.key)
    if tally is None:
        raise UnknownPetitionError
    print(tally_out(petition, tally).model_dump_json(indent=2))


async def _explain(arguments: Arguments, database: Database) -> None:
    petition = await the_petition(database, arguments.petition)
    print(await explain(database, petition, arguments.place))
