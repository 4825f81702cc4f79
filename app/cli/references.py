"""`python -m app references`: which signatures of voters are on file, for the people who compare."""

from collections.abc import Iterator
from typing import Final

from app.cli import common as cli
from app.database.pools import Database
from app.errors import ReferenceConflictError
from app.http import problems, wire
from app.http.references import ReferenceIn
from app.roll.reference_queries import SignatureReference
from app.roll.references import add_references

_AT_ONCE: Final = 10_000  # references of one transaction


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    group = cli.group(subparsers, "references", "which signatures of voters are on file")
    text = "put signatures on file by their ids, no images, and print how many were not there; the same has no effect"
    load = cli.command(group, "load", text, _load, cli.COUNTY)
    text = "one JSON object a line, as in POST /v1/voters/references; '-' is standard input"
    load.add_argument("file", metavar="FILE", help=text)


async def _load(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.county_id, "admin")
    new, added = list(_read(arguments.file)), 0
    for at in range(0, len(new), _AT_ONCE):
        part = new[at : at + _AT_ONCE]
        try:
            added += await add_references(database, arguments.county_id, part, by=who.name, now=cli.now())
        except ReferenceConflictError:
            where = f"{arguments.file}: nothing from line {at + 1} on was added: between it and line {at + len(part)}"
            raise cli.CommandError(f"{where} a voter has another image on file under one of the ids") from None
    print(f"{added:,} of {len(new):,} signatures were not on file before")


def _read(file: str) -> Iterator[SignatureReference]:
    """The references of a file. Raises CommandError if one of them is not as documented; it names the line."""
    for number, text in enumerate(cli.content_of(file).splitlines(), 1):
        try:
            one = wire.check(ReferenceIn, wire.decode(text))
        except problems.Problem as problem:
            wrong = ", ".join(error.path for error in problem.errors)
            raise cli.CommandError(f"{file}: line {number}: {problem.detail} {wrong}".rstrip()) from None
        yield SignatureReference(one.voter_id, one.reference_id, one.image_sha256)
