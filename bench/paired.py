"""Compare this checkout of the service with another one, in turns on the same machine.

    python bench/paired.py --before FOLDER [--scale 0.02] [--rounds 5]

Each program runs as a user would run it: `serve` with a database of its own, the same made-up county and petition. The
turns alternate (A B, B A, …), so that a machine that becomes slower or faster changes both sides alike. The result is
the median of the ratios turn by turn: this checkout over the other one. More than 1 is faster, and for memory more.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.demo.generate import generate
from bench.service import ROOT, Program
from bench.usage import memory
from bench.wire import Wire, exchange_all, per_second, request

COUNTY = "bench"
MONITORS = 20
KEYS = 8  # of stations, since one key alone may not send as many requests
POLL_SECONDS = 3.0


@dataclass
class Side:
    """One of the two programs, running."""

    root: Path
    data_dir: Path
    program: Program
    made: dict[str, Any]
    stations: list[str] = field(default_factory=list)
    monitors: list[str] = field(default_factory=list)
    clerk: str = ""  # the key of the clerk who opens the petitions

    async def command(self, *arguments: str) -> str:
        """Run one of its commands beside it and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "DATA_DIR": str(self.data_dir), "PYTHONPATH": str(self.root)},
            cwd=self.root,
        )
        output, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode())
        return output.decode()

    async def key(self, role: str, name: str) -> str:
        """A new key."""
        output = await self.command("keys", "create", "--county", COUNTY, "--role", role, "--name", name)
        return output.splitlines()[-1]

    async def prepare(self, folder: Path) -> None:
        """Load the roll and create the keys."""
        roll, through = str(folder / self.made["roll"]), self.made["complete_through"]
        await self.command("roll", "load", roll, "--county", COUNTY, "--complete-through", through, "--activate")
        self.stations = [await self.key("station", f"station-{number}") for number in range(KEYS)]
        self.clerk = await self.key("clerk", "clerk-1")
        self.monitors = [await self.key("monitor", f"monitor-{number}") for number in range(MONITORS)]

    async def petition(self) -> str:
        """Open another petition; its id."""
        first, last = self.made["circulation"]
        terms = {"title": "Recall", "officer": "Assessor", "required": 1000, "filed_on": self.made["filed"]}
        body = terms | {"circulation_from": first, "circulation_to": last}
        url, key = f"http://127.0.0.1:{self.program.port}/v1/petitions", {"Authorization": f"Bearer {self.clerk}"}
        async with httpx.AsyncClient() as client:
            opened = await client.post(url, json=body, headers=key)
        petition_id: str = opened.raise_for_status().json()["petition_id"]
        return petition_id


async def batch_turn(side: Side, lines: Sequence[bytes], size: int = 500) -> float:
    """Lines a second in batches, four of them in flight."""
    path = f"/v1/petitions/{await side.petition()}/signatures/batch"
    parts = [lines[at : at + size] for at in range(0, len(lines), size)]
    bodies = [b'{"signatures":[' + b",".join(part) + b"]}" for part in parts]
    requests = [
        request(path, key, body, idempotency_key=f"batch-{number}")
        for number, (body, key) in enumerate(zip(bodies, itertools.cycle(side.stations), strict=False))
    ]
    return per_second(await exchange_all(side.program.port, requests, 4)) * len(lines) / len(requests)


async def single_turn(side: Side, lines: Sequence[bytes]) -> float:
    """Single signatures a second over 32 connections."""
    path = f"/v1/petitions/{await side.petition()}/signatures"
    requests = [
        request(path, key, line, idempotency_key=f"line-{number}")
        for number, (line, key) in enumerate(zip(lines, itertools.cycle(side.stations), strict=False))
    ]
    return per_second(await exchange_all(side.program.port, requests, 32))


async def poll_turn(side: Side, _: Sequence[bytes]) -> float:
    """Polls of the tally a second, each monitor asking again as soon as it is answered."""
    path, ends = f"/v1/petitions/{await side.petition()}/tally", time.perf_counter() + POLL_SECONDS

    async def poll(key: str) -> int:
        wire, answered, asked = await Wire.open(side.program.port), 0, request(path, key)
        while time.perf_counter() < ends:
            await wire.ask(asked)
            answered += 1
        wire.close()
        return answered

    return sum(await asyncio.gather(*map(poll, side.monitors))) / POLL_SECONDS


# What is measured, with the number of lines in a turn (None: all) and how many turns there are in a round: on a machine
# that is faster in one second than in the next, many short turns compare better than few long ones.
TURNS = {
    "batches, lines/s": (batch_turn, 5_000, 8),
    "single posts, lines/s": (single_turn, 1_000, 10),
    "polls/s": (poll_turn, None, 2),
}


async def compare(sides: Sequence[Side], lines: Sequence[bytes], rounds: int) -> None:
    """Print for each kind of work the medians of both sides and the median ratio."""
    this, other = sides
    for what, (turn, most, times) in TURNS.items():
        part = lines[:most]
        for side in sides:
            await turn(side, part[:1000])  # a warm-up
        figures: dict[int, list[float]] = {id(this): [], id(other): []}
        for number in range(rounds * times):
            for side in sides if number % 2 else reversed(sides):
                figures[id(side)].append(await turn(side, part))
        ratios = [a / b for a, b in zip(figures[id(this)], figures[id(other)], strict=True)]
        medians = [statistics.median(figures[id(side)]) for side in sides]
        print(
            f"{what:<22} this {medians[0]:>9,.0f}   before {medians[1]:>9,.0f}   ratio {statistics.median(ratios):.3f}"
            f"   (from {min(ratios):.3f} to {max(ratios):.3f})",
            flush=True,
        )
    taken = [memory(side.program.pid) for side in sides]
    print(f"{'memory, MB':<22} this {taken[0]:>9,.0f}   before {taken[1]:>9,.0f}   ratio {taken[0] / taken[1]:.3f}")


async def run(before: Path, scale: str, rounds: int, folder: Path) -> None:
    """Start both, prepare them, and compare."""
    made = generate(scale, 1, folder / "made")
    manifest = json.loads((folder / "made" / "manifest.json").read_text("utf-8"))
    lines = (folder / "made" / made.petition).read_bytes().splitlines()
    sides = []
    async with AsyncExitStack() as stack:
        for name, root in (("this", ROOT), ("before", before)):
            data_dir = folder / name
            program = Program(
                ("-m", "app", "serve", "--port", "0"), {"DATA_DIR": str(data_dir), "PYTHONPATH": str(root)}, root
            )
            sides.append(Side(root, data_dir, await stack.enter_async_context(program.running()), manifest))
        for side in sides:
            await side.prepare(folder / "made")
        await compare(sides, lines, rounds)


def main() -> None:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(description="Compare this checkout with another one, in turns.")
    parser.add_argument("--before", required=True, type=Path, metavar="FOLDER", help="the other checkout")
    parser.add_argument("--scale", default="0.02", help="of the county and its petition; 1 is 715,833 lines")
    parser.add_argument("--rounds", default=5, type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paired-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the database's user must reach its folder
        asyncio.run(run(arguments.before.absolute(), arguments.scale, arguments.rounds, folder))


if __name__ == "__main__":
    main()
