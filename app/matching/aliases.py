"""Other names of a county's streets and cities: they add to how a line can be read, never take away (2 CCR 20931)."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, get_args

from app.matching.addresses import Address, parse_street
from app.matching.parsing import ParsedLine, parse_city

Kind = Literal["street", "city"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Alias(NamedTuple):
    """Another name of a street or city, and its name in the roll."""

    kind: Kind
    alias: str
    name: str

    def __str__(self) -> str:
        """Return it as evidence shows it."""
        return f"{self.alias} = {self.name}"


def compared(kind: Kind, text: str) -> str:
    """Return the compared part of a name, or '': a street's without type and direction, a city's without spaces."""
    if kind == "city":
        return parse_city(text).replace(" ", "")
    return next(iter(parse_street(text).streets), "")


class _StreetAlias(NamedTuple):
    row: str
    alias: Address
    name: Address


class Aliases:
    """One version of a county's table of aliases. Version 0 is the empty table.

    A street's alias is the street's name. Type and direction narrow it if both the alias and the line have one:
    "Brooklyn Ave" is not an alias of Brooklyn Pl, but it is one of a bare Brooklyn. The names that an alias leads to
    are not looked up as aliases again, since they are the names in the roll.
    """

    def __init__(self, version: int = 0, rows: Iterable[Alias] = ()) -> None:
        """Index the rows of the table."""
        self.version: Final = version
        self._streets: dict[str, list[_StreetAlias]] = {}
        self._cities: dict[str, list[Alias]] = {}
        for row in rows:
            key = compared(row.kind, row.alias)
            if row.kind == "city":
                self._cities.setdefault(key, []).append(row)
            else:
                street = _StreetAlias(str(row), parse_street(row.alias), parse_street(row.name))
                self._streets.setdefault(key, []).append(street)

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
            for street in self._matching(address):
                other = _moved(address, street.name)
                addresses.setdefault(other, other._replace(alias=street.row))
        return line._replace(
            addresses=tuple(addresses.values()),
            cities=tuple(dict.fromkeys(parse_city(row.name) for row in cities)),
            city_alias=" / ".join(map(str, cities)),
        )

    def _matching(self, address: Address) -> Iterator[_StreetAlias]:
        for name in address.streets:
            for street in self._streets.get(name, ()):
                same_type = _agree(address.street_type, street.alias.street_type)
                if same_type and _agree(address.direction, street.alias.direction):
                    yield street


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
