"""A residence address as people write it, taken apart: house, fraction, directions, street, type, unit."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.matching.names import fold, listed
from app.matching.streets import DIRECTIONS, ORDINAL_ENDINGS, STREET_TYPES, ordinal_number, street_token

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
# "APT 5, 1234 MAIN ST": a unit that is written first.
_UNIT_AHEAD = re.compile(r"^\s*(?:(?:APT|UNIT|STE|SUITE|APARTMENT)\b[\s.#]*|#\s*)([0-9A-Z]{1,5})\b[\s,;.-]+(?=[0-9])")
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
    ways: tuple[tuple[str, str], ...] = ()  # of each of `streets`: street type and direction
    house_certain: bool = True  # False where a sign had to be read as a digit
    alias: str = ""  # the county's alias that leads to this address; '' for what is written

    @property
    def direction(self) -> str:
        """The street's direction, whichever side of the name it is on."""
        return self.pre_direction or self.post_direction


def parse_addresses(text: str) -> tuple[tuple[Address, ...], bool]:
    """Return the addresses in any text, at most two (2 CCR 20931), and whether it names a PO box, no residence."""
    raised = text.upper() if text.isascii() else _ascii(text)
    without_box, boxes = _PO_BOX.subn(" ", raised) if "B" in raised and "O" in raised else (raised, 0)
    ahead = _UNIT_AHEAD.match(without_box)
    parts = _TWO_ADDRESSES.split(without_box[ahead.end() :] if ahead else without_box)[:_MOST_ADDRESSES]
    addresses = [address for part in parts if (address := parse_address(part)).streets or address.house]
    if ahead and addresses and not addresses[0].unit:
        addresses[0] = addresses[0]._replace(unit=ahead[1])
    return tuple(addresses), boxes > 0


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
    raised = (text.upper() if text.isascii() else _ascii(text)).replace("'", "")
    return [part for word in _TOKEN.findall(raised) for part in _parted(word)]


def _parts(words: list[str]) -> list[str]:
    return [word for part in words for word in part.replace("|", "I").replace("/", "-").split("-") if word]


_TYPE_AND_UNIT = re.compile(r"^(ST|STREET|AVE|AVENUE|BLVD|DR|DRIVE|RD|PL|PLACE|CT|COURT|LN|LANE|WAY)(APT|UNIT)$")


def _parted(word: str) -> tuple[str, ...]:
    """A street type and a word for units, parted where the blank was lost: AVEAPT."""
    glued = _TYPE_AND_UNIT.match(word) if word.endswith(("APT", "UNIT")) else None
    return (glued[1], glued[2]) if glued else (word,)


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
    ways: dict[str, tuple[str, str]] = {}
    for r in readings:
        if token := street_token(" ".join(r.name)):
            ways.setdefault(token, (r.street_type, r.pre_direction or r.post_direction))
    return Address(
        house, fraction, best.pre_direction, " ".join(best.name), best.street_type, best.post_direction, *unit,
        tuple(ways), tuple(ways.values()), certain,
    )  # fmt: skip


def _as_digits(word: str) -> tuple[str, bool]:
    """The house number a word stands for, '' if it is none, and whether it is certain."""
    if word.isascii() and word.isdigit():
        return word.lstrip("0"), len(word) <= _LONGEST_HOUSE
    if sum(c.isdigit() for c in word) * 2 >= len(word) and _DIGIT_LIKE.match(word):
        return word.translate(_DIGIT_SHAPES).lstrip("0"), False
    return "", True


def _take_house(words: list[str]) -> tuple[str, str, str, bool]:
    """Take house number, fraction and a unit written with them ("1234-5", "1234B") off the front of `words`."""
    _part_house(words)
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
    while not unit and _torn_house(house, words):
        house, certain = house + words.pop(0), False
    fraction = words.pop(0) if words and _FRACTION.match(words[0]) else ""
    if unit in {"1/2", "1/4", "3/4"}:
        fraction, unit = unit, ""
    return house, fraction, unit, certain


def _torn_house(house: str, words: list[str]) -> bool:
    """Whether the number goes on behind a blank: 12 080 ELDER CT, not 12 80 ST."""
    if len(words) < 2 or not words[0].isdigit() or len(house + words[0]) > _LONGEST_HOUSE:  # noqa: PLR2004 - the street
        return False
    name = [word for word in words[1:] if word not in DIRECTIONS]
    named = bool(name) and name[0] not in STREET_TYPES and name[0] not in _UNIT_WORDS
    return words[0][0] == "0" or (named and (name[0].isalpha() or bool(ordinal_number(name[0]))))


