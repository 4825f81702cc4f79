"""Which keys to ask the roll for: narrow ones first, then every combination, then corrected spellings."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from app.domain.blocking import (
    FINE,
    FINE_BITS,
    KEY_COLUMNS,
    Hashes,
    hash_given,
    hash_house,
    hash_street,
    hash_surname,
    zip_number,
)
from app.domain.line import ReadLine
from app.domain.nicknames import name_forms
from app.domain.words import Words

_COLUMN: Final = {name: at for at, name in enumerate(KEY_COLUMNS)}
HOUSE_STREET: Final = _COLUMN["key_house_street"]
_HOUSE_SURNAME: Final = (_COLUMN["key_house_surname"], _COLUMN["key_house_surname2"])
GIVEN_SURNAME: Final = (_COLUMN["key_given_surname"], _COLUMN["key_given_surname2"])
_SURNAME_STREET: Final = (_COLUMN["key_surname_street"], _COLUMN["key_surname2_street"])
_HOUSE_GIVEN: Final = (_COLUMN["key_house_given"],)
_GIVEN_STREET: Final = (_COLUMN["key_given_street"],)

# Of one range this many registrations are looked at; a fuller one is narrowed by the third part of its key.
MOST_OF_A_RANGE: Final = 60
MOST_OF_A_HOUSE: Final = 2_000  # everybody at a house number and street: a large building, never cut in practice
_STREETS_ASKED_FIRST: Final = 2
_CORRECTIONS_OF_KNOWN: Final = 2  # what is a name itself is seldom a slip of another
_FORMS_ASKED: Final = 6
_READINGS_CORRECTED: Final = 2
_BOTH_SLIP: Final = 6  # corrections of each that are paired where both words may be slips

# A question: the column, the lowest key of the range, and the 20 bits that narrow it (0: it cannot be narrowed).
Probe = tuple[int, int, int]


def range_of(probe: Probe) -> tuple[int, int]:
    """Return the lowest and the highest key of a probe's whole range."""
    return probe[1], probe[1] | FINE


class Parts(NamedTuple):
    """The hashed words of a line, each list the likeliest first."""

    houses: list[Hashes]
    streets: list[Hashes]
    surnames: list[Hashes]
    givens: list[Hashes]
    names: list[tuple[Hashes, Hashes]]  # given and surname of one reading
    zip: int


NO_PARTS: Final = Parts([], [], [], [], [], 0)


def household_keys(line: ReadLine) -> list[int]:
    """Return the keys of the narrowest question: who of this surname lives at this house and street."""
    keys: dict[int, None] = {}
    surnames = _hashes(hash_surname, (part for reading in line.name.readings for part in reading.surname))
    for address in line.addresses:
        house = hash_house(address.house)
        if house:
            for street in _hashes(hash_street, address.streets[:_STREETS_ASKED_FIRST]):
                low = (house.coarse ^ street.coarse) << FINE_BITS
                keys.update((low | surname.fine, None) for surname in surnames)
    return list(keys)


def address_probes(line: ReadLine, words: Words) -> list[Probe]:
    """Return the question who lives at this house and street, whatever their names."""
    found: dict[Probe, None] = {}
    for address in line.addresses:
        house = hash_house(address.house)
        corrected = [c for name in address.streets for c in _corrected("street", name, words)]
        for street in _hashes(hash_street, [*address.streets, *corrected]):
            if house:
                found[HOUSE_STREET, (house.coarse ^ street.coarse) << FINE_BITS, 0] = None
    return list(found)


def combined_probes(line: ReadLine) -> tuple[Parts, list[Probe]]:
    """Return the line's words, and every pair of house, street, surname and given name, as they sound."""
    parts = _parts(line)
    return parts, _combine(parts)


