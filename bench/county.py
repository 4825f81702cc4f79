"""The made-up county behind a benchmark: its files, made or taken, its roll in the service, its lines as requests."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Self
from uuid import UUID

from app.demo.generate import generate
from bench.service import ROOT
from bench.usage import memory
from bench.wire import request

_LOADED = re.compile(r"([\d,]+) registrations in ([\d.]+) s")


@dataclass(frozen=True, slots=True)
class County:
    """A county's code, and the folder with the generator's files."""

    code: str
    folder: Path
    made: dict[str, Any]  # the manifest
    most_lines: int | None = None  # that are taken of the petition; None: all

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """One that was made already."""
        made = json.loads((folder / "manifest.json").read_text("utf-8"))
        return cls(f"made-{made['registered']}-{made['expected']['raw']}", folder, made)

    @classmethod
    def make(cls, folder: Path, scale: str, petition_scale: str | None = None) -> Self:
        """Make it up, unless the folder has it already."""
        if not (folder / "manifest.json").exists():
            generate(scale, 1, folder, petition_scale=petition_scale)
        return cls.in_folder(folder)

    @property
    def roll(self) -> Path:
        """The roll's file."""
        return self.folder / str(self.made["roll"])

    def lines(self) -> list[bytes]:
        """The petition's lines as JSON, in the paper's order."""
        return (self.folder / str(self.made["petition"])).read_bytes().splitlines()[: self.most_lines]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a roll took."""

    registrations: int
    seconds: float  # of the load itself, as it reports; of the whole command where it does not
    command_seconds: float  # with the start of the program
    megabytes: float  # the most that its processes held together


async def load_roll(county: County, data_dir: Path) -> Loaded:
    """Load the roll by `python -m app roll load`, keys and indexes and all, and put it into use.

    Raises:
        RuntimeError: it failed.
    """
    started = perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "roll", "load", str(county.roll), "--county", county.code),
        *("--complete-through", county.made["complete_through"], "--activate"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "DATA_DIR": str(data_dir)},
        cwd=ROOT,
    )
    most, output = [0.0], asyncio.create_task(process.communicate())
    while not output.done():
        most.append(memory(process.pid))
        await asyncio.wait([output], timeout=0.5)
    said = (await output)[0].decode()
    if process.returncode:
        raise RuntimeError("the roll was not loaded")
    seconds, found = perf_counter() - started, _LOADED.search(said)
    registrations = int(found[1].replace(",", "")) if found else county.made["rows"]
    return Loaded(registrations, float(found[2]) if found else seconds, seconds, max(most))


def batches(petition_id: UUID, lines: Sequence[bytes], keys: Sequence[str], size: int) -> list[bytes]:
    """Requests that hand the lines in, so many at once, each with an idempotency key as a station's."""
    path, first = f"/v1/petitions/{petition_id}/signatures/batch", range(0, len(lines), size)
    return [
        request(
            path,
            keys[number % len(keys)],
            b'{"signatures":[' + b",".join(lines[at : at + size]) + b"]}",
            idempotency_key=f"batch-{hash(lines[at])}-{at}",
        )
        for number, at in enumerate(first)
    ]


def singles(petition_id: UUID, lines: Sequence[bytes], keys: Sequence[str]) -> list[bytes]:
    """Requests that hand the lines in one by one."""
    path = f"/v1/petitions/{petition_id}/signatures"
    return [
        request(path, keys[at % len(keys)], line, idempotency_key=f"line-{hash(line)}-{at}")
        for at, line in enumerate(lines)
    ]


def samples(lines: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    """Parts of so many lines, one after the other and from the beginning again, without end."""
    size, at = min(size, len(lines)), 0
    while True:
        if at + size > len(lines):
            at = 0
        yield lines[at : at + size]
        at += size