# A blank that was lost: 14528SAGE, 1234N. One letter of A to F is more likely a unit, and S as a fifth digit a 5.
_GLUED_HOUSE = re.compile(r"^([0-9]{1,5})([A-Z]{3,}|[NW]|(?<=[0-9]{5})S)$")


def _part_house(words: list[str]) -> None:
    """Part the house number from a street or direction that was written on to it; ordinals stay whole (71ST)."""
    glued = _GLUED_HOUSE.match(words[0]) if len(words) > 1 else None
    if glued and glued[2][:2] not in ORDINAL_ENDINGS:
        words[:1] = glued.groups()


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
        alone = short in _ALONE and not any(word in STREET_TYPES for word in follows)  # FRONT AVE is a street
        if short and (alone or (0 < len(follows) <= 2 and _unit_like(follows[0], short))):  # noqa: PLR2004 - 12 B
            del words[at:]
            return ("" if short == "#" else short), "".join(follows)
    last = words[-1] if words else ""
    if len(words) > 2 and _bare_unit(last) and _slip_of_unit(words[-2]):  # noqa: PLR2004 - name, unit, number
        del words[-2:]
        return "", last
    glued = re.match(r"^(?:APT|UNIT|STE|SPC|NO)([0-9]+[A-Z]?)$", last)
    if len(words) > 1 and glued:
        words.pop()
        return "", glued[1]
    if len(words) > 1 and _bare_unit(last) and _whole_street(words[:-1]):
        words.pop()
        return "", last
    return None


_BEFORE_NUMBERS = frozenset(listed("ROUTE RTE RT HIGHWAY HWY COUNTY STATE CALLE"))


def _whole_street(words: list[str]) -> bool:
    """Whether these may be all words of a street, so that a number behind them is a unit: 240TH 3, CALLE TORRE 2."""
    name = [word for word in words if word not in DIRECTIONS or len(word) > len("NW")]  # NORTH ST
    last = words[-1]
    if last in _BEFORE_NUMBERS or STREET_TYPES.get(last) in _PURE_TYPES or _slip_of_type(last):
        return len(name) > 1  # N AVENUE 45 is a street
    if last.isalpha():
        return len(last) > len("LA")
    return not last.isdigit() and bool(ordinal_number(last) or _number(last))


def _unit_like(word: str, short: str) -> bool:
    """Whether `word` can be a unit's number; "NO HOPE ST", "AT LAST" and "RM ST" are streets."""
    if word in STREET_TYPES:
        return False
    return any(c.isdigit() for c in word) or len(word) == 1 or (short != "#" and len(word) <= 2)  # noqa: PLR2004 - two letters


def _slip_of_unit(word: str) -> bool:
    """Whether `word` is a slip of APT or UNIT (PT, AFT, OPTT, UNIL)."""
    return word == "PT" or (
        len(word) > len("PT") and any(OSA.distance(word, unit, score_cutoff=1) <= 1 for unit in ("APT", "UNIT"))
    )


def _bare_unit(word: str) -> bool:
    if word[:-2].isdigit() and word[-2:] in ORDINAL_ENDINGS:
        return False
    digits = sum(c.isdigit() for c in word)
    return 2 * digits >= len(word) or (len(word) == 1 and word not in DIRECTIONS)


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
_LETTER_SHAPES = str.maketrans("0123456789", "OIZEASGTBG")
_LONG_DIRECTIONS = listed("NORTH SOUTH EAST WEST")


def _read_street(words: list[str]) -> list[_Street]:
    """Readings of a street's words, the likeliest first; at most six."""
    while words and words[-1] in {"CA", "CALIF", "CALIFORNIA"} and len(words) > 1:
        words.pop()
    if not words:
        return []
    words = [word if word.isalpha() else _spelled(word) for word in words]
    plain = _plain(words)
    readings = [plain] if plain.street_type else [*_with_slips(plain), plain]
    if plain.street_type and plain.street_type not in _PURE_TYPES:
        readings.append(_plain(words, keep_type=True))  # BIG DALTON CYN: the last word may belong to the name
    if len(words) == 2 and plain.street_type and plain.name[0] in DIRECTIONS:  # noqa: PLR2004 - WEST WAY: Way, to the west
        readings.append(_Street(DIRECTIONS[plain.name[0]], (words[1],), "", ""))
    if len(words) == 2 and plain.pre_direction and (slip := _slip_of_type(words[1])):  # noqa: PLR2004 - NORTH AUENUE
        readings.append(_Street("", (words[0],), slip, ""))
    for one in readings[:2]:
        readings += _misread(one)
        if one.pre_direction and len(words[0]) > 1:  # EAST LYNNE AVE: so may the first
            readings.append(one._replace(pre_direction="", name=(words[0], *one.name)))
    return readings


