"""Other names of a county's streets and cities: they add a reading to a line and never take one away (2 CCR 20931)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from app.domain.addresses import Address, parse_street
from app.domain.alias_rows import Alias, compared
from app.domain.line import ReadLine, read_city


class _Street(NamedTuple):
    """A row of the table: a street by its alias and by its name."""

    row: str
    alias: Address
    name: Address


class Aliases:
    """One version of a county's table. What it says never changes; version 0 is none.

    A street's alias is the street's name. Type and direction narrow it where both the alias and the line have one:
    "Brooklyn Ave" is no other name of Brooklyn Pl, and one of a bare Brooklyn. An alias leads to its names and no
    further, since a name is what the roll has.
    """

    def __init__(self, version: int = 0, rows: Iterable[Alias] = ()) -> None:
        """Take the rows of the table."""
        self.version: Final = version
        self._streets: dict[str, list[_Street]] = {}
        self._cities: dict[str, list[Alias]] = {}
        for row in rows:
            key = compared(row.kind, row.alias)
            if row.kind == "city":
                self._cities.setdefault(key, []).append(row)
            else:
                street = _Street(str(row), parse_street(row.alias), parse_street(row.name))
                self._streets.setdefault(key, []).append(street)

    def applied_to(self, line: ReadLine) -> ReadLine:
        """Return the line with the readings that its aliases add; applied once or twice is the same."""
        if not self.version:
            return line
        street = any(token in self._streets for address in line.addresses for token in address.streets)
        city = line.city.replace(" ", "") in self._cities
        read = line._replace(aliases=self.version)
        return self._extended(read) if street or city else read

    def _extended(self, line: ReadLine) -> ReadLine:
        written = [address for address in line.addresses if not address.alias]
        readings = {address: address for address in written}
        for address in written:
            for street in self._other_names(address):
                read = _read_as(address, street.name)
                readings.setdefault(read, read._replace(alias=street.row))
        cities = self._cities.get(line.city.replace(" ", ""), ())
        return line._replace(
            addresses=tuple(readings.values()),
            cities=tuple(dict.fromkeys(read_city(row.name) for row in cities)),
            city_alias=" / ".join(map(str, cities)),
        )

    def _other_names(self, address: Address) -> Iterable[_Street]:
        for token in address.streets:
            for street in self._streets.get(token, ()):
                if _agree(address.street_type, street.alias.street_type) and _agree(
                    _direction(address), _direction(street.alias)
                ):
                    yield street


NO_ALIASES: Final = Aliases()


def read_otherwise(line: ReadLine, before: Aliases, now: Aliases) -> bool:
    """Whether two versions read a line in different ways, so that its decision may be another."""
    return before.applied_to(line)._replace(aliases=0) != now.applied_to(line)._replace(aliases=0)


def _direction(address: Address) -> str:
    return address.pre_direction or address.post_direction


def _agree(written: str, alias: str) -> bool:
    return not written or not alias or written == alias


def _read_as(written: Address, name: Address) -> Address:
    """The address on the street of this name; of type and direction, what the name leaves out is as written."""
    directed = name if _direction(name) else written
    kind, direction = written.street_type, _direction(written)
    return written._replace(
        pre_direction=directed.pre_direction,
        street=name.street,
        street_type=name.street_type or written.street_type,
        post_direction=directed.post_direction,
        streets=name.streets,
        ways=tuple((way[0] or kind, way[1] or direction) for way in name.ways),
    )
