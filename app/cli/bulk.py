"""`python -m app bulk`: one finding for many lines, previewed, carried out and undone."""

from app.access.names import COMMAND_LINE
from app.access.principals import Principal, Role
from app.cli import common as cli
from app.cli.bodies import a_reason, read_body
from app.count.record import Count
from app.database.pools import Database
from app.examination import bulk as actions
from app.http import bulk

_BULK = cli.Parser(add_help=False)
_BULK.add_argument("bulk_id", type=cli.an_id, metavar="BULK", help="its id, as `bulk preview` prints it")


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    group = cli.group(subparsers, "bulk", "one finding for many lines: preview, carry out, undo")
    text = "print what one finding would do to many lines, and the tally after it, as JSON; change nothing"
    preview = cli.command(group, "preview", text, _preview, cli.PETITION_FIRST)
    text = "the finding and its lines as a JSON object, as in POST …/bulk-decisions; '-' is standard input"
    preview.add_argument("file", metavar="FILE", help=text)
    text = "print a bulk decision, and how far it was carried out or undone, as JSON"
    cli.command(group, "show", text, _show, cli.PETITION_FIRST, _BULK)
    text = "carry out what the same person previewed, if none of its lines moved, or go on; print it as JSON"
    cli.command(group, "execute", text, _execute, cli.PETITION_FIRST, _BULK)
    text = "return the lines of a bulk decision to review as one, or go on with that; print it as JSON"
    undo = cli.command(group, "undo", text, _undo, cli.PETITION_FIRST, _BULK)
    note = cli.argument(
        a_reason, "text without control characters, of 1 to 2,000 characters", lambda text: bool(text.strip())
    )
    undo.add_argument("--note", required=True, type=note, help="why; goes on record")


async def _person(arguments: cli.Arguments, database: Database, *roles: Role) -> Principal:
    who = await cli.the_user(database, arguments.petition.county_id, *roles)
    if who.name == COMMAND_LINE:
        raise cli.CommandError("a bulk decision is a person's: set RECALL_KEY to that person's key")
    return who


async def _preview(arguments: cli.Arguments, database: Database) -> None:
    wanted = read_body(arguments.file, bulk.BulkIn)
    who = await _person(arguments, database, *cli.DECIDERS)
    chosen, said = wanted.chosen(), wanted.value()
    found = await actions.preview(Count(database), arguments.petition, chosen, said, who=who, now=cli.now())
    cli.show(bulk.bulk_out(found, {}))


async def _show(arguments: cli.Arguments, database: Database) -> None:
    cli.show(await bulk.found_bulk(Count(database), arguments.petition, arguments.bulk_id))


async def _execute(arguments: cli.Arguments, database: Database) -> None:
    who = await _person(arguments, database, *cli.DECIDERS)
    await actions.execute(Count(database), arguments.petition, arguments.bulk_id, who=who, now=cli.now())
    await _show(arguments, database)


async def _undo(arguments: cli.Arguments, database: Database) -> None:
    who = await _person(arguments, database, "supervisor")
    where = (Count(database), arguments.petition, arguments.bulk_id)
    await actions.undo(*where, arguments.note, who=who, now=cli.now())
    await _show(arguments, database)
