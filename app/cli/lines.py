"""`python -m app finding`, `revise`, `withdraw` and `section`: what a supervisor changes, one action per command."""

from collections.abc import Awaitable, Callable

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
from app.count.change import Change, Count, attempt
from app.count.queries import SectionDates
from app.database.engine import Database
from app.examination.corrections import declare_section, revise
from app.examination.findings import decide_line
from app.examination.withdrawals import revoke_withdrawal, withdraw
from app.http.body import check, decode
from app.http.fields import safe_text
from app.http.findings import RevisionIn
from app.http.lines import detail_out
from app.http.problems import Problem
from app.http.sections import section_out
from app.http.signatures import line_out
from app.http.withdrawals import withdrawal_done_out
from app.law.reasons import REASONS, REVIEW_CAUSES, Outcome
from app.law.review import PersonFinding

_text = argument(safe_text, "text without control characters")  # which raises a kind of ValueError
Act = Callable[[Change], Awaitable[str]]


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
        print(await attempt(Count(database), petition, act(arguments), now=now()))

    parser = command(subparsers, name, text, work, PETITION, *shared)
    parser.add_argument("--by", required=True, type=_text, metavar="NAME", help="who decides this; it is recorded")
    parser.add_argument("--note", default="", type=_text, help="why; required to reverse or revoke something")
    return parser


def _finding(arguments: Arguments) -> Act:
    said = PersonFinding(Outcome(arguments.status, arguments.reason), arguments.voter, arguments.note)

    async def act(change: Change) -> str:
        who = Principal(change.petition.county_id, arguments.by, "supervisor")
        read, _ = await decide_line(change, arguments.place, said, who=who)
        return line_out(read.line).model_dump_json(indent=2)

    return act


def _revise(arguments: Arguments) -> Act:
    try:
        revised = check(RevisionIn, decode(content_of(arguments.file))).at(arguments.place)
    except Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        raise CommandError(f"{problem.detail} {wrong}".rstrip()) from None

    async def act(change: Change) -> str:
        read, _ = await revise(change, revised, by=arguments.by, note=arguments.note)
        return detail_out(read).model_dump_json(indent=2)

    return act


def _withdraw(arguments: Arguments) -> Act:
    if arguments.voter and not arguments.received:
        raise CommandError("--voter needs --received: the day on which the withdrawal was received")

    async def act(change: Change) -> str:
        by, note = arguments.by, arguments.note
        if arguments.revoke:
            done = await revoke_withdrawal(change, arguments.revoke, by=by, note=note)
        else:
            voter_id, received = arguments.voter, arguments.received
            done = await withdraw(change, voter_id, received, by=by, note=note)
        return withdrawal_done_out(done).model_dump_json(indent=2)

    return act


def _section(arguments: Arguments) -> Act:
    dates = SectionDates(arguments.signed_from, arguments.signed_to)

    async def act(change: Change) -> str:
        done = await declare_section(change, arguments.section, dates, by=arguments.by)
        return section_out(arguments.section, done).model_dump_json(indent=2)

    return act
