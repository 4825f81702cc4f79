"""A residence address as people write it, parsed: house, fraction, directions, street, type and unit."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.matching.names import FREQUENT_KEPT, MISREAD_DIGITS, first_spellings, fold, standard_forms, word_list

STREET_TYPES: Final = standard_forms("street_types")
DIRECTIONS: Final = standard_forms("directions")
STATE: Final = frozenset(word_list("state"))
ORDINAL_ENDINGS: Final = ("ST", "ND", "RD", "TH")
DIGIT_SHAPES: Final = str.maketrans("OQDILZSBGAETU|!", "000112586437011")  # letters that were misread digits

_ORDINALS = standard_forms("ordinals")
_TENS = {word: 10 * tens for tens, word in enumerate(word_list("tens"), 2)}
# Words inside a name become their long form: a misspelling of it stays small (BIG DALTON CANYOM), ROSEHAVEN the same.
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
    """Return the compared form of a street's name alone, as one word: "Mt. Olive" MOUNTOLIVE, "71st" 71, "First" 1."""
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
    pre = kind = post = ""
    if len(rest) > 2 and rest[-1] in DIRECTIONS and rest[-2] in STREET_TYPES:  # noqa: PLR2004 - name and type
        post = DIRECTIONS[rest.pop()]
    if len(rest) > 1 and rest[0] in DIRECTIONS and (len(rest) > 2 or rest[1] not in STREET_TYPES):  # noqa: PLR2004
        pre = DIRECTIONS[rest.pop(0)]
    if len(rest) > 1 and rest[-1] in STREET_TYPES and not keep_type:
        kind = STREET_TYPES[rest.pop()]
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


@lru_cache(maxsize=FREQUENT_KEPT)
def similar_type(word: str) -> str:
    """Return the street type that `word` is a misspelling of, or ''."""
    edits = 2 if len(word) > len("PLACE") else 1
    if len(word) < 2 or word in DIRECTIONS:  # noqa: PLR2004 - one letter resembles everything
        return ""
    plain = word.translate(MISREAD_DIGITS)
    for common in _COMMON_TYPES:
        long_enough = len(common) > len("ST") or len(plain) <= len("SST")  # EAST is not a ST
        if long_enough and OSA.distance(plain, common, score_cutoff=edits) <= edits:
            return STREET_TYPES[common]
    return ""


_DOUBLED = frozenset({"NN", "SS", "EE", "WW"})


def _misread(street: ParsedStreet) -> Iterator[ParsedStreet]:
    """The street without a misread direction, with a misread number, or with nothing after a number."""
    name = street.name
    first, more = name[0], len(name) > 1
    if more and (len(first) == 1 or first in _DOUBLED or _resembles(first, "NORTH", "SOUTH", "EAST", "WEST")):
        yield street._replace(name=name[1:])  # 5231 D 53RD STREET
    if not all(map(str.isalpha, name)) and any(map(misread_number, name)):
        yield street._replace(name=tuple(misread_number(word) or word for word in name))
    if more and first[0].isdigit() and ordinal_number(first):  # 248TH STRFT
        yield street._replace(name=name[:1])


def _resembles(word: str, *known: str) -> bool:
    return any(OSA.distance(word, one, score_cutoff=1) <= 1 for one in known)


def _with_letters(word: str) -> str:
    """A word with the misread digits replaced by letters: B1UFF, MEA0OW; a number stays."""
    digits = sum(map(str.isdigit, word))
    if not 0 < digits < len(word) - digits or word[:2].isdigit() or ordinal_number(word) or misread_number(word):
        return word
    return word.translate(MISREAD_DIGITS)


_ORDINAL = re.compile(r"^(.*[0-9].*?|[A-Z]+)(ST|ND|RD|TH)[A-Z]?$")
_LAST_DIGITS: Final = {"ST": "1", "ND": "2", "RD": "3"}


def misread_number(word: str) -> str:
    """Return the number of a street that was misread: 1O6, Z66, 216RH, 80THH, 5OTH, 244RD; '' for any other word."""
    digits = sum(map(str.isdigit, word))
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
    last = words[-1]
    if last in _BEFORE_NUMBERS or STREET_TYPES.get(last) in _PURE_TYPES or similar_type(last):
        return sum(word not in DIRECTIONS or len(word) > len("NW") for word in words) > 1  # N AVENUE 45 is a street
    if last.isalpha():
        return len(last) > len("LA")
    return not last.isdigit() and bool(ordinal_number(last) or misread_number(last))


