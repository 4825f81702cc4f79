"""`python -m app finding`, `revise`, `withdraw` and `section`: what a supervisor changes, one action per command."""

import argparse
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from app.access.principals import Principal
from app.cli.arguments import (
    PETITION,
    PLACE,
    Arguments,
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
from app.count.record import Change, Count, attempt
from app.database.pools import Database
from app.examination.corrections import declare_section, revise
from app.examination.findings import decide_line
from app.examination.withdrawals import revoke_withdrawal, withdraw
from app.http.body import check, decode, safe_text
from app.http.findings import RevisionIn, section_out, withdrawal_done_out
from app.http.problems import Problem
from app.http.signatures import detail_out, line_out
from app.law.reasons import REASONS, REVIEW_CAUSES, Outcome
from app.law.review import PersonFinding

Result = TypeVar("Result")

_text = argument(safe_text, "text without control characters")  # which raises a kind of ValueError
_RECORDED = argparse.ArgumentParser(add_help=False)
_RECORDED.add_argument("--by", required=True, type=_text, metavar="NAME", help="who decides this; it is recorded")
_RECORDED.add_argument("--note", default="", type=_text, help="why; required to reverse or revoke something")


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    text = "record a person's finding on a line: confirm, decide or reverse it, or return it to review"
    finding = command(subparsers, "finding", text, _finding, PETITION, PLACE, _RECORDED)
    text = "what the person found"
    finding.add_argument("--status", required=True, choices=("valid", "invalid", "review"), help=text)
    codes = [*REASONS, *REVIEW_CAUSES]
    finding.add_argument("--reason", choices=codes, metavar="CODE", help=f"one of: {', '.join(codes)}")
    finding.add_argument("--voter", type=_text, metavar="ID", help="the voter who signed")
    text = "correct the text of a line, which is then examined again"
    revision = command(subparsers, "revise", text, _revise, PETITION, PLACE, _RECORDED)
    text = "the whole text as a JSON object, as in POST /signatures; '-' is standard input"
    revision.add_argument("file", metavar="FILE", help=text)
    text = "record that a voter withdrew before the filing, or revoke a withdrawal"
    withdrawal = command(subparsers, "withdraw", text, _withdraw, PETITION, _RECORDED)
    what = withdrawal.add_mutually_exclusive_group(required=True)
    what.add_argument("--voter", type=_text, metavar="ID", help="the voter who withdrew")
    what.add_argument("--revoke", type=an_id, metavar="ID", help="a withdrawal that was recorded by mistake")
    text = "the day on which the withdrawal was received; needed with --voter"
    withdrawal.add_argument("--received", type=a_date, metavar="DATE", help=text)
    text = "record between which dates a section was signed; its lines are examined again if that changes them"
    section = command(subparsers, "section", text, _section, PETITION, _RECORDED)
    section.add_argument("section", type=a_number, metavar="SECTION", help="its number")
    for option, name in (("--from", "first"), ("--to", "last")):
        text = f"the {name} date; leave it out if the paper has none"
        section.add_argument(option, dest=f"signed_{option[2:]}", type=a_date, metavar="DATE", help=text)


async def _change(arguments: Arguments, database: Database, act: Callable[[Change], Awaitable[Result]]) -> Result:
    """Carry out an action on the petition in one transaction."""
    petition = await the_petition(database, arguments.petition)
    return await attempt(Count(database), petition, act, now=now())


def _print(answer: BaseModel) -> None:
    """Print what the API would answer."""
    print(answer.model_dump_json(indent=2))


async def _finding(arguments: Arguments, database: Database) -> None:
    said = PersonFinding(Outcome(arguments.status, arguments.reason), arguments.voter, arguments.note)

    async def act(change: Change) -> BaseModel:
        who = Principal(change.petition.county_id, arguments.by, "supervisor")
        read, _ = await decide_line(change, arguments.place, said, who=who)
        return line_out(read.line)

    _print(await _change(arguments, database, act))


async def _revise(arguments: Arguments, database: Database) -> None:
    try:
        revised = check(RevisionIn, decode(content_of(arguments.file))).at(arguments.place)
    except Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        raise CommandError(f"{arguments.file}: {problem.detail} {wrong}".rstrip()) from None
    act = partial(revise, revised=revised, by=arguments.by, note=arguments.note)
    read, _ = await _change(arguments, database, act)
    _print(detail_out(read))


async def _withdraw(arguments: Arguments, database: Database) -> None:
    if arguments.voter and not arguments.received:
        raise CommandError("--voter needs --received: the day on which the withdrawal was received")
    recorded = {"by": arguments.by, "note": arguments.note}
    if arguments.revoke:
        act = partial(revoke_withdrawal, withdrawal_id=arguments.revoke, **recorded)
    else:
        act = partial(withdraw, voter_id=arguments.voter, received_on=arguments.received, **recorded)
    _print(withdrawal_done_out(await _change(arguments, database, act)))


async def _section(arguments: Arguments, database: Database) -> None:
    dates = SectionDates(arguments.signed_from, arguments.signed_to)
    act = partial(declare_section, section=arguments.section, dates=dates, by=arguments.by)
    _print(section_out(await _change(arguments, database, act)))
