"""`python -m app petition`, `tally`, `explain` and the changes of lines: `finding`, `revise`, `section`."""

import argparse
from dataclasses import fields
from functools import partial
from typing import Any, Final, NoReturn, get_args

from app.cli import common as cli
from app.cli import sections as section_commands
from app.cli.bodies import a_name, a_note, a_reason, a_title, a_voter, read_body
from app.cli.reads import put_on_record
from app.count.line_queries import read_line, read_tallies
from app.count.record import Count
from app.database.pools import Database
from app.examination import actions, explanation
from app.examination import sections as section_actions
from app.examination.closing import close_and_sign
from app.examination.dry_run import dry_run
from app.examination.section_queries import section_states
from app.http import petitions, ruleset_changes, sections, signatures, wire
from app.law.line import LookedAt
from app.law.petition import SectionDates, Terms
from app.law.reasons import REASONS, REVIEW_CAUSES, Outcome
from app.law.review import PersonFinding
from app.law.signatures import CHARACTERISTICS, STANDARD, SignatureComparison
from app.settings import Settings


def _refuse_name(_: str) -> NoReturn:
    raise argparse.ArgumentTypeError("set RECALL_KEY to the person's key: a name alone is not accepted")


_LINES_AT_ONCE: Final = 20_000  # of a dry run
_TERMS: Final = (
    ("--office", "TEXT", "the office that the officer holds"),
    ("--district", "CODE", "the code of the office's district, as the roll has it (EC 11045)"),
    ("--registration-reported-on", "DATE", "the day of the report of registration; needed with --registered"),
    ("--registration-source", "TEXT", "which report of registration that is; needed with --registered"),
    ("--form-approved-on", "DATE", "the day on which the petition's form was approved; needed with --registered"),
    ("--window-exception", "REASON", "why the window or the filing may exceed EC 11220, such as a court's order"),
)
_RECORDED = cli.Parser(add_help=False)
_RECORDED.add_argument("--by", type=_refuse_name, help=argparse.SUPPRESS)  # of an earlier version
_RECORDED.add_argument("--note", default="", type=a_note, help="why; required to reverse or revoke something")


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    petition = cli.group(
        subparsers, "petition", "open a petition, register its sections, freeze its raw count, close it"
    )
    opening = cli.command(petition, "open", "open a petition and print it as JSON", _open, cli.COUNTY)
    opening.add_argument("--title", required=True, type=a_title, help="what the petition is called")
    opening.add_argument("--officer", required=True, type=a_title, help="whom it would recall")
    number = opening.add_mutually_exclusive_group(required=True)
    number.add_argument("--required", type=cli.a_number, metavar="N", help="signatures required")
    text = "registered voters, from which the number of required signatures follows (EC 11221)"
    number.add_argument("--registered", dest="registered_voters", type=cli.a_number, metavar="N", help=text)
    for option, metavar, text in _TERMS:
        text_of = a_reason if metavar == "REASON" else a_title
        kind: dict[str, Any] = cli.DATE if metavar == "DATE" else {"type": text_of, "metavar": metavar}
        opening.add_argument(option, help=text, **kind)
    text = "first and last day of circulation, such as 2022-01-27 2022-07-06"
    opening.add_argument("--circulation", required=True, nargs=2, type=cli.a_date, metavar=("FROM", "TO"), help=text)
    opening.add_argument("--filed", dest="filed_on", required=True, **cli.DATE, help="the day it was filed")
    text = "the rules of the count (default: those that are valid on the day of filing; `ruleset list` shows them)"
    opening.add_argument("--ruleset", dest="ruleset_name", type=a_name, metavar="NAME", help=text)
    section_commands.add_commands(petition)
    text = "print what was claimed at receipt and what was scanned, and the sections that differ, as JSON"
    cli.command(subparsers, "control-totals", text, _control_totals, cli.PETITION_FIRST)
    cli.command(petition, "close", "end a petition's count and print the petition as JSON", _close, cli.PETITION_FIRST)
    text = "print what another ruleset would change, as JSON: each line, then the tally"
    again = cli.command(petition, "re-examine", text, _reexamine, cli.PETITION_FIRST)
    again.add_argument("--ruleset", metavar="NAME", type=a_name, required=True, help="the ruleset to try")
    text = "change nothing; `ruleset change` puts a ruleset into force, and lines are then decided again by themselves"
    again.add_argument("--dry-run", action="store_true", required=True, help=text)
    cli.command(subparsers, "tally", "print a petition's tally as JSON", _tally, cli.PETITION_FIRST)
    text = "print every finding on one line with its evidence, in words"
    cli.command(subparsers, "explain", text, _explain, cli.PETITION, cli.PLACE)
    _add_changes_of_lines(subparsers)


