"""How what is written on a line agrees with a registration: a comparison level for each field."""

from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from app.matching.names import sound
from app.matching.nicknames import is_form, name_forms, short_form
from app.matching.word_lists import words


class FieldLevel(NamedTuple):
    """The level of one field, and the word of the roll whose rarity counts ('' where none does)."""

    level: str
    word: str = ""


class NameComparison(NamedTuple):
    """A reading of the written name against a registered one."""

    surname: FieldLevel
    given: FieldLevel
    middle: FieldLevel
    suffix: str


class AddressComparison(NamedTuple):
    """A written address against a registered one."""

    house: str
    street: FieldLevel
    way: str  # street type and direction
    unit: str
    zip: str


# The number of slips that still leave a word recognisable, by its length.
_SLIPS: Final = (0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3)
_LONGEST: Final = len(_SLIPS) - 1


def similar(one: str, other: str) -> bool:
    """Whether two words differ by slips only: one in a short word, two from seven letters, three from ten."""
    length, others = len(one), len(other)
    most = _SLIPS[min(max(length, others), _LONGEST)]
    return -most <= length - others <= most and most > 0 and OSA.distance(one, other, score_cutoff=most) <= most


def _alike(written: str, registered: str) -> bool:
    if similar(written, registered):
        return True
    return len(written) > 2 and len(registered) > 2 and sound(written) == sound(registered)  # noqa: PLR2004 - LI and LEE are two names


