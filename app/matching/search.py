"""The blocking queries for a line: the household first, then each pair of its words, as written and corrected.

The matches of a wide range are narrowed by what the index itself contains: only what may be the signer's is read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, product
from typing import Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.law.registration import Registration
from app.matching.blocking import KEY_COLUMNS, HashedKind, KeyColumn, TermHash, spelling, term_hash, zip_number
from app.matching.comparison import compare_house
from app.matching.confidential import ConfidentialName
from app.matching.frequencies import TermFrequencies, Words
from app.matching.names import given_words, name_forms, surname_parts
from app.matching.parsing import ParsedLine

Limits = Mapping[KeyColumn, int]
"""How many matches of one range, or of one single key, of each column are looked at."""

NAME_COLUMNS: Final[tuple[KeyColumn, ...]] = ("key_given_surname", "key_given_surname2")
_FEW: Final = 8  # of so few matches of a range each is read; of more, those that agree in a third part
MAX_NAMESAKES: Final = 24  # of one name in the county; with more of them it is impossible to say which one signed
MAX_RESIDENTS: Final = 2_000  # of a house number and street: a large building, never cut off in practice
# A range with more matches is asked again by the third part.
RANGE_LIMITS: Final[Limits] = dict.fromkeys(KEY_COLUMNS, 200) | dict.fromkeys(NAME_COLUMNS, _FEW)
KEY_LIMITS: Final[Limits] = dict.fromkeys(KEY_COLUMNS, 200) | dict.fromkeys(NAME_COLUMNS, MAX_NAMESAKES)
_SURNAME_STREET_COLUMNS: Final = frozenset({"key_surname_street", "key_surname2_street"})
_STREETS_ASKED_FIRST: Final = 2
_MAX_CORRECTIONS_OF_KNOWN: Final = 2  # a word that is a name itself is seldom a misspelling of another
_MAX_FORMS: Final = 6
_NAMES_CORRECTED: Final = 2
_MAX_BOTH_CORRECTED: Final = 6  # corrections of each that are paired if both words may be misspelled
_RARE_GIVEN: Final = 7.6  # inverse document frequency of a given name that one in 2,000 bears
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
    """The blocking queries of a wide search."""

    ranges: list[BlockingQuery]
    keys: list[BlockingQuery]  # of names with words not as written, and of given names in streets within the zip


class Matches(NamedTuple):
    """The registrations in one range of a blocking query, or of one single key."""

    line: int  # that the query is for
    query: BlockingQuery
    key: int  # of those of the query
    numbers: list[int]
    fines: list[int]  # the third part of the key of each
    houses: list[int]  # the house number of each
    complete: bool = True  # False if there are more than the limit


def household_keys(line: ParsedLine) -> list[int]:
    """Return the keys of the narrowest query: the people of this surname at this house and street."""
    surnames = [surname.fine for surname in _hashes("surname", [part for name in line.names for part in name.surname])]
    ranges = [low for a in line.addresses for low in _ranges_at(a.house, a.streets[:_STREETS_ASKED_FIRST])]
    return _unique([low | fine for low in ranges for fine in surnames])


class _Name(NamedTuple):
    """The hashed words of one parsed name, and what they may be misspellings or other forms of."""

    givens: list[TermHash]
    surnames: list[TermHash]
    corrected_givens: list[TermHash]
    other_forms: list[TermHash]
    corrected_surnames: list[TermHash]


_Field = tuple[list[int], list[int]]
"""The main parts of keys that the words of one field make: as written, and of what they may be misspellings of."""


class Search:
    """The queries for a line that is not settled by the people of its surname at its address.

    Words are looked up by their sound, corrected by the county's own words, or replaced by another form. The
    frequencies of `counted` and the corrections of `corrected` must be loaded before the queries are made.
    """

    def __init__(self, line: ParsedLine, terms: TermFrequencies) -> None:
        """Search for a line whose `written_words` have their frequencies loaded."""
        self.line: Final = line
        self._terms: Final = terms
        # The words that may be the registered given name, and those that may be a part of the registered surname.
        self._names: Final = [(_with_joined(given[:2]), _with_joined(surname)) for given, surname, _ in line.names]
        self._surname_known: Final = any(n.surname and terms.is_known("surname", n.surname[-1]) for n in line.names)
        corrected = self._names[:_NAMES_CORRECTED]
        self._forms: Final = {given: name_forms(given) for givens, _ in corrected for given in givens}
        self._surnames: Final = {part for _, surnames in corrected for part in surnames}
        self._halves: Final = {  # the ways to split a word that is not a surname of this county in two
            part: [(part[:at], part[at:]) for at in range(_SHORTEST_PART, len(part) - _SHORTEST_PART + 1)]
            for part in self._surnames
            if not terms.is_known("surname", part)
        }

    @property
    def counted(self) -> Words:
        """The words that are looked up instead of others if voters have them."""
        halves = {half for splits in self._halves.values() for split in splits for half in split}
        return {"given": set[str]().union(*self._forms.values()), "surname": halves}

    @property
    def corrected(self) -> Words:
        """The words that are looked up with their corrections."""
        return {"given": set(self._forms), "surname": self._surnames, "street": set(self.line.streets)}

    def at_address(self) -> BlockingQuery:
        """Return the query for all people at this house and street, the street as written or corrected."""
        streets = [[*a.streets, *self._corrected("street", a.streets)] for a in self.line.addresses]
        ranges = map(_ranges_at, [a.house for a in self.line.addresses], streets)
        return BlockingQuery("key_house_street", _unique(chain.from_iterable(ranges)))

    def wide(self) -> WideSearch:
        """Return the queries for each pair of house, street, surname and given name, but not house with street.

        The second part of a double surname, which few voters have, is looked up only as written.
        """
        names = [self._hashed_name(at) for at in range(len(self._names))]
        written = [given for name in names for given in name.givens]
        replaced = [given for name in names for given in (*name.corrected_givens, *name.other_forms)]
        givens = _coarse(written), _coarse(replaced)
        second = _coarse(surname for name in names for surname in name.surnames), list[int]()
        surnames = second[0], _coarse(surname for name in names for surname in name.corrected_surnames)
        houses = _coarse(_hashes("house", self.line.houses)), list[int]()
        corrected = self._corrected("street", self.line.streets)
        streets = _coarse(_hashes("street", self.line.streets)), _coarse(_hashes("street", corrected))
        by_given = frozenset(given.fine for given in (*written, *replaced))
        by_zip = frozenset(filter(None, [zip_number(self.line.zip)]))
        ranges = [
            _pair_query("key_house_surname", houses, surnames, by_given),
            _pair_query("key_house_surname2", houses, second, by_given),
            _pair_query("key_house_given", houses, givens, by_zip),
            _pair_query("key_surname_street", streets, surnames, by_given),
            _pair_query("key_surname2_street", streets, second, by_given),
        ]
        keys = [BlockingQuery(NAME_COLUMNS[0], _corrected_name_keys(names))]
        in_streets = _pair_query("key_given_street", streets, givens, by_zip)
        # So many people of a given name live in streets of one name. A zip outside the county is likely misread; one of
        # the county may be, where nothing but given name and street is left to go by, or few have the name.
        if by_zip and self._terms.is_known("zip", self.line.zip) and not self._given_name_decides():
            keys += map(in_streets.narrowed, in_streets.keys)
        else:
            ranges.append(in_streets)
        return WideSearch([*ranges, *_name_queries(names)], keys)

    def _given_name_decides(self) -> bool:
        """Whether the given name must be looked for in the street in all zips: it is rare, or alone readable."""
        given = next((name.given[0] for name in self.line.names if name.given), "")
        return not self._surname_known or (given != "" and self._terms.given_idf(given) >= _RARE_GIVEN)

    def _hashed_name(self, at: int) -> _Name:
        givens, surnames = self._names[at]
        name = _Name(_hashes("given", givens), _hashes("surname", surnames), [], [], [])
        if at >= _NAMES_CORRECTED:
            return name
        return name._replace(
            corrected_givens=_hashes("given", self._corrected("given", givens)),
            other_forms=_hashes("given", [form for given in givens for form in self._known_forms(given)]),
            corrected_surnames=_hashes("surname", self._corrected_surnames(surnames)),
        )

    def _corrected(self, kind: HashedKind, words: Iterable[str]) -> list[str]:
        found, terms = list[str](), self._terms
        for word in words:
            corrections = terms.spelling_corrections(kind, word)
            found += corrections[:_MAX_CORRECTIONS_OF_KNOWN] if terms.is_known(kind, word) else corrections
        return found

    def _known_forms(self, given: str) -> list[str]:
        """Other forms of a given name that voters of the county have, the frequent first."""
        known = [form for form in self._forms[given] if self._terms.is_known("given", form)]
        return sorted(known, key=lambda form: (-self._terms.count("given", form), form))[:_MAX_FORMS]

    def _corrected_surnames(self, parts: Iterable[str]) -> Iterator[str]:
        """Corrections of surnames, and the two halves of one that is two known surnames written as one word."""
        for part in parts:
            yield from self._corrected("surname", [part])
            for halves in self._halves.get(part, ()):
                if all(self._terms.is_known("surname", half) for half in halves):
                    yield from halves

    def worth_reading(self, matches: Matches) -> list[int]:
        """Return the registrations of a complete range that may be the signer's.

        At a house number: those with the given name or zip, or all with a surname if they are few. In a street: those
        with the given name, and those whose house number is one edit away, two edits for a surname, since a signer who
        is found nowhere else is not registered. With a given name in a street, only those one edit away, or all if they
        are few and the surname or the number cannot be read.
        """
        query, few, houses, near = matches.query, len(matches.numbers) <= _FEW, self.line.houses, set[int]()
        if query.column == "key_given_street":
            all_read = few and not (houses and self._surname_known)
            return matches.numbers if all_read else self.at_near_houses(matches)
        if query.column in _SURNAME_STREET_COLUMNS:
            if not houses and (few or not query.third_parts):
                return matches.numbers if few else []
            near |= near_houses(houses) | far_houses(houses, matches.houses)
        elif (few and query.column != "key_house_given") or not query.third_parts:
            return matches.numbers
        found = zip(matches.numbers, matches.fines, matches.houses, strict=True)
        return [number for number, fine, house in found if fine in query.third_parts or house in near]

    def at_near_houses(self, matches: Matches) -> list[int]:
        """Return the registrations at one of the written house numbers, or one edit away."""
        near = near_houses(self.line.houses)
        return [number for number, house in zip(matches.numbers, matches.houses, strict=True) if house in near]


def _coarse(words: Iterable[TermHash]) -> list[int]:
    return _unique(word.coarse for word in words)


def _pair_query(column: KeyColumn, ones: _Field, others: _Field, third_parts: frozenset[int]) -> BlockingQuery:
    """The query for all pairs with a written word: without one, a third field is wrong too or it was found before."""
    (written, replaced), (others_written, others_replaced) = ones, others
    keys = [one ^ other for one in written for other in (*others_written, *others_replaced)]
    keys += [one ^ other for one in replaced for other in others_written]
    return BlockingQuery(column, _unique(keys), third_parts)


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


@lru_cache(maxsize=1 << 8)  # of some 7 KB each
def near_houses(written: tuple[str, ...]) -> frozenset[int]:
    """Return the house numbers that are one of those written, or one edit away from it."""
    edits = (_one_edit(int(house), 10 ** len(house)) for house in written if house.isdigit())
    return frozenset(near for of_house in edits for some in of_house for near in some)


def _one_edit(house: int, beyond: int) -> Iterator[Iterable[int]]:
    """The numbers with one digit added, left out or replaced, or two swapped; arithmetic is faster than text."""
    power = 1  # `beyond` is the lowest one with more digits than the house number
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


COUNTED_KINDS: Final = ("surname", "given", "middle", "street", "zip")


def written_words(lines: Iterable[ParsedLine]) -> Words:
    """Return the words whose frequencies a comparison of the lines with any registration needs."""
    surnames, givens, streets, zips = set[str](), set[str](), set[str](), set[str]()
    for line in lines:
        for given, surname, _ in line.names:
            givens.update(given, ("".join(given[:2]),))
            surnames.update(surname, ("".join(surname),))
        streets.update(line.streets)
        zips.add(line.zip)
    return {"surname": surnames, "given": givens, "middle": givens, "street": streets, "zip": zips}


def registered_words(registrations: Collection[Registration | ConfidentialName]) -> Words:
    """Return the words whose frequencies a comparison with the registrations needs."""
    # Of each name once: the same names occur again and again.
    surnames = set[str]().union(*map(surname_parts, {r.last_name for r in registrations}))
    first_names = {r.first_name for r in registrations} | {r.middle_name for r in registrations}
    givens = set[str]().union(*map(given_words, first_names))
    return {"surname": surnames, "given": givens, "middle": givens}


def _with_joined(words: tuple[str, ...]) -> list[str]:
    together = (*words, "".join(words)) if len(words) > 1 else words
    return [word for word in together if len(word) > 1]


def _ranges_at(house: str, streets: Iterable[str]) -> list[int]:
    hashed = term_hash("house", house)
    return [hashed.coarse ^ street.coarse for street in _hashes("street", streets)] if hashed else []


def _hashes(kind: HashedKind, words: Iterable[str]) -> list[TermHash]:
    return [found for word in dict.fromkeys(words) if (found := term_hash(kind, word))]


def _unique(numbers: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(numbers))
