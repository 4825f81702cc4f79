"""`python -m app petition …`: from the receipt of sections to the frozen raw count, and the attempts at an officer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, get_args

from app.cli import common as cli
from app.cli.bodies import a_note, a_reason, read_body
from app.count.queries import Change
from app.count.record import Count
from app.database.pools import Database
from app.examination import defects as defect_actions
from app.examination import raw_count as raw_count_actions
from app.examination import sections as section_actions
from app.examination.section_queries import section_states
from app.http import attempts, defects, raw_count, sections
from app.law.defect import DefectCode
from app.law.raw_count import SectionRange
from app.law.section import SectionTask

_ONLY: Final = ("open", *get_args(SectionTask))


def add_commands(petition: cli.Subparsers) -> None:
    """Add the commands to the group."""
    text = "register sections as they came in and print what was done as JSON"
    register = cli.command(petition, "register", text, _register, cli.PETITION_FIRST)
    text = "up to 500 sections as a JSON object, as in POST …/sections/batch; '-' is standard input"
    register.add_argument("file", metavar="FILE", help=text)
    text = "print each section with its control totals as a line of JSON"
    listed = cli.command(petition, "sections", text, _sections, cli.PETITION_FIRST)
    text = f"only those that a person must look at: {', '.join(_ONLY)}"
    listed.add_argument("--only", choices=_ONLY, metavar="WHICH", help=text)
    text = "end the registration of sections: all are filed at once (EC 11222(b)); print the control totals as JSON"
    cli.command(petition, "file", text, _file, cli.PETITION_FIRST)
    _add_defect(petition)
    _add_raw_count(petition)
    _add_attempts(petition)


def _add_defect(petition: cli.Subparsers) -> None:
    text = "find a section defective, confirm that, or take it back; print the act as JSON"
    defect = cli.command(petition, "defect", text, _defect, cli.PETITION_FIRST)
    defect.add_argument("section", type=cli.a_number, metavar="SECTION", help="its number")
    what = defect.add_mutually_exclusive_group(required=True)
    codes = get_args(DefectCode)
    text = f"what is defective (EC 104): {', '.join(codes)}"
    what.add_argument("--find", nargs="+", choices=codes, metavar="CODE", help=text)
    what.add_argument("--confirm", action="store_true", help="agree, as another person than those who found it")
    what.add_argument("--take-back", action="store_true", help="end it; needs --note, and a supervisor")
    defect.add_argument("--note", default="", type=a_note, help="what was seen, or why it is taken back")


def _add_raw_count(petition: cli.Subparsers) -> None:
    text = "print where the raw count stands as JSON"
    cli.command(petition, "raw-count", text, _raw_count, cli.PETITION_FIRST)
    text = "propose to freeze the raw count; print where it stands as JSON"
    freeze = cli.command(petition, "freeze", text, _propose, cli.PETITION_FIRST)
    text = "why a section's control totals differ, or those of several; one about each that differs"
    note = cli.argument(_section_note, "SECTION=TEXT or FIRST-LAST=TEXT, such as 12=page 4 was torn out")
    freeze.add_argument("--note", dest="notes", action="append", default=[], type=note, metavar="NOTE", help=text)
    freeze.set_defaults(kind="freeze", reason="")
    text = "propose to open a frozen raw count for a correction; print where it stands as JSON"
    correct = cli.command(petition, "correct", text, _propose, cli.PETITION_FIRST)
    correct.add_argument("--reason", required=True, type=a_note, help="why; goes on record")
    correct.set_defaults(kind="correction", notes=[])
    text = "confirm another person's newest proposal to freeze or correct the raw count"
    confirm = cli.command(petition, "confirm", text, _confirm, cli.PETITION_FIRST)
    text = "the proposal's number, as `petition raw-count` shows it"
    confirm.add_argument("--proposal", required=True, type=cli.a_number, metavar="NO", help=text)


def _add_attempts(petition: cli.Subparsers) -> None:
    text = "print every attempt at an officer of the county as a line of JSON, also those that were never filed"
    cli.command(petition, "attempts", text, _attempts, cli.COUNTY)
    text = "record an attempt that was never filed, as JSON in the form of POST /v1/attempts"
    lapsed = cli.command(petition, "lapsed", text, _lapsed, cli.COUNTY)
    lapsed.add_argument("file", metavar="FILE", help="the attempt as a JSON object; '-' is standard input")


def _section_note(text: str) -> tuple[SectionRange, str]:
    sections, _, note = text.partition("=")
    first, _, last = sections.partition("-")
    return SectionRange(cli.a_number(first), cli.a_number(last or first)), a_reason(note)


async def _act(arguments: cli.Arguments, database: Database, act: Callable[[Change], Awaitable[Any]]) -> Any:  # noqa: ANN401  # the act's
    return await Count(database).attempt(arguments.petition, act, now=cli.now())


async def _register(arguments: cli.Arguments, database: Database) -> None:
    new = [one.value() for one in read_body(arguments.file, sections.RegistrationsIn).sections]
    who = await cli.the_user(database, arguments.petition.county_id, *cli.DECIDERS)
    done = await _act(arguments, database, partial(section_actions.register, sections=new, by=who.name))
    cli.show(sections.registrations_out(arguments.petition, new, done))


async def _sections(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        found = await section_states(connection, arguments.petition.key)
    for one in found:
        if sections.is_asked_for(arguments.petition, one, arguments.only):
            print(sections.state_out(arguments.petition, one).model_dump_json())


async def _file(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.petition.county_id, "supervisor")
    total = await _act(arguments, database, partial(section_actions.file_petition, by=who.name))
    cli.show(sections.TotalsOut.model_validate(total))


async def _defect(arguments: cli.Arguments, database: Database) -> None:
    roles = ("supervisor",) if arguments.take_back else cli.DECIDERS
    who = await cli.the_user(database, arguments.petition.county_id, *roles)
    said: dict[str, Any] = {"section": arguments.section, "by": who.name}
    if arguments.find:
        act = partial(defect_actions.find_defect, codes=arguments.find, note=arguments.note, **said)
    elif arguments.confirm:
        act = partial(defect_actions.confirm_defect, **said)
    else:
        act = partial(defect_actions.take_defect_back, note=arguments.note, **said)
    cli.show(defects.act_out(await _act(arguments, database, act)))


async def _raw_count(arguments: cli.Arguments, database: Database) -> None:
    async with database.reading() as connection:
        cli.show(raw_count.raw_count_out(await raw_count_actions.read_raw_count(connection, arguments.petition.key)))


async def _propose(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.petition.county_id, *cli.DECIDERS)
    said = {"reason": arguments.reason, "notes": dict(arguments.notes), "by": who.name}
    done = await _act(arguments, database, partial(raw_count_actions.propose, kind=arguments.kind, **said))
    cli.show(raw_count.raw_count_out(done))


async def _confirm(arguments: cli.Arguments, database: Database) -> None:
    who = await cli.the_user(database, arguments.petition.county_id, "supervisor")
    act = partial(raw_count_actions.confirm, proposal_no=arguments.proposal, by=who.name)
    cli.show(raw_count.raw_count_out(await _act(arguments, database, act)))


async def _attempts(arguments: cli.Arguments, database: Database) -> None:
    for one in await attempts.every_attempt(database, arguments.county_id):
        print(one.model_dump_json())


async def _lapsed(arguments: cli.Arguments, database: Database) -> None:
    new = read_body(arguments.file, attempts.AttemptIn)
    who = await cli.the_user(database, arguments.county_id, *cli.DECIDERS)
    cli.show(await attempts.record_lapsed(database, who, new, now=cli.now()))
