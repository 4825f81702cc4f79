"""Streets: the ways to parse the street of a written address, and the form in which a street's name is compared."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.matching.names import FREQUENT_KEPT, fold
from app.matching.word_lists import first_spellings, standard_forms, word_list

STREET_TYPES: Final = standard_forms("street_types")
DIRECTIONS: Final = standard_forms("directions")
STATE: Final = frozenset(word_list("state"))
ORDINAL_ENDINGS: Final = ("ST", "ND", "RD", "TH")
DIGIT_SHAPES: Final = str.maketrans("OQDILZSBGAETU|!", "000112586437011")  # letters that were misread digits
_LETTER_SHAPES = str.maketrans("0123456789", "OIZEASGTBG")  # digits that were misread letters

_ORDINALS = standard_forms("ordinals")
_TENS = {word: 10 * tens for tens, word in enumerate(word_list("tens"), 2)}
# Words inside a name that people and rolls abbreviate. The short and the long word become the long one, so that a
# misspelling of it stays small (BIG DALTON CANYOM) and joined words stay the same (ROSEHAVEN).
_LONG_TYPES = first_spellings("street_types") | {short: short for short in word_list("whole_street_types")}
_LONG_WORDS = {word: _LONG_TYPES[short] for word, short in STREET_TYPES.items()} | standard_forms("street_words")
_COMMON_TYPES = word_list("common_street_types")
_PURE_TYPES = frozenset(word_list("pure_street_types"))
_BEFORE_NUMBERS = frozenset(word_list("before_street_numbers"))


def ordinal_number(word: str) -> str:
    """Return the digits of an ordinal ("71ST", "FIRST" give "71", "1"), or '' for any other word."""
    if word[:-2].isdigit() and word[-2:] in ORDINAL_ENDINGS:
        return word[:-2].lstrip("0")
    return word.lstrip("0") if word.isdigit() else _ORDINALS.get(word, "")


@lru_cache(maxsize=FREQUENT_KEPT)
def street_token(name: str) -> str:
    """Return the compared form of a street's name, without spaces: "Mt. Olive" MOUNTOLIVE, "71st" 71, "First" 1.

    `name` is the name alone, without type and direction, in any spelling; '' gives ''.
    """
    written = fold(name).split()
    if len(written) > 1 and written[-1] in {"JR", "JUNIOR", "SR"}:
        written.pop()
    token: list[str] = []
    for word in written:
        number = ordinal_number(word)
        if len(number) == 1 and token and token[-1] in _TENS:  # TWENTY FIRST is 21
            token[-1] = str(_TENS[token[-1]] + int(number))
        else:
            token.append(number or _LONG_WORDS.get(word, word))
    return "".join(token)


@lru_cache(maxsize=FREQUENT_KEPT)
def way(street_type: str, direction: str) -> tuple[str, str]:
    """Return a roll's street type and direction as they are compared: "Street", "North" give ST, N."""
    kind, ahead = fold(street_type), fold(direction)
    return STREET_TYPES.get(kind, kind), DIRECTIONS.get(ahead, ahead)


class ParsedStreet(NamedTuple):
    """One way to parse the words between house number and unit."""

    pre_direction: str
    name: tuple[str, ...]
    street_type: str
    post_direction: str


def parse_street_words(words: list[str]) -> list[ParsedStreet]:
    """Return the ways to parse a street's words, the likeliest first."""
    while len(words) > 1 and words[-1] in STATE:
        words.pop()
    if not words:
        return []
    words = [word if word.isalpha() else _with_letters(word) for word in words]
    plain = _plain(words)
    streets = [plain] if plain.street_type else [*_with_misspelled_type(plain), plain]
    if plain.street_type and plain.street_type not in _PURE_TYPES:
        streets.append(_plain(words, keep_type=True))  # BIG DALTON CYN: the last word may belong to the name
    if len(words) == 2 and plain.street_type and plain.name[0] in DIRECTIONS:  # noqa: PLR2004 - WEST WAY: Way, to the west
        streets.append(ParsedStreet(DIRECTIONS[plain.name[0]], (words[1],), "", ""))
    if len(words) == 2 and plain.pre_direction and (kind := similar_type(words[1])):  # noqa: PLR2004 - NORTH AUENUE
        streets.append(ParsedStreet("", (words[0],), kind, ""))
    for street in streets[:2]:
        streets += _misread(street)
        if street.pre_direction and len(words[0]) > 1:  # EAST LYNNE AVE: the first word may belong to the name, too
            streets.append(street._replace(pre_direction="", name=(words[0], *street.name)))
    return streets


def _plain(words: list[str], *, keep_type: bool = False) -> ParsedStreet:
    """Direction, name, type and direction, as the words say."""
    rest = list(words)
    post = DIRECTIONS.get(rest[-1], "") if len(rest) > 2 and rest[-2] in STREET_TYPES else ""  # noqa: PLR2004 - name and type
    if post:
        rest.pop()
    pre = DIRECTIONS.get(rest[0], "") if len(rest) > 1 and (len(rest) > 2 or rest[1] not in STREET_TYPES) else ""  # noqa: PLR2004
    if pre:
        rest.pop(0)
    kind = STREET_TYPES.get(rest[-1], "") if len(rest) > 1 and not keep_type else ""
    if kind:
        rest.pop()
    return ParsedStreet(pre, tuple(rest), kind, post)


