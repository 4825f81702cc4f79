"""A line of the petition parsed: its name and address in every reading worth searching for."""

from functools import lru_cache
from math import log
from typing import Final, Literal, NamedTuple

from rapidfuzz.distance import OSA

from app.law.line import Writing
from app.matching.addresses import Address, read_addresses
from app.matching.frequencies import TermFrequencies
from app.matching.names import NameReading, ReadName, fold, read_name, read_name_parts

READER_VERSION: Final = 2
"""Of the way in which name and address are read; a change of any reading raises it, and evidence names it."""

_MISREAD_ZIP = str.maketrans("OQDILZSBGA", "0001125864")


class ReadLine(NamedTuple):
    """A line as it is compared."""

    name: ReadName
    addresses: tuple[Address, ...]
    po_box: bool
    city: str
    zip: str  # five digits, or ''
    zip_certain: bool  # all of them were written as digits
    signed: bool
    cities: tuple[str, ...] = ()  # the county's names of the city, where what is written is another name of it
    city_alias: str = ""  # the county's alias that says so
    aliases: int = 0  # the version of the county's aliases that was asked; 0: none


def read_line(writing: Writing) -> ReadLine:
    """Return the readings of a line; whatever text stands on it, nothing raises."""
    parts = writing.name
    name = (
        read_name_parts(parts.first, parts.middle, parts.last, parts.suffix)
        if parts
        else read_name(writing.printed_name)
    )
    addresses, po_box = read_addresses(writing.residence_address)
    zip_code = read_zip(writing.zip)
    certain = bool(zip_code) and zip_code in writing.zip
    return ReadLine(name, addresses, po_box, read_city(writing.city), zip_code, certain, writing.signed)


def read_city(text: str) -> str:
    """Return a city's name in the letters that are compared, without the state behind it."""
    words = fold(text).split()
    while len(words) > 1 and words[-1] in {"CA", "CALIF", "CALIFORNIA"}:
        words.pop()
    return " ".join(words)


def read_zip(text: str) -> str:
    """Return the five digits of a zip ("90026-1234", "9OO26"), or '' where there are not five."""
    head = fold(text.partition("-")[0]).replace(" ", "").translate(_MISREAD_ZIP)
    digits = head[:5] if len(head) in {5, 9} else ""
    return digits if digits.isascii() and digits.isdigit() else ""


CountyMembership = Literal["in", "out", "unclear"]


def where(line: ReadLine, words: TermFrequencies) -> CountyMembership:
    """Return `out` where both city and zip are readable and neither is the county's; `in` where one is.

    One of them alone never puts a line out of the county: it may be a slip of the pen, or another name of the city.
    """
    city, zip_code = _city(line.city, words.cities), _zip(line, words)
    if city != "in" and any(name in words.cities for name in line.cities):
        city = "in"  # another name of a city of the county (2 CCR 20931)
    if "in" in (city, zip_code):
        return "unclear" if "out" in (city, zip_code) else "in"
    return "out" if city == zip_code == "out" else "unclear"


def _zip(line: ReadLine, words: TermFrequencies) -> CountyMembership:
    if words.known("zip", line.zip):
        return "in"
    return "out" if line.zip_certain else "unclear"


@lru_cache(maxsize=1 << 12)
def _city(city: str, cities: tuple[str, ...]) -> CountyMembership:
    """A city is the county's by its name, a slip of it, or its initials (L.A.)."""
    written = city.replace(" ", "")
    if not written.isalpha():
        return "unclear"
    for name in cities:
        joined = name.replace(" ", "")
        initials = "".join(word[0] for word in name.split())
        slips = len(joined) * 3 // 10
        if written in {joined, initials} or OSA.distance(written, joined, score_cutoff=slips) <= slips:
            return "in"
    return "out" if len(written) > len("NY") else "unclear"


_UNLIKELY: Final = log(25)  # word by word
_INITIAL: Final = log(26)
_SLIP: Final = log(10_000)  # what nobody is called may be a slip of what somebody is: no word weighs more than this


def likely_readings(line: ReadLine, words: TermFrequencies) -> ReadLine:
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


def _rarity(reading: NameReading, words: TermFrequencies) -> float:
    """How rare the words of a name are in their places, as the mean of their logarithms."""
    given = [
        _INITIAL if len(word) == 1 else min(words.rarity("given", word), words.rarity("middle", word), _SLIP)
        for word in _whole("given", reading.given, words)
    ]
    surname = [min(words.rarity("surname", part), _SLIP) for part in _whole("surname", reading.surname, words)]
    return (sum(given) + sum(surname)) / (len(given) + len(surname))


def _whole(kind: str, parts: tuple[str, ...], words: TermFrequencies) -> tuple[str, ...]:
    """The words, or the one that was torn in two: EL OISA is an Eloisa."""
    joined = "".join(parts)
    return (joined,) if len(parts) == 2 and words.known(kind, joined) else parts  # noqa: PLR2004 - torn in two
