"""`python -m app model`: the matcher's weights, learned from lines that people judged."""

from collections.abc import Sequence
from pathlib import Path

from app.cli.common import PETITION, Arguments, CommandError, Subparsers, an_id, command, group, the_petition
from app.database.pools import Database
from app.examination.learning import Band, learn_model, report_model
from app.matching.model import model_to_json


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    model = group(subparsers, "model", "learn the matcher's weights from judged lines, or measure its probabilities")
    text = "learn the weights from the lines that people judged, at best from every line of a petition"
    learn = command(model, "learn", text, _learn)
    text = "the petition's id; several are allowed, of one county"
    learn.add_argument("--petition", required=True, type=an_id, action="append", metavar="ID", help=text)
    learn.add_argument("--version", required=True, metavar="NAME", help="the model's name, which its findings record")
    learn.add_argument("--out", required=True, type=Path, metavar="FILE", help="a new JSON file")
    text = "compare the probabilities that the model in use claims with how often people agree"
    command(model, "report", text, _report, PETITION)


async def _learn(arguments: Arguments, database: Database) -> None:
    petitions = [await the_petition(database, petition_id) for petition_id in arguments.petition]
    if len({petition.county_id for petition in petitions}) > 1:
        raise CommandError("the petitions are of several counties, whose rolls differ: name petitions of one county")
    model, lines = await learn_model(database, petitions, arguments.version)
    if not lines:
        raise CommandError("people have judged no line yet that a model could be learned from")
    try:
        with arguments.out.open("x", encoding="utf-8") as file:
            file.write(model_to_json(model))
    except FileExistsError:
        raise CommandError(f"{arguments.out} exists already: name a new file") from None
    print(f"{arguments.version}, learned from {lines:,} judged lines")


async def _report(arguments: Arguments, database: Database) -> None:
    print(bands_as_text(await report_model(database, arguments.petition)))


def bands_as_text(bands: Sequence[Band]) -> str:
    """The report as a table: for each band of probability, the mean that was claimed and how often people agree."""
    rows = [f"{b.to:>13} {b.claimed:>10.4f} {b.lines:>9,} {b.right / b.lines:>13.4f}" for b in bands]
    return "\n".join([f"{'claimed up to':>13} {'on average':>10} {'lines':>9} {'people agree':>13}", *rows])
