"""A residence address as people write it, taken apart: house, fraction, directions, street, type, unit."""

import re
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.domain.streets import DIRECTIONS, STREET_TYPES, ordinal_number, street_token
from app.domain.text import fold, listed

_PO_BOX = re.compile(r"\b(?:P ?\.? ?O ?\.? *B(?:OX|0X)?|POST +OFFICE +BOX|POBOX|APARTADO)\b[ .#:]*(?:NO)?[ .#]*[0-9]*")
_UNIT_WORDS: Final = {
    spelling: short
    for short, spellings in {
        "APT": "APARTMENT APMT APPT APRT AP AT APY", "UNIT": "UN UNT UINT", "STE": "SUITE", "SPC": "SPACE SP",
        "RM": "ROOM", "FL": "FLOOR FLR", "BLDG": "BUILDING", "LOT": "", "TRLR": "TRAILER", "PH": "PENTHOUSE",
        "#": "NO NUM", "FRNT": "FRONT", "REAR": "", "BSMT": "BASEMENT", "UPPR": "UPPER", "LOWR": "LOWER",
    }.items()
    for spelling in (short, *spellings.split())
}  # fmt: skip
_ALONE = frozenset({"FRNT", "REAR", "BSMT", "UPPR", "LOWR", "PH"})  # units that need no number
# What people write most, so that a slip of the pen in it is recognised (PLSCE, BOULEVARF, AUE).
_COMMON_TYPES = listed(
    "STREET AVENUE DRIVE BOULEVARD ROAD PLACE COURT LANE CIRCLE TERRACE TRAIL PARKWAY HIGHWAY "
    "ST AVE DR BLVD RD PL CT LN WAY CIR TER",
)
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_FRACTION = re.compile(r"^[1-3]/[2-4]$")
# A house number read by a machine: letters that look like digits, in a word that is mostly digits.
_DIGIT_SHAPES = str.maketrans("OQDILZSBGAETU|!", "000112586437011")
_DIGIT_LIKE = re.compile(r"^[0-9OQDILZSBGAETU|!]+$")
_TWO_ADDRESSES = re.compile(r"\s*(?:;|\n|\bAND\b|\bOR\b|&|\s/\s|,)\s*(?=\d+ (?:1/2 )?[A-Z0-9])")
_TOKEN = re.compile(r"[1-3]/[2-4](?![0-9])|#|[^\s#,.:;()\"*_]+")
_MOST_ADDRESSES: Final = 2
_LONGEST_HOUSE: Final = 5  # a longer number is a house and a unit run together


class Address(NamedTuple):
    """One address. Every part may be ''. `streets` are the readings of the street's name, the likeliest first."""

    house: str = ""
    fraction: str = ""
    pre_direction: str = ""
    street: str = ""  # the name as words, as in the roll's street_name
    street_type: str = ""  # the USPS abbreviation
    post_direction: str = ""
    unit_type: str = ""
    unit: str = ""
    streets: tuple[str, ...] = ()  # street tokens
    house_certain: bool = True  # False where a sign had to be read as a digit
    alias: str = ""  # the county's alias through which it is read so; '' for what is written


class ReadAddresses(NamedTuple):
    """What an address field holds: no address, one, or two (2 CCR 20931); a PO box is no residence."""

    addresses: tuple[Address, ...]
    po_box: bool


def read_addresses(text: str) -> ReadAddresses:
    """Return the addresses in `text`, at most two; any text is accepted."""
    raised = text.upper() if text.isascii() else _ascii(text)
    without_box, boxes = _PO_BOX.subn(" ", raised) if "B" in raised and "O" in raised else (raised, 0)
    parts = _TWO_ADDRESSES.split(without_box)[:_MOST_ADDRESSES]
    addresses = tuple(address for part in parts if (address := parse_address(part)).streets or address.house)
    return ReadAddresses(addresses, po_box=boxes > 0)


