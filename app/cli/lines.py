"""`python -m app finding`, `revise`, `withdraw`, `section` and `reexamine`: the verbs on lines, as a supervisor."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
from pydantic_core import PydanticCustomError

from app.access.principals import Principal
from app.cli.common import CommandError, Subparsers, a_date, a_petition, now, over_database
from app.cli.petitions import a_place, the_petition
from app.count.queries import SectionDates
from app.count.record import WriteRequest, once
from app.database.engine import Database
from app.errors import RecallError
from app.examination.corrections import declare_section, revise
from app.examination.findings import decide_by_person
from app.examination.reexamination import reexamine_all, reexamine_county
from app.examination.withdrawals import revoke_withdrawal, withdraw
from app.http.body import check, decode, safe_text
from app.http.findings import RevisionIn
from app.http.lines import detail_out, standing_out
from app.http.problems import Problem
from app.http.sections import section_out
from app.http.withdrawals import withdrawal_done_out
from app.law.line import LARGEST_NUMBER
from app.law.petition import Petition
from app.law.reasons import REASONS, REVIEW_CAUSES
from app.law.review import PersonFinding

Act = Callable[[asyncpg.Connection, Petition], Awaitable[str]]


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    finding = _verb(subparsers, "finding", "put a person's finding on a line on record", _finding)
    finding.add_argument("place", type=a_place, metavar="PLACE", help="section-page-line, as 12-3-4")
    finding.add_argument("--status", required=True, choices=("valid", "invalid", "review"))
    finding.add_argument("--reason", choices=[*REASONS, *REVIEW_CAUSES], metavar="CODE")
    finding.add_argument("--voter", type=_text, metavar="ID", help="whose line it is")
    revision = _verb(subparsers, "revise", "correct the text of a line", _revise)
    revision.add_argument("place", type=a_place, metavar="PLACE", help="section-page-line, as 12-3-4")
    revision.add_argument("file", metavar="FILE", help="the whole text as a JSON object; '-' is standard input")
    withdrawal = _verb(subparsers, "withdraw", "record that a voter withdrew, or take that back", _withdraw)
    what = withdrawal.add_mutually_exclusive_group(required=True)
    what.add_argument("--voter", type=_text, metavar="ID")
    what.add_argument("--revoke", type=UUID, metavar="WITHDRAWAL", help="a withdrawal that was recorded by mistake")
    withdrawal.add_argument("--received", type=a_date, metavar="DATE", help="needed with --voter")
    section = _verb(subparsers, "section", "declare when a section was signed", _section)
    section.add_argument("section", type=int, metavar="N")
    section.add_argument("--from", dest="signed_from", type=a_date, metavar="DATE", help="left out: the paper has none")
    section.add_argument("--to", dest="signed_to", type=a_date, metavar="DATE", help="left out: the paper has none")
    again = subparsers.add_parser("reexamine", help="examine again what was decided by an older roll version")
    again.add_argument("--county", metavar="CODE", help="default: every county")
    again.set_defaults(run=over_database(_reexamine))


def _verb(
    subparsers: "Subparsers", name: str, text: str, act: Callable[[argparse.Namespace], Act]
) -> argparse.ArgumentParser:
    """A command that carries one verb out in its transaction and prints what it made of it, as the API answers."""

    async def run(arguments: argparse.Namespace, database: Database) -> int:
        petition = await the_petition(database, arguments.petition)
        verb = act(arguments)
        done = await once(database, petition, WriteRequest(arguments.by), lambda c: verb(c, petition), now=now())
        print(done.text)
        return 0

    parser = subparsers.add_parser(name, help=text)
    parser.add_argument("--petition", required=True, type=a_petition, metavar="ID")
    parser.add_argument("--by", required=True, type=_text, metavar="NAME", help="who says so; it goes on record")
    parser.add_argument("--note", default="", type=_text, help="why; a reversal needs one")
    parser.set_defaults(run=over_database(run))
    return parser


def _text(text: str) -> str:
    try:
        return safe_text(text)
    except PydanticCustomError:
        raise argparse.ArgumentTypeError("must be text without control characters") from None


def _finding(arguments: argparse.Namespace) -> Act:
    word = PersonFinding(arguments.status, arguments.reason, arguments.voter, arguments.note)

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        who = Principal(petition.county_id, arguments.by, "supervisor")
        decided = await decide_by_person(connection, petition, {arguments.place: word}, who=who, now=now())
        result = decided[arguments.place]
        if isinstance(result, RecallError):
            raise result
        return standing_out(result.line).model_dump_json(indent=2)

    return act


def _revise(arguments: argparse.Namespace) -> Act:
    raw = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    try:
        revised = check(RevisionIn, decode(raw)).submitted_at(arguments.place)
    except Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        raise CommandError(f"{problem.detail} {wrong}".rstrip()) from None

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        read, _ = await revise(connection, petition, revised, by=arguments.by, note=arguments.note, now=now())
        return detail_out(read).model_dump_json(indent=2)

    return act


def _withdraw(arguments: argparse.Namespace) -> Act:
    if arguments.voter and not arguments.received:
        raise CommandError("say with --received on which day the withdrawal was received")

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        by, note = arguments.by, arguments.note
        if arguments.revoke:
            done = await revoke_withdrawal(connection, petition, arguments.revoke, by=by, note=note, now=now())
        else:
            voter_id, received = arguments.voter, arguments.received
            done = await withdraw(connection, petition, voter_id, received, by=by, note=note, now=now())
        return withdrawal_done_out(done).model_dump_json(indent=2)

    return act


def _section(arguments: argparse.Namespace) -> Act:
    if not 1 <= arguments.section <= LARGEST_NUMBER:
        raise CommandError("a section's number is 1 or more")
    dates = SectionDates(arguments.signed_from, arguments.signed_to)

    async def act(connection: asyncpg.Connection, petition: Petition) -> str:
        done = await declare_section(connection, petition, arguments.section, dates, by=arguments.by, now=now())
        return section_out(arguments.section, done).model_dump_json(indent=2)

    return act


async def _reexamine(arguments: argparse.Namespace, database: Database) -> int:
    if arguments.county:
        lines = await reexamine_county(database, arguments.county, now=now())
    else:
        lines = await reexamine_all(database, now=now())
    print(f"examined {lines:,} lines again")
    return 0