_PO_BOX = re.compile(r"\b(?:P ?\.? ?O ?\.? *B(?:OX|0X)?|POST +OFFICE +BOX|POBOX|APARTADO)\b[ .#:]*(?:NO)?[ .#]*[0-9]*")
_UNIT_WORDS = standard_forms("units")
_WITHOUT_NUMBER = frozenset(word_list("units_without_number"))
_FRACTIONS = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3"})
_FRACTION = re.compile(r"^[1-3]/[2-4]$")
# A house number read by a machine: letters that look like digits, in a word that is mostly digits.
_DIGIT_LIKE = re.compile(r"^[0-9OQDILZSBGAETU|!]+$")
_TWO_ADDRESSES = re.compile(r"(?:;|\n|\bAND\b|\bOR\b|&|\s/\s|,)\s*(?=\d+ (?:1/2 )?[A-Z0-9])")
# "APT 5, 1234 MAIN ST": a unit that is written first.
_UNIT_FIRST = re.compile(r"^\s*(?:(?:APT|UNIT|STE|SUITE|APARTMENT)\b[\s.#]*|#\s*)([0-9A-Z]{1,5})\b[\s,;.-]+(?=[0-9])")
_TOKEN = re.compile(r"[1-3]/[2-4](?![0-9])|#|[^\s#,.:;()\"*_]+")
# A street type and a word for units after a lost space: AVEAPT.
_TYPE_AND_UNIT = re.compile(r"^(ST|STREET|AVE|AVENUE|BLVD|DR|DRIVE|RD|PL|PLACE|CT|COURT|LN|LANE|WAY)(APT|UNIT)$")
_UNIT_AND_NUMBER = re.compile(r"^(?:APT|UNIT|STE|SPC|NO)([0-9]+[A-Z]?)$")
# A house number before a lost space: 14528SAGE, 1234N, not 71ST. A letter A to F is likelier a unit, a fifth S a 5.
_JOINED_HOUSE = re.compile(r"^([0-9]{1,5})((?!ST|ND|RD|TH)[A-Z]{3,}|[NW]|(?<=[0-9]{5})S)$")
_LONGEST_HOUSE: Final = 5  # digits: a longer number is a house and a unit without a space


class Address(NamedTuple):
    """One address. Every part may be ''. `streets` are the ways to parse the street's name, the likeliest first."""

    house: str = ""
    fraction: str = ""
    pre_direction: str = ""
    street: str = ""  # the name as words, as in the roll's street_name
    street_type: str = ""  # the USPS abbreviation
    post_direction: str = ""
    unit_type: str = ""
    unit: str = ""
    streets: tuple[str, ...] = ()  # street tokens
    ways: tuple[tuple[str, str], ...] = ()  # of each of `streets`: street type and direction
    house_certain: bool = True  # False if a letter had to be read as a digit
    alias: str = ""  # the county's alias that leads to this address; '' for what is written

    @property
    def direction(self) -> str:
        """The street's direction, whichever side of the name it is on."""
        return self.pre_direction or self.post_direction


def parse_addresses(text: str) -> tuple[tuple[Address, ...], bool]:
    """Return the addresses in any text, at most two (2 CCR 20931), and whether it names a PO box, no residence."""
    capitals, boxes = _in_capitals(text), 0
    if "B" in capitals and "O" in capitals and "P" in capitals:
        capitals, boxes = _PO_BOX.subn(" ", capitals)
    unit = _UNIT_FIRST.match(capitals)
    parts = _TWO_ADDRESSES.split(capitals[unit.end() :] if unit else capitals)[:2]
    addresses = [address for part in parts if (address := parse_address(part)).streets or address.house]
    if unit and addresses and not addresses[0].unit:
        addresses[0] = addresses[0]._replace(unit=unit[1])
    return tuple(addresses), boxes > 0


def parse_address(text: str) -> Address:
    """Parse one address, which may be misspelled or misread."""
    words = _tokens(text)
    house, fraction, unit, certain = _take_house(words)
    unit_type, unit = _take_unit(words) or ("", unit)
    street = _with_street(words)
    return street._replace(house=house, fraction=fraction, unit_type=unit_type, unit=unit, house_certain=certain)


def parse_street(text: str) -> Address:
    """Parse a street alone: its name, and type and direction if they are given."""
    return _with_street(_tokens(text))


def _in_capitals(text: str) -> str:
    return text.upper() if text.isascii() else fold(text.translate(_FRACTIONS), "#/-,.;&|\n'")


def _tokens(text: str) -> list[str]:
    words: list[str] = []
    for word in _TOKEN.findall(_in_capitals(text).replace("'", "")):
        joined = _TYPE_AND_UNIT.match(word) if word.endswith(("APT", "UNIT")) else None
        words += joined.groups() if joined else (word,)
    return words


