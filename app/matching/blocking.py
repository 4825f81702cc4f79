"""The blocking keys under which a registration is found, and the terms that it adds to the county's dictionary.

A key combines two parts of a registration, hashed together (43 bits), with 20 bits of a third part. So one index
answers both the wide query (the whole range of the 20 bits) and the narrow one (one value), and a wide query with too
many matches is narrowed instead of cut off. Keys are made only here, by our own hash, so they are the same on every
machine and in every version of the database.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Final, Literal, NamedTuple, get_args
from zlib import crc32

from app.law.district import district_codes
from app.law.registration import Registration
from app.matching.addresses import street_token
from app.matching.names import FREQUENT_KEPT, WORDS_KEPT, fold, given_words, sound, surname_parts

KEYS_VERSION: Final = 3

# The key columns, in the order of `registration_keys`, each with a btree index. The columns with a 2 repeat their
# neighbor for the second part of a double surname; their indexes omit the nine voters in ten without one (NULL).
KeyColumn = Literal[
    "key_house_street",
    "key_house_surname",
    "key_house_surname2",
    "key_given_surname",
    "key_given_surname2",
    "key_surname_street",
    "key_surname2_street",
    "key_house_given",
    "key_given_street",
]
KEY_COLUMNS: Final[tuple[KeyColumn, ...]] = get_args(KeyColumn)

# The house number, stored in the indexes of streets: it narrows the matches of a range without reading registrations.
MARK_COLUMN: Final = "house_mark"
_LONGEST_MARK: Final = 9  # digits

FINE_BITS: Final = 20
FINE: Final = (1 << FINE_BITS) - 1
_COARSE_BITS: Final = 43  # with the 20 fine bits a key stays a positive 64-bit integer


class TermHash(NamedTuple):
    """A word's part of a key. `coarse` of two words, by exclusive or, is the lowest key of a range; `fine` is added."""

    coarse: int
    fine: int
    spelling: int  # of its letters; the others are of its sound


HashedKind = Literal["surname", "given", "street", "house"]


@lru_cache(maxsize=WORDS_KEPT)
def term_hash(kind: HashedKind, word: str) -> TermHash | None:
    """Return the hash of a part of a surname, a given name or a `street_token` by its sound, or of a `house_token`.

    The kind is part of the hash: else a surname and the same word as a given name would cancel each other out.
    """
    heard = word if kind == "house" else sound(word)
    if not heard:
        return None
    number = int.from_bytes(blake2b(f"{kind} {heard}".encode(), digest_size=8).digest(), "big")
    return TermHash(number >> (64 - _COARSE_BITS) << FINE_BITS, number & FINE, crc32(word.encode()))


def house_token(number: str) -> str:
    """Return the compared form of a house number: its digits, or its letters if there are none."""
    if number.isdigit() and number.isascii():
        return number.lstrip("0")
    folded = fold(number).replace(" ", "")
    return "".join(filter(str.isdigit, folded)).lstrip("0") or folded.lstrip("0")


@lru_cache(maxsize=FREQUENT_KEPT)
def zip_number(zip_code: str) -> int:
    """Return the first five digits of a zip code as a number, 0 if it does not have five."""
    digits = zip_code[:5]
    return int(digits) if len(digits) == 5 and digits.isascii() and digits.isdigit() else 0  # noqa: PLR2004 - a zip


def spelling(given: TermHash, surname: TermHash) -> int:
    """Return 20 bits of the letters of a given name and a surname."""
    return (given.spelling * 31 + surname.spelling) & FINE


# The kinds of words, and the field of a registration that contains them.
_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], tuple[str, ...]]]]] = {
    "surname": ("last_name", surname_parts),
    "given": ("first_name", given_words),
    "middle": ("middle_name", given_words),
    "street": ("street_name", lambda text: (street_token(text),)),
    "house": ("house_number", lambda text: (house_token(text),)),
    "zip": ("zip", lambda text: (text[:5],)),
    "city": ("city", lambda text: (fold(text),)),
    "district": ("districts", district_codes),
}


@lru_cache(maxsize=4 * WORDS_KEPT)
def _field_hashes(kind: HashedKind, text: str) -> tuple[TermHash | None, TermHash | None]:
    """The hashes of the first word of a registration's field, and of the last word of a double surname."""
    words = _FIELDS[kind][1](text)
    first = term_hash(kind, words[0]) if words else None
    last = term_hash(kind, words[-1]) if kind == "surname" and len(words) > 1 else None
    return first, None if last == first else last


def registration_keys(registration: Registration) -> tuple[int | None, ...]:
    """Return the registration's keys, one for each of `KEY_COLUMNS`, and the `MARK_COLUMN`'s value.

    A key is None if a part of it is unknown; the mark is 0 if the house number is not one.
    """
    surname, surname2 = _field_hashes("surname", registration.last_name)
    given, _ = _field_hashes("given", registration.first_name)
    street, _ = _field_hashes("street", registration.street_name)
    house, _ = _field_hashes("house", registration.house_number)
    by_surname, by_given, by_zip = surname and surname.fine, given and given.fine, zip_number(registration.zip)
    token = house_token(registration.house_number)
    return (
        _key(house, street, by_surname),
        _key(house, surname, by_given),
        _key(house, surname2, by_given),
        _key(given, surname, spelling(given, surname) if given and surname else 0),
        _key(given, surname2, spelling(given, surname2) if given and surname2 else 0),
        _key(surname, street, by_given),
        _key(surname2, street, by_given),
        _key(house, given, by_zip),
        _key(given, street, by_zip),
        int(token) if token.isdigit() and len(token) <= _LONGEST_MARK else 0,
    )


def _key(one: TermHash | None, other: TermHash | None, fine: int | None) -> int | None:
    return one.coarse ^ other.coarse | (fine or 0) if one and other else None


def count_terms(registrations: Sequence[Registration], counts: Counter[tuple[str, str]]) -> None:
    """Add to `counts` how many of the registrations contain each word of the roll's dictionary, by kind and word."""
    for kind, (field, words_of) in _FIELDS.items():
        if kind == "house":
            continue
        for text, count in Counter(map(attrgetter(field), registrations)).items():  # each text is parsed once
            for word in filter(None, dict.fromkeys(words_of(text or ""))):
                counts[kind, word] += count
