"""Which house numbers a written one may be a slip of."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.domain.comparison import compare_house


@lru_cache(maxsize=1 << 8)  # of some 7 KB each
def near_houses(written: tuple[str, ...]) -> frozenset[int]:
    """Return the house numbers that are one of those written, or one slip away: a digit other, more, less, or moved."""
    near = set[int]()
    for house in written:
        if house.isdigit():
            near.update(*_slips_of(int(house), 10 ** len(house)))
    return frozenset(near)


def _slips_of(house: int, beyond: int) -> Iterator[Iterable[int]]:
    """The numbers one slip away from a house number, whose digits stand below the power `beyond` of ten."""
    power = 1
    while power <= beyond:
        head, tail = house - house % power, house % power
        inserted = 10 * head + tail
        yield range(inserted, inserted + 10 * power, power)
        if power < beyond:
            high, digit = head // (10 * power), head // power % 10
            left = high * 10 * power + tail
            yield range(left, left + 10 * power, power)
            before = high % 10
            swapped = (digit - before) * 10 * power + (before - digit) * power
            yield (high * power + tail, house + swapped if 10 * power < beyond else house)
        power *= 10


def far_houses(written: Iterable[str], houses: Iterable[int]) -> set[int]:
    """Return those of the house numbers that are two slips away from one of the written."""
    numbers = [str(house) for house in set(houses)]
    alike = (process.extract(one, numbers, scorer=OSA.distance, score_cutoff=2, limit=None) for one in written)
    found = {number for one in alike for number, _, _ in one}
    return {int(number) for number in found if any(compare_house(one, number) == "far" for one in written)}
