"""How what is written on a line agrees with a registration: the comparison level of each field.

A level's name is stored with models and evidence: it never changes. What resembles the roll's word is a typo, or near
where it is itself a known word of the county.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Generic, Literal, NamedTuple, TypeVar, get_args

from rapidfuzz.distance import OSA

from app.matching.names import is_form, name_forms, short_form, sound, word_list
from app.matching.public_names import of_different_sex

Field = Literal["surname", "given", "middle", "suffix", "house", "street", "way", "unit", "zip"]
"""The compared fields; `way` is the street's type and direction together."""
NAME_FIELDS: Final[tuple[Field, ...]] = ("surname", "given", "middle", "suffix")
ADDRESS_FIELDS: Final[tuple[Field, ...]] = ("house", "street", "way", "unit", "zip")

SurnameLevel = Literal[
    "exact", "part", "longer", "typo", "part typo", "near", "half", "initial", "garbled", "unreadable", "other",
    "missing",
]  # fmt: skip
GivenLevel = Literal[
    "exact", "nickname", "initial", "middle", "second", "typo", "near", "garbled", "unreadable", "middle initial",
    "middle alike", "other, same initial", "other initial", "other", "other, no middle", "other sex", "missing",
]  # fmt: skip
MiddleLevel = Literal["same", "alike", "initial", "added", "conflict", "initial conflict", "missing", "none"]
SuffixLevel = Literal["same", "none", "missing", "conflict"]
HouseLevel = Literal["same", "near", "far", "other", "missing"]
StreetLevel = Literal["same", "typo", "near", "garbled", "other", "missing"]
WayLevel = Literal["same", "other type", "other direction", "other"]
UnitLevel = Literal["same", "none", "near", "other", "missing"]
ZipLevel = Literal["same", "near", "other", "missing"]

LEVELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "surname": get_args(SurnameLevel), "given": get_args(GivenLevel), "middle": get_args(MiddleLevel),
    "suffix": get_args(SuffixLevel), "house": get_args(HouseLevel), "street": get_args(StreetLevel),
    "way": get_args(WayLevel), "unit": get_args(UnitLevel), "zip": get_args(ZipLevel),
})  # fmt: skip

_NEITHER: Final = "nothing on either side"
_IN_WORDS: Final[Mapping[str, str]] = {
    "exact": "the same",
    "same": "the same",
    "none": _NEITHER,
    "part": "one part of a double surname",
    "longer": "the surname, and another one beside it",
    "nickname": "a short or other form of the name",
    "initial": "an initial that fits",
    "middle": "the middle name, used as the first",
    "second": "the second of the names written",
    "typo": "a slip of the pen: what is written is no known name",
    "part typo": "one part of a double surname, with a slip",
    "near": "resembles, but is itself a known name",
    "alike": "resembles",
    "middle initial": "fits the middle initial",
    "middle alike": "resembles the middle name",
    "half": "one letter of two",
    "far": "two digits off",
    "garbled": "no known name, badly readable",
    "unreadable": "no known name, and unlike",
    "added": "not in the roll",
    "other": "another one",
    "conflict": "another one",
    "other, same initial": "another name with the same initial",
    "other, no middle": "another name; the roll has no middle name",
    "other sex": "another name, of the other sex",
    "other initial": "an initial that does not fit",
    "initial conflict": "an initial that does not fit",
    "other type": "another type of street",
    "other direction": "another direction",
}
_IN_WORDS_OF_FIELD: Final[Mapping[tuple[str, str], str]] = {
    ("house", "near"): "one digit off",
    ("zip", "near"): "one digit off",
    ("unit", "near"): "one sign off",
    ("street", "typo"): "a slip of the pen: what is written is no known street",
    ("street", "near"): "resembles, but is another street of the county",
    ("way", "same"): "nothing that differs",
    ("way", "other"): "another type and direction",
}
REST_IN_WORDS: Final = "how rare this address is, and this way of writing"  # what belongs to no single field


FieldEvidence = tuple[str, str, float]
"""Of one compared field the roll's value, the level, and the weight (natural logarithm of the likelihood ratio)."""


def level_in_words(field: str, evidence: FieldEvidence, written: str) -> str:
    """Explain how a field agrees with what is written. A level that is not known here is shown as it is."""
    roll, level, _ = evidence
    if level == "missing":
        return "not written" if roll else "not in the roll" if written else _NEITHER
    if level not in LEVELS.get(field, ()):
        return level
    return _IN_WORDS_OF_FIELD.get((field, level)) or _IN_WORDS[level]


