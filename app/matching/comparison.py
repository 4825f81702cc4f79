"""How what is written on a line agrees with a registration: the comparison level of each field.

A level's value is its name in models and in evidence, which are stored: it never changes. `words` explain it to a
reader. What resembles the roll's word is a typo, or near where it is itself a known word of the county.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, Literal, NamedTuple, Self, TypeVar

from rapidfuzz.distance import OSA

from app.matching.names import sound, word_list
from app.matching.nicknames import is_form, name_forms, short_form

Field = Literal["surname", "given", "middle", "suffix", "house", "street", "way", "unit", "zip"]
"""The compared fields; `way` is the street's type and direction together."""
NAME_FIELDS: Final[tuple[Field, ...]] = ("surname", "given", "middle", "suffix")
ADDRESS_FIELDS: Final[tuple[Field, ...]] = ("house", "street", "way", "unit", "zip")

Words = tuple[str, ...]
"""The words of a name, or the parts of a surname, in their order."""

_NEITHER: Final = "nothing on either side"


class Level(StrEnum):
    """A comparison level of any field."""

    words: str

    def __new__(cls, value: str, words: str) -> Self:
        """Keep the words beside the value."""
        level = str.__new__(cls, value)
        level._value_ = value
        level.words = words
        return level


class Surname(Level):
    """How a surname agrees; the registered one may have two parts."""

    EXACT = "exact", "the same"
    PART = "part", "one part of a double surname"
    LONGER = "longer", "the surname, and another one beside it"
    TYPO = "typo", "a slip of the pen: what is written is no known name"
    PART_TYPO = "part typo", "one part of a double surname, with a slip"
    NEAR = "near", "resembles, but is itself a known name"
    HALF = "half", "one letter of two"
    INITIAL = "initial", "an initial that fits"
    GARBLED = "garbled", "no known name, badly readable"
    UNREADABLE = "unreadable", "no known name, and unlike"
    OTHER = "other", "another one"
    MISSING = "missing", _NEITHER


class Given(Level):
    """How a first name agrees."""

    EXACT = "exact", "the same"
    NICKNAME = "nickname", "a short or other form of the name"
    INITIAL = "initial", "an initial that fits"
    MIDDLE = "middle", "the middle name, used as the first"
    SECOND = "second", "the second of the names written"
    TYPO = "typo", "a slip of the pen: what is written is no known name"
    NEAR = "near", "resembles, but is itself a known name"
    GARBLED = "garbled", "no known name, badly readable"
    UNREADABLE = "unreadable", "no known name, and unlike"
    MIDDLE_INITIAL = "middle initial", "fits the middle initial"
    MIDDLE_ALIKE = "middle alike", "resembles the middle name"
    SAME_INITIAL = "other, same initial", "another name with the same initial"
    OTHER_INITIAL = "other initial", "an initial that does not fit"
    OTHER = "other", "another one"
    OTHER_NO_MIDDLE = "other, no middle", "another name; the roll has no middle name"
    MISSING = "missing", _NEITHER


class Middle(Level):
    """How middle names agree; they are compared only where the first names agree."""

    SAME = "same", "the same"
    ALIKE = "alike", "resembles"
    INITIAL = "initial", "an initial that fits"
    ADDED = "added", "not in the roll"
    CONFLICT = "conflict", "another one"
    INITIAL_CONFLICT = "initial conflict", "an initial that does not fit"
    MISSING = "missing", _NEITHER
    NOT_COMPARED = "none", _NEITHER


class Suffix(Level):
    """How generational suffixes agree."""

    SAME = "same", "the same"
    NONE = "none", _NEITHER
    MISSING = "missing", _NEITHER
    CONFLICT = "conflict", "another one"


class House(Level):
    """How house numbers agree."""

    SAME = "same", "the same"
    NEAR = "near", "one digit off"
    FAR = "far", "two digits off"
    OTHER = "other", "another one"
    MISSING = "missing", _NEITHER


