"""The keys under which a registration is found, and the words it adds to the county's dictionary.

A key is two parts of a registration hashed together (43 bits), followed by 20 bits of a third part. So one index
answers both the wide question (the whole range of the 20 bits) and the narrow one (one value), and a wide question
with too many answers is narrowed instead of cut off. Keys are made here and nowhere else, by a hash of our own, so
they are the same on every machine and in every version of the database.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple
from zlib import crc32

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.law.registration import Registration
from app.matching.comparison import compare_house
from app.matching.names import FREQUENT_KEPT, WORDS_KEPT, fold, given_words, sound, surname_parts
from app.matching.streets import street_token

KEYS_VERSION: Final = 3

# Names of the key columns, in the order of `registration_keys`. Each gets a btree index of its own. The columns with a
# 2 repeat their neighbour for the second part of a double surname and are NULL for nine voters in ten: index them only
# where they are not NULL.
KEY_COLUMNS: Final = (
    "key_house_street",
    "key_house_surname",
    "key_house_surname2",
    "key_given_surname",
    "key_given_surname2",
    "key_surname_street",
    "key_surname2_street",
    "key_house_given",
    "key_given_street",
)

# Kept beside the keys of streets, in their indexes, so that what a wide range holds is told apart without reading the
# registrations: the house number.
MARK_COLUMN: Final = "house_mark"
_LONGEST_MARK: Final = 9  # digits

FINE_BITS: Final = 20
FINE: Final = (1 << FINE_BITS) - 1
_COARSE_BITS: Final = 43  # with the 20 fine bits a key stays a positive 64-bit integer


class Hashes(NamedTuple):
    """A word's part of a key: `coarse` where it leads, `fine` where it only narrows; `spelled` is of its letters.

    The coarse parts of two words, exclusively or-ed, are the lowest key of their range; a fine part fills it up.
    """

    coarse: int
    fine: int
    spelled: int


def _hashes(kind: str, heard: str, word: str) -> Hashes | None:
    """The hashes of a word; the kind keeps a surname from cancelling the same word as a given name."""
    if not heard:
        return None
    number = int.from_bytes(blake2b(f"{kind} {heard}".encode(), digest_size=8).digest(), "big")
    return Hashes(number >> (64 - _COARSE_BITS) << FINE_BITS, number & FINE, crc32(word.encode()))


@lru_cache(maxsize=FREQUENT_KEPT)
def hash_surname(part: str) -> Hashes | None:
    """Hashes of one part of a surname, by its sound."""
    return _hashes("surname", sound(part), part)


@lru_cache(maxsize=FREQUENT_KEPT)
def hash_given(word: str) -> Hashes | None:
    """Hashes of a given name, by its sound."""
    return _hashes("given", sound(word), word)


@lru_cache(maxsize=FREQUENT_KEPT)
def hash_street(token: str) -> Hashes | None:
    """Hashes of a street's name, a `street_token`, by its sound."""
    return _hashes("street", sound(token), token)


@lru_cache(maxsize=FREQUENT_KEPT)
def hash_house(number: str) -> Hashes | None:
    """Hashes of a house number, a `house_token`."""
    return _hashes("house", number, number)


def house_token(number: str) -> str:
    """Return the house number that is compared: the digits, or the letters where there are none."""
    if number.isdigit() and number.isascii():
        return number.lstrip("0")
    folded = fold(number).replace(" ", "")
    digits = "".join(c for c in folded if c.isdigit()).lstrip("0")
    return digits or folded.lstrip("0")


@lru_cache(maxsize=FREQUENT_KEPT)
def zip_number(zip_code: str) -> int:
    """Return the first five digits of a zip as a number, 0 where it has not five digits."""
    digits = zip_code[:5]
    return int(digits) if len(digits) == 5 and digits.isascii() and digits.isdigit() else 0  # noqa: PLR2004 - a zip


def spelling(given: Hashes, surname: Hashes) -> int:
    """Return 20 bits of a given name and a surname as they are spelled: of those who sound alike, who is the same."""
    return (given.spelled * 31 + surname.spelled) & FINE


@lru_cache(maxsize=WORDS_KEPT)
def _house_mark(house_number: str) -> int:
    """The mark of a house number: the number itself, 0 where it is none."""
    token = house_token(house_number)
    return int(token) if token.isascii() and token.isdigit() and len(token) <= _LONGEST_MARK else 0


@lru_cache(maxsize=WORDS_KEPT)
def _surname_hashes(last_name: str) -> tuple[Hashes | None, Hashes | None]:
    """The first and the last part of a surname; the second is None for a surname of one part."""
    parts = surname_parts(last_name)
    first = hash_surname(parts[0]) if parts else None
    last = hash_surname(parts[-1]) if len(parts) > 1 else None
    return first, None if last == first else last