def _ascii(text: str) -> str:
    for sign, fraction in _FRACTIONS.items():
        text = text.replace(sign, f" {fraction}")
    return fold(text, "#/-,.;&|\n'")


def parse_address(text: str) -> Address:
    """Return one address taken apart; `text` is in any case and may be damaged."""
    words = _words(text)
    house, fraction, unit, certain = _take_house(words)
    unit_type, unit = _take_unit(words) or ("", unit)
    return _assemble(house, fraction, (unit_type, unit), _read_street(_parts(words)), certain=certain)


def parse_street(text: str) -> Address:
    """Return a street alone taken apart: its name, and type and direction where they are given."""
    return _assemble("", "", ("", ""), _read_street(_parts(_words(text))), certain=True)


def _words(text: str) -> list[str]:
    return _TOKEN.findall((text.upper() if text.isascii() else _ascii(text)).replace("'", ""))


def _parts(words: list[str]) -> list[str]:
    return [word for part in words for word in part.replace("|", "I").replace("/", "-").split("-") if word]


class _Street(NamedTuple):
    """A reading of the words between house number and unit."""

    pre_direction: str
    name: tuple[str, ...]
    street_type: str
    post_direction: str


def _assemble(house: str, fraction: str, unit: tuple[str, str], readings: list[_Street], *, certain: bool) -> Address:
    if not readings:
        return Address(house=house, fraction=fraction, unit_type=unit[0], unit=unit[1], house_certain=certain)
    best = readings[0]
    tokens = dict.fromkeys(token for r in readings if (token := street_token(" ".join(r.name))))
    name = " ".join(best.name)
    return Address(
        house, fraction, best.pre_direction, name, best.street_type, best.post_direction, *unit, tuple(tokens), certain
    )


def _as_digits(word: str) -> tuple[str, bool]:
    """The house number a word stands for, '' if it is none, and whether it is certain."""
    if word.isascii() and word.isdigit():
        return word.lstrip("0"), len(word) <= _LONGEST_HOUSE
    if sum(c.isdigit() for c in word) * 2 >= len(word) and _DIGIT_LIKE.match(word):
        return word.translate(_DIGIT_SHAPES).lstrip("0"), False
    return "", True


def _take_house(words: list[str]) -> tuple[str, str, str, bool]:
    """Take house number, fraction and a unit written with them ("1234-5", "1234B") off the front of `words`."""
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
    fraction = words.pop(0) if words and _FRACTION.match(words[0]) else ""
    if unit in {"1/2", "1/4", "3/4"}:
        fraction, unit = unit, ""
    return house, fraction, unit, certain


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
        if short and (short in _ALONE or (0 < len(follows) <= 2 and _unit_like(follows[0], short))):  # noqa: PLR2004 - 12 B
            del words[at:]
            return ("" if short == "#" else short), "".join(follows)
    last = words[-1] if words else ""
    if len(words) > 3 and _bare_unit(last) and _slip_of_unit(words[-2]):  # noqa: PLR2004 - name, type, unit, number
        del words[-2:]
        return "", last
    glued = re.match(r"^(?:APT|UNIT|STE|SPC)([0-9]+[A-Z]?)$", last)
    if len(words) > 1 and glued:
        words.pop()
        return "", glued[1]
    if len(words) > 2 and _bare_unit(last) and (words[-2] in STREET_TYPES or _slip_of_type(words[-2])):  # noqa: PLR2004 - name, type, unit
        words.pop()
        return "", last
    return None


def _unit_like(word: str, short: str) -> bool:
    """Whether `word` can be a unit's number; "NO HOPE ST" and "AT LAST" are streets."""
    return any(c.isdigit() for c in word) or len(word) == 1 or (short != "#" and len(word) <= 2)  # noqa: PLR2004 - two letters


def _slip_of_unit(word: str) -> bool:
    """Whether `word` is a slip of APT or UNIT (AFT, OPTT, UNIL)."""
    return len(word) > len("PT") and any(OSA.distance(word, unit, score_cutoff=1) <= 1 for unit in ("APT", "UNIT"))


