"""Asking the roll what the ranges of its keys hold, for many questions at once, in one statement."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from app.db.candidates import Roll, hits_in_ranges, hits_of_keys
from app.domain.blocking import KEY_COLUMNS
from app.domain.search import MOST_OF_KEYS, MOST_OF_RANGES, Hits, Probe

Asked = tuple[int, Probe]  # whoever asks, and what
_Fetch = Callable[[Roll, Sequence[Sequence[int]], Sequence[int]], Awaitable[list[tuple[int, int, Hits]]]]


class Found(NamedTuple):
    """What one range or key holds."""

    asker: int
    probe: Probe
    low: int  # which of the probe's
    hits: Hits
    whole: bool  # False where it holds more than are looked at


async def find_in_ranges(roll: Roll, asked: Sequence[Asked], most: Sequence[int] = MOST_OF_RANGES) -> list[Found]:
    """What the ranges of the probes hold; of each key at most `most` are looked at."""
    return await _find(hits_in_ranges, roll, asked, most)


async def find_keys(roll: Roll, asked: Sequence[Asked], most: Sequence[int] = MOST_OF_KEYS) -> list[Found]:
    """What single keys hold, as `find_in_ranges` does."""
    return await _find(hits_of_keys, roll, asked, most)


async def _find(fetch: _Fetch, roll: Roll, asked: Sequence[Asked], most: Sequence[int]) -> list[Found]:
    lows: list[list[int]] = [[] for _ in KEY_COLUMNS]
    askers: list[list[Asked]] = [[] for _ in KEY_COLUMNS]
    for one in asked:
        _, probe = one
        lows[probe.column] += probe.lows
        askers[probe.column] += [one] * len(probe.lows)
    return [
        Found(*askers[column][at], lows[column][at], hits, len(hits.numbers) <= most[column])
        for column, at, hits in await fetch(roll, lows, most)
    ]
