"""Which keys to ask the roll for: narrow ones first, then every combination, then corrected spellings."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.domain.blocking import (
    KEY_COLUMNS,
    Hashes,
    KeyRange,
    hash_given,
    hash_house,
    hash_street,
    hash_surname,
    key,
    wide,
    zip_number,
)
from app.domain.line import ReadLine
from app.domain.names import NameReading
from app.domain.nicknames import name_forms
from app.domain.words import Words


from collections.abc import Callable

_Hash = Callable[[str], Hashes | None]


class Probe(NamedTuple):
    """A range of one key column, and the part of it that is asked instead where the range holds too many."""

    column: int  # index into KEY_COLUMNS
    keys: KeyRange
    narrow: KeyRange | None


_COLUMN: Final = {name: at for at, name in enumerate(KEY_COLUMNS)}
_HOUSE_STREET: Final = _COLUMN["key_house_street"]
_HOUSE_SURNAME: Final = (_COLUMN["key_house_surname"], _COLUMN["key_house_surname2"])
_GIVEN_SURNAME: Final = (_COLUMN["key_given_surname"], _COLUMN["key_given_surname2"])
_SURNAME_STREET: Final = (_COLUMN["key_surname_street"], _COLUMN["key_surname2_street"])
_HOUSE_GIVEN: Final = _COLUMN["key_house_given"]
_GIVEN_STREET: Final = _COLUMN["key_given_street"]

# Of one range this many registrations are looked at; a fuller one is narrowed by the third part of its key.
MOST_OF_A_RANGE: Final = 60
MOST_OF_A_HOUSE: Final = 1_000  # everybody at a house number and street: a large building, never cut


class _Parts(NamedTuple):
    """The hashed words of a line, each list the likeliest first."""

    houses: list[Hashes]
    streets: list[Hashes]
    surnames: list[Hashes]
    givens: list[Hashes]
    names: list[tuple[Hashes, Hashes]]  # given and surname of one reading
    zip: int


def household_probes(line: ReadLine) -> list[Probe]:
    """Return the narrowest question: who of this surname lives at this house and street."""
    probes = []
    for reading in line.name.readings:
        for part in dict.fromkeys(reading.surname):
            surname = hash_surname(part)
            for address in line.addresses:
                house = hash_house(address.house)
                for name in address.streets[:2]:
                    street = hash_street(name)
                    if house and street and surname:
                        at = key(house, street, surname.fine)
                        probes.append(Probe(_HOUSE_STREET, KeyRange(at, at), None))
    return list(dict.fromkeys(probes))


def address_probes(line: ReadLine, words: Words) -> list[Probe]:
    """Return the question who lives at this house and street, whatever their names; never cut."""
    probes = []
    for address in line.addresses:
        house = hash_house(address.house)
        corrected = [c for name in address.streets for c in words.corrections("street", name)]
        for street in _hashes(hash_street, [*address.streets, *corrected]):
            if house:
                probes.append(Probe(_HOUSE_STREET, wide(house, street), None))
    return _unique(probes)


def combined_probes(line: ReadLine) -> list[Probe]:
    """Return every pair of house, street, surname and given name, as they sound."""
    return _unique(_combine(_parts(line)))


def corrected_probes(line: ReadLine, words: Words) -> list[Probe]:
    """Return the pairs in which one word is corrected by the county's own words, or replaced by another form."""
    parts = _parts(line)
    asked = set(_unique(_combine(parts)))
    surnames = _hashes(hash_surname, (c for s in _surnames(line) for c in _corrected_surnames(s, words)))
    givens = _hashes(hash_given, (c for g in _givens(line) for c in (*words.corrections("given", g), *name_forms(g))))
    streets = _hashes(
        hash_street, (c for a in line.addresses for s in a.streets for c in words.corrections("street", s))
    )
    names = [*_pairs(parts.givens, surnames), *_pairs(givens, parts.surnames), *_pairs(givens, surnames)]
    wider = _Parts(
        parts.houses,
        [*parts.streets, *streets],
        [*parts.surnames, *surnames],
        [*parts.givens, *givens],
        names,
        parts.zip,
    )
    return [probe for probe in _unique(_combine(wider)) if probe not in asked]