# A type after a lost space: BROOKSTREET, MANDUJANOBLVD, 240THST. A short one only after an ordinal.
_JOINED_TYPE = re.compile(
    r"^(.*(?:...(?=STREET|AVENUE|BOULEV|DRIVE|PLACE|COURT|BLVD)|[0-9](?:ST|ND|RD|TH)))"
    r"(STREET|AVENUE|BOULEVARD|DRIVE|PLACE|COURT|BLVD|AVE|ST|PL|DR|RD|CT)$"
)


def _with_misspelled_type(plain: ParsedStreet) -> Iterator[ParsedStreet]:
    """A street whose last word is not a type: it is a misspelled one, in two parts or joined, or a city after it."""
    *before, last = plain.name
    if before and (kind := similar_type(last)):
        certain = kind if len(last) > len("DTR") else ""  # DT may be a drive or a court
        yield plain._replace(name=tuple(before), street_type=certain)
    if len(before) > 1 and (kind := similar_type(before[-1] + last)):  # ST REET
        yield plain._replace(name=tuple(before[:-1]), street_type=kind)
    if joined := _JOINED_TYPE.match(last):
        yield plain._replace(name=(*before, joined[1]), street_type=STREET_TYPES[joined[2]])
    inner = [at for at, word in enumerate(before) if at and word in STREET_TYPES]
    if inner:
        yield plain._replace(name=plain.name[: inner[-1]], street_type=STREET_TYPES[plain.name[inner[-1]]])


def similar_type(word: str) -> str:
    """Return the street type that `word` is a misspelling of, or ''."""
    edits = 2 if len(word) > len("PLACE") else 1
    if len(word) < 2 or word in DIRECTIONS:  # noqa: PLR2004 - one letter resembles everything
        return ""
    plain = word.translate(_LETTER_SHAPES)
    for common in _COMMON_TYPES:
        long_enough = len(common) > len("ST") or len(plain) <= len("SST")  # EAST is not a ST
        if long_enough and OSA.distance(plain, common, score_cutoff=edits) <= edits:
            return STREET_TYPES[common]
    return ""


def _misread(street: ParsedStreet) -> Iterator[ParsedStreet]:
    """The street without a misread direction, with a misread number, or with nothing after a number."""
    name = street.name
    if len(name) > 1 and _similar_to_direction(name[0]):  # 5231 D 53RD STREET
        yield street._replace(name=name[1:])
    if any(map(misread_number, name)):
        yield street._replace(name=tuple(misread_number(word) or word for word in name))
    if len(name) > 1 and name[0][:1].isdigit() and ordinal_number(name[0]):  # 248TH STRFT
        yield street._replace(name=name[:1])


def _similar_to_direction(word: str) -> bool:
    """Whether a street's first word is a misread direction: one letter, NN, VEST."""
    if len(word) <= len("NN"):
        return len(word) == 1 or (word[0] == word[1] and word[0] in DIRECTIONS)
    return any(OSA.distance(word, long, score_cutoff=1) <= 1 for long in ("NORTH", "SOUTH", "EAST", "WEST"))


def _with_letters(word: str) -> str:
    """A word with the misread digits replaced by letters: B1UFF, MEA0OW; a number stays."""
    digits = sum(c.isdigit() for c in word)
    if not 0 < digits < len(word) - digits or word[:2].isdigit() or ordinal_number(word) or misread_number(word):
        return word
    return word.translate(_LETTER_SHAPES)


_ORDINAL = re.compile(r"^(.*[0-9].*?|[A-Z]+)(ST|ND|RD|TH)[A-Z]?$")
_LAST_DIGITS: Final = {"ST": "1", "ND": "2", "RD": "3"}


def misread_number(word: str) -> str:
    """Return the number of a street that was misread: 1O6, Z66, 216RH, 80THH, 5OTH, 244RD; '' for any other word."""
    digits = sum(c.isdigit() for c in word)
    if not digits or word.isdigit():
        return ""
    ordinal = _ORDINAL.match(word)
    if ordinal and word[:-2].isdigit():
        last = _LAST_DIGITS.get(ordinal[2], "")  # the ending also says what the last digit is
        return word[:-3] + last if last and last != word[-3] and word[-4:-3] != "1" else ""
    stems = [ordinal[1]] if ordinal else []
    if any(sum(map(str.__eq__, word[-2:], ending)) == 1 for ending in ORDINAL_ENDINGS):  # 8TJ
        stems.append(word[:-2])
    if digits > 1:
        stems.append(word.rstrip("ABCDEFGHJKMNPRTUVWXY"))  # whatever the ordinal's ending was
    numbers = (stem.translate(DIGIT_SHAPES) for stem in (*stems, word))
    return next((number.lstrip("0") for number in numbers if number.isdigit()), "")


def is_whole_street(words: list[str]) -> bool:
    """Whether these may be all words of a street, so that a number after them is a unit: 240TH 3, CALLE TORRE 2."""
    name = [word for word in words if word not in DIRECTIONS or len(word) > len("NW")]  # NORTH ST
    last = words[-1]
    if last in _BEFORE_NUMBERS or STREET_TYPES.get(last) in _PURE_TYPES or similar_type(last):
        return len(name) > 1  # N AVENUE 45 is a street
    if last.isalpha():
        return len(last) > len("LA")
    return not last.isdigit() and bool(ordinal_number(last) or misread_number(last))
