"""Simulated scanning stations: several clients, each with a part of the booklets; some scan and send lines again."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.station.courier import Target
from app.station.post import Listener, Pace, post_file, post_signatures
from app.station.summary import Summary

_RESENT = 0.02  # of a station's lines come a second time, by hand and under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbour too


@dataclass(slots=True)
class Station:
    """One station: its share of the petition, and how far it is."""

    name: str
    file: Path
    key: str
    lines: int
    posted: int = 0
    again: int = 0


def share_out(petition: Path, folder: Path, names: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Split the petition by section among the stations, in turn; a voter's lines so come to different stations."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.ndjson" for name in names}
    counts = dict.fromkeys(names, 0)
    files = {name: path.open("w", encoding="utf-8") for name, path in paths.items()}
    try:
        with petition.open(encoding="utf-8") as source:
            for text in source:
                name = names[json.loads(text)["section"] % len(names)]
                files[name].write(text)
                counts[name] += 1
    finally:
        for file in files.values():
            file.close()
    return {name: (paths[name], counts[name]) for name in names}


async def post_all(
    stations: Sequence[Station], url: str, petition_id: str, spool: Path, changed: Callable[[], None]
) -> list[Summary]:
    """Let all stations post at once; `changed` is called whenever one has got further."""
    neighbours = [*stations[1:], stations[0]]
    return list(
        await asyncio.gather(
            *(
                _post(station, neighbour, url, petition_id, spool, changed)
                for station, neighbour in zip(stations, neighbours, strict=True)
            )
        )
    )


async def _post(  # what the caller was given
    station: Station, neighbour: Station, url: str, petition_id: str, spool: Path, changed: Callable[[], None]
) -> Summary:
    def progress(summary: Summary) -> None:
        station.posted = summary.accepted
        changed()

    target = Target(url, petition_id, station.key)
    pace = Pace(batch=500, in_flight=2)
    summary = await post_file(str(station.file), target, pace=pace, spool=spool, listener=Listener(progress=progress))
    again = _sample(station.file, _RESENT, 1) + _sample(neighbour.file, _SCANNED_TWICE, 2)
    if again:
        repeated = await post_signatures(again, target, pace=pace)
        station.again = repeated.accepted
        changed()
    return summary


def _sample(file: Path, share: float, seed: int) -> list[dict[str, object]]:
    """A seeded share of a station's lines."""
    chance = random.Random(seed)  # noqa: S311  # a simulation
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if chance.random() < share]
