"""Which readings of a name are worth a search, by what the county's voters are called."""

from math import log
from typing import Final

from app.domain.line import ReadLine
from app.domain.names import NameReading
from app.domain.words import Words

_UNLIKELY: Final = log(25)  # word by word
_INITIAL: Final = log(26)
_SLIP: Final = log(10_000)  # what nobody is called may be a slip of what somebody is: no word weighs more than this


def likely_readings(line: ReadLine, words: Words) -> ReadLine:
    """Return the line without the readings whose words are 25 times rarer in their places than those of another one.

    JOHN SMITH may be a Smith John by the order of the words, but hardly anybody is called so.
    """
    readings = line.name.readings
    if len(readings) == 1 or not readings:
        return line
    rare = [_rarity(reading, words) for reading in readings]
    most = min(rare) + _UNLIKELY
    kept = tuple(reading for reading, rarity in zip(readings, rare, strict=True) if rarity <= most)
    return line if len(kept) == len(readings) else line._replace(name=line.name._replace(readings=kept))


def _rarity(reading: NameReading, words: Words) -> float:
    """How rare the words of a name are in their places, as the mean of their logarithms."""
    given = [
        _INITIAL if len(word) == 1 else min(words.rarity("given", word), words.rarity("middle", word), _SLIP)
        for word in _whole("given", reading.given, words)
    ]
    surname = [min(words.rarity("surname", part), _SLIP) for part in _whole("surname", reading.surname, words)]
    return (sum(given) + sum(surname)) / (len(given) + len(surname))


def _whole(kind: str, parts: tuple[str, ...], words: Words) -> tuple[str, ...]:
    """The words, or the one that was torn in two: EL OISA is an Eloisa."""
    joined = "".join(parts)
    return (joined,) if len(parts) == 2 and words.known(kind, joined) else parts  # noqa: PLR2004 - torn in two