@lru_cache(maxsize=WORDS_KEPT)
def _given_hashes(first_name: str) -> Hashes | None:
    words = given_words(first_name)
    return hash_given(words[0]) if words else None


@lru_cache(maxsize=WORDS_KEPT)
def _street_hashes(street_name: str) -> Hashes | None:
    return hash_street(street_token(street_name))


@lru_cache(maxsize=WORDS_KEPT)
def _house_hashes(house_number: str) -> Hashes | None:
    return hash_house(house_token(house_number))


def registration_keys(registration: Registration) -> tuple[int | None, ...]:
    """Return the registration's keys, one for each of `KEY_COLUMNS`, and the `MARK_COLUMN`'s value.

    None where a part of a key is unknown; a mark is 0 then.
    """
    surname, surname2 = _surname_hashes(registration.last_name)
    given = _given_hashes(registration.first_name)
    street = _street_hashes(registration.street_name)
    house = _house_hashes(registration.house_number)
    by_given, by_zip = given.fine if given else 0, zip_number(registration.zip)
    of_house, of_given = house.coarse if house else 0, given.coarse if given else 0  # 0: not asked below
    of_street, of_surname = street.coarse if street else 0, surname.coarse if surname else 0
    of_second = surname2.coarse if surname2 else 0
    return (
        of_house ^ of_street | (surname.fine if surname else 0) if house and street else None,
        of_house ^ of_surname | by_given if house and surname else None,
        of_house ^ of_second | by_given if surname2 and house else None,
        of_given ^ of_surname | spelling(given, surname) if given and surname else None,
        of_given ^ of_second | spelling(given, surname2) if surname2 and given else None,
        of_surname ^ of_street | by_given if surname and street else None,
        of_second ^ of_street | by_given if surname2 and street else None,
        of_house ^ of_given | by_zip if house and given else None,
        of_given ^ of_street | by_zip if given and street else None,
        _house_mark(registration.house_number),
    )


# The words of a dictionary by their kind, and the field of a registration that they stand in.
_WORDS_OF: Final[Mapping[str, tuple[str, Callable[[str], tuple[str, ...]]]]] = {
    "surname": ("last_name", surname_parts),
    "given": ("first_name", given_words),
    "middle": ("middle_name", given_words),
    "street": ("street_name", lambda text: (street_token(text),)),
    "zip": ("zip", lambda text: (text[:5],)),
    "city": ("city", lambda text: (fold(text),)),
}


def count_words(registrations: Sequence[Registration], counts: Counter[tuple[str, str]]) -> None:
    """Add to `counts` how many of the registrations hold each (kind, word) of the roll's dictionary.

    Kinds: `surname` (each part), `given`, `middle`, `street`, `zip`, `city`. The rarer a word, the more an agreement on
    it says. Texts are counted first and read then, since a text comes again and again.
    """
    for kind, (field, words_of) in _WORDS_OF.items():
        for text, count in Counter(map(attrgetter(field), registrations)).items():
            for word in dict.fromkeys(words_of(text)):
                if word:
                    counts[kind, word] += count


@lru_cache(maxsize=1 << 8)  # of some 7 KB each
def near_houses(written: tuple[str, ...]) -> frozenset[int]:
    """Return the house numbers that are one of those written, or one slip away: a digit other, more, less, or moved."""
    near = set[int]()
    for house in written:
        if house.isdigit():
            near.update(*_slips_of(int(house), 10 ** len(house)))
    return frozenset(near)


def _slips_of(house: int, beyond: int) -> Iterator[Iterable[int]]:
    """The numbers one slip away from a house number, whose digits stand below the power `beyond` of ten."""
    power = 1
    while power <= beyond:
        head, tail = house - house % power, house % power
        inserted = 10 * head + tail
        yield range(inserted, inserted + 10 * power, power)
        if power < beyond:
            high, digit = head // (10 * power), head // power % 10
            left = high * 10 * power + tail
            yield range(left, left + 10 * power, power)
            before = high % 10
            swapped = (digit - before) * 10 * power + (before - digit) * power
            yield (high * power + tail, house + swapped if 10 * power < beyond else house)
        power *= 10


def far_houses(written: Iterable[str], houses: Iterable[int]) -> set[int]:
    """Return those of the house numbers that are two slips away from one of the written."""
    numbers = [str(house) for house in set(houses)]
    alike = (process.extract(one, numbers, scorer=OSA.distance, score_cutoff=2, limit=None) for one in written)
    found = {number for one in alike for number, _, _ in one}
    return {int(number) for number in found if any(compare_house(one, number) == "far" for one in written)}
