"""`python -m app withdraw`, `withdrawals`: requests to withdraw are recorded, decided, revoked, and listed."""

from functools import partial
from typing import Any, Final, get_args

from app.access.principals import Role
from app.cli import common as cli
from app.cli.bodies import a_city, a_note, a_title, a_voter, a_zip, an_address
from app.cli.reads import put_read_on_record
from app.count.record import Count
from app.database.pools import Database
from app.examination import withdrawals as actions
from app.examination.withdrawal_queries import page_of_withdrawals
from app.http.withdrawals import list_read, listed_out, withdrawal_done_out
from app.law.withdrawals import REQUIREMENTS, ReceivedBy, Ruling, WithdrawalReason, WithdrawalRequest, WithdrawalState

_ROLES: Final[tuple[Role, ...]] = ("clerk", "supervisor")
_AT_ONCE: Final = 1000  # requests of one read
_SIGNATURE: Final = {"agrees": True, "differs": False}
_READ: Final[dict[str, dict[str, Any]]] = {
    "ID": {"type": cli.an_id},
    "VOTER": {"type": a_voter},
    "NAME": {"type": a_title},
}
_WHAT: Final[tuple[tuple[str, str, str], ...]] = (
    ("voter", "VOTER", "record a request of this voter"),
    ("name", "NAME", "record a request of a person who was not found in the roll"),
    ("accept", "ID", "accept an open request: its signature was compared with the voter's on record"),
    ("refuse", "ID", "refuse an open request"),
    ("revoke", "ID", "revoke a withdrawal that was accepted by mistake"),
)


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the command."""
    text = "record a request to withdraw as it was received, or decide or revoke one"
    parser = cli.command(subparsers, "withdraw", text, _withdraw, cli.PETITION)
    what = parser.add_mutually_exclusive_group(required=True)
    for name, metavar, text in _WHAT:
        what.add_argument(f"--{name}", metavar=metavar, help=text, **_READ[metavar])
    parser.add_argument("--note", default="", type=a_note, help="why; required to refuse or revoke one")
    text = "the residence on the request; needed with --name"
    parser.add_argument("--address", default="", type=an_address, metavar="TEXT", help=text)
    parser.add_argument("--city", default="", type=a_city, metavar="TEXT", help="its city")
    parser.add_argument("--zip", default="", type=a_zip, metavar="ZIP", help="its zip code")
    parser.add_argument("--received", **cli.DATE, help="the day it was received; needed with --voter and --name")
    parser.add_argument("--by-way-of", dest="received_by", choices=get_args(ReceivedBy), help="how it was received")
    parser.add_argument("--dated", **cli.DATE, help="the date on it; leave it out if it has none")
    text = f"what it lacks (2 CCR 20970), as often as needed: {', '.join(REQUIREMENTS)}"
    parser.add_argument("--missing", action="append", default=[], choices=REQUIREMENTS, metavar="PART", help=text)
    text = "whether the signature agrees with the voter's on record; leave it out if it was not compared"
    parser.add_argument("--signature", choices=_SIGNATURE, help=text)
    text = "with --accept: whose request it is, if it names no voter"
    parser.add_argument("--of", type=a_voter, metavar="VOTER", help=text)
    codes = get_args(WithdrawalReason)
    parser.add_argument("--reason", choices=codes, metavar="CODE", help=f"with --refuse: one of {', '.join(codes)}")
    text = "print the requests to withdraw that wait for a person, the oldest first, each as a line of JSON"
    listed = cli.command(subparsers, "withdrawals", text, _list, cli.PETITION_FIRST)
    states = get_args(WithdrawalState)
    text = f"those that stand like this instead: {', '.join(states)} (default: open)"
    listed.add_argument("--state", choices=states, default="open", metavar="STATE", help=text)


async def _list(arguments: cli.Arguments, database: Database) -> None:
    petition, only, after = arguments.petition, arguments.state, None
    while True:
        async with database.reading() as connection:
            found = await page_of_withdrawals(connection, petition.key, after=after, limit=_AT_ONCE, state=only)
        if not found:
            return
        await put_read_on_record(database, petition, list_read(petition.petition_id, found))
        for one in found:
            print(listed_out(one).model_dump_json())
        after = found[-1].withdrawal_id


async def _withdraw(arguments: cli.Arguments, database: Database) -> None:
    roles = _ROLES[arguments.revoke is not None :]  # to revoke a withdrawal takes a supervisor
    who = await cli.the_user(database, arguments.petition.county_id, *roles)
    recorded = {"by": who.name, "note": arguments.note}
    act: Any
    if arguments.revoke:
        act = partial(actions.revoke_withdrawal, withdrawal_id=arguments.revoke, **recorded)
    elif decided := arguments.accept or arguments.refuse:
        said = Ruling("accepted") if arguments.accept else Ruling("refused", arguments.reason)
        act = partial(actions.decide_request, withdrawal_id=decided, said=said, voter_id=arguments.of, **recorded)
    else:
        act = partial(actions.receive, request=_request(arguments), **recorded)
    done = await Count(database).attempt(arguments.petition, act, now=cli.now())
    print(withdrawal_done_out(done).model_dump_json(indent=2))


def _request(arguments: cli.Arguments) -> WithdrawalRequest:
    if not (arguments.received and arguments.received_by) or bool(arguments.name) != bool(arguments.address):
        raise cli.CommandError("a request needs --received and --by-way-of, and --name needs --address")
    if arguments.signature and (arguments.name or "signature" in arguments.missing):
        raise cli.CommandError("--signature is for a signed request of a known voter: --voter")
    written = (arguments.name, arguments.address, arguments.city, arguments.zip) if arguments.name else None
    return WithdrawalRequest(
        arguments.received,
        arguments.voter,
        arguments.received_by,
        arguments.dated,
        tuple(one for one in REQUIREMENTS if one not in arguments.missing),
        _SIGNATURE.get(arguments.signature),
        written,
    )
