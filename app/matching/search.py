"""Which keys to ask the roll for: the household first, then every pair of the line's words, as they are and corrected.

What a wide range holds is told apart by what stands in the index itself (the third part of the key, the house number,
the spelling), so that only those registrations are read that may be the signer's.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from app.law.registration import Registration
from app.matching.blocking import (
    KEY_COLUMNS,
    Hashes,
    far_houses,
    hash_given,
    hash_house,
    hash_street,
    hash_surname,
    near_houses,
    spelling,
    zip_number,
)
from app.matching.frequencies import TermFrequencies
from app.matching.names import NameReading, given_words, name_forms, surname_parts
from app.matching.reading import ReadLine

_COLUMN: Final = {name: at for at, name in enumerate(KEY_COLUMNS)}
HOUSE_STREET: Final = _COLUMN["key_house_street"]
_HOUSE_SURNAME: Final = (_COLUMN["key_house_surname"], _COLUMN["key_house_surname2"])
OF_A_NAME: Final = (_COLUMN["key_given_surname"], _COLUMN["key_given_surname2"])
_SURNAME_STREET: Final = (_COLUMN["key_surname_street"], _COLUMN["key_surname2_street"])
_NAMES: Final = OF_A_NAME[0]
_HOUSE_GIVEN: Final = _COLUMN["key_house_given"]
GIVEN_STREET: Final = _COLUMN["key_given_street"]

# Of a range that holds no more than these every registration is read, of a fuller one those that agree in a third part.
_FEW: Final = 8
# Of the people of one name in the county so many are read: with more of them, nobody can say which one it was.
MOST_NAMESAKES: Final = 24
_MOST_OF_A_RANGE: Final = 200
# Of a range of each key so many entries of its index are looked at; a fuller one is asked again, by the third part.
MOST_OF_RANGES: Final = tuple(_FEW if at in OF_A_NAME else _MOST_OF_A_RANGE for at in range(len(KEY_COLUMNS)))
MOST_OF_KEYS: Final = tuple(MOST_NAMESAKES if at in OF_A_NAME else _MOST_OF_A_RANGE for at in range(len(KEY_COLUMNS)))
MOST_OF_A_HOUSE: Final = 2_000  # everybody at a house number and street: a large building, never cut in practice
_STREETS_ASKED_FIRST: Final = 2
_CORRECTIONS_OF_KNOWN: Final = 2  # what is a name itself is seldom a slip of another
_FORMS_ASKED: Final = 6
_READINGS_CORRECTED: Final = 2
_BOTH_SLIP: Final = 6  # corrections of each that are paired where both words may be slips
_SEVERAL: Final = 2
_SHORTEST_PART: Final = 3  # of a surname that is two written as one


class Probe(NamedTuple):
    """A question: the registrations of ranges of a key, and which of them are worth reading where there are many."""

    column: int  # index into KEY_COLUMNS
    lows: list[int]  # the lowest key of each range, or single keys
    agreeing: frozenset[int] = frozenset()  # third parts of the key of which one agrees

    def narrowed(self, low: int) -> "Probe":
        """The single keys of a range whose third part agrees."""
        return Probe(self.column, [low | fine for fine in sorted(self.agreeing)])


class Search(NamedTuple):
    """What a wide search asks for: ranges, and single keys.

    The keys are of names with words that are not as written, and of given names in streets within the written zip,
    where it is one of the county's: so many people of a given name live in the streets of a name.
    """

    ranges: list[Probe]
    keys: list[Probe]


class Hits(NamedTuple):
    """What a range holds: for each registration its number, the third part of its key, and its house number."""

    numbers: list[int]
    fines: list[int]
    houses: list[int]


class _Asked(NamedTuple):
    """Hashed words of one kind: those that are written, and what they may be slips or other forms of."""

    written: list[Hashes]
    replaced: list[Hashes]


class _Parts(NamedTuple):
    """The hashed words of a line, each list the likeliest first.

    The second part of a double surname, which few voters have, is asked for as it is written alone.
    """

    houses: _Asked
    streets: _Asked
    surnames: _Asked
    seconds: _Asked  # surnames that may be such a second part
    givens: _Asked
    names: list[tuple[Hashes, Hashes]]  # given and surname, as they are written


def household_keys(line: ReadLine) -> list[int]:
    """Return the keys of the narrowest question: who of this surname lives at this house and street."""
    keys: dict[int, None] = {}
    surnames = _hashes(hash_surname, (part for reading in line.name.readings for part in reading.surname))
    for address in line.addresses:
        house = hash_house(address.house)
        if house:
            for street in _hashes(hash_street, address.streets[:_STREETS_ASKED_FIRST]):
                low = house.coarse ^ street.coarse
                keys.update((low | surname.fine, None) for surname in surnames)
    return list(keys)


def written_words(lines: Iterable[ReadLine]) -> dict[str, set[str]]:
    """Return the words of lines, by kind, whose counts their comparison with any registration asks for."""
    surnames, givens, streets, zips = set[str](), set[str](), set[str](), set[str]()
    for line in lines:
        for reading in line.name.readings:
            givens.update(reading.given, _givens_of(reading))
            surnames.update(reading.surname, _surnames_of(reading))
        for address in line.addresses:
            streets.update(address.streets)
        zips.add(line.zip)
    return {"surname": surnames, "given": givens, "middle": givens, "street": streets, "zip": zips}


def registered_words(registrations: Iterable[Registration]) -> dict[str, set[str]]:
    """Return the words of registrations, by kind, whose counts a comparison with them asks for."""
    last, first = set[str](), set[str]()
    for registration in registrations:
        last.add(registration.last_name)
        first.add(registration.first_name)
        first.add(registration.middle_name)
    surnames = {part for name in last for part in surname_parts(name)}
    givens = {word for name in first for word in given_words(name)}
    return {"surname": surnames, "given": givens, "middle": givens}


def further_words(lines: Iterable[ReadLine], words: TermFrequencies) -> dict[str, set[str]]:
    """Return the words, by kind, whose counts a wide search asks for besides those that are written on the lines."""
    forms, halves = set[str](), set[str]()
    for line in lines:
        for reading in line.name.readings[:_READINGS_CORRECTED]:
            forms.update(*map(name_forms, _givens_of(reading)))
            halves.update(half for part in _surnames_of(reading) for pair in _halves(part, words) for half in pair)
    return {"given": forms, "surname": halves}


def words_to_correct(lines: Iterable[ReadLine]) -> dict[str, set[str]]:
    """Return the words of names, by kind, whose corrections a wide search asks for."""
    surnames, givens = set[str](), set[str]()
    for line in lines:
        for reading in line.name.readings[:_READINGS_CORRECTED]:
            surnames.update(_surnames_of(reading))
            givens.update(_givens_of(reading))
    return {"surname": surnames, "given": givens}


def streets_to_correct(lines: Iterable[ReadLine]) -> dict[str, set[str]]:
    """Return the streets whose corrections are asked for, whoever is looked for there."""
    return {"street": {street for line in lines for address in line.addresses for street in address.streets}}


def address_probe(line: ReadLine, words: TermFrequencies) -> Probe:
    """Return the question who lives at this house and street, whatever their names."""
    found: dict[int, None] = {}
    for address in line.addresses:
        house = hash_house(address.house)
        if house:
            corrected = [c for name in address.streets for c in _corrected("street", name, words)]
            streets = _hashes(hash_street, [*address.streets, *corrected])
            found.update((house.coarse ^ street.coarse, None) for street in streets)
    return Probe(HOUSE_STREET, list(found))


def wide_search(line: ReadLine, words: TermFrequencies) -> Search:
    """Return every pair of house, street, surname and given name but house and street.

    The words are asked for as they sound, and corrected by the county's own words, or replaced by another form.
    """
    readings = [_correct_reading(reading, words) for reading in line.name.readings[:_READINGS_CORRECTED]]
    surnames = _Asked(
        _hashes(hash_surname, _surnames(line)),
        _hashes(hash_surname, (c for reading in readings for c in reading.surnames)),
    )
    givens = _Asked(
        _hashes(hash_given, _givens(line)), _hashes(hash_given, (c for r in readings for c in (*r.slips, *r.forms)))
    )
    streets = [name for address in line.addresses for name in address.streets]
    corrected = [c for name in streets for c in _corrected("street", name, words)]
    parts = _Parts(
        _Asked(_hashes(hash_house, (address.house for address in line.addresses)), []),
        _Asked(_hashes(hash_street, streets), _hashes(hash_street, corrected)),
        surnames,
        _Asked(surnames.written, []),
        givens,
        _names(line),
    )
    asked, crowded = [], [Probe(_NAMES, _corrected_names(readings))]
    certain = words.known("zip", line.zip)  # another zip than the county's is likely misread
    for probe in _combine(parts, zip_number(line.zip)):
        if probe.column == GIVEN_STREET and probe.agreeing and certain:
            crowded += [probe.narrowed(low) for low in probe.lows]
        else:
            asked.append(probe)
    return Search(asked, crowded)


class _Corrected(NamedTuple):
    """A reading of the name, and what its words may be slips or other forms of."""

    reading: NameReading
    surnames: list[str]
    slips: list[str]
    forms: list[str]


def _correct_reading(reading: NameReading, words: TermFrequencies) -> _Corrected:
    surnames = [c for part in _surnames_of(reading) for c in _corrected_surname(part, words)]
    slips = [c for given in _givens_of(reading) for c in _corrected("given", given, words)]
    forms = [form for given in _givens_of(reading) for form in _forms(given, words)]
    return _Corrected(reading, surnames, slips, forms)


def _corrected_names(readings: Iterable[_Corrected]) -> list[int]:
    """The keys of names in which a word is corrected or replaced, or both are corrected."""
    found: dict[int, None] = {}
    for reading, surnames, slips, forms in readings:
        own, family = _hashes(hash_given, _givens_of(reading)), _hashes(hash_surname, _surnames_of(reading))
        others, replaced = _hashes(hash_surname, surnames), _hashes(hash_given, slips)
        pairs = [
            *_pairs(own, others),
            *_pairs([*replaced, *_hashes(hash_given, forms)], family),
            *_pairs(replaced[:_BOTH_SLIP], others[:_BOTH_SLIP]),
        ]
        found.update((given.coarse ^ surname.coarse | spelling(given, surname), None) for given, surname in pairs)
    return list(found)


def worth_reading(probe: Probe, hits: Hits, line: ReadLine) -> list[int]:
    """Return the registrations of a range, looked at whole, that may be the signer's.

    At a house number those of the given name or the zip, or all of a surname where they are few; in a street those of
    the given name, and those at a house number one slip away, of a surname there two: who is found nowhere else is not
    registered. Of a given name in a street only those one slip away.
    """
    few = len(hits.numbers) <= _FEW
    if probe.column == GIVEN_STREET:
        return at_near_houses(hits, line) if _houses_of(line) else hits.numbers if few else []
    if probe.column in _SURNAME_STREET:
        written = _houses_of(line)
        if not written and not probe.agreeing:
            return hits.numbers if few else []
        near = near_houses(written) | far_houses(written, hits.houses)
        return [number for number, fine, house in zip(*hits, strict=True) if fine in probe.agreeing or house in near]
    if (few and probe.column != _HOUSE_GIVEN) or not probe.agreeing:
        return hits.numbers
    return [number for number, fine in zip(hits.numbers, hits.fines, strict=True) if fine in probe.agreeing]


def at_near_houses(hits: Hits, line: ReadLine) -> list[int]:
    """Return the registrations at one of the written house numbers, or a slip away from one."""
    near = near_houses(_houses_of(line))
    return [number for number, house in zip(hits.numbers, hits.houses, strict=True) if house in near]


def _houses_of(line: ReadLine) -> tuple[str, ...]:
    return tuple(address.house for address in line.addresses if address.house)


def _corrected(kind: str, word: str, words: TermFrequencies) -> tuple[str, ...]:
    found = words.corrections(kind, word)
    return found[:_CORRECTIONS_OF_KNOWN] if words.known(kind, word) else found


def _forms(word: str, words: TermFrequencies) -> list[str]:
    """Other forms of a given name that the county's voters bear, the frequent first."""
    known = [form for form in name_forms(word) if words.known("given", form)]
    return sorted(known, key=lambda form: (-words.count("given", form), form))[:_FORMS_ASKED]


