"""A residence address as people write it, parsed: house, fraction, directions, street, type, unit."""

import re
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.matching.names import fold
from app.matching.streets import (
    DIGIT_SHAPES,
    DIRECTIONS,
    ORDINAL_ENDINGS,
    STREET_TYPES,
    is_whole_street,
    ordinal_number,
    parse_street_words,
    street_token,
)
from app.matching.word_lists import standard_forms, word_list

_PO_BOX = re.compile(r"\b(?:P ?\.? ?O ?\.? *B(?:OX|0X)?|POST +OFFICE +BOX|POBOX|APARTADO)\b[ .#:]*(?:NO)?[ .#]*[0-9]*")
_UNIT_WORDS = standard_forms("units")
_WITHOUT_NUMBER = frozenset(word_list("units_without_number"))
_FRACTIONS = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3"})
_FRACTION = re.compile(r"^[1-3]/[2-4]$")
# A house number read by a machine: letters that look like digits, in a word that is mostly digits.
_DIGIT_LIKE = re.compile(r"^[0-9OQDILZSBGAETU|!]+$")
_TWO_ADDRESSES = re.compile(r"\s*(?:;|\n|\bAND\b|\bOR\b|&|\s/\s|,)\s*(?=\d+ (?:1/2 )?[A-Z0-9])")
# "APT 5, 1234 MAIN ST": a unit that is written first.
_UNIT_FIRST = re.compile(r"^\s*(?:(?:APT|UNIT|STE|SUITE|APARTMENT)\b[\s.#]*|#\s*)([0-9A-Z]{1,5})\b[\s,;.-]+(?=[0-9])")
_TOKEN = re.compile(r"[1-3]/[2-4](?![0-9])|#|[^\s#,.:;()\"*_]+")
# A street type and a word for units after a lost space: AVEAPT.
_TYPE_AND_UNIT = re.compile(r"^(ST|STREET|AVE|AVENUE|BLVD|DR|DRIVE|RD|PL|PLACE|CT|COURT|LN|LANE|WAY)(APT|UNIT)$")
_MAX_ADDRESSES: Final = 2
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
    capitals = _in_capitals(text)
    without_box, boxes = _PO_BOX.subn(" ", capitals) if "B" in capitals and "O" in capitals else (capitals, 0)
    unit = _UNIT_FIRST.match(without_box)
    parts = _TWO_ADDRESSES.split(without_box[unit.end() :] if unit else without_box)[:_MAX_ADDRESSES]
    addresses = [address for part in parts if (address := parse_address(part)).streets or address.house]
    if unit and addresses and not addresses[0].unit:
        addresses[0] = addresses[0]._replace(unit=unit[1])
    return tuple(addresses), boxes > 0


def parse_address(text: str) -> Address:
    """Parse one address, which may be misspelled or misread."""
    words = _tokens(text)
    house, fraction, unit, certain = _take_house(words)
    unit_type, unit = _take_unit(words) or ("", unit)
    return _with_street(words)._replace(
        house=house, fraction=fraction, unit_type=unit_type, unit=unit, house_certain=certain
    )


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
    """The address of a street alone."""
    parts = [word for part in words for word in part.replace("|", "I").replace("/", "-").split("-") if word]
    streets = parse_street_words(parts)
    if not streets:
        return Address()
    ways: dict[str, tuple[str, str]] = {}
    for street in streets:
        if token := street_token(" ".join(street.name)):
            ways.setdefault(token, (street.street_type, street.pre_direction or street.post_direction))
    best = streets[0]
    return Address(
        pre_direction=best.pre_direction,
        street=" ".join(best.name),
        street_type=best.street_type,
        post_direction=best.post_direction,
        streets=tuple(ways),
        ways=tuple(ways.values()),
    )


def _as_digits(word: str) -> tuple[str, bool]:
    """The house number that a word means, '' if it is none, and whether it is certain."""
    if word.isascii() and word.isdigit():
        return word.lstrip("0"), len(word) <= _LONGEST_HOUSE
    if sum(c.isdigit() for c in word) * 2 >= len(word) and _DIGIT_LIKE.match(word):
        return word.translate(DIGIT_SHAPES).lstrip("0"), False
    return "", True