def _bare_unit(word: str) -> bool:
    return (
        (any(c.isdigit() for c in word) or len(word) == 1)
        and word not in DIRECTIONS
        and not ordinal_number(word[:-2] and word).isalpha()
    )


def _slip_of_type(word: str) -> str:
    """The street type that `word` is a slip of, or ''."""
    most = 2 if len(word) > len("PLACE") else 1
    if len(word) < 2 or word in DIRECTIONS:  # noqa: PLR2004 - one letter resembles everything
        return ""
    plain = word.translate(_LETTER_SHAPES)
    for common in _COMMON_TYPES:
        near = len(common) > len("ST") or len(plain) <= len("SST")  # EAST is none
        if near and OSA.distance(plain, common, score_cutoff=most) <= most:
            return STREET_TYPES[common]
    return ""


# Types that are hardly ever the last word of a name.
_PURE_TYPES = frozenset(listed("ST AVE DR BLVD RD PL CT LN CIR"))
_LETTER_SHAPES = str.maketrans("0156", "OISG")


def _read_street(words: list[str]) -> list[_Street]:
    """Readings of a street's words, the likeliest first; at most four."""
    while words and words[-1] in {"CA", "CALIF", "CALIFORNIA"} and len(words) > 1:
        words.pop()
    if not words:
        return []
    plain = _plain(words)
    readings = [plain] if plain.street_type else [*_with_slips(plain), plain]
    if plain.street_type and plain.street_type not in _PURE_TYPES:
        readings.append(_plain(words, keep_type=True))  # BIG DALTON CYN: the last word may belong to the name
    if len(words) == 2 and plain.street_type and plain.name[0] in DIRECTIONS:  # noqa: PLR2004 - WEST WAY: Way, to the west
        readings.append(_Street(DIRECTIONS[plain.name[0]], (words[1],), "", ""))
    if len(plain.name) > 1 and len(plain.name[0]) == 1:  # 5231 D 53RD STREET: a direction misread
        readings.append(plain._replace(name=plain.name[1:]))
    numbered = [_numbered(word) for word in plain.name]
    if numbered != list(plain.name):
        readings.append(plain._replace(name=tuple(numbered)))
    if plain.pre_direction and len(words[0]) > 1:  # EAST LYNNE AVE: so may the first
        readings.append(plain._replace(pre_direction="", name=(words[0], *plain.name)))
    return readings


def _numbered(word: str) -> str:
    """The number of a street, misread: 1O6, Z66, 216RH, 80THH; any other word as it is."""
    digits = sum(c.isdigit() for c in word)
    if not digits or word.isdigit() or ordinal_number(word):
        return word
    stem = word.rstrip("ABCDEFGHJKMNPRTUVWXY") if digits > 1 else word  # whatever the ordinal's ending was
    number = (stem or word).translate(_DIGIT_SHAPES)
    return number if number.isdigit() else word


def _plain(words: list[str], *, keep_type: bool = False) -> _Street:
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
    return _Street(pre, tuple(rest), kind, post)


def _with_slips(plain: _Street) -> list[_Street]:
    """Readings of words that end in no known type: a slip of one, a type broken in two, a city behind it."""
    result = []
    if len(plain.name) > 1 and (slip := _slip_of_type(plain.name[-1])):
        result.append(plain._replace(name=plain.name[:-1], street_type=slip))
    if len(plain.name) > 2 and (slip := _slip_of_type("".join(plain.name[-2:]))):  # noqa: PLR2004 - ST REET
        result.append(plain._replace(name=plain.name[:-2], street_type=slip))
    inner = [at for at, word in enumerate(plain.name) if at and word in STREET_TYPES and at + 1 < len(plain.name)]
    if inner:
        result.append(plain._replace(name=plain.name[: inner[-1]], street_type=STREET_TYPES[plain.name[inner[-1]]]))
    return result