def garbled(written: str, registered: str) -> bool:
    """Whether what is written may be the other word, badly read: half of the letters are right."""
    longest = max(len(written), len(registered))
    return longest > len("LI") and OSA.distance(written, registered, score_cutoff=longest // 2) <= longest // 2


_SHORT: Final = 2  # letters of a surname, of which one may be a slip
_NONE: Final = FieldLevel("missing")
_OTHER: Final = FieldLevel("other")
_SAME_INITIAL: Final = FieldLevel("other, same initial")
_NO_MIDDLE: Final = FieldLevel("other, no middle")
_MIDDLE_INITIAL: Final = FieldLevel("middle initial")
NOT_COMPARED: Final = FieldLevel("none")


def compare_surname(written: tuple[str, ...], registered: tuple[str, ...], *, known: bool) -> FieldLevel:
    """Compare surnames part by part.

    The levels are exact, part (one of the registered two), longer (another surname beside the registered one), typo,
    near (another name that resembles), other.

    `known`: what is written is itself a surname of this county, so a resemblance is no typo.
    """
    if not written or not registered:
        return _NONE
    joined, registered_joined = "".join(written), "".join(registered)
    if joined == registered_joined:
        return FieldLevel("exact", " ".join(registered))
    shared = [part for part in written if part in registered]
    if shared:
        if len(written) == len(registered) > 1 and not known and _alike(joined, registered_joined):
            return FieldLevel("typo", " ".join(registered))
        return FieldLevel("part" if len(registered) > 1 else "longer", shared[-1])
    return _resembling(written, registered, known=known)


# What is left out of a surname and put before it again: LEON of DE LEON.
_PARTICLES: Final = frozenset(words("optional_particles"))


def _but_for_particles(one: str, other: str) -> bool:
    """Whether two parts of surnames are the same but for particles before one of them."""
    if one.endswith(other):
        return one[: -len(other)] in _PARTICLES
    return other.endswith(one) and other[: -len(one)] in _PARTICLES


def _resembling(written: tuple[str, ...], registered: tuple[str, ...], *, known: bool) -> FieldLevel:
    """A surname of other letters: a typo where what is written is no name of this county, else near or other."""
    joined = "".join(written)
    if joined == registered[0][0]:
        return FieldLevel("initial")
    for part in registered:
        if _but_for_particles(joined, part):
            return FieldLevel("part", joined)
    if _alike(joined, "".join(registered)):
        return FieldLevel("near", written[-1]) if known else FieldLevel("typo", registered[-1])
    of_part = _resembling_part(written, registered, known=known) or _resembling_short(
        joined, registered[0], known=known
    )
    if of_part or (known and len(joined) > 1):
        return of_part or _OTHER
    badly = any(garbled(part, other) for part in written for other in registered)
    return FieldLevel("garbled" if badly else "unreadable")


def _resembling_short(written: str, registered: str, *, known: bool) -> FieldLevel | None:
    """A surname of two letters of which one is left: half of it, or near where the other is a surname (SO, SA)."""
    if max(len(written), len(registered)) != _SHORT or OSA.distance(written, registered) > 1:
        return None
    return FieldLevel("near", written) if known and len(written) == _SHORT else FieldLevel("half")


def _resembling_part(written: tuple[str, ...], registered: tuple[str, ...], *, known: bool) -> FieldLevel | None:
    """One part of a double surname of other letters."""
    if len(written) == len(registered) == 1:
        return None
    for part in written:
        for other in registered:
            if _alike(part, other):
                return FieldLevel("near", part) if known else FieldLevel("part typo", other)
    held = [part for part in registered if len(part) > 3 and part in written[0]]  # noqa: PLR2004 - LEE is in many
    return FieldLevel("part", max(held, key=len)) if len(written) == 1 and held else None


def compare_given(
    written: tuple[str, ...], first: tuple[str, ...], middle: tuple[str, ...], *, known: bool
) -> FieldLevel:
    """Compare given names: exact, nickname, initial, middle (used as the first), typo, near, or other."""
    if not written or not first:
        return _NONE
    name, registered = written[0], first[0]
    if name == registered:
        return FieldLevel("exact", name)
    if len(name) == 1 or len(registered) == 1:
        return _compare_initial(written, registered, middle)
    if (len(first) > 1 and name == "".join(first)) or (len(written) > 1 and name + written[1] == registered):
        return FieldLevel("exact", registered)
    if is_form(name, registered):
        return FieldLevel("nickname", name)
    return _compare_unlike(written, first, middle, known=known)


def _compare_unlike(
    written: tuple[str, ...], first: tuple[str, ...], middle: tuple[str, ...], *, known: bool
) -> FieldLevel:
    name, registered = written[0], first[0]
    if name in middle or name in first:
        return FieldLevel("middle", name)
    if registered in written[1:]:
        return FieldLevel("second", registered)
    if _alike(name, registered) or short_form(name, registered):
        return FieldLevel("near", name) if known else FieldLevel("typo", registered)
    if not known:
        split = len(written) > 1 and _alike(name + written[1], registered)  # JAC OB
        if split or any(similar(name, form) for form in name_forms(registered)):
            return FieldLevel("typo", registered)
        return FieldLevel("garbled" if garbled(name, registered) else "unreadable")
    return _compare_other(name, registered, middle)


def _compare_other(name: str, registered: str, middle: tuple[str, ...]) -> FieldLevel:
    """Another given name: what the roll knows of the middle name says whether it may be that."""
    if middle and len(middle[0]) == 1 and middle[0] == name[0]:
        return _MIDDLE_INITIAL
    if any(is_form(name, word) or similar(name, word) for word in middle if len(word) > 1):
        return FieldLevel("middle alike", middle[0])
    if name[0] == registered[0]:
        return _SAME_INITIAL
    return _OTHER if middle else _NO_MIDDLE


def _compare_initial(written: tuple[str, ...], registered: str, middle: tuple[str, ...]) -> FieldLevel:
    if written[0][0] == registered[0]:
        return FieldLevel("initial")
    if len(written) > 1 and written[1] == registered:
        return FieldLevel("second", registered)
    return _MIDDLE_INITIAL if middle and middle[0][0] == written[0] else FieldLevel("other initial")


AGREEING_GIVEN: Final = frozenset({"exact", "nickname", "typo", "near", "initial"})


def compare_middle(
    written: tuple[str, ...], registered: tuple[str, ...], given: str, surname: tuple[str, ...]
) -> FieldLevel:
    """Compare middle names where the first names agree (`given` is their level).

    The levels are same, alike, initial, missing (not written), added (not in the roll), conflict, initial conflict.

    A written name that is part of the registered surname is none: GEORGETTE WEBB GILLESPIE of WEBB-GILLESPIE.
    """
    if given not in AGREEING_GIVEN:
        return NOT_COMPARED
    names = [name for name in written[1:] if name not in surname]
    if not names:
        return _NONE
    return _compare_middles(names, registered) if registered else FieldLevel("added")


def _compare_middles(names: list[str], registered: tuple[str, ...]) -> FieldLevel:
    for name in names:
        for other in registered:
            if name == other:
                return FieldLevel("same", name) if len(name) > 1 else FieldLevel("initial")
            if name[0] == other[0] and (len(name) == 1 or len(other) == 1):
                return FieldLevel("initial")
    if any(_alike(name, other) or is_form(name, other) for name in names for other in registered):
        return FieldLevel("alike")
    return FieldLevel("conflict" if len(names[0]) > 1 and len(registered[0]) > 1 else "initial conflict")


def compare_suffix(written: str, registered: str) -> str:
    """Compare generational suffixes, both in their one form: none, same, missing on one side, conflict."""
    if written == registered:
        return "same" if written else "none"
    return "conflict" if written and registered else "missing"


def compare_house(written: str, registered: str) -> str:
    """Compare house numbers: same, near (one digit off), far (two), other, missing."""
    if not written or not registered:
        return "missing"
    if written == registered:
        return "same"
    distance = OSA.distance(written, registered, score_cutoff=2)
    if distance == 1:
        return "near"
    return "far" if distance == 2 and max(len(written), len(registered)) > 3 else "other"  # noqa: PLR2004 - two of three digits say nothing


def compare_street(written: tuple[str, ...], registered: str, known: frozenset[str]) -> FieldLevel:
    """Compare a street's name: same, typo, near (another street that resembles), other, missing.

    `known` are those of the readings that are streets of this county.
    """
    if not written or not registered:
        return _NONE
    if registered in written:
        return FieldLevel("same", registered)
    words = [] if registered.isdigit() else [name for name in written if not name.isdigit()]
    alike = next((name for name in words if _alike(name, registered)), "")
    if alike:
        return FieldLevel("near" if alike in known else "typo", registered)
    if any(_contains(name, registered) or (not known and _misspelt(name, registered)) for name in written):
        return FieldLevel("typo", registered)
    if any(similar_number(name, registered) for name in written):
        return FieldLevel("near") if known else FieldLevel("typo", registered)
    return FieldLevel("garbled") if not known and any(garbled(name, registered) for name in written) else _OTHER


def _misspelt(written: str, registered: str) -> bool:
    """Whether a name that is no street of the county may be this one: two letters in three are right."""
    longest = max(len(written), len(registered))
    slips = longest // 3
    return slips > 1 and registered.isalpha() and OSA.distance(written, registered, score_cutoff=slips) <= slips


def similar_number(written: str, registered: str) -> bool:
    """Whether one of two numbered streets may be a slip of the other (71 and 17, 115 and 15)."""
    return registered.isdigit() and sum(c.isdigit() for c in written) > 0 and OSA.distance(written, registered) == 1


def _contains(written: str, registered: str) -> bool:
    """Whether a long enough name of a street stands whole within what is written, or the other way round."""
    shorter, longer = sorted((written, registered), key=len)
    return len(shorter) > 5 and shorter.isalpha() and (longer.startswith(shorter) or longer.endswith(shorter))  # noqa: PLR2004 - MAIN is in many


def compare_way(written: tuple[str, str], registered: tuple[str, str]) -> str:
    """Compare street type and direction, both in their one form: same, other type, other direction, other."""
    kind, direction = _differs(written[0], registered[0]), _differs(written[1], registered[1])
    if kind and direction:
        return "other"
    return "other type" if kind else "other direction" if direction else "same"


def _differs(written: str, registered: str) -> bool:
    return bool(written) and bool(registered) and written != registered


# Signs of a unit that hand and machine exchange: 2O1 is 201, apartment S may be 5.
_UNIT_SHAPES: Final = str.maketrans("OQDILZSBG", "000112586", " -#")


def compare_unit(written: str, registered: str) -> str:
    """Compare units: none, same, missing on one side, near (one sign off), other."""
    if written == registered:
        return "same" if written else "none"
    if not written or not registered:
        return "missing"
    one, other = written.translate(_UNIT_SHAPES).lstrip("0"), registered.translate(_UNIT_SHAPES).lstrip("0")
    if one == other:
        return "same"
    return "near" if min(len(one), len(other)) > 1 and OSA.distance(one, other, score_cutoff=1) == 1 else "other"


def compare_zip(written: str, registered: str) -> str:
    """Compare zips of five digits: same, near (one digit off), other, missing."""
    if not written or not registered:
        return "missing"
    if written == registered:
        return "same"
    return "near" if OSA.distance(written, registered, score_cutoff=1) == 1 else "other"