# The name is the registered one, in another form or with a slip of the pen; or it may be the registered one.
CERTAIN_SURNAME: Final = frozenset[SurnameLevel]({"exact", "typo", "part", "longer"})
PLAUSIBLE_SURNAME: Final = CERTAIN_SURNAME | {"part typo", "near", "initial", "missing", "garbled", "half"}
CERTAIN_GIVEN: Final = frozenset[GivenLevel]({"exact", "nickname", "typo", "middle", "second"})
PLAUSIBLE_GIVEN: Final = CERTAIN_GIVEN | {"initial", "near", "missing", "middle initial", "middle alike", "garbled"}
AGREEING_GIVEN: Final = frozenset[GivenLevel]({"exact", "nickname", "typo", "near", "initial"})
# An adopted name, or a form in no list, unless the middle names are those of two people.
OTHER_GIVEN: Final = frozenset[GivenLevel]({
    "other", "other, no middle", "other, same initial", "other sex", "unreadable",
})  # fmt: skip
RESEMBLING_HOUSE: Final = frozenset[HouseLevel]({"same", "near", "far", "missing"})
AGREEING_STREET: Final = frozenset[StreetLevel]({"same", "typo"})
PLAUSIBLE_STREET: Final = AGREEING_STREET | {"near", "garbled", "missing"}

Words = tuple[str, ...]  # of a name, or the parts of a surname, in their order
_Level_co = TypeVar("_Level_co", bound=str, covariant=True)


class Compared(NamedTuple, Generic[_Level_co]):
    """The level of one field, and the word of the roll whose frequency counts ('' where none does)."""

    level: _Level_co
    word: str = ""


_OTHER: Final[Compared[Literal["other"]]] = Compared("other")
_MISSING: Final[Compared[Literal["missing"]]] = Compared("missing")

_SLIPS: Final = (0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3)  # that still leave a word recognizable, by its length
_LONGEST: Final = len(_SLIPS) - 1


def similar(one: str, other: str) -> bool:
    """Whether two words differ by slips only: one in a short word, two from seven letters, three from ten."""
    length, others = len(one), len(other)
    longest = max(length, others)
    most = _SLIPS[longest] if longest < _LONGEST else _SLIPS[_LONGEST]
    return -most <= length - others <= most and most > 0 and OSA.distance(one, other, score_cutoff=most) <= most


def _resembles(written: str, other: str) -> bool:
    """Whether two words differ by slips only, or sound alike and share half of their letters: HELEN is no WILLIAM."""
    return similar(written, other) or (
        len(written) > 2 and len(other) > 2 and sound(written) == sound(other) and _garbled(written, other)  # noqa: PLR2004 - LI and LEE are two names
    )


