"""Asking the roll what the ranges of its keys hold, for many questions at once, in one statement."""

from collections.abc import Sequence

from app.db.candidates import Roll, hits_in_ranges, hits_of_keys
from app.domain.blocking import KEY_COLUMNS
from app.domain.search import MOST_OF_KEYS, MOST_OF_RANGES, Hits, Probe

Asked = tuple[int, Probe]  # whoever asks, and what


async def find_in_ranges(
    roll: Roll, probes: Sequence[Asked], most: Sequence[int] = MOST_OF_RANGES
) -> list[tuple[Asked, Hits, bool]]:
    """What the ranges of the probes hold; False where a range holds more than `most` of its key are looked at."""
    by_column: list[list[Asked]] = [[] for _ in KEY_COLUMNS]
    for asked in probes:
        by_column[asked[1].column].append(asked)
    found = await hits_in_ranges(roll, [[probe.low for _, probe in column] for column in by_column], most)
    return [(by_column[column][at], hits, len(hits.numbers) <= most[column]) for column, at, hits in found]


async def find_keys(
    roll: Roll, keys: Sequence[tuple[int, int, int]], most: Sequence[int] = MOST_OF_KEYS
) -> list[tuple[tuple[int, int], Hits, bool]]:
    """What single keys hold, each given as (whoever asks, column, key); as `find_in_ranges` does, key by key."""
    by_column: list[list[tuple[int, int]]] = [[] for _ in KEY_COLUMNS]
    for asks, column, key in keys:
        by_column[column].append((asks, key))
    found = await hits_of_keys(roll, [[key for _, key in column] for column in by_column], most)
    return [((by_column[column][at][0], column), hits, len(hits.numbers) <= most[column]) for column, at, hits in found]
