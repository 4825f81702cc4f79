"""Learns the matcher's model from a petition whose truth is known, or reports how far it can be believed.

    python bench/judged.py --roll ROLL --petition P --truth T --learn model-3 --out FILE.json
    python bench/judged.py --roll ROLL --petition P --truth T

A database of its own gets the roll and the petition through the service's own actions; then a person says of every line
what is true of it, and `tools.model` learns from that or reports. So the model is made that ships.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, from anywhere

from app.access.principals import Principal
from app.count.intake import GroupCommit, Submission
from app.count.record import Count
from app.database.engine import open_database
from app.database.migrate import upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.errors import RecallError
from app.examination.actions import decide_by_person
from app.examination.reads import ReadKind, VoterRead, add_read
from app.law.line import Place, Signature
from app.law.petition import Petition, Terms
from app.law.reasons import VALID, Outcome
from app.law.review import NOT_REGISTERED, PersonFinding
from app.matching.model import model_to_json
from app.roll.loading import load_roll
from bench.matching import objects, writing
from tools.model import bands_as_text, learn_model, report_model

COUNTY: Final = "judged"
KINDS: Final[tuple[ReadKind, ...]] = ("name", "address")
FIRST, LAST = date(2022, 1, 27), date(2022, 7, 6)
_BATCH: Final = 500
_REASONS: Final[Mapping[str, Any]] = {
    "moved": "different_address", "cancelled": "canceled", "notreg": "not_registered", "ooc": "out_of_county",
}  # fmt: skip
_NOTE: Final = "known to be so"
_PERSON: Final = Principal(COUNTY, "supervisor-1", "supervisor")


def word(truth: dict[str, Any]) -> PersonFinding | None:
    """What a person says who knows the truth of a line; None where the paper alone decides it."""
    kind, own = truth["class"], truth.get("voter_id") or next(iter(truth["ok"]), None)
    if kind in {"valid", "dup"}:
        return PersonFinding(VALID, own, _NOTE)
    return (
        PersonFinding(Outcome("invalid", truth.get("reason") or _REASONS[kind]), own, _NOTE)
        if kind in _REASONS
        else None
    )


def placed(place: str) -> Place:
    """A place as it stands in a truth."""
    return Place(*map(int, place.split("-")))


def signature(line: dict[str, Any]) -> Signature:
    """A signature as a station hands it in."""
    return writing(line).at(Place(line["section"], line["page"], line["line"]))


async def judged_petition(
    database: Database, lines: Sequence[dict[str, Any]], truths: Sequence[dict[str, Any]]
) -> Petition:
    """Take a petition in, and let a person judge every line of it."""
    terms = Terms(
        county_id=COUNTY, title="A petition", officer="An officer", required=1, registered_voters=None,
        circulation_from=FIRST, circulation_to=LAST, filed_on=LAST, ruleset_name="california-local-recall/1",
    )  # fmt: skip
    count = Count(database)
    petition = await Count(database).open_petition(terms, opened_by=_PERSON.name, now=datetime.now(UTC))
    for at in range(0, len(lines), _BATCH):
        batch = Submission(_PERSON.name, [signature(line) for line in lines[at : at + _BATCH]])
        outcome = await GroupCommit(count, lambda: datetime.now(UTC)).take_in(petition, batch)
        if isinstance(outcome, Exception):
            raise outcome
    said = [(placed(truth["place"]), true) for truth in truths if (true := word(truth))]
    refused = 0
    for at in range(0, len(said), _BATCH):
        batch_said = dict(said[at : at + _BATCH])
        await search(database, petition, [place for place, one in batch_said.items() if one.outcome == NOT_REGISTERED])
        act = partial(decide_by_person, said=batch_said, who=_PERSON)
        found = await count.attempt(petition, act, now=datetime.now(UTC))
        refused += sum(isinstance(result, RecallError) for result in found.values())
    print(f"{len(lines):,} lines, {len(said) - refused:,} of them judged, {refused:,} findings refused")
    return petition


async def search(database: Database, petition: Petition, places: Sequence[Place]) -> None:
    """Put the searches on record that a person's `not_registered` rests on; what they would find is known."""
    now = datetime.now(UTC)
    async with database.reading() as connection, connection.transaction():
        for place, kind in product(places, KINDS):
            read = VoterRead(kind, petition.petition_id, (str(place),), roll_version=1)
            await add_read(connection, _PERSON, read, counted=0, now=now)


async def run(arguments: argparse.Namespace, url: str) -> None:
    """Load, judge, and learn or report."""
    await upgrade(url)
    await load_roll(url, county_id=COUNTY, source=arguments.roll, complete_through=LAST, activate=True)
    database = await open_database(url)
    try:
        petition = await judged_petition(database, list(objects(arguments.petition)), list(objects(arguments.truth)))
        if arguments.learn:
            model, lines = await learn_model(database, [petition], arguments.learn)
            arguments.out.write_text(model_to_json(model), encoding="utf-8")
            print(f"{arguments.learn}, learned from {lines:,} judged lines")
        else:
            print(bands_as_text(await report_model(database, petition)))
    finally:
        await database.close()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--roll", "--petition", "--truth"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--learn", metavar="VERSION", help="how findings will name the model; without it: report")
    parser.add_argument("--out", type=Path, help="the model's file")
    arguments = parser.parse_args()
    if arguments.learn and not arguments.out:
        parser.error("--learn needs --out")
    with TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o711)  # where root runs it, the server's user must get through
        with EmbeddedServer.start(Path(folder)) as server:
            asyncio.run(run(arguments, server.url()))


if __name__ == "__main__":
    main()