def _corrected_surname(part: str, words: TermFrequencies) -> Iterator[str]:
    """Corrections of a surname, and its two halves where it is two surnames written as one."""
    yield from _corrected("surname", part, words)
    for one, other in _halves(part, words):
        if words.known("surname", one) and words.known("surname", other):
            yield one
            yield other


def _halves(part: str, words: TermFrequencies) -> list[tuple[str, str]]:
    """The ways to part a surname that is no name of this county in two."""
    if words.known("surname", part):
        return []
    return [(part[:at], part[at:]) for at in range(_SHORTEST_PART, len(part) - _SHORTEST_PART + 1)]


def _surnames(line: ReadLine) -> list[str]:
    """Every word that may be a surname, also two parts written as one."""
    return list(dict.fromkeys(word for reading in line.name.readings for word in _surnames_of(reading)))


def _surnames_of(reading: NameReading) -> list[str]:
    parts = reading.surname if len(reading.surname) < _SEVERAL else (*reading.surname, "".join(reading.surname))
    return [part for part in parts if len(part) > 1]


def _givens(line: ReadLine) -> list[str]:
    """Every word that may be the registered given name: the first two of each reading, also as one."""
    return list(dict.fromkeys(word for reading in line.name.readings for word in _givens_of(reading)))


def _givens_of(reading: NameReading) -> list[str]:
    first = reading.given[:_SEVERAL]
    return [word for word in (first if len(first) < _SEVERAL else (*first, "".join(first))) if len(word) > 1]


