"""Writes the made-up county's roll, a petition and its truth.

python -m app.demo.generate --scale 0.01 --seed 1 --out DIR
"""

import argparse
import csv
import gzip
import json
import mmap
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from app.demo.county import Building, County, Row
from app.demo.mix import Mix, gascon
from app.demo.petition import Line, Petition

CIRCULATION = ("2022-01-27", "2022-07-06")
FILED = COMPLETE_THROUGH = "2022-07-06"
ALIASES = "aliases.csv"  # beside the files that the manifest names
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
NOTICE_EVERY = 100_000  # rows

Progress = Callable[[int], None]  # is told the number of current registrations made so far


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was made, and what the petition's result must be. `manifest.json` has the same names."""

    scale: str
    seed: int
    petition_seed: int
    roll: str  # file names, in the same folder
    petition: str
    truth: str
    rows: int  # of the roll: registration intervals
    registered: int  # current registrations
    required: int
    circulation: tuple[str, str]
    filed: str
    complete_through: str
    expected: dict[str, Any]  # raw, valid, invalid, invalid_by_reason as published, by_reason as coded


class _Spool:
    """Texts that come in any order and are copied out by index. In a file of its own, 8 bytes each in memory."""

    def __init__(self, folder: Path, count: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by copy_to
        self._starts = array("Q", bytes(8 * count))

    def put(self, index: int, value: object) -> None:
        self._starts[index] = self._file.tell()
        self._file.write(_ENCODE(value).encode() + b"\n")

    def copy_to(self, path: Path) -> None:
        """Writes all texts in the order of their index, and is done."""
        self._file.flush()
        with self._file, path.open("wb") as out, mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as texts:
            for start in self._starts:
                out.write(texts[start : texts.find(b"\n", start) + 1])


def generate(
    scale: str,
    seed: int,
    out: Path,
    *,
    petition_seed: int | None = None,
    petition_scale: str | None = None,
    hard: bool = False,
    compress: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Writes roll.csv (or roll.csv.gz), aliases.csv, petition.ndjson, truth.ndjson, manifest.json into a folder.

    Args:
        scale: of the county, a decimal number or fraction; 1 is 5,668,569 registrations.
        seed: the same seed and scale always give the same roll.
        out: the folder; made if it is not there, files in it are replaced.
        petition_seed: another petition of the same county; the seed if not given.
        petition_scale: the petition's size, where it is not the county's.
        hard: see `Petition`; for tests of the matching.
        compress: gzip the roll.
        progress: is called now and then.

    Raises:
        ValueError: a scale is no positive number or too small, or the petition does not fit the county.
    """
    county_mix, mix = gascon(Fraction(scale)), gascon(Fraction(petition_scale or scale))
    mix = Mix(county_mix.registered, mix.required, mix.lines)
    petition_seed = seed if petition_seed is None else petition_seed
    county = County(seed, mix.registered)
    petition = Petition(county, mix, petition_seed, hard=hard)
    out.mkdir(parents=True, exist_ok=True)
    roll = out / ("roll.csv.gz" if compress else "roll.csv")
    signatures, truths, counts = _Spool(out, mix.raw), _Spool(out, mix.raw), Counter[str]()

    def keep(line: Line) -> None:
        signatures.put(line.at, line.signature)
        truths.put(line.at, line.truth)
        counts[line.truth["reason"] or "valid"] += 1

    with _open(roll) as file:
        rows = _stream(county, petition, file, keep, progress)
    with _open(out / ALIASES) as file:
        rows_of_aliases = (("city", alias, city) for alias, city in county.atlas.other_names)
        csv.writer(file, lineterminator="\n").writerows([("kind", "alias", "name"), *rows_of_aliases])
    signatures.copy_to(out / "petition.ndjson")
    truths.copy_to(out / "truth.ndjson")
    manifest = Manifest(
        scale, seed, petition_seed, roll.name, "petition.ndjson", "truth.ndjson", rows, mix.registered, mix.required,
        CIRCULATION, FILED, COMPLETE_THROUGH, _expected(mix, counts),
    )  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", compresslevel=1, encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")


def _stream(
    county: County, petition: Petition, roll: IO[str], keep: Callable[[Line], None], progress: Progress | None
) -> int:
    """Makes the county building by building; the number of the roll's rows."""
    writer = csv.writer(roll, lineterminator="\n")
    writer.writerow(Row._fields)
    rows = made = 0
    for building in county.buildings():
        for line in petition.visit(building):
            keep(line)
        written = list(building.rows())
        writer.writerows(written)
        rows += len(written)
        made = _tell(progress, made, building)
    for line in petition.finish():
        keep(line)
    return rows


def _tell(progress: Progress | None, made: int, building: Building) -> int:
    now = made + len(building.current)
    if progress and now // NOTICE_EVERY > made // NOTICE_EVERY:
        progress(now)
    return now


def _expected(mix: Mix, counts: Counter[str]) -> dict[str, Any]:
    """The result that the service has to come to."""
    by_reason = {reason: count for reason, count in mix.lines.items() if reason != "valid"}
    return {
        "raw": mix.raw,
        "valid": mix.lines["valid"],
        "invalid": sum(by_reason.values()),
        "invalid_by_reason": by_reason,
        "by_reason": {reason: count for reason, count in sorted(counts.items()) if reason != "valid"},
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; 2 if the arguments make no petition."""
    parser = argparse.ArgumentParser(prog="python -m app.demo.generate", description="Make up a county and a petition.")
    parser.add_argument("--scale", default="0.01", help="1 is the whole Gascón petition (default: 0.01)")
    parser.add_argument("--seed", type=int, default=1, help="of the county (default: 1)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--petition-seed", type=int, help="another petition of the same county")
    parser.add_argument("--petition-scale", help="the petition's size, where it is not the county's")
    parser.add_argument("--hard", action="store_true", help="with signers whom no lookup can tell from a voter")
    parser.add_argument("--gzip", action="store_true", help="compress the roll")
    chosen = parser.parse_args(arguments)
    try:
        manifest = generate(
            chosen.scale, chosen.seed, chosen.out, petition_seed=chosen.petition_seed,
            petition_scale=chosen.petition_scale, hard=chosen.hard, compress=chosen.gzip,
            progress=lambda made: print(f"{made:,} registrations", file=sys.stderr),  # noqa: T201 - a command line
        )  # fmt: skip
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    print(json.dumps(asdict(manifest), indent=2))  # noqa: T201 - a command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
