"""`python -m app ruleset`: the numbers under which petitions are decided."""

from app.cli import common as cli
from app.count.ruleset_queries import list_rulesets
from app.database.pools import Database
from app.http import problems, rulesets, wire


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    group = cli.group(subparsers, "ruleset", "the numbers under which petitions are decided")
    add = cli.command(group, "add", "add a ruleset of the county and print it as JSON", _add, cli.COUNTY)
    text = "the ruleset as a JSON object, as in POST /v1/rulesets; '-' is standard input"
    add.add_argument("file", metavar="FILE", help=text)
    cli.command(group, "list", "list the rulesets that the county may use", _list, cli.COUNTY)


async def _add(arguments: cli.Arguments, database: Database) -> None:
    try:
        new = wire.check(rulesets.RulesetIn, wire.decode(cli.content_of(arguments.file)))
    except problems.Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        raise cli.CommandError(f"{arguments.file}: {problem.detail} {wrong}".rstrip()) from None
    who = await cli.the_user(database, arguments.county_id, "admin")
    added = await rulesets.add(database, arguments.county_id, new, by=who.name, now=cli.now())
    print(rulesets.ruleset_out(added).model_dump_json(indent=2))


async def _list(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        found = await list_rulesets(connection, arguments.county_id)
    for ruleset, note, added_by, added_at in found:
        default = f"filed from {ruleset.valid_from}" if ruleset.valid_from else "by name alone"
        print(f"{ruleset.name}  {default}  added by {added_by} on {added_at:%Y-%m-%d}: {note}")