def corrected_probes(line: ReadLine, words: Words, parts: Parts, asked: Iterable[Probe]) -> list[Probe]:
    """Return the pairs in which a word is corrected by the county's own words, or replaced by another form.

    `parts` and `asked` are what the combined probes were made of, and these.
    """
    already = {probe[:2] for probe in asked}
    straight = line._replace(name=line.name._replace(readings=line.name.readings[:_READINGS_CORRECTED]))
    surnames = _hashes(hash_surname, (c for s in _surnames(straight) for c in _corrected_surname(s, words)))
    slips = _hashes(hash_given, (c for g in _givens(straight) for c in _corrected("given", g, words)))
    forms = _hashes(hash_given, (c for g in _givens(straight) for c in _forms(g, words)))
    givens = [*slips, *forms]
    streets = _hashes(
        hash_street, (c for a in line.addresses for s in a.streets for c in _corrected("street", s, words))
    )
    own, family = _hashes(hash_given, _givens(straight)), _hashes(hash_surname, _surnames(straight))
    names = [*_pairs(own, surnames), *_pairs(givens, family), *_pairs(slips[:_BOTH_SLIP], surnames[:_BOTH_SLIP])]
    wider = Parts(
        parts.houses,
        [*parts.streets, *streets],
        [*parts.surnames, *surnames],
        [*parts.givens, *givens],
        names,
        parts.zip,
    )
    return [probe for probe in _combine(wider) if probe[:2] not in already]


def _corrected(kind: str, word: str, words: Words) -> tuple[str, ...]:
    found = words.corrections(kind, word)
    return found[:_CORRECTIONS_OF_KNOWN] if words.known(kind, word) else found


def _forms(word: str, words: Words) -> list[str]:
    """Other forms of a given name that the county's voters bear, the frequent first."""
    known = [form for form in name_forms(word) if words.known("given", form)]
    return sorted(known, key=lambda form: (-words.count("given", form), form))[:_FORMS_ASKED]


def _corrected_surname(part: str, words: Words) -> Iterator[str]:
    """Corrections of a surname, and its two halves where it is two surnames written as one."""
    yield from _corrected("surname", part, words)
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


def _names(line: ReadLine) -> list[tuple[Hashes, Hashes]]:
    found = []
    for reading in line.name.readings:
        words = [*reading.given[:2], "".join(reading.given[:2])]
        givens = _hashes(hash_given, (word for word in words if len(word) > 1))
        found.extend(_pairs(givens, _hashes(hash_surname, [*reading.surname, "".join(reading.surname)])))
    return found


def _hashes(hashed: Callable[[str], Hashes | None], words: Iterable[str]) -> list[Hashes]:
    return [found for word in dict.fromkeys(words) if (found := hashed(word))]


def _parts(line: ReadLine) -> Parts:
    return Parts(
        _hashes(hash_house, (address.house for address in line.addresses)),
        _hashes(hash_street, (name for address in line.addresses for name in address.streets)),
        _hashes(hash_surname, _surnames(line)),
        _hashes(hash_given, _givens(line)),
        _names(line),
        zip_number(line.zip),
    )


def _combine(parts: Parts) -> list[Probe]:
    """Every pair of the parts but house and street; the third part of a key narrows it."""
    given = parts.givens[0].fine if parts.givens else 0
    found: dict[tuple[int, int], int] = {}
    for columns, ones, others, fine in (
        (_HOUSE_SURNAME, parts.houses, parts.surnames, given),
        (_HOUSE_GIVEN, parts.houses, parts.givens, parts.zip),
        (_SURNAME_STREET, parts.streets, parts.surnames, given),
        (_GIVEN_STREET, parts.streets, parts.givens, parts.zip),
    ):
        for one in ones:
            for other in others:
                low = (one.coarse ^ other.coarse) << FINE_BITS
                for column in columns:
                    found[column, low] = fine
    for one, other in parts.names:
        low = (one.coarse ^ other.coarse) << FINE_BITS
        for column in GIVEN_SURNAME:
            found[column, low] = parts.zip
    return [(column, low, fine) for (column, low), fine in found.items()]
