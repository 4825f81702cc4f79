"""Writes the made-up county's roll, a petition and its truth.

python -m app.demo.generate --scale 0.01 --seed 1 --out DIR
"""

import argparse
import csv
import gzip
import json
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.demo.county import ROLL_HEADER, County
from app.demo.petition import Line, Petition, gascon

CIRCULATION = ("2022-01-27", "2022-07-06")
FILED = COMPLETE_THROUGH = "2022-07-06"
ALIASES = "aliases.csv"  # next to the files that the manifest names
NOTICE_EVERY = 100_000  # registrations
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was made, and what the petition's result must be. `manifest.json` has the same names."""

    scale: str
    seed: int
    petition_seed: int
    roll: str  # file names, in the same folder
    petition: str
    truth: str
    rows: int  # of the roll
    registered: int  # current registrations
    required: int
    circulation: tuple[str, str]
    filed: str
    complete_through: str
    expected: dict[str, Any]  # raw, valid, invalid, invalid_by_reason as published, by_reason as coded


class _Lines:
    """The petition's lines, which come in any order; kept in a temporary file, with 8 bytes each in memory."""

    def __init__(self, folder: Path, count: int) -> None:
        self.reasons: Counter[str] = Counter()
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by write_to
        self._starts = array("Q", bytes(8 * count))

    def add(self, lines: Iterator[Line]) -> None:
        for line in lines:
            self._starts[line.at] = self._file.tell()
            self._file.write(f"{_ENCODE(line.signature)}\n{_ENCODE(line.truth)}\n".encode())
            if reason := line.truth["reason"]:
                self.reasons[reason] += 1

    def write_to(self, folder: Path) -> None:
        """Write the lines and their truths in paper order."""
        petition, truth = folder / "petition.ndjson", folder / "truth.ndjson"
        with self._file, petition.open("wb") as signatures, truth.open("wb") as truths:
            for start in self._starts:
                self._file.seek(start)
                signatures.write(self._file.readline())
                truths.write(self._file.readline())


def _stream(
    county: County, petition: Petition, lines: _Lines, progress: Callable[[int], None]
) -> Iterator[tuple[str, ...]]:
    """The roll's rows, made building by building; the lines of the people who sign are added on the way."""
    made = 0
    for building in county.buildings():
        lines.add(petition.visit(building))
        made += len(building.current)
        if made % NOTICE_EVERY < len(building.current):
            progress(made)
        for registration in building.registrations():
            yield registration.row()
    lines.add(petition.finish())


def generate(
    scale: str,
    seed: int,
    out: Path,
    *,
    petition_seed: int | None = None,
    petition_scale: str | None = None,
    hard: bool = False,
    compress: bool = False,
    progress: Callable[[int], None] = lambda _: None,
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
        progress: Called now and then with the number of current registrations so far.

    Raises:
        ValueError: A scale is not a positive number or too small, or the petition does not fit the county.
    """
    mix = replace(gascon(Fraction(petition_scale or scale)), registered=gascon(Fraction(scale)).registered)
    petition_seed = seed if petition_seed is None else petition_seed
    county = County(seed, mix.registered)
    petition = Petition(county, mix, petition_seed, hard=hard)
    out.mkdir(parents=True, exist_ok=True)
    lines, roll = _Lines(out, mix.raw), out / ("roll.csv.gz" if compress else "roll.csv")
    rows = _write_csv(roll, ROLL_HEADER, _stream(county, petition, lines, progress))
    _write_csv(out / ALIASES, ("kind", "alias", "name"), (("city", *names) for names in county.other_names))
    lines.write_to(out)
    published = {reason: count for reason, count in mix.lines.items() if reason != "valid"}
    expected = {
        "raw": mix.raw, "valid": mix.lines["valid"], "invalid": mix.raw - mix.lines["valid"],
        "invalid_by_reason": published, "by_reason": dict(sorted(lines.reasons.items())),
    }  # fmt: skip
    manifest = Manifest(
        scale, seed, petition_seed, roll.name, "petition.ndjson", "truth.ndjson", rows, mix.registered, mix.required,
        CIRCULATION, FILED, COMPLETE_THROUGH, expected,
    )  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


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
    try:
        manifest = generate(
            **vars(parser.parse_args(arguments)),
            progress=lambda made: print(f"{made:,} registrations", file=sys.stderr),  # noqa: T201 - a command line
        )
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    print(json.dumps(asdict(manifest), indent=2))  # noqa: T201 - a command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
