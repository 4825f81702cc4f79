"""Other names of a county's streets and cities: they add a reading to a line and never take one away (2 CCR 20931)."""

import asyncio
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

import asyncpg

from app.matching import queries
from app.matching.addresses import Address, parse_street
from app.matching.reading import ReadLine, read_city

Kind = Literal["street", "city"]


KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Alias(NamedTuple):
    """Another name of a street or city, and its name in the roll."""

    kind: Kind
    alias: str
    name: str

    def __str__(self) -> str:
        """As evidence shows it."""
        return f"{self.alias} = {self.name}"


def compared(kind: Kind, text: str) -> str:
    """Return what is compared of a name: a street's without type and direction, a city's without spaces; '' if none."""
    if kind == "city":
        return read_city(text).replace(" ", "")
    return next(iter(parse_street(text).streets), "")


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


_VERSIONS_KEPT: Final = 8
_kept: dict[tuple[str, int, str], Aliases] = {}


class LookupBasis(NamedTuple):
    """What lines are looked up by now."""

    roll_version: int | None  # None without an active roll that this program can search
    aliases: Aliases


async def in_use(connection: asyncpg.Connection, county_id: str) -> LookupBasis:
    """The roll version and the aliases in use, in one statement where the aliases were read before."""
    found = await queries.in_use(connection, county_id)
    digest = found.aliases_sha256 or ""
    return LookupBasis(found.roll_version, await _aliases(connection, county_id, found.aliases_version, digest))


async def aliases_of(connection: asyncpg.Connection, county_id: str, version: int) -> Aliases:
    """The aliases of one version; none where there is no such."""
    if not version:
        return NO_ALIASES
    found = await queries.alias_version(connection, county_id, version)
    return await _aliases(connection, county_id, version, found.source_sha256) if found else NO_ALIASES


async def _aliases(connection: asyncpg.Connection, county_id: str, version: int, digest: str) -> Aliases:
    """The aliases of a version, made once and kept: they are small, and never change."""
    if not version:
        return NO_ALIASES
    key = (county_id, version, digest)
    if key not in _kept:
        made = await asyncio.to_thread(Aliases, version, await alias_rows(connection, county_id, version))
        while len(_kept) >= _VERSIONS_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = made
    return _kept[key]


async def alias_rows(connection: asyncpg.Connection, county_id: str, version: int) -> list[Alias]:
    """The rows of one version, in order."""
    return [Alias(*row) for row in await queries.aliases_of(connection, county_id, version)]
