"""`python -m app assignments`: the sections to which stations may post."""

import sys

from app.access.assignment_queries import list_assignments
from app.access.assignments import assign_sections, range_of, range_text
from app.cli import common as cli
from app.database.pools import Database

_EVERY = "all"
a_range = cli.argument(lambda text: () if text == _EVERY else range_of(text), "sections such as 1-40 or 55, or `all`")


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    group = cli.group(subparsers, "assignments", "the sections to which stations may post")
    text = "let a station post to these sections alone; earlier assignments of it end"
    assign = cli.command(group, "set", text, _assign, cli.COUNTY)
    assign.add_argument("name", help="the station's name, as its key has it")
    assign.add_argument("sections", nargs="+", type=a_range, help="such as 1-40 or 55; `all` ends the restriction")
    cli.command(group, "list", "list the stations that may post to some sections alone", _list, cli.COUNTY)


async def _assign(arguments: cli.Arguments, database: Database) -> None:
    owner, ranges = (arguments.county_id, arguments.name), tuple(filter(None, arguments.sections))
    if len(ranges) not in (0, len(arguments.sections)):
        raise cli.CommandError(f"give ranges of sections, or `{_EVERY}` alone")
    who = await cli.the_user(database, arguments.county_id, "admin")
    await assign_sections(database, owner, ranges, now=cli.now(), by=who.name)


async def _list(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        found = await list_assignments(connection, arguments.county_id)
    if not found:
        missing = cli.lacking(arguments.county_id, "assignments", "assign sections with `assignments set`")
        print(missing, file=sys.stderr)
    for one in found:
        sections = " ".join(range_text(*each) for each in one.sections) or _EVERY
        print(f"{one.principal}  {sections}  assigned by {one.assigned_by} on {one.assigned_at:%Y-%m-%d %H:%M}")
