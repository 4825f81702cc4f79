"""Compare how long lines take that a confidential voter may have signed with how long others take.

    python bench/timings.py [--lines 3000]

One connection posts four kinds of lines in turns to a service of its own: confidential names with their true address,
the same names with other addresses of the county, and names of people whom the roll does not know, but may know their
families, with their own addresses and with others. What is shown are the differences of the medians between kinds with
their 95 % intervals (bootstrap), beside the difference between two halves of one kind, which is noise. At home a line
takes longer where a family of the name is registered, which everyone may know: of people who are not in the roll as
well. A station would find a hidden address if confidential names took longer at home than these do, and a hidden name
if confidential and unknown names differed at other addresses.
"""

import argparse
import asyncio
import csv
import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.demo.generate import generate
from bench.paired import COUNTY, Side
from bench.service import ROOT, Program
from bench.wire import Wire, request

CONFIDENTIAL = 1_000
DRAWS = 1_000  # of the bootstrap
KINDS = (
    "confidential name, true address",
    "confidential name, other address",
    "unknown name, own address",
    "unknown name, other address",
)
Times = Sequence[Sequence[float]]


def difference(times: Times, signs: Sequence[int], draw: random.Random) -> tuple[float, float, float]:
    """The sum of the medians, each with its sign, and its 95 % interval."""

    def of(samples: Times) -> float:
        return sum(sign * statistics.median(one) for sign, one in zip(signs, samples, strict=True))

    found = sorted(of([draw.choices(one, k=len(one)) for one in times]) for _ in range(DRAWS))
    return of(times), found[DRAWS * 25 // 1000], found[DRAWS * 975 // 1000]


def make_roll(folder: Path, draw: random.Random) -> tuple[dict[str, Any], list[dict[str, str]], list[dict[str, str]]]:
    """Make a county, some of whose voters are confidential: its description, these, and as many who are not in it."""
    generate("0.01", 1, folder)
    made = json.loads((folder / "manifest.json").read_text())
    with (folder / made["roll"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    active = [row for row in rows if row["status"] == "active" and row["house_number"]]
    sample = draw.sample(sorted({row["voter_id"] for row in active}), 2 * CONFIDENTIAL)
    chosen, left_out = set(sample[:CONFIDENTIAL]), set(sample[CONFIDENTIAL:])
    for row in rows:
        row["confidential"] = "true" if row["voter_id"] in chosen else ""
    with (folder / made["roll"]).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row for row in rows if row["voter_id"] not in left_out)
    return made, *([row for row in active if row["voter_id"] in voters] for voters in (chosen, left_out))


def body(number: int, name: dict[str, str], home: dict[str, str]) -> bytes:
    """A line with the name of one voter and the address of another."""
    parts = ("house_number", "pre_direction", "street_name", "street_type")
    line: dict[str, object] = {"section": 1 + number // 1000, "page": 1, "line": 1 + number % 1000, "signed": True}
    line["printed_name"] = " ".join(filter(None, (name[part] for part in ("first_name", "middle_name", "last_name"))))
    line["residence_address"] = " ".join(filter(None, (home[part] for part in parts)))
    return json.dumps(line | {"city": home["city"], "zip": home["zip"]}).encode()


async def measure(side: Side, bodies: Sequence[tuple[int, bytes]]) -> list[list[float]]:
    """Post the lines one by one; the microseconds of each, by kind."""
    path = f"/v1/petitions/{await side.petition()}/signatures"
    wire, times = await Wire.open(side.program.port), [list[float]() for _ in KINDS]
    for at, (kind, one) in enumerate(bodies):
        reply = await wire.ask(request(path, side.stations[at % len(side.stations)], one))
        times[kind].append((reply.answered - reply.sent) * 1e6)
    wire.close()
    return times


async def run(lines: int, folder: Path) -> None:
    """Measure in a folder that others may enter."""
    draw = random.Random(7)  # noqa: S311  # made up
    made, hidden, unknown = make_roll(folder / "made", draw)
    bodies = list[tuple[int, bytes]]()
    for number in range(lines):
        one, other = hidden[number % len(hidden)], unknown[number % len(unknown)]
        pairs = [(one, one), (one, draw.choice(unknown)), (other, other), (other, draw.choice(unknown))]
        turn = [(kind, body(len(KINDS) * number + kind, *pair)) for kind, pair in enumerate(pairs)]
        bodies += draw.sample(turn, len(turn))
    program = Program(("-m", "app", "serve", "--port", "0"), {"DATA_DIR": str(folder / "data")}, ROOT)
    async with program.running():
        side = Side(ROOT, folder / "data", program, {**made, "county_id": COUNTY})
        await side.prepare(folder / "made")
        times = await measure(side, bodies)
    for kind, of_kind in zip(KINDS, times, strict=True):
        print(f"{kind:34} median {statistics.median(of_kind):8.1f} us of {len(of_kind)}")
    true, elsewhere, own, unknown_elsewhere = times
    compared: dict[str, tuple[Times, Sequence[int]]] = {
        "home - elsewhere, confidential": ((true, elsewhere), (1, -1)),
        "home - elsewhere, unknown": ((own, unknown_elsewhere), (1, -1)),
        "the first less the second": (times, (1, -1, -1, 1)),
        "confidential - unknown, elsewhere": ((elsewhere, unknown_elsewhere), (1, -1)),
        "noise": ((elsewhere[::2], elsewhere[1::2]), (1, -1)),
    }
    for name, what in compared.items():
        print(f"{name:34} {{:+8.1f}} us, 95 % interval {{:+.1f}} to {{:+.1f}}".format(*difference(*what, draw)))


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=3_000, help="lines of each kind (default 3000)")
    with tempfile.TemporaryDirectory(prefix="timings-") as folder:
        Path(folder).chmod(0o711)
        asyncio.run(run(parser.parse_args().lines, Path(folder)))


if __name__ == "__main__":
    main()