class Street(Level):
    """How names of streets agree."""

    SAME = "same", "the same"
    TYPO = "typo", "a slip of the pen: what is written is no known street"
    NEAR = "near", "resembles, but is another street of the county"
    GARBLED = "garbled", "no known name, badly readable"
    OTHER = "other", "another one"
    MISSING = "missing", _NEITHER


class Way(Level):
    """How street type and direction agree; what is left out on either side does not differ."""

    SAME = "same", "nothing that differs"
    OTHER_TYPE = "other type", "another type of street"
    OTHER_DIRECTION = "other direction", "another direction"
    OTHER = "other", "another type and direction"


class Unit(Level):
    """How units agree."""

    SAME = "same", "the same"
    NONE = "none", _NEITHER
    NEAR = "near", "one sign off"
    OTHER = "other", "another one"
    MISSING = "missing", _NEITHER


class Zip(Level):
    """How zip codes of five digits agree."""

    SAME = "same", "the same"
    NEAR = "near", "one digit off"
    OTHER = "other", "another one"
    MISSING = "missing", _NEITHER


LEVELS: Final[Mapping[str, type[Level]]] = MappingProxyType(
    {
        "surname": Surname, "given": Given, "middle": Middle, "suffix": Suffix, "house": House, "street": Street,
        "way": Way, "unit": Unit, "zip": Zip,
    }
)  # fmt: skip


REST_IN_WORDS: Final = "how rare this address is, and this way of writing"
"""The part of a weight that belongs to no single field."""


def level_in_words(field: str, level: str, written: str, roll: str) -> str:
    """Explain how a field agrees. A level of stored evidence that is not known here is shown as it is.

    Args:
        field: one of the compared fields.
        level: its level.
        written: its value on the line, '' if none.
        roll: its value in the roll, '' if none.
    """
    if level == "missing":
        return "not written" if roll else "not in the roll" if written else _NEITHER
    return next((known.words for known in LEVELS.get(field, ()) if known == level), level)


# The name is the registered one, in another form or with a slip of the pen; or it may be the registered one.
_CERTAIN_SURNAME: Final = frozenset({Surname.EXACT, Surname.TYPO, Surname.PART, Surname.LONGER})
_PLAUSIBLE_SURNAME: Final = _CERTAIN_SURNAME | {
    Surname.PART_TYPO, Surname.NEAR, Surname.INITIAL, Surname.MISSING, Surname.GARBLED, Surname.HALF,
}  # fmt: skip
CERTAIN_GIVEN: Final = frozenset({Given.EXACT, Given.NICKNAME, Given.TYPO, Given.MIDDLE, Given.SECOND})
_PLAUSIBLE_GIVEN: Final = CERTAIN_GIVEN | {
    Given.INITIAL, Given.NEAR, Given.MISSING, Given.MIDDLE_INITIAL, Given.MIDDLE_ALIKE, Given.GARBLED,
}  # fmt: skip
AGREEING_GIVEN: Final = frozenset({Given.EXACT, Given.NICKNAME, Given.TYPO, Given.NEAR, Given.INITIAL})
"""The levels at which the first names agree, so that the middle names are compared."""
RESEMBLING_HOUSE: Final = frozenset({House.SAME, House.NEAR, House.FAR, House.MISSING})
_PLAUSIBLE_HOUSE: Final = RESEMBLING_HOUSE - {House.FAR}
_AGREEING_STREET: Final = frozenset({Street.SAME, Street.TYPO})
_PLAUSIBLE_STREET: Final = _AGREEING_STREET | {Street.NEAR, Street.GARBLED, Street.MISSING}