def _garbled(written: str, registered: str) -> bool:
    """Whether what is written may be the other word, badly read: half of the letters are right."""
    longest = max(len(written), len(registered))
    return longest > len("LI") and OSA.distance(written, registered, score_cutoff=longest // 2) <= longest // 2


_SHORT: Final = 2  # letters of a surname, of which one may be a slip
_PARTICLES: Final = frozenset(word_list("optional_particles"))  # a surname may be written without: LEON of DE LEON


def compare_surname(written: Words, registered: Words, *, known: bool) -> Compared[SurnameLevel]:
    """Compare surnames part by part. `known`: the written one is of this county, so a resemblance is no typo."""
    if not written or not registered:
        return _MISSING
    joined, whole = "".join(written), "".join(registered)
    if joined == whole:
        return Compared("exact", " ".join(registered))
    if shared := [part for part in written if part in registered]:
        if len(written) == len(registered) > 1 and not known and _resembles(joined, whole):
            return Compared("typo", " ".join(registered))
        return Compared("part" if len(registered) > 1 else "longer", shared[-1])
    return _compare_other_surname(written, registered, known=known)


def _compare_other_surname(written: Words, registered: Words, *, known: bool) -> Compared[SurnameLevel]:
    """A surname of other letters: an initial, one that differs by particles, a typo or near; or one part of it."""
    joined = "".join(written)
    if joined == registered[0][0]:
        return Compared("initial")
    if any(_differ_by_particles(joined, part) for part in registered):
        return Compared("part", joined)
    if _resembles(joined, "".join(registered)):
        return Compared("near", written[-1]) if known else Compared("typo", registered[-1])
    return _compare_surname_part(written, registered, known=known)


def _differ_by_particles(one: str, other: str) -> bool:
    """Whether two parts of surnames are the same but for particles before one of them."""
    if one.endswith(other):
        return one[: -len(other)] in _PARTICLES
    return other.endswith(one) and other[: -len(one)] in _PARTICLES


def _compare_surname_part(written: Words, registered: Words, *, known: bool) -> Compared[SurnameLevel]:
    """A surname of other letters: one part of a double one, half of one of two letters, or hardly read; else other."""
    joined = "".join(written)
    if len(written) > 1 or len(registered) > 1:
        for part in written:
            for other in registered:
                if _resembles(part, other):
                    return Compared("near", part) if known else Compared("part typo", other)
        held = [part for part in registered if len(part) > 3 and part in joined]  # noqa: PLR2004 - LEE is in many
        if len(written) == 1 and held:
            return Compared("part", max(held, key=len))
    if max(len(joined), len(registered[0])) == _SHORT and OSA.distance(joined, registered[0]) <= 1:
        # SO and SA are two surnames.
        return Compared("near", joined) if known and len(joined) == _SHORT else Compared("half")
    if known and len(joined) > 1:
        return _OTHER
    badly_read = any(_garbled(part, other) for part in written for other in registered)
    return Compared("garbled" if badly_read else "unreadable")


def compare_given(written: Words, registered_names: tuple[Words, Words], *, known: bool) -> Compared[GivenLevel]:
    """Compare the written given names with the registered first and middle name. `known` as for the surname."""
    first, middle = registered_names
    if not written or not first:
        return _MISSING
    name, registered = written[0], first[0]
    if name == registered:
        return Compared("exact", name)
    if len(name) == 1 or len(registered) == 1:
        return _compare_initial(written, registered, middle)
    if (len(first) > 1 and name == "".join(first)) or (len(written) > 1 and name + written[1] == registered):
        return Compared("exact", registered)
    if is_form(name, registered):
        return Compared("nickname", name)
    return _compare_other_given(written, first, middle, known=known)


def _compare_other_given(written: Words, first: Words, middle: Words, *, known: bool) -> Compared[GivenLevel]:
    name, registered = written[0], first[0]
    if name in middle or name in first:
        return Compared("middle", name)
    if registered in written[1:]:
        return Compared("second", registered)
    if _resembles(name, registered) or short_form(name, registered):
        return Compared("near", name) if known else Compared("typo", registered)
    if known:
        return _compare_known_given(name, registered, middle)
    return _compare_unknown_given(written, registered, middle)


def _compare_unknown_given(written: Words, registered: str, middle: Words) -> Compared[GivenLevel]:
    """A word that is no name: a torn name, a slip in another form or in the middle name, or hardly read."""
    name = written[0]
    split = len(written) > 1 and _resembles(name + written[1], registered)  # JAC OB
    if split or any(similar(name, form) for form in name_forms(registered)):
        return Compared("typo", registered)
    if any(similar(name, word) for word in middle if len(word) > 1):
        return Compared("middle alike", middle[0])
    return Compared("garbled" if _garbled(name, registered) else "unreadable")


def _compare_initial(written: Words, registered: str, middle: Words) -> Compared[GivenLevel]:
    if written[0][0] == registered[0]:
        return Compared("initial")
    if len(written) > 1 and written[1] == registered:
        return Compared("second", registered)
    return Compared("middle initial" if middle and middle[0][0] == written[0] else "other initial")


def _compare_known_given(name: str, registered: str, middle: Words) -> Compared[GivenLevel]:
    """Another given name: what the roll knows of the middle name says whether it may be that."""
    if middle and len(middle[0]) == 1 and middle[0] == name[0]:
        return Compared("middle initial")
    if any(is_form(name, word) or similar(name, word) for word in middle if len(word) > 1):
        return Compared("middle alike", middle[0])
    if of_different_sex(name, registered):
        return Compared("other sex")
    if name[0] == registered[0]:
        return Compared("other, same initial")
    return _OTHER if middle else Compared("other, no middle")


def compare_middle(written: Words, registered: Words, surname: Words) -> Compared[MiddleLevel]:
    """Compare the written given names with a middle name, where the first names may be those of one person.

    A part of the registered surname is no middle name: GEORGETTE WEBB GILLESPIE is a WEBB-GILLESPIE.
    """
    names = [name for name in written[1:] if name not in surname]
    if not names:
        return _MISSING
    if not registered:
        return Compared("added")
    pairs = [(name, other) for name in names for other in registered]
    for name, other in pairs:
        if name == other and len(name) > 1:
            return Compared("same", name)
        if name[0] == other[0] and (len(name) == 1 or len(other) == 1):
            return Compared("initial")
    if any(_resembles(name, other) or is_form(name, other) for name, other in pairs):
        return Compared("alike")
    return Compared("conflict" if len(names[0]) > 1 and len(registered[0]) > 1 else "initial conflict")


def compare_suffix(written: str, registered: str) -> SuffixLevel:
    """Compare generational suffixes, both in their one form."""
    if written == registered:
        return "same" if written else "none"
    return "conflict" if written and registered else "missing"


def compare_house(written: str, registered: str) -> HouseLevel:
    """Compare house numbers."""
    if not written or not registered:
        return "missing"
    if written == registered:
        return "same"
    distance = OSA.distance(written, registered, score_cutoff=2)
    if distance == 1:
        return "near"
    return "far" if distance == 2 and max(len(written), len(registered)) > 3 else "other"  # noqa: PLR2004 - two of three digits say nothing


def compare_street(written: Words, registered: str, known: frozenset[str]) -> Compared[StreetLevel]:
    """Compare names of streets. `known` are those of the written ones that are streets of this county."""
    if not written or not registered:
        return _MISSING
    if registered in written:
        return Compared("same", registered)
    words = [] if registered.isdigit() else [name for name in written if not name.isdigit()]
    if alike := next((name for name in words if _resembles(name, registered)), ""):
        return Compared("near" if alike in known else "typo", registered)
    if any(_contains(name, registered) or (not known and _misspelt(name, registered)) for name in written):
        return Compared("typo", registered)
    numbers = [name for name in written if any(map(str.isdigit, name))] if registered.isdigit() else []
    if any(OSA.distance(name, registered) == 1 for name in numbers):  # 71 and 17, 115 and 15
        return Compared("near") if known else Compared("typo", registered)
    return Compared("garbled") if not known and any(_garbled(name, registered) for name in written) else _OTHER


def _misspelt(written: str, registered: str) -> bool:
    """Whether a name that is no street of the county may be this one: two letters in three are right."""
    slips = max(len(written), len(registered)) // 3
    return slips > 1 and registered.isalpha() and OSA.distance(written, registered, score_cutoff=slips) <= slips


def _contains(written: str, registered: str) -> bool:
    """Whether a long enough name of a street stands whole within what is written, or the other way round."""
    shorter, longer = sorted((written, registered), key=len)
    return len(shorter) > 5 and shorter.isalpha() and (longer.startswith(shorter) or longer.endswith(shorter))  # noqa: PLR2004 - MAIN is in many


def compare_way(written: tuple[str, str], registered: tuple[str, str]) -> WayLevel:
    """Compare street type and direction, both in their one form; what is left out on either side does not differ."""
    if written == registered:
        return "same"
    (kind, direction), (registered_kind, registered_direction) = written, registered
    other_type = kind and registered_kind and kind != registered_kind
    other_direction = direction and registered_direction and direction != registered_direction
    if other_type and other_direction:
        return "other"
    return "other type" if other_type else "other direction" if other_direction else "same"


# Signs of a unit that hand and machine exchange: 2O1 is 201, apartment S may be 5.
_UNIT_SHAPES: Final = str.maketrans("OQDILZSBG", "000112586", " -#")


def compare_unit(written: str, registered: str) -> UnitLevel:
    """Compare units, both in their one form."""
    if written == registered:
        return "same" if written else "none"
    if not written or not registered:
        return "missing"
    one, other = written.translate(_UNIT_SHAPES).lstrip("0"), registered.translate(_UNIT_SHAPES).lstrip("0")
    if one == other:
        return "same"
    return "near" if min(len(one), len(other)) > 1 and OSA.distance(one, other, score_cutoff=1) == 1 else "other"


def compare_zip(written: str, registered: str) -> ZipLevel:
    """Compare zips of five digits."""
    if not written or not registered:
        return "missing"
    if written == registered:
        return "same"
    return "near" if OSA.distance(written, registered, score_cutoff=1) == 1 else "other"