def _pairs(givens: list[Hashes], surnames: list[Hashes]) -> list[tuple[Hashes, Hashes]]:
    return [(given, surname) for given in givens for surname in surnames]


def _names(line: ReadLine) -> list[tuple[Hashes, Hashes]]:
    """The pairs of given name and surname within each reading."""
    return [
        pair
        for reading in line.name.readings
        for pair in _pairs(_hashes(hash_given, _givens_of(reading)), _hashes(hash_surname, _surnames_of(reading)))
    ]


def _hashes(hashed: Callable[[str], Hashes | None], words: Iterable[str]) -> list[Hashes]:
    return [found for word in dict.fromkeys(words) if (found := hashed(word))]


def _combine(parts: _Parts, zip_code: int) -> list[Probe]:
    """Every pair of the parts but house and street, each range once."""
    givens, zips = (
        frozenset(one.fine for ones in parts.givens for one in ones),
        frozenset([zip_code] if zip_code else ()),
    )
    found = []
    for column, ones, others, agreeing in (
        (_HOUSE_SURNAME[0], parts.houses, parts.surnames, givens),
        (_HOUSE_SURNAME[1], parts.houses, parts.seconds, givens),
        (_HOUSE_GIVEN, parts.houses, parts.givens, zips),
        (_SURNAME_STREET[0], parts.streets, parts.surnames, givens),
        (_SURNAME_STREET[1], parts.streets, parts.seconds, givens),
        (GIVEN_STREET, parts.streets, parts.givens, zips),
    ):
        lows = dict.fromkeys(one.coarse ^ other.coarse for one, other in _likely_pairs(ones, others))
        if lows:
            found.append(Probe(column, list(lows), agreeing))
    return [*found, *_of_names(_NAMES, parts.names), *_of_names(OF_A_NAME[1], parts.names)]


def _likely_pairs(ones: _Asked, others: _Asked) -> Iterator[tuple[Hashes, Hashes]]:
    """The pairs of which at least one word is as written: a third field is wrong besides, or it was found before."""
    for one in ones.written:
        yield from ((one, other) for other in (*others.written, *others.replaced))
    yield from ((one, other) for one in ones.replaced for other in others.written)


def _of_names(column: int, names: Iterable[tuple[Hashes, Hashes]]) -> list[Probe]:
    """The ranges of names that sound alike, with all the spellings that are asked for."""
    spelled: dict[int, set[int]] = {}
    for given, surname in names:
        spelled.setdefault(given.coarse ^ surname.coarse, set()).add(spelling(given, surname))
    return [Probe(column, [low], frozenset(spellings)) for low, spellings in spelled.items()]