def _add_changes_of_lines(subparsers: cli.Subparsers) -> None:
    text = "record a person's finding on a line: confirm, decide or reverse it, or return it to review"
    finding = cli.command(subparsers, "finding", text, _finding, cli.PETITION, cli.PLACE, _RECORDED)
    statuses, codes = ("valid", "invalid", "review"), [*REASONS, *REVIEW_CAUSES]
    finding.add_argument("--status", required=True, choices=statuses, help="what the person found")
    finding.add_argument("--reason", choices=codes, metavar="CODE", help=f"one of: {', '.join(codes)}")
    finding.add_argument("--voter", type=a_voter, metavar="ID", help="the voter who signed")
    text = "what was looked at: whose line it is, the signature beside those on file, or both"
    finding.add_argument("--looked-at", choices=get_args(LookedAt), help=text)
    text = "for a signature_mismatch: a signature on file that was shown; once for each"
    finding.add_argument("--reference", dest="references", action="append", type=a_name, metavar="ID", help=text)
    text = f"for a signature_mismatch: in what it differs; at least two of: {', '.join(CHARACTERISTICS)}"
    named = finding.add_argument("--characteristic", dest="characteristics", action="append", metavar="NAME", help=text)
    named.choices = CHARACTERISTICS
    finding.add_argument("--agreed", action="store_true", help=f"for a signature_mismatch: {STANDARD}")
    text = "correct the text of a line, which is then examined again"
    revision = cli.command(subparsers, "revise", text, _revise, cli.PETITION, cli.PLACE, _RECORDED)
    text = "the whole text as a JSON object, as in POST /signatures; '-' is standard input"
    revision.add_argument("file", metavar="FILE", help=text)
    text = "record between which dates a section was signed; its lines are examined again if that changes them"
    section = cli.command(subparsers, "section", text, _section, cli.PETITION, _RECORDED)
    section.add_argument("section", type=cli.a_number, metavar="SECTION", help="its number")
    for option, name in (("from", "first"), ("to", "last")):
        text = f"the {name} date; leave it out if the paper has none"
        section.add_argument(f"--{option}", dest=f"signed_{option}", **cli.DATE, help=text)


async def _open(arguments: cli.Arguments, database: Database) -> None:
    given = vars(arguments)
    given["circulation_from"], given["circulation_to"] = arguments.circulation
    terms = Terms(**{field.name: given[field.name] for field in fields(Terms)})
    who = await cli.the_user(database, terms.county_id, *cli.DECIDERS)
    petition = await Count(database).open_petition(terms, opened_by=who.name, now=cli.now())
    cli.show(petitions.PetitionOut.model_validate(petition))


async def _close(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.petition.county_id, "supervisor")
    key = await cli.first_signer(Settings.from_environment(), database)
    closed = await close_and_sign(Count(database), arguments.petition, key, closed_by=who.name, now=cli.now)
    cli.show(petitions.PetitionOut.model_validate(closed))


async def _reexamine(arguments: cli.Arguments, database: Database) -> None:
    cursor: str | None = None
    async with dry_run(database, arguments.petition, arguments.ruleset) as run:
        while True:
            shown = await ruleset_changes.dry_run_out(run, wire.Paging(cursor, _LINES_AT_ONCE))
            for line in shown.lines:
                print(line.model_dump_json())
            cursor = shown.next_cursor
            if cursor is None:
                print(shown.model_dump_json(exclude={"lines", "next_cursor"}))
                return


async def _tally(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        tallies = await read_tallies(connection, [arguments.petition.key])
    cli.show(petitions.tally_out(arguments.petition, tallies[arguments.petition.key]))


async def _explain(arguments: cli.Arguments, database: Database) -> None:
    text = await explanation.explain(database, arguments.petition, arguments.place)
    async with database.reading() as connection:
        read = await read_line(connection, arguments.petition.key, arguments.place)
    await put_on_record(database, arguments.petition, read)
    print(text)


async def _finding(arguments: cli.Arguments, database: Database) -> None:
    outcome = Outcome(arguments.status, arguments.reason)
    references, characteristics = (tuple(given or ()) for given in (arguments.references, arguments.characteristics))
    compared = SignatureComparison(references, characteristics) if arguments.agreed else None
    said = PersonFinding(outcome, arguments.voter, arguments.note, arguments.looked_at, compared)
    who = await cli.the_user(database, arguments.petition.county_id, *cli.DECIDERS)
    act = partial(actions.decide_line, place=arguments.place, said=said, who=who)
    read, _ = await Count(database).attempt(arguments.petition, act, now=cli.now())
    cli.show(signatures.line_out(read.line))


async def _revise(arguments: cli.Arguments, database: Database) -> None:
    revised = read_body(arguments.file, signatures.RevisionIn).at(arguments.place)
    who = await cli.the_user(database, arguments.petition.county_id, *cli.DECIDERS)
    act = partial(actions.revise, revised=revised, by=who.name, note=arguments.note)
    read, _ = await Count(database).attempt(arguments.petition, act, now=cli.now())
    await put_on_record(database, arguments.petition, read)
    cli.show(signatures.detail_out(read))


async def _section(arguments: cli.Arguments, database: Database) -> None:
    dates = SectionDates(arguments.signed_from, arguments.signed_to)
    who = await cli.the_user(database, arguments.petition.county_id, *cli.DECIDERS)
    act = partial(section_actions.declare_section, section=arguments.section, dates=dates, by=who.name)
    declared = await Count(database).attempt(arguments.petition, act, now=cli.now())
    cli.show(sections.section_out(declared))


async def _control_totals(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        found = await section_states(connection, arguments.petition.key)
    cli.show(sections.control_totals_out(arguments.petition, found))
