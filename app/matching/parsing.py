"""A line of the petition parsed: the ways to read its name and address that are worth a search."""

from functools import lru_cache
from math import log
from typing import Final, Literal, NamedTuple

from rapidfuzz.distance import OSA

from app.law.line import Writing
from app.matching.addresses import STATE, Address, parse_addresses
from app.matching.frequencies import TermFrequencies
from app.matching.names import ParsedName, fold, parse_name, parse_name_parts

READER_VERSION: Final = 2
"""The version of the parser: any change in how a name or address is parsed raises it, and evidence contains it."""

_MISREAD_ZIP = str.maketrans("OQDILZSBGA", "0001125864")


class ParsedLine(NamedTuple):
    """A line parsed, as it is compared."""

    names: tuple[ParsedName, ...]  # the ways to parse the name, the likeliest first
    suffix: str
    addresses: tuple[Address, ...]
    po_box: bool
    city: str
    zip: str  # five digits, or ''
    zip_certain: bool  # all of them were written as digits
    signed: bool
    cities: tuple[str, ...] = ()  # the county's names of the city, if another name of it is written
    city_alias: str = ""  # the county's alias that says so
    aliases_version: int = 0  # of the county's aliases that were applied; 0: none

    @property
    def houses(self) -> tuple[str, ...]:
        """The house numbers of its addresses."""
        return tuple(address.house for address in self.addresses if address.house)

    @property
    def streets(self) -> list[str]:
        """The street tokens of its addresses, in all ways to parse them."""
        return [street for address in self.addresses for street in address.streets]


def parse_line(writing: Writing) -> ParsedLine:
    """Return the line parsed; any text is accepted."""
    names, suffix = parse_name_parts(writing.name) if writing.name else parse_name(writing.printed_name)
    addresses, po_box = parse_addresses(writing.residence_address)
    zip_code = parse_zip(writing.zip)
    certain = bool(zip_code) and zip_code in writing.zip
    return ParsedLine(names, suffix, addresses, po_box, parse_city(writing.city), zip_code, certain, writing.signed)


def parse_city(text: str) -> str:
    """Return a city's name in the letters that are compared, without the state behind it."""
    words = fold(text).split()
    while len(words) > 1 and words[-1] in STATE:
        words.pop()
    return " ".join(words)


def parse_zip(text: str) -> str:
    """Return the five digits of a zip ("90026-1234", "9OO26"), or '' if there are not five."""
    head = fold(text.partition("-")[0]).replace(" ", "").translate(_MISREAD_ZIP)
    digits = head[:5] if len(head) in {5, 9} else ""
    return digits if digits.isascii() and digits.isdigit() else ""


CountyMembership = Literal["in", "out", "unclear"]


def county_membership(line: ParsedLine, terms: TermFrequencies) -> CountyMembership:
    """Return `out` if both city and zip are readable and neither is the county's; `in` if one is.

    One of them alone never puts a line out of the county: it may be misspelled, or another name of the city.
    """
    zip_code = "in" if terms.is_known("zip", line.zip) else "out" if line.zip_certain else "unclear"
    city = _city_membership(line.city, terms.cities)
    if city != "in" and any(name in terms.cities for name in line.cities):
        city = "in"  # another name of a city of the county (2 CCR 20931)
    if "in" in (city, zip_code):
        return "unclear" if "out" in (city, zip_code) else "in"
    return "out" if city == zip_code == "out" else "unclear"


@lru_cache(maxsize=1 << 12)
def _city_membership(city: str, cities: tuple[str, ...]) -> CountyMembership:
    """A city is the county's if it is written by its name, a misspelling of it, or its initials (L.A.)."""
    written = city.replace(" ", "")
    if not written.isalpha():
        return "unclear"
    for name in cities:
        joined = name.replace(" ", "")
        initials = "".join(word[0] for word in name.split())
        edits = len(joined) * 3 // 10
        if written in {joined, initials} or OSA.distance(written, joined, score_cutoff=edits) <= edits:
            return "in"
    return "out" if len(written) > len("NY") else "unclear"


_UNLIKELY: Final = log(25)  # word by word
_INITIAL: Final = log(26)
_MAX_IDF: Final = log(10_000)  # a word that is not a name may be a misspelled name: no word weighs more than this


def likely_names(line: ParsedLine, terms: TermFrequencies) -> ParsedLine:
    """Return the line without the parsed names whose words are 25 times rarer in their places than those of another.

    By the order of the words JOHN SMITH may be a Smith John, but hardly anyone has that name.
    """
    if len(line.names) < 2:  # noqa: PLR2004 - nothing to choose from
        return line
    rarities = [_mean_idf(name, terms) for name in line.names]
    highest = min(rarities) + _UNLIKELY
    if max(rarities) <= highest:
        return line
    return line._replace(names=tuple(name for name, idf in zip(line.names, rarities, strict=True) if idf <= highest))


def _mean_idf(name: ParsedName, terms: TermFrequencies) -> float:
    """How rare the words of a name are in their places: their mean inverse document frequency."""
    given, surname, _ = name
    if len(given) == 2 and terms.is_known("given", given[0] + given[1]):  # noqa: PLR2004 - EL OISA is an Eloisa
        given = (given[0] + given[1],)
    if len(surname) == 2 and terms.is_known("surname", surname[0] + surname[1]):  # noqa: PLR2004 - two words
        surname = (surname[0] + surname[1],)
    in_given = [_INITIAL if len(word) == 1 else min(terms.given_idf(word), _MAX_IDF) for word in given]
    in_surname = [min(terms.idf("surname", part), _MAX_IDF) for part in surname]
    return (sum(in_given) + sum(in_surname)) / (len(given) + len(surname))
