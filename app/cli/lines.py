"""`python -m app finding`, `revise`, `withdraw` and `section`: what a supervisor changes, one action per command."""

from collections.abc import Awaitable, Callable

import asyncpg

from app.access.principals import Principal
from app.cli.arguments import (
    PETITION,
    PLACE,
    Arguments,
    Parser,
    a_date,
    a_number,
    an_id,
    argument,
    command,
    content_of,
    the_petition,
)
from app.cli.common import CommandError, Subparsers, now
from app.count.queries import SectionDates
from app.count.record import WriteRequest, once
from app.database.engine import Database
from app.errors import RecallError
from app.examination.corrections import declare_section, revise
from app.examination.findings import decide_by_person
from app.examination.withdrawals import revoke_withdrawal, withdraw
from app.http.body import check, decode
from app.http.fields import safe_text
from app.http.findings import RevisionIn
from app.http.lines import detail_out, line_out
from app.http.problems import Problem
from app.http.sections import section_out
from app.http.withdrawals import withdrawal_done_out
from app.law.petition import Petition
from app.law.reasons import REASONS, REVIEW_CAUSES
from app.law.review import PersonFinding

_text = argument(safe_text, "text without control characters")  # which raises a kind of ValueError
Act = Callable[[asyncpg.Connection, Petition], Awaitable[str]]


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    text = "record a person's finding on a line: confirm, decide or reverse it, or return it to review"
    finding = _verb(subparsers, "finding", text, _finding, PLACE)
    finding.add_argument(
        "--status", required=True, choices=("valid", "invalid", "review"), help="what the person found"
    )
    codes = [*REASONS, *REVIEW_CAUSES]
    finding.add_argument("--reason", choices=codes, metavar="CODE", help=f"one of: {', '.join(codes)}")
    finding.add_argument("--voter", type=_text, metavar="ID", help="the voter who signed")
    revision = _verb(subparsers, "revise", "correct the text of a line, which is then examined again", _revise, PLACE)
    text = "the whole text as a JSON object, as in POST /signatures; '-' is standard input"
    revision.add_argument("file", metavar="FILE", help=text)
    text = "record that a voter withdrew before the filing, or revoke a withdrawal"
    withdrawal = _verb(subparsers, "withdraw", text, _withdraw)
    what = withdrawal.add_mutually_exclusive_group(required=True)
    what.add_argument("--voter", type=_text, metavar="ID", help="the voter who withdrew")
    what.add_argument("--revoke", type=an_id, metavar="ID", help="a withdrawal that was recorded by mistake")
    text = "the day on which the withdrawal was received; needed with --voter"
    withdrawal.add_argument("--received", type=a_date, metavar="DATE", help=text)
    text = "record between which dates a section was signed; its lines are examined again if that changes them"
    section = _verb(subparsers, "section", text, _section)
    section.add_argument("section", type=a_number, metavar="SECTION", help="its number")
    for option, name in (("--from", "first"), ("--to", "last")):
        text = f"the {name} date; leave it out if the paper has none"
        section.add_argument(option, dest=f"signed_{option[2:]}", type=a_date, metavar="DATE", help=text)


def _verb(
    subparsers: "Subparsers",
    name: str,
    text: str,
    act: Callable[[Arguments], Act],
    *shared: Parser,
) -> Parser:
    """Add a command that changes a petition in one transaction and prints the result as the API answers it."""

    async def work(arguments: Arguments, database: Database) -> None:
        petition = await the_petition(database, arguments.petition)
        verb = act(arguments)
        done = await once(database, petition, WriteRequest(arguments.by), lambda c: verb(c, petition), now=now())
        print(done.text)

    parser = command(subparsers, name, text, work, PETITION, *shared)
    parser.add_argument("--by", required=True, type=_text, metavar="NAME", help="who decides this; it is recorded")
    parser.add_argument("--note", default="", type=_text, help="why; required to reverse or revoke something")
    return parser


def _finding(arguments: Arguments) -> Act:
    word = PersonFinding(arguments.status, arguments.reason, arguments.voter, arguments.note)

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        who = Principal(petition.county_id, arguments.by, "supervisor")
        decided = await decide_by_person(connection, petition, {arguments.place: word}, who=who, now=now())
        result = decided[arguments.place]
        if isinstance(result, RecallError):
            raise result
        return line_out(result.line).model_dump_json(indent=2)

    return act


def _revise(arguments: Arguments) -> Act:
    try:
        revised = check(RevisionIn, decode(content_of(arguments.file))).submitted_at(arguments.place)
    except Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        raise CommandError(f"{problem.detail} {wrong}".rstrip()) from None

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        read, _ = await revise(connection, petition, revised, by=arguments.by, note=arguments.note, now=now())
        return detail_out(read).model_dump_json(indent=2)

    return act


def _withdraw(arguments: Arguments) -> Act:
    if arguments.voter and not arguments.received:
        raise CommandError("--voter needs --received: the day on which the withdrawal was received")

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        by, note = arguments.by, arguments.note
        if arguments.revoke:
            done = await revoke_withdrawal(connection, petition, arguments.revoke, by=by, note=note, now=now())
        else:
            voter_id, received = arguments.voter, arguments.received
            done = await withdraw(connection, petition, voter_id, received, by=by, note=note, now=now())
        return withdrawal_done_out(done).model_dump_json(indent=2)

    return act


def _section(arguments: Arguments) -> Act:
    dates = SectionDates(arguments.signed_from, arguments.signed_to)

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        done = await declare_section(connection, petition, arguments.section, dates, by=arguments.by, now=now())
        return section_out(arguments.section, done).model_dump_json(indent=2)

    return act
