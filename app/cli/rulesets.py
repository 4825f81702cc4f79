"""`python -m app ruleset`: the numbers under which petitions are decided."""

from functools import partial

from app.cli import common as cli
from app.cli.bodies import a_name, a_note, read_body
from app.count.record import Count
from app.count.ruleset_queries import list_rulesets
from app.database.pools import Database
from app.examination import rulesets as actions
from app.http import ruleset_changes, rulesets


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    group = cli.group(subparsers, "ruleset", "the numbers under which petitions are decided")
    add = cli.command(group, "add", "add a ruleset of the county and print it as JSON", _add, cli.COUNTY)
    text = "the ruleset as a JSON object, as in POST /v1/rulesets; '-' is standard input"
    add.add_argument("file", metavar="FILE", help=text)
    cli.command(group, "list", "list the rulesets that the county may use", _list, cli.COUNTY)
    text = "propose another ruleset for a petition, or confirm what another person proposed; print it as JSON"
    change = cli.command(group, "change", text, _change, cli.PETITION_FIRST)
    what = change.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", type=a_name, metavar="NAME", help="the ruleset to propose; needs --reason")
    what.add_argument("--confirm", type=cli.a_number, metavar="NO", help="the number of the change to put into force")
    change.add_argument("--reason", type=a_note, default="", help="why it changes; goes on record")


async def _change(arguments: cli.Arguments, database: Database) -> None:
    petition = arguments.petition
    if arguments.to:
        if not arguments.reason.strip():
            raise cli.CommandError("--to needs --reason: why the ruleset changes")
        who = await cli.the_user(database, petition.county_id, "clerk", "supervisor")
        act = partial(actions.propose_ruleset, name=arguments.to, reason=arguments.reason, who=who)
    else:
        who = await cli.the_user(database, petition.county_id, "supervisor")
        act = partial(actions.confirm_ruleset, change_no=arguments.confirm, who=who)
    done = await Count(database).attempt(petition, act, now=cli.now())
    print(ruleset_changes.change_out(done).model_dump_json(indent=2))


async def _add(arguments: cli.Arguments, database: Database) -> None:
    new = read_body(arguments.file, rulesets.RulesetIn)
    who = await cli.the_user(database, arguments.county_id, "admin")
    added = await rulesets.add(database, arguments.county_id, new, by=who.name, now=cli.now())
    print(rulesets.ruleset_out(added).model_dump_json(indent=2))


async def _list(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        found = await list_rulesets(connection, arguments.county_id)
    for ruleset, note, added_by, added_at in found:
        default = f"filed from {ruleset.valid_from}" if ruleset.valid_from else "by name alone"
        print(f"{ruleset.name}  {default}  added by {added_by} on {added_at:%Y-%m-%d}: {note}")