def _with_street(words: list[str]) -> Address:
    parts = "-".join(words).replace("|", "I").replace("/", "-").split("-")
    streets = parse_street_words([part for part in parts if part])
    ways: dict[str, tuple[str, str]] = {}
    for pre, name, kind, post in streets:
        if token := street_token(" ".join(name)):
            ways.setdefault(token, (kind, pre or post))
    pre, name, kind, post = streets[0] if streets else ("", (), "", "")
    return Address("", "", pre, " ".join(name), kind, post, streets=tuple(ways), ways=tuple(ways.values()))


def _take_house(words: list[str]) -> tuple[str, str, str, bool]:
    """Take house number, fraction and a unit written with them ("1234-5", "1234B") off the front of `words`."""
    if len(words) > 1 and (joined := _JOINED_HOUSE.match(words[0])):
        words[:1] = joined.groups()
    if not words or not any(map(str.isdigit, words[0])) or _only_a_street(words):
        return "", "", "", True
    head, _, unit = words[0].partition("-")
    if not unit and len(words) > 1 and head[:-1].isdigit() and head[-1] in "ABCDEF":
        head, unit = head[:-1], head[-1]
    if head.isascii() and head.isdigit():
        house, certain = head.lstrip("0"), len(head) <= _LONGEST_HOUSE
    elif sum(map(str.isdigit, head)) * 2 >= len(head) and _DIGIT_LIKE.match(head):
        house, certain = head.translate(DIGIT_SHAPES).lstrip("0"), False
    else:
        house, certain = "", True
    if not house:
        return "", "", "", True
    words.pop(0)
    while not unit and _continues(house, words):
        house, certain = house + words.pop(0), False
    fraction = words.pop(0) if words and _FRACTION.match(words[0]) else ""
    return (house, unit, "", certain) if unit in {"1/2", "1/4", "3/4"} else (house, fraction, unit, certain)


def _only_a_street(words: list[str]) -> bool:
    """Whether no house number was written: "42 ST S", "71ST ST", "5TH AVE"."""
    number, *rest = words
    if not number.isdigit() and ordinal_number(number):
        return True
    short = len(number) <= 3  # noqa: PLR2004 - numbered streets end below 1000
    typed = short and bool(rest) and STREET_TYPES.get(rest[0]) in {"ST", "AVE", "PL"}
    return typed and DIRECTIONS.keys() >= set(rest[1:])


def _continues(house: str, words: list[str]) -> bool:
    """Whether the number goes on after a space: 12 080 ELDER CT, not 12 80 ST."""
    if len(words) < 2 or not words[0].isdigit() or len(house + words[0]) > _LONGEST_HOUSE:  # noqa: PLR2004 - the street
        return False
    name = next((word for word in words[1:] if word not in DIRECTIONS), "")
    named = bool(name) and name not in STREET_TYPES and name not in _UNIT_WORDS
    return words[0][0] == "0" or (named and (name.isalpha() or bool(ordinal_number(name))))


def _take_unit(words: list[str]) -> tuple[str, str] | None:
    """Take the unit off the end of `words`: "APT 5", "#5", "NO 1F", "AVE 3B"."""
    for at in range(1, len(words)):
        if short := _UNIT_WORDS.get(words[at]):
            follows = [word for word in words[at + 1 :] if word != "#" and word not in _UNIT_WORDS]
            alone = short in _WITHOUT_NUMBER and STREET_TYPES.keys().isdisjoint(follows)  # FRONT AVE is a street
            if alone or (0 < len(follows) <= 2 and _unit_like(follows[0], short)):  # noqa: PLR2004 - 12 B
                del words[at:]
                return ("" if short == "#" else short), "".join(follows)
    if len(words) < 2:  # noqa: PLR2004 - a street and its unit
        return None
    last, before, bare = words[-1], words[-2], _bare_unit(words[-1])
    if bare and len(words) > 2 and (before == "PT" or (len(before) > 2 and _resembles(before, "APT", "UNIT"))):  # noqa: PLR2004 - AFT 3
        del words[-2:]
        return "", last
    if joined := _UNIT_AND_NUMBER.match(last):
        last = joined[1]
    elif not bare or not is_whole_street(words[:-1]):
        return None
    words.pop()
    return "", last


def _unit_like(word: str, short: str) -> bool:
    """Whether `word` can be a unit's number; "NO HOPE ST", "AT LAST" and "RM ST" are streets."""
    if word in STREET_TYPES:
        return False
    return any(map(str.isdigit, word)) or len(word) == 1 or (short != "#" and len(word) <= 2)  # noqa: PLR2004 - two letters


def _bare_unit(word: str) -> bool:
    if word[:-2].isdigit() and word[-2:] in ORDINAL_ENDINGS:
        return False
    return 2 * sum(map(str.isdigit, word)) >= len(word) or (len(word) == 1 and word not in DIRECTIONS)
