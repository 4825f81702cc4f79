"""Writes the made-up county's roll, a petition and its truth.

python -m app.demo.generate --scale 0.01 --seed 1 --out DIR
"""

import argparse
import csv
import gzip
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.demo.county import DAYS, ROLL_HEADER, WINDOW_FIRST, WINDOW_LAST, County
from app.demo.petition import Petition, gascon

ALIASES = "aliases.csv"  # next to the files that the manifest names
NOTICE_EVERY = 100_000  # registrations
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was made, and what the petition's result must be. `manifest.json` has the same names."""

    scale: str
    seed: int
    petition_seed: int
    roll: str  # file names, in the same folder
    petition: str = "petition.ndjson"
    truth: str = "truth.ndjson"
    rows: int  # of the roll
    registered: int  # current registrations
    required: int
    circulation: tuple[str, str] = (DAYS[WINDOW_FIRST], DAYS[WINDOW_LAST])
    filed: str = DAYS[WINDOW_LAST]
    complete_through: str = DAYS[WINDOW_LAST]
    expected: dict[str, Any]  # raw, valid, invalid, invalid_by_reason as published, by_reason as coded


def generate(
    scale: str,
    seed: int,
    out: Path,
    *,
    petition_seed: int | None = None,
    petition_scale: str | None = None,
    hard: bool = False,
    compress: bool = False,
) -> Manifest:
    """Writes roll.csv (or roll.csv.gz), aliases.csv, petition.ndjson, truth.ndjson, manifest.json into a folder.

    Args:
        scale: Of the county, a decimal number or fraction; 1 is 5,668,569 registrations.
        seed: The same seed and scale always give the same roll.
        out: The folder; created if missing, files in it are replaced.
        petition_seed: For another petition of the same county; the seed if not given.
        petition_scale: The petition's size, if it is not the county's.
        hard: See `Petition`; for tests of the matching.
        compress: Whether to gzip the roll.

    Raises:
        ValueError: A scale is not a positive number or too small, or the petition does not fit the county.
    """
    mix = gascon(Fraction(petition_scale or scale))._replace(registered=gascon(Fraction(scale)).registered)
    petition_seed = seed if petition_seed is None else petition_seed
    out.mkdir(parents=True, exist_ok=True)
    county = County(seed, mix.registered)
    petition = Petition(county, mix, petition_seed, out, hard=hard)
    roll = out / ("roll.csv.gz" if compress else "roll.csv")
    count = _write_csv(roll, ROLL_HEADER, _rows(county, petition))
    _write_csv(out / ALIASES, ("kind", "alias", "name"), (("city", *names) for names in county.other_names))
    petition.write_to(out)
    expected: dict[str, Any] = {"raw": mix.raw, "valid": mix.lines["valid"], "invalid": mix.raw - mix.lines["valid"]}
    expected["invalid_by_reason"] = {reason: lines for reason, lines in mix.lines.items() if reason != "valid"}
    expected["by_reason"] = dict(sorted(petition.reasons.items()))
    manifest = Manifest(
        scale=scale, seed=seed, petition_seed=petition_seed, roll=roll.name, rows=count, registered=mix.registered,
        required=mix.required, expected=expected,
    )  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _rows(county: County, petition: Petition) -> Iterator[tuple[str, ...]]:
    """The roll's rows, made building by building; the petition is drawn on the way."""
    made = 0
    for building in county.buildings():
        petition.visit(building)
        made += len(building.current)
        if made % NOTICE_EVERY < len(building.current):
            _LOG.info("%s registrations", f"{made:,}")
        yield from (registration.row() for registration in building.registrations())


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Writes a file, compressed if its name says so; returns the number of rows."""
    count = 0
    text: Any = {"mode": "wt", "encoding": "utf-8", "newline": ""}
    with gzip.open(path, compresslevel=1, **text) if path.suffix == ".gz" else path.open(**text) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for count, row in enumerate(rows, start=1):  # noqa: B007  the last number is the result
            writer.writerow(row)
    return count


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 2 if the arguments make no petition."""
    parser = argparse.ArgumentParser(prog="python -m app.demo.generate", description="Make up a county and a petition.")
    parser.add_argument("--scale", default="0.01", help="1 is the whole Gascón petition (default: 0.01)")
    parser.add_argument("--seed", type=int, default=1, help="of the county (default: 1)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--petition-seed", type=int, help="another petition of the same county")
    parser.add_argument("--petition-scale", help="the petition's size, if it is not the county's")
    parser.add_argument("--hard", action="store_true", help="with signers whom no lookup can distinguish from a voter")
    parser.add_argument("--gzip", dest="compress", action="store_true", help="compress the roll")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        manifest = generate(**vars(parser.parse_args(arguments)))
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    print(json.dumps(asdict(manifest), indent=2))  # noqa: T201 - a command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