# In Python 3.11 reading a member through its class takes longer than to compare two words: here each has a name.
_HOUSE_SAME, _HOUSE_NEAR, _HOUSE_FAR, _HOUSE_OTHER, _HOUSE_MISSING = House
_UNIT_SAME, _UNIT_NONE, _UNIT_NEAR, _UNIT_OTHER, _UNIT_MISSING = Unit
_ZIP_SAME, _ZIP_NEAR, _ZIP_OTHER, _ZIP_MISSING = Zip
_STREET_SAME, _STREET_TYPO, _STREET_NEAR, _STREET_GARBLED, _STREET_OTHER, _STREET_MISSING = Street
_WAY_SAME, _WAY_OTHER_TYPE, _WAY_OTHER_DIRECTION, _WAY_OTHER = Way
_SUFFIX_SAME, _SUFFIX_NONE, _SUFFIX_MISSING, _SUFFIX_CONFLICT = Suffix

_Level_co = TypeVar("_Level_co", bound=Level, covariant=True)


class Compared(NamedTuple, Generic[_Level_co]):
    """The level of one field, and the word of the roll whose frequency counts ('' where none does)."""

    level: _Level_co
    word: str = ""


class NameComparison(NamedTuple):
    """One order of the words of the written name against a registered name."""

    surname: Compared[Surname]
    given: Compared[Given]
    middle: Compared[Middle]
    suffix: Suffix

    @property
    def has_surname(self) -> bool:
        """Whether the surname is the registered one, in another form or with a slip of the pen."""
        return self.surname.level in _CERTAIN_SURNAME

    @property
    def is_certain(self) -> bool:
        """Whether given name and surname are the registered ones, in other forms or with slips of the pen."""
        return self.given.level in CERTAIN_GIVEN and self.surname.level in _CERTAIN_SURNAME

    @property
    def is_plausible(self) -> bool:
        """Whether given name and surname may be the registered ones."""
        return self.given.level in _PLAUSIBLE_GIVEN and self.surname.level in _PLAUSIBLE_SURNAME


class AddressComparison(NamedTuple):
    """A written address against a registered one."""

    house: House
    street: Compared[Street]
    way: Way
    unit: Unit
    zip: Zip

    @property
    def is_same(self) -> bool:
        """Whether house number and street are the registered ones (EC 105(a)(1))."""
        return self.house is _HOUSE_SAME and self.street.level in _AGREEING_STREET

    @property
    def is_plausible(self) -> bool:
        """Whether house number and street may be the registered ones, of which a digit may be another."""
        return self.house in _PLAUSIBLE_HOUSE and self.street.level in _PLAUSIBLE_STREET

    @property
    def is_near(self) -> bool:
        """Whether they may be the registered ones, of which two digits may be others."""
        return self.house in RESEMBLING_HOUSE and self.street.level in _PLAUSIBLE_STREET

    @property
    def is_missing(self) -> bool:
        """Whether house number or street is not written, or not in the roll."""
        return self.house is _HOUSE_MISSING or self.street.level is _STREET_MISSING


# The most frequent results.
_OTHER_SURNAME: Final = Compared(Surname.OTHER)
_OTHER_STREET: Final = Compared(_STREET_OTHER)
_SAME_INITIAL: Final = Compared(Given.SAME_INITIAL)
_OTHER_GIVEN: Final = Compared(Given.OTHER)
_OTHER_NO_MIDDLE: Final = Compared(Given.OTHER_NO_MIDDLE)

# The number of slips that still leave a word recognizable, by its length.
_SLIPS: Final = (0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3)
_LONGEST: Final = len(_SLIPS) - 1


def similar(one: str, other: str) -> bool:
    """Whether two words differ by slips only: one in a short word, two from seven letters, three from ten."""
    length, others = len(one), len(other)
    most = _SLIPS[min(max(length, others), _LONGEST)]
    return -most <= length - others <= most and most > 0 and OSA.distance(one, other, score_cutoff=most) <= most


def _resembles(written: str, registered: str) -> bool:
    if similar(written, registered):
        return True
    return len(written) > 2 and len(registered) > 2 and sound(written) == sound(registered)  # noqa: PLR2004 - LI and LEE are two names