def _misread(one: _Street) -> Iterator[_Street]:
    """The reading without a direction that was misread, with a misread number, or with nothing behind a number."""
    if len(one.name) > 1 and _slip_of_direction(one.name[0]):  # 5231 D 53RD STREET
        yield one._replace(name=one.name[1:])
    if any(map(_number, one.name)):
        yield one._replace(name=tuple(_number(word) or word for word in one.name))
    if len(one.name) > 1 and one.name[0][:1].isdigit() and ordinal_number(one.name[0]):  # 248TH STRFT
        yield one._replace(name=one.name[:1])


def _slip_of_direction(word: str) -> bool:
    """Whether a street's first word is a direction misread: one letter, NN, VEST."""
    if len(word) <= len("NN"):
        return len(word) == 1 or (word[0] == word[1] and word[0] in DIRECTIONS)
    return any(OSA.distance(word, long, score_cutoff=1) <= 1 for long in _LONG_DIRECTIONS)


def _spelled(word: str) -> str:
    """A word with the digits that were letters read back: B1UFF, MEA0OW; a number as it is."""
    digits = sum(c.isdigit() for c in word)
    if not 0 < digits < len(word) - digits or word[:2].isdigit() or ordinal_number(word) or _number(word):
        return word
    return word.translate(_LETTER_SHAPES)


_ORDINAL = re.compile(r"^(.*[0-9].*?|[A-Z]+)(ST|ND|RD|TH)[A-Z]?$")
_ENDS: Final = {"ST": "1", "ND": "2", "RD": "3"}


def _number(word: str) -> str:
    """The number of a street that a misread word stands for: 1O6, Z66, 216RH, 80THH, 5OTH, 244RD; '' for any other."""
    digits = sum(c.isdigit() for c in word)
    if not digits or word.isdigit():
        return ""
    ordinal = _ORDINAL.match(word)
    if ordinal and word[:-2].isdigit():
        last = _ENDS.get(ordinal[2], "")  # the ending is a second witness of the last digit
        return word[:-3] + last if last and last != word[-3] and word[-4:-3] != "1" else ""
    stems = [ordinal[1]] if ordinal else []
    if any(sum(map(str.__eq__, word[-2:], ending)) == 1 for ending in ORDINAL_ENDINGS):  # 8TJ
        stems.append(word[:-2])
    if digits > 1:
        stems.append(word.rstrip("ABCDEFGHJKMNPRTUVWXY"))  # whatever the ordinal's ending was
    stems.append(word)
    for stem in stems:
        number = stem.translate(_DIGIT_SHAPES)
        if number.isdigit():
            return number.lstrip("0")
    return ""


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
    """Readings of words that end in no known type: a slip of one, one in two parts or written on, a city behind it."""
    result = []
    *before, last = plain.name
    if before and (slip := _slip_of_type(last)):
        sure = slip if len(last) > len("DTR") else ""  # DT may be a drive or a court
        result.append(plain._replace(name=tuple(before), street_type=sure))
    if len(before) > 1 and (slip := _slip_of_type(before[-1] + last)):  # ST REET
        result.append(plain._replace(name=tuple(before[:-1]), street_type=slip))
    if glued := _GLUED_TYPE.match(last):
        result.append(plain._replace(name=(*before, glued[1]), street_type=STREET_TYPES[glued[2]]))
    inner = [at for at, word in enumerate(before) if at and word in STREET_TYPES]
    if inner:
        result.append(plain._replace(name=plain.name[: inner[-1]], street_type=STREET_TYPES[plain.name[inner[-1]]]))
    return result


# A type behind a lost blank: BROOKSTREET, MANDUJANOBLVD, 240THST. A short one only behind an ordinal.
_GLUED_TYPE = re.compile(
    r"^(.*(?:...(?=STREET|AVENUE|BOULEV|DRIVE|PLACE|COURT|BLVD)|[0-9](?:ST|ND|RD|TH)))"
    r"(STREET|AVENUE|BOULEVARD|DRIVE|PLACE|COURT|BLVD|AVE|ST|PL|DR|RD|CT)$"
)