def _corrected_surnames(part: str, words: Words) -> Iterator[str]:
    """Corrections of a surname, and its two halves where it is two surnames written as one."""
    yield from words.corrections("surname", part)
    if not words.known("surname", part):
        for at in range(3, len(part) - 2):
            if words.known("surname", part[:at]) and words.known("surname", part[at:]):
                yield part[:at]
                yield part[at:]


def _surnames(line: ReadLine) -> list[str]:
    """Every word that may be a surname, also two parts written as one."""
    parts = [part for reading in line.name.readings for part in reading.surname]
    joined = ["".join(reading.surname) for reading in line.name.readings if len(reading.surname) > 1]
    return [part for part in dict.fromkeys([*parts, *joined]) if len(part) > 1]


def _givens(line: ReadLine) -> list[str]:
    """Every word that may be the registered given name: the first two of each reading, also as one."""
    given = [word for reading in line.name.readings for word in reading.given[:2]]
    joined = ["".join(reading.given[:2]) for reading in line.name.readings if len(reading.given) > 1]
    return [word for word in dict.fromkeys([*given, *joined]) if len(word) > 1]


def _pairs(givens: list[Hashes], surnames: list[Hashes]) -> list[tuple[Hashes, Hashes]]:
    return [(given, surname) for given in givens for surname in surnames]


def _names(readings: Iterable[NameReading]) -> list[tuple[Hashes, Hashes]]:
    found = []
    for reading in readings:
        words = [*reading.given[:2], "".join(reading.given[:2])] if len(reading.given) > 1 else list(reading.given)
        parts = [*reading.surname, "".join(reading.surname)] if len(reading.surname) > 1 else list(reading.surname)
        givens = _hashes(hash_given, (word for word in words if len(word) > 1))
        found.extend(_pairs(givens, _hashes(hash_surname, parts)))
    return list(dict.fromkeys(found))


def _hashes(hashed: "_Hash", words: Iterable[str]) -> list[Hashes]:
    return list(dict.fromkeys(found for word in words if (found := hashed(word))))


def _parts(line: ReadLine) -> _Parts:
    return _Parts(
        _hashes(hash_house, (address.house for address in line.addresses)),
        _hashes(hash_street, (name for address in line.addresses for name in address.streets)),
        _hashes(hash_surname, _surnames(line)),
        _hashes(hash_given, _givens(line)),
        _names(line.name.readings),
        zip_number(line.zip),
    )


def _combine(parts: _Parts) -> Iterator[Probe]:
    """Every pair of the parts; the third part of a key narrows it."""
    given = parts.givens[0].fine if parts.givens else 0
    for house in parts.houses:
        yield from (_probe(c, house, name, given) for name in parts.surnames for c in _HOUSE_SURNAME)
        yield from (_probe(_HOUSE_GIVEN, house, name, parts.zip) for name in parts.givens)
    for street in parts.streets:
        yield from (_probe(c, name, street, given) for name in parts.surnames for c in _SURNAME_STREET)
        yield from (_probe(_GIVEN_STREET, name, street, parts.zip) for name in parts.givens)
    yield from (_probe(c, one, other, parts.zip) for one, other in parts.names for c in _GIVEN_SURNAME)


def _probe(column: int, one: Hashes, other: Hashes, fine: int) -> Probe:
    narrow = key(one, other, fine)
    return Probe(column, wide(one, other), KeyRange(narrow, narrow) if fine else None)


def _unique(probes: Iterable[Probe]) -> list[Probe]:
    return list({(probe.column, probe.keys): probe for probe in probes}.values())