def garbled(written: str, registered: str) -> bool:
    """Whether what is written may be the other word, badly read: half of the letters are right."""
    longest = max(len(written), len(registered))
    return longest > len("LI") and OSA.distance(written, registered, score_cutoff=longest // 2) <= longest // 2


_SHORT: Final = 2  # letters of a surname, of which one may be a slip
# What is left out of a surname and put before it again: LEON of DE LEON.
_PARTICLES: Final = frozenset(word_list("optional_particles"))


def compare_surname(written: Words, registered: Words, *, known: bool) -> Compared[Surname]:
    """Compare surnames part by part.

    `known`: what is written is itself a surname of this county, so a resemblance is no typo.
    """
    if not written or not registered:
        return Compared(Surname.MISSING)
    joined, registered_joined = "".join(written), "".join(registered)
    if joined == registered_joined:
        return Compared(Surname.EXACT, " ".join(registered))
    shared = [part for part in written if part in registered]
    if shared:
        if len(written) == len(registered) > 1 and not known and _resembles(joined, registered_joined):
            return Compared(Surname.TYPO, " ".join(registered))
        return Compared(Surname.PART if len(registered) > 1 else Surname.LONGER, shared[-1])
    return _compare_other_surname(written, registered, known=known)


def _compare_other_surname(written: Words, registered: Words, *, known: bool) -> Compared[Surname]:
    """A surname of other letters: a typo where what is written is no name of this county, else near or other."""
    joined = "".join(written)
    if joined == registered[0][0]:
        return Compared(Surname.INITIAL)
    for part in registered:
        if _differ_by_particles(joined, part):
            return Compared(Surname.PART, joined)
    if _resembles(joined, "".join(registered)):
        return Compared(Surname.NEAR, written[-1]) if known else Compared(Surname.TYPO, registered[-1])
    of_part = _compare_surname_part(written, registered, known=known)
    if of_part or (known and len(joined) > 1):
        return of_part or _OTHER_SURNAME
    badly_read = any(garbled(part, other) for part in written for other in registered)
    return Compared(Surname.GARBLED if badly_read else Surname.UNREADABLE)


def _differ_by_particles(one: str, other: str) -> bool:
    """Whether two parts of surnames are the same but for particles before one of them."""
    if one.endswith(other):
        return one[: -len(other)] in _PARTICLES
    return other.endswith(one) and other[: -len(one)] in _PARTICLES


def _compare_surname_part(written: Words, registered: Words, *, known: bool) -> Compared[Surname] | None:
    """One part of a double surname of other letters, or half of a surname of two letters; None where none resembles."""
    if len(written) > 1 or len(registered) > 1:
        for part in written:
            for other in registered:
                if _resembles(part, other):
                    return Compared(Surname.NEAR, part) if known else Compared(Surname.PART_TYPO, other)
        held = [part for part in registered if len(part) > 3 and part in written[0]]  # noqa: PLR2004 - LEE is in many
        if len(written) == 1 and held:
            return Compared(Surname.PART, max(held, key=len))
    joined = "".join(written)
    if max(len(joined), len(registered[0])) != _SHORT or OSA.distance(joined, registered[0]) > 1:
        return None
    surname = known and len(joined) == _SHORT  # SO and SA are two surnames
    return Compared(Surname.NEAR, joined) if surname else Compared(Surname.HALF)


def compare_given(written: Words, first: Words, middle: Words, *, known: bool) -> Compared[Given]:
    """Compare the written given names with a registered first name.

    Args:
        written: the first name and the middle names, word by word.
        first: the words of the registered first name.
        middle: the words of the registered middle name.
        known: the written first name is itself a given name of this county, so a resemblance is no typo.
    """
    if not written or not first:
        return Compared(Given.MISSING)
    name, registered = written[0], first[0]
    if name == registered:
        return Compared(Given.EXACT, name)
    if len(name) == 1 or len(registered) == 1:
        return _compare_initial(written, registered, middle)
    if (len(first) > 1 and name == "".join(first)) or (len(written) > 1 and name + written[1] == registered):
        return Compared(Given.EXACT, registered)
    if is_form(name, registered):
        return Compared(Given.NICKNAME, name)
    return _compare_other_given(written, first, middle, known=known)


def _compare_other_given(written: Words, first: Words, middle: Words, *, known: bool) -> Compared[Given]:
    name, registered = written[0], first[0]
    if name in middle or name in first:
        return Compared(Given.MIDDLE, name)
    if registered in written[1:]:
        return Compared(Given.SECOND, registered)
    return _compare_known_given(name, registered, middle) if known else _compare_unknown_given(written, registered)


def _compare_initial(written: Words, registered: str, middle: Words) -> Compared[Given]:
    if written[0][0] == registered[0]:
        return Compared(Given.INITIAL)
    if len(written) > 1 and written[1] == registered:
        return Compared(Given.SECOND, registered)
    fits_middle = middle and middle[0][0] == written[0]
    return Compared(Given.MIDDLE_INITIAL if fits_middle else Given.OTHER_INITIAL)


def _compare_unknown_given(written: Words, registered: str) -> Compared[Given]:
    """What is no given name of the county may be a slip of one."""
    name = written[0]
    if (
        _resembles(name, registered)
        or short_form(name, registered)
        or (len(written) > 1 and _resembles(name + written[1], registered))  # JAC OB
        or any(similar(name, form) for form in name_forms(registered))
    ):
        return Compared(Given.TYPO, registered)
    return Compared(Given.GARBLED if garbled(name, registered) else Given.UNREADABLE)


def _compare_known_given(name: str, registered: str, middle: Words) -> Compared[Given]:
    """Another given name: what the roll knows of the middle name says whether it may be that."""
    if _resembles(name, registered) or short_form(name, registered):
        return Compared(Given.NEAR, name)
    if middle and len(middle[0]) == 1 and middle[0] == name[0]:
        return Compared(Given.MIDDLE_INITIAL)
    if any(is_form(name, word) or similar(name, word) for word in middle if len(word) > 1):
        return Compared(Given.MIDDLE_ALIKE, middle[0])
    if name[0] == registered[0]:
        return _SAME_INITIAL
    return _OTHER_GIVEN if middle else _OTHER_NO_MIDDLE


def compare_middle(written: Words, registered: Words, given: Given, surname: Words) -> Compared[Middle]:
    """Compare middle names where the first names agree.

    Args:
        written: the first name and the middle names, word by word.
        registered: the words of the registered middle name.
        given: the level of the first names.
        surname: the parts of the registered surname. A written name that is one of them is no middle name: GEORGETTE
            WEBB GILLESPIE of WEBB-GILLESPIE.
    """
    if given not in AGREEING_GIVEN:
        return Compared(Middle.NOT_COMPARED)
    names = [name for name in written[1:] if name not in surname]
    if not names:
        return Compared(Middle.MISSING)
    return _compare_middles(names, registered) if registered else Compared(Middle.ADDED)


def _compare_middles(names: list[str], registered: Words) -> Compared[Middle]:
    pairs = [(name, other) for name in names for other in registered]
    for name, other in pairs:
        if name == other and len(name) > 1:
            return Compared(Middle.SAME, name)
        if name[0] == other[0] and (len(name) == 1 or len(other) == 1):
            return Compared(Middle.INITIAL)
    if any(_resembles(name, other) or is_form(name, other) for name, other in pairs):
        return Compared(Middle.ALIKE)
    whole = len(names[0]) > 1 and len(registered[0]) > 1
    return Compared(Middle.CONFLICT if whole else Middle.INITIAL_CONFLICT)


def compare_suffix(written: str, registered: str) -> Suffix:
    """Compare generational suffixes, both in their one form."""
    if written == registered:
        return _SUFFIX_SAME if written else _SUFFIX_NONE
    return _SUFFIX_CONFLICT if written and registered else _SUFFIX_MISSING


def compare_house(written: str, registered: str) -> House:
    """Compare house numbers."""
    if not written or not registered:
        return _HOUSE_MISSING
    if written == registered:
        return _HOUSE_SAME
    distance = OSA.distance(written, registered, score_cutoff=2)
    if distance == 1:
        return _HOUSE_NEAR
    far = distance == 2 and max(len(written), len(registered)) > 3  # noqa: PLR2004 - two of three digits say nothing
    return _HOUSE_FAR if far else _HOUSE_OTHER


def compare_street(written: Words, registered: str, known: frozenset[str]) -> Compared[Street]:
    """Compare names of streets. `known` are those of the written ones that are streets of this county."""
    if not written or not registered:
        return Compared(Street.MISSING)
    if registered in written:
        return Compared(_STREET_SAME, registered)
    words = [] if registered.isdigit() else [name for name in written if not name.isdigit()]
    alike = next((name for name in words if _resembles(name, registered)), "")
    if alike:
        return Compared(_STREET_NEAR if alike in known else _STREET_TYPO, registered)
    if any(_contains(name, registered) or (not known and _misspelt(name, registered)) for name in written):
        return Compared(Street.TYPO, registered)
    if any(_similar_number(name, registered) for name in written):
        return Compared(Street.NEAR) if known else Compared(Street.TYPO, registered)
    badly_read = not known and any(garbled(name, registered) for name in written)
    return Compared(_STREET_GARBLED) if badly_read else _OTHER_STREET


def _misspelt(written: str, registered: str) -> bool:
    """Whether a name that is no street of the county may be this one: two letters in three are right."""
    slips = max(len(written), len(registered)) // 3
    return slips > 1 and registered.isalpha() and OSA.distance(written, registered, score_cutoff=slips) <= slips


def _similar_number(written: str, registered: str) -> bool:
    """Whether one of two numbered streets may be a slip of the other (71 and 17, 115 and 15)."""
    return registered.isdigit() and any(c.isdigit() for c in written) and OSA.distance(written, registered) == 1


def _contains(written: str, registered: str) -> bool:
    """Whether a long enough name of a street stands whole within what is written, or the other way round."""
    shorter, longer = sorted((written, registered), key=len)
    return len(shorter) > 5 and shorter.isalpha() and (longer.startswith(shorter) or longer.endswith(shorter))  # noqa: PLR2004 - MAIN is in many


def compare_way(written: tuple[str, str], registered: tuple[str, str]) -> Way:
    """Compare street type and direction, both in their one form."""
    other_type, other_direction = _differs(written[0], registered[0]), _differs(written[1], registered[1])
    if other_type and other_direction:
        return _WAY_OTHER
    return _WAY_OTHER_TYPE if other_type else _WAY_OTHER_DIRECTION if other_direction else _WAY_SAME


def _differs(written: str, registered: str) -> bool:
    return bool(written) and bool(registered) and written != registered


# Signs of a unit that hand and machine exchange: 2O1 is 201, apartment S may be 5.
_UNIT_SHAPES: Final = str.maketrans("OQDILZSBG", "000112586", " -#")


def compare_unit(written: str, registered: str) -> Unit:
    """Compare units, both in their one form."""
    if written == registered:
        return _UNIT_SAME if written else _UNIT_NONE
    if not written or not registered:
        return _UNIT_MISSING
    one, other = written.translate(_UNIT_SHAPES).lstrip("0"), registered.translate(_UNIT_SHAPES).lstrip("0")
    if one == other:
        return _UNIT_SAME
    near = min(len(one), len(other)) > 1 and OSA.distance(one, other, score_cutoff=1) == 1
    return _UNIT_NEAR if near else _UNIT_OTHER


def compare_zip(written: str, registered: str) -> Zip:
    """Compare zips of five digits."""
    if not written or not registered:
        return _ZIP_MISSING
    if written == registered:
        return _ZIP_SAME
    return _ZIP_NEAR if OSA.distance(written, registered, score_cutoff=1) == 1 else _ZIP_OTHER