def _take_house(words: list[str]) -> tuple[str, str, str, bool]:
    """Take house number, fraction and a unit written with them ("1234-5", "1234B") off the front of `words`."""
    _split_house(words)
    if not words or not any(c.isdigit() for c in words[0]) or _only_a_street(words):
        return "", "", "", True
    head, _, unit = words[0].partition("-")
    lettered = head[:-1].isdigit() and head[-1:] in "ABCDEF"
    if lettered and not unit and len(words) > 1:
        head, unit = head[:-1], head[-1]
    house, certain = _as_digits(head)
    if not house:
        return "", "", "", True
    words.pop(0)
    while not unit and _continues(house, words):
        house, certain = house + words.pop(0), False
    fraction = words.pop(0) if words and _FRACTION.match(words[0]) else ""
    if unit in {"1/2", "1/4", "3/4"}:
        fraction, unit = unit, ""
    return house, fraction, unit, certain


def _continues(house: str, words: list[str]) -> bool:
    """Whether the number goes on after a space: 12 080 ELDER CT, not 12 80 ST."""
    if len(words) < 2 or not words[0].isdigit() or len(house + words[0]) > _LONGEST_HOUSE:  # noqa: PLR2004 - the street
        return False
    name = [word for word in words[1:] if word not in DIRECTIONS]
    named = bool(name) and name[0] not in STREET_TYPES and name[0] not in _UNIT_WORDS
    return words[0][0] == "0" or (named and (name[0].isalpha() or bool(ordinal_number(name[0]))))


# A house number before a lost space: 14528SAGE, 1234N. One letter of A to F is more likely a unit, and S as a fifth
# digit a 5.
_JOINED_HOUSE = re.compile(r"^([0-9]{1,5})([A-Z]{3,}|[NW]|(?<=[0-9]{5})S)$")


def _split_house(words: list[str]) -> None:
    """Split the house number from a street or direction without a space between; ordinals stay whole (71ST)."""
    joined = _JOINED_HOUSE.match(words[0]) if len(words) > 1 else None
    if joined and joined[2][:2] not in ORDINAL_ENDINGS:
        words[:1] = joined.groups()


def _only_a_street(words: list[str]) -> bool:
    """Whether no house number was written: "42 ST S", "71ST ST", "5TH AVE"."""
    if ordinal_number(words[0]) and not words[0].isdigit():
        return True
    rest = words[1:]
    return (
        bool(rest)
        and len(words[0]) <= 3  # noqa: PLR2004 - numbered streets end below 1000
        and STREET_TYPES.get(rest[0]) in {"ST", "AVE", "PL"}
        and all(word in DIRECTIONS for word in rest[1:])
    )


def _take_unit(words: list[str]) -> tuple[str, str] | None:
    """Take the unit off the end of `words`: "APT 5", "#5", "NO 1F", "AVE 3B"."""
    for at in range(1, len(words)):
        short = _UNIT_WORDS.get(words[at])
        follows = [word for word in words[at + 1 :] if word != "#" and word not in _UNIT_WORDS]
        alone = short in _WITHOUT_NUMBER and not any(word in STREET_TYPES for word in follows)  # FRONT AVE is a street
        if short and (alone or (0 < len(follows) <= 2 and _unit_like(follows[0], short))):  # noqa: PLR2004 - 12 B
            del words[at:]
            return ("" if short == "#" else short), "".join(follows)
    last = words[-1] if words else ""
    if len(words) > 2 and _bare_unit(last) and _similar_to_unit(words[-2]):  # noqa: PLR2004 - name, unit, number
        del words[-2:]
        return "", last
    joined = re.match(r"^(?:APT|UNIT|STE|SPC|NO)([0-9]+[A-Z]?)$", last)
    if len(words) > 1 and joined:
        words.pop()
        return "", joined[1]
    if len(words) > 1 and _bare_unit(last) and is_whole_street(words[:-1]):
        words.pop()
        return "", last
    return None


def _unit_like(word: str, short: str) -> bool:
    """Whether `word` can be a unit's number; "NO HOPE ST", "AT LAST" and "RM ST" are streets."""
    if word in STREET_TYPES:
        return False
    return any(c.isdigit() for c in word) or len(word) == 1 or (short != "#" and len(word) <= 2)  # noqa: PLR2004 - two letters


def _similar_to_unit(word: str) -> bool:
    """Whether `word` is a misspelling of APT or UNIT (PT, AFT, OPTT, UNIL)."""
    return word == "PT" or (
        len(word) > len("PT") and any(OSA.distance(word, unit, score_cutoff=1) <= 1 for unit in ("APT", "UNIT"))
    )


def _bare_unit(word: str) -> bool:
    if word[:-2].isdigit() and word[-2:] in ORDINAL_ENDINGS:
        return False
    digits = sum(c.isdigit() for c in word)
    return 2 * digits >= len(word) or (len(word) == 1 and word not in DIRECTIONS)
