"""`python -m app model learn` and `model report`: the matcher's weights, from what people judged."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.cli.common import CommandError, Subparsers, a_petition, over_database
from app.cli.petitions import the_petition
from app.database.engine import Database
from app.examination.learning import learn_model, report_model
from app.matching.scoring import model_to_json


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    model = subparsers.add_parser("model", help="learn the matcher's weights from judged lines, or measure them")
    commands = model.add_subparsers(required=True, metavar="COMMAND")
    learning = commands.add_parser("learn", help="learn from the lines that people judged, best all of a petition")
    learning.add_argument("--petition", required=True, type=a_petition, action="append", metavar="ID")
    learning.add_argument("--version", required=True, metavar="NAME", help="how findings will name the model")
    learning.add_argument("--out", required=True, type=Path, metavar="FILE", help="a new JSON file")
    learning.set_defaults(run=over_database(_learn))
    reporting = commands.add_parser("report", help="how often people agree, by the probability that was claimed")
    reporting.add_argument("--petition", required=True, type=a_petition, metavar="ID")
    reporting.set_defaults(run=over_database(_report))


async def _learn(arguments: argparse.Namespace, database: Database) -> int:
    petitions = [await the_petition(database, petition_id) for petition_id in arguments.petition]
    if len({petition.county_id for petition in petitions}) > 1:
        raise CommandError("the petitions are of several counties: their rolls differ")
    model, lines = await learn_model(database, petitions, arguments.version)
    if not lines:
        raise CommandError("people have judged no line that could be learnt from")
    try:
        with arguments.out.open("x", encoding="utf-8") as file:
            file.write(model_to_json(model))
    except FileExistsError:
        raise CommandError("the file is there already") from None
    print(f"{arguments.version}, learnt from {lines:,} judged lines")
    return 0


async def _report(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    print(bands_as_text(await report_model(database, petition)))
    return 0


def bands_as_text(bands: Sequence[Mapping[str, Any]]) -> str:
    """The report as a table: of each band of probability what was claimed on average, and how often people agree."""
    rows = [
        f"{band['to']:>13} {band['claimed']:>10.4f} {band['lines']:>9,} {band['right'] / band['lines']:>13.4f}"
        for band in bands
        if band["lines"]
    ]
    return "\n".join([f"{'claimed up to':>13} {'on average':>10} {'lines':>9} {'people agree':>13}", *rows])
