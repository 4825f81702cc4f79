"""The blocking queries for a line: the household first, then each pair of its words, as written and corrected.

The matches of a wide range are narrowed by what the index itself contains (the third part of the key, the house number,
the spelling), so that only registrations that may be the signer's are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.law.registration import Registration
from app.matching.blocking import KEY_COLUMNS, HashedKind, KeyColumn, TermHash, spelling, term_hash, zip_number
from app.matching.comparison import compare_house
from app.matching.frequencies import Term, TermFrequencies
from app.matching.names import ParsedName, given_words, surname_parts
from app.matching.nicknames import name_forms
from app.matching.parsing import ParsedLine

NAME_COLUMNS: Final[tuple[KeyColumn, ...]] = ("key_given_surname", "key_given_surname2")

_FEW: Final = 8  # of so few matches of a range each is read; of more, those that agree in a third part
MAX_NAMESAKES: Final = 24  # of one name in the county; with more of them it is impossible to say which one signed
MAX_RESIDENTS: Final = 2_000  # of a house number and street: a large building, never cut off in practice
# How many entries of a key's index are looked at in a range, and at a single key. A range with more matches is asked
# again by the third part.
RANGE_LIMITS: Final[Mapping[KeyColumn, int]] = MappingProxyType(
    dict.fromkeys(KEY_COLUMNS, 200) | dict.fromkeys(NAME_COLUMNS, _FEW)
)
KEY_LIMITS: Final[Mapping[KeyColumn, int]] = MappingProxyType(
    dict.fromkeys(KEY_COLUMNS, 200) | dict.fromkeys(NAME_COLUMNS, MAX_NAMESAKES)
)
_STREETS_ASKED_FIRST: Final = 2
_MAX_CORRECTIONS_OF_KNOWN: Final = 2  # a word that is a name itself is seldom a misspelling of another
_MAX_FORMS: Final = 6
_NAMES_CORRECTED: Final = 2
_MAX_BOTH_CORRECTED: Final = 6  # corrections of each that are paired if both words may be misspelled
_SHORTEST_PART: Final = 3  # letters of a surname that was joined with another


class BlockingQuery(NamedTuple):
    """The registrations in ranges of a blocking key, or of single keys."""

    column: KeyColumn
    keys: list[int]  # the lowest key of each range, or single keys
    third_parts: frozenset[int] = frozenset()  # of the key: a match agrees in one of them if a range has many

    def narrowed(self, low: int) -> "BlockingQuery":
        """Return the single keys of a range whose third part agrees."""
        return BlockingQuery(self.column, [low | fine for fine in sorted(self.third_parts)])


class WideSearch(NamedTuple):
    """The blocking queries of a wide search.

    The single keys are of names with words that are not as written, and of given names in streets within the written
    zip, if it is one of the county's: so many people of a given name live in the streets of one name.
    """

    ranges: list[BlockingQuery]
    keys: list[BlockingQuery]


class Matches(NamedTuple):
    """The registrations in one range of a blocking query, or of one single key."""

    line: int  # that the query is for
    query: BlockingQuery
    key: int  # of those of the query
    complete: bool  # False if there are more than the limit
    numbers: list[int]
    fines: list[int]  # the third part of the key of each
    houses: list[int]  # the house number of each


def household_keys(line: ParsedLine) -> list[int]:
    """Return the keys of the narrowest query: the people of this surname at this house and street."""
    surnames = _hashes("surname", (part for name in line.names for part in name.surname))
    ranges = [low for a in line.addresses for low in _ranges_at(a.house, a.streets[:_STREETS_ASKED_FIRST])]
    return _unique(low | surname.fine for low in ranges for surname in surnames)


def address_query(line: ParsedLine, terms: TermFrequencies) -> BlockingQuery:
    """Return the query for all people at this house and street, the street as written or corrected."""
    ranges = [
        low for a in line.addresses for low in _ranges_at(a.house, (*a.streets, *_corrected_streets(a.streets, terms)))
    ]
    return BlockingQuery("key_house_street", _unique(ranges))


def _ranges_at(house: str, streets: Iterable[str]) -> list[int]:
    hashed = term_hash("house", house)
    return [hashed.coarse ^ street.coarse for street in _hashes("street", streets)] if hashed else []


class _Words(NamedTuple):
    """Hashed words of one kind, the likeliest first: as written, and what they may be misspellings or forms of."""

    written: list[TermHash]
    replaced: list[TermHash]


class _Name(NamedTuple):
    """The hashed words of one parsed name, and what they may be misspellings or other forms of."""

    givens: list[TermHash]
    surnames: list[TermHash]
    corrected_givens: list[TermHash]
    other_forms: list[TermHash]
    corrected_surnames: list[TermHash]


def wide_search(line: ParsedLine, terms: TermFrequencies) -> WideSearch:
    """Return the queries for each pair of house, street, surname and given name, but not house with street.

    Words are looked up by their sound, corrected by the county's own words, or replaced by another form. The second
    part of a double surname, which few voters have, is looked up only as written.
    """
    names = [_hashed_name(name, terms, corrected=at < _NAMES_CORRECTED) for at, name in enumerate(line.names)]
    surnames = _Words(
        _unique(word for name in names for word in name.surnames),
        _unique(word for name in names for word in name.corrected_surnames),
    )
    givens = _Words(
        _unique(word for name in names for word in name.givens),
        _unique(word for name in names for word in (*name.corrected_givens, *name.other_forms)),
    )
    houses = _Words(_hashes("house", line.houses), [])
    streets = _Words(_hashes("street", line.streets), _hashes("street", _corrected_streets(line.streets, terms)))
    second, by_given = _Words(surnames.written, []), frozenset(word.fine for words in givens for word in words)
    by_zip = frozenset(filter(None, [zip_number(line.zip)]))
    ranges = [
        _pair_query("key_house_surname", houses, surnames, by_given),
        _pair_query("key_house_surname2", houses, second, by_given),
        _pair_query("key_house_given", houses, givens, by_zip),
        _pair_query("key_surname_street", streets, surnames, by_given),
        _pair_query("key_surname2_street", streets, second, by_given),
    ]
    keys = [BlockingQuery(NAME_COLUMNS[0], _corrected_name_keys(names))]
    in_streets = _pair_query("key_given_street", streets, givens, by_zip)
    if by_zip and terms.is_known("zip", line.zip):  # a zip outside the county is likely misread
        keys += [in_streets.narrowed(low) for low in in_streets.keys]
    else:
        ranges.append(in_streets)
    return WideSearch([*ranges, *_name_queries(names)], keys)


def _hashed_name(name: ParsedName, terms: TermFrequencies, *, corrected: bool) -> _Name:
    givens, surnames = name.possible_givens, name.possible_surnames
    written = _Name(_hashes("given", givens), _hashes("surname", surnames), [], [], [])
    if not corrected:
        return written
    return written._replace(
        corrected_givens=_hashes("given", (c for word in givens for c in _corrections("given", word, terms))),
        other_forms=_hashes("given", (form for word in givens for form in _known_forms(word, terms))),
        corrected_surnames=_hashes("surname", (c for word in surnames for c in _corrected_surname(word, terms))),
    )


def _pair_query(column: KeyColumn, ones: _Words, others: _Words, third_parts: frozenset[int]) -> BlockingQuery:
    """The query for all pairs with a written word: without one, a third field is wrong too or it was found before."""
    pairs = [(one, other) for one in ones.written for other in (*others.written, *others.replaced)]
    pairs += [(one, other) for one in ones.replaced for other in others.written]
    return BlockingQuery(column, _unique(one.coarse ^ other.coarse for one, other in pairs), third_parts)


def _name_queries(names: Iterable[_Name]) -> Iterator[BlockingQuery]:
    """The ranges of names that sound like the written ones, with all the spellings that are asked for."""
    spellings: dict[int, set[int]] = {}
    for name in names:
        for given, surname in product(name.givens, name.surnames):
            spellings.setdefault(given.coarse ^ surname.coarse, set()).add(spelling(given, surname))
    for column in NAME_COLUMNS:
        yield from (BlockingQuery(column, [low], frozenset(of_low)) for low, of_low in spellings.items())


def _corrected_name_keys(names: Iterable[_Name]) -> list[int]:
    """The keys of names in which one word is corrected or replaced, or both are corrected."""
    pairs = [
        pair
        for name in names
        for pair in (
            *product(name.givens, name.corrected_surnames),
            *product([*name.corrected_givens, *name.other_forms], name.surnames),
            *product(name.corrected_givens[:_MAX_BOTH_CORRECTED], name.corrected_surnames[:_MAX_BOTH_CORRECTED]),
        )
    ]
    return _unique(given.coarse ^ surname.coarse | spelling(given, surname) for given, surname in pairs)


def worth_reading(matches: Matches, line: ParsedLine) -> list[int]:
    """Return the registrations of a complete range that may be the signer's.

    At a house number: those with the given name or zip, or all with a surname if they are few. In a street: those with
    the given name, and those whose house number is one edit away, two edits for a surname, since a signer who is found
    nowhere else is not registered. With a given name in a street, only those one edit away.
    """
    query, few = matches.query, len(matches.numbers) <= _FEW
    if query.column == "key_given_street":
        return at_near_houses(matches, line) if line.houses else matches.numbers if few else []
    if query.column in {"key_surname_street", "key_surname2_street"}:
        if not line.houses and not query.third_parts:
            return matches.numbers if few else []
        near = near_houses(line.houses) | far_houses(line.houses, matches.houses)
        found = zip(matches.numbers, matches.fines, matches.houses, strict=True)
        return [number for number, fine, house in found if fine in query.third_parts or house in near]
    if (few and query.column != "key_house_given") or not query.third_parts:
        return matches.numbers
    return [number for number, fine in zip(matches.numbers, matches.fines, strict=True) if fine in query.third_parts]


def at_near_houses(matches: Matches, line: ParsedLine) -> list[int]:
    """Return the registrations at one of the written house numbers, or one edit away."""
    near = near_houses(line.houses)
    return [number for number, house in zip(matches.numbers, matches.houses, strict=True) if house in near]


@lru_cache(maxsize=1 << 8)  # of some 7 KB each
def near_houses(written: tuple[str, ...]) -> frozenset[int]:
    """Return the house numbers that are one of those written, or one edit away from it."""
    near = set[int]()
    for house in written:
        if house.isdigit():
            near.update(*_one_edit(int(house), 10 ** len(house)))
    return frozenset(near)


def _one_edit(house: int, beyond: int) -> Iterator[Iterable[int]]:
    """The numbers with one digit added, left out or replaced, or two swapped; by arithmetic, ten times as fast as text.

    `beyond` is the lowest power of ten that has more digits than the house number.
    """
    power = 1
    while power <= beyond:
        head, tail = house - house % power, house % power
        added = 10 * head + tail
        yield range(added, added + 10 * power, power)
        if power < beyond:
            high, digit = head // (10 * power), head // power % 10
            replaced = high * 10 * power + tail
            yield range(replaced, replaced + 10 * power, power)
            before = high % 10
            swapped = (digit - before) * 10 * power + (before - digit) * power
            yield (high * power + tail, house + swapped if 10 * power < beyond else house)
        power *= 10


def far_houses(written: Iterable[str], houses: Iterable[int]) -> set[int]:
    """Return those of the house numbers that are two edits away from one of the written."""
    numbers = [str(house) for house in set(houses)]
    similar = (process.extract(one, numbers, scorer=OSA.distance, score_cutoff=2, limit=None) for one in written)
    found = {number for one in similar for number, _, _ in one}
    return {int(number) for number in found if any(compare_house(one, number) == "far" for one in written)}


def written_terms(lines: Iterable[ParsedLine]) -> set[Term]:
    """Return the terms whose frequencies a comparison of the lines with any registration needs."""
    surnames, givens, streets, zips = set[str](), set[str](), set[str](), set[str]()
    for line in lines:
        for name in line.names:
            givens.update(name.given, name.possible_givens)
            surnames.update(name.surname, name.possible_surnames)
        streets.update(line.streets)
        zips.add(line.zip)
    return _terms(surname=surnames, given=givens, middle=givens, street=streets, zip=zips)


def registered_terms(registrations: Iterable[Registration]) -> set[Term]:
    """Return the terms whose frequencies a comparison with the registrations needs."""
    last, first = set[str](), set[str]()  # of each name once: the same names occur again and again
    for registration in registrations:
        last.add(registration.last_name)
        first.update((registration.first_name, registration.middle_name))
    surnames = {part for name in last for part in surname_parts(name)}
    givens = {word for name in first for word in given_words(name)}
    return _terms(surname=surnames, given=givens, middle=givens)


def wide_search_terms(lines: Iterable[ParsedLine], terms: TermFrequencies) -> set[Term]:
    """Return the terms whose frequencies a wide search needs, besides those of `written_terms`."""
    forms, halves = set[str](), set[str]()
    for name in _corrected_names(lines):
        forms.update(*map(name_forms, name.possible_givens))
        halves.update(half for part in name.possible_surnames for pair in _halves(part, terms) for half in pair)
    return _terms(given=forms, surname=halves)


def name_terms(lines: Iterable[ParsedLine]) -> set[Term]:
    """Return the names whose spelling corrections a wide search needs."""
    names = list(_corrected_names(lines))
    return _terms(
        surname=(word for name in names for word in name.possible_surnames),
        given=(word for name in names for word in name.possible_givens),
    )


def street_terms(lines: Iterable[ParsedLine]) -> set[Term]:
    """Return the streets whose spelling corrections `address_query` and a wide search need."""
    return _terms(street=(street for line in lines for street in line.streets))


def _terms(**words_of: Iterable[str]) -> set[Term]:
    return set[Term]().union(*(product([kind], words) for kind, words in words_of.items()))


def _corrected_names(lines: Iterable[ParsedLine]) -> Iterator[ParsedName]:
    return (name for line in lines for name in line.names[:_NAMES_CORRECTED])


def _corrections(kind: str, word: str, terms: TermFrequencies) -> tuple[str, ...]:
    found = terms.spelling_corrections(kind, word)
    return found[:_MAX_CORRECTIONS_OF_KNOWN] if terms.is_known(kind, word) else found


def _corrected_streets(streets: Iterable[str], terms: TermFrequencies) -> list[str]:
    return [corrected for street in streets for corrected in _corrections("street", street, terms)]


def _known_forms(given: str, terms: TermFrequencies) -> list[str]:
    """Other forms of a given name that voters of the county have, the frequent first."""
    known = [form for form in name_forms(given) if terms.is_known("given", form)]
    return sorted(known, key=lambda form: (-terms.count("given", form), form))[:_MAX_FORMS]


def _corrected_surname(part: str, terms: TermFrequencies) -> Iterator[str]:
    """Corrections of a surname, and its two halves if it is two known surnames written as one word."""
    yield from _corrections("surname", part, terms)
    for one, other in _halves(part, terms):
        if terms.is_known("surname", one) and terms.is_known("surname", other):
            yield from (one, other)


def _halves(part: str, terms: TermFrequencies) -> list[tuple[str, str]]:
    """The ways to split a word that is not a surname of this county in two."""
    if terms.is_known("surname", part):
        return []
    return [(part[:at], part[at:]) for at in range(_SHORTEST_PART, len(part) - _SHORTEST_PART + 1)]


def _hashes(kind: HashedKind, words: Iterable[str]) -> list[TermHash]:
    return [found for word in dict.fromkeys(words) if (found := term_hash(kind, word))]


_Item = TypeVar("_Item")


def _unique(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))
