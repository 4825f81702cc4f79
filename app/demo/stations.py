"""Simulated scanning stations: several clients, each with some of the sections, which also send some lines again."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.station.client import Control, Options, Target
from app.station.outcome import Summary
from app.station.post import post_file, post_signatures

_RESENT = 0.02  # of a station's lines are entered by hand and sent again, under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbor too
_OPTIONS = Options(batch=500, in_flight=2)


@dataclass(slots=True)
class Station:
    """One station: its part of the petition, and its progress."""

    name: str
    file: Path
    lines: int
    target: Target
    posted: int = 0
    again: int = 0


def share_out(petition: Path, folder: Path, names: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Split the petition by section among the stations; returns the file of each and the number of lines in it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.ndjson" for name in names}
    counts = dict.fromkeys(names, 0)
    with ExitStack() as opened:
        files = {name: opened.enter_context(path.open("w", encoding="utf-8")) for name, path in paths.items()}
        for text in opened.enter_context(petition.open(encoding="utf-8")):
            name = names[json.loads(text)["section"] % len(names)]
            files[name].write(text)
            counts[name] += 1
    return {name: (paths[name], counts[name]) for name in names}


async def post_all(stations: Sequence[Station], spool: Path, changed: Callable[[], None]) -> None:
    """Let all stations post at once, with their journals in `spool`; `changed` is called after each step of one."""

    async def post(station: Station, neighbor: Station) -> None:
        def progress(summary: Summary) -> None:
            station.posted = summary.accepted
            changed()

        control = Control(progress=progress)
        await post_file(str(station.file), station.target, options=_OPTIONS, spool=spool, control=control)
        again = _sample(station.file, _RESENT, 1) + _sample(neighbor.file, _SCANNED_TWICE, 2)
        if again:
            station.again = (await post_signatures(again, station.target, options=_OPTIONS)).accepted
            changed()

    await asyncio.gather(*map(post, stations, [*stations[1:], stations[0]]))


def _sample(file: Path, share: float, seed: int) -> list[dict[str, object]]:
    """A seeded share of a station's lines."""
    chance = random.Random(seed)  # noqa: S311  # a simulation
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if chance.random() < share]
