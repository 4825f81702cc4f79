"""A line parsed: the ways to read its name and address; a county's aliases add ways, and take none (2 CCR 20931)."""

from collections.abc import Iterable
from functools import lru_cache
from math import log
from typing import Final, Literal, NamedTuple, get_args

from app.law.line import Signature
from app.matching.addresses import STATE, Address, parse_addresses, parse_street
from app.matching.frequencies import TermFrequencies
from app.matching.names import ParsedName, fold, parse_name, parse_name_parts
from app.matching.places import is_in_area, is_misspelling, is_zip

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


def parse_line(writing: Signature) -> ParsedLine:
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

    One of them alone never puts a line out of the county: it may be misspelled, or another name of the city. Together
    they do if a public list has the zip, and the city in its area.
    """
    known = terms.is_known("zip", line.zip)
    zip_code = "in" if known else "out" if line.zip_certain and is_zip(line.zip) else "unclear"
    aliased = any(name in terms.cities for name in line.cities)  # another name of a city of the county (2 CCR 20931)
    city = "in" if aliased else _city_membership(line.city, terms.cities)
    if "in" in {zip_code, city}:
        return "unclear" if "out" in {zip_code, city} else "in"
    together = zip_code == city == "out" and is_in_area(line.city.replace(" ", ""), line.zip)
    return "out" if together else "unclear"


@lru_cache(maxsize=1 << 12)
def _city_membership(city: str, cities: tuple[str, ...]) -> CountyMembership:
    """A city is the county's if it is written by its name, a misspelling of it, or its initials (L.A.)."""
    written = city.replace(" ", "")
    if not written.isalpha():
        return "unclear"
    for name in cities:
        joined = name.replace(" ", "")
        initials = "".join(word[0] for word in name.split())
        if written in {joined, initials} or is_misspelling(written, joined):
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
    return (sum(in_given, 0.0) + sum(in_surname, 0.0)) / (len(given) + len(surname))


AliasKind = Literal["street", "city"]
ALIAS_KINDS: Final[tuple[AliasKind, ...]] = get_args(AliasKind)


class Alias(NamedTuple):
    """Another name of a street or city, and its name in the roll."""

    kind: AliasKind
    alias: str
    name: str

    def __str__(self) -> str:
        """Return it as evidence shows it."""
        return f"{self.alias} = {self.name}"


def compared_name(kind: AliasKind, text: str) -> str:
    """Return the compared part of a name, or '': a street's without type and direction, a city's without spaces."""
    if kind == "city":
        return parse_city(text).replace(" ", "")
    return next(iter(parse_street(text).streets), "")


class Aliases:
    """One version of a county's table of aliases. Version 0 is the empty table.

    Type and direction narrow a street's alias if both it and the line have one: "Brooklyn Ave" is not an alias of
    Brooklyn Pl, but of a bare Brooklyn. The names that an alias leads to are the roll's, and not looked up again.
    """

    def __init__(self, version: int = 0, rows: Iterable[Alias] = ()) -> None:
        """Index the rows of the table."""
        self.version: Final = version
        self._streets: dict[str, list[tuple[Address, Address]]] = {}  # the alias, and the name in the roll
        self._cities: dict[str, list[Alias]] = {}
        for row in rows:
            key = compared_name(row.kind, row.alias)
            if row.kind == "city":
                self._cities.setdefault(key, []).append(row)
            else:
                name = parse_street(row.name)._replace(alias=str(row))
                self._streets.setdefault(key, []).append((parse_street(row.alias), name))

    def applied_to(self, line: ParsedLine) -> ParsedLine:
        """Return the line with the addresses and cities that aliases add; applying it twice changes nothing more."""
        if not self.version:
            return line
        line = line._replace(aliases_version=self.version)
        cities = self._cities.get(line.city.replace(" ", ""), ())
        if not cities and not any(name in self._streets for address in line.addresses for name in address.streets):
            return line
        written = [address for address in line.addresses if not address.alias]
        addresses = {address: address for address in written}
        for address in written:
            for alias, name in (pair for street in address.streets for pair in self._streets.get(street, ())):
                if _agree(address.street_type, alias.street_type) and _agree(address.direction, alias.direction):
                    other = _moved(address, name)
                    addresses.setdefault(other, other._replace(alias=name.alias))
        return line._replace(
            addresses=tuple(addresses.values()),
            cities=tuple(dict.fromkeys(parse_city(row.name) for row in cities)),
            city_alias=" / ".join(map(str, cities)),
        )


NO_ALIASES: Final = Aliases()


def parsed_differently(line: ParsedLine, before: Aliases, now: Aliases) -> bool:
    """Whether two versions of the aliases parse a line in different ways, so that its decision may change."""
    return before.applied_to(line)._replace(aliases_version=0) != now.applied_to(line)._replace(aliases_version=0)


def _agree(written: str, alias: str) -> bool:
    return not written or not alias or written == alias


def _moved(written: Address, street: Address) -> Address:
    """The address on another street; where that has no type or direction, they stay as written."""
    directed = street if street.direction else written
    return written._replace(
        pre_direction=directed.pre_direction,
        street=street.street,
        street_type=street.street_type or written.street_type,
        post_direction=directed.post_direction,
        streets=street.streets,
        ways=tuple((way[0] or written.street_type, way[1] or written.direction) for way in street.ways),
    )
