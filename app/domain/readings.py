"""Which readings of a name are worth a search, by what the county's voters are called."""

from math import log
from typing import Final

from app.domain.line import ReadLine
from app.domain.names import NameReading
from app.domain.words import Words

_UNLIKELY: Final = log(10_000)
_INITIAL: Final = log(26)


def likely_readings(line: ReadLine, words: Words) -> ReadLine:
    """Return the line without the readings that another one makes ten thousand times less likely.

    JOHN SMITH may be a Smith John by the order of the words, but hardly anybody is called so. A word that nobody
    bears weighs the same in every place, so where nothing is known every reading stays.
    """
    readings = line.name.readings
    if len(readings) == 1 or not readings:
        return line
    rare = [_rarity(reading, words) for reading in readings]
    most = min(rare) + _UNLIKELY
    kept = tuple(reading for reading, rarity in zip(readings, rare, strict=True) if rarity <= most)
    return line if len(kept) == len(readings) else line._replace(name=line.name._replace(readings=kept))


def _rarity(reading: NameReading, words: Words) -> float:
    """How rare a name is, as a logarithm: every word in its place, as if they were independent."""
    given = sum(
        _INITIAL if len(word) == 1 else min(words.rarity("given", word), words.rarity("middle", word))
        for word in reading.given
    )
    return given + sum(words.rarity("surname", part) for part in reading.surname)
