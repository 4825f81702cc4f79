"""A line compared with each candidate: comparison levels and match weights."""

from collections import Counter
from collections.abc import Mapping
from math import log
from typing import Final, NamedTuple

from rapidfuzz import fuzz

from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration, eligibility
from app.matching.addresses import Address, street_token, way
from app.matching.blocking import house_token
from app.matching.comparison import (
    AGREEING_GIVEN,
    RESEMBLING_HOUSE,
    AddressComparison,
    Compared,
    Field,
    Given,
    House,
    Level,
    Middle,
    NameComparison,
    Street,
    Suffix,
    Surname,
    Unit,
    Way,
    Zip,
    compare_given,
    compare_house,
    compare_middle,
    compare_street,
    compare_suffix,
    compare_surname,
    compare_unit,
    compare_way,
    compare_zip,
)
from app.matching.frequencies import TermFrequencies
from app.matching.model import Model
from app.matching.names import NameOrder, given_words, suffix_of, surname_parts
from app.matching.parsing import ParsedLine

_UNCOUNTED: Final = 20  # registrations at one address, where they were not counted


class Household(NamedTuple):
    """The residents of a line's house number and street: how many, and how many in each unit.

    `zips` and `ways` (street type and direction) are those of the roll's addresses of this number and street; empty
    where they were not looked at.
    """

    size: int
    units: Mapping[str, int]
    zips: frozenset[str] = frozenset()
    ways: frozenset[tuple[str, str]] = frozenset()


def household_of(places: Mapping[str, int]) -> Household:
    """Return the household, given its residents by unit, zip, street type and direction, joined by tabs."""
    units, zips, ways = Counter[str](), set[str](), set[tuple[str, str]]()
    for place, residents in places.items():
        unit, zip_code, street_type, direction = place.split("\t")
        units[unit] += residents
        zips.update(filter(None, [zip_code]))
        ways.add(way(street_type, direction))
    return Household(units.total(), units, frozenset(zips), frozenset(ways))


class ComparedName(NamedTuple):
    """A registered name against the order of the written words that fits it best."""

    order: NameOrder
    levels: NameComparison
    weight: float
    family_weight: float  # of the surname in this order: what a relative shares


class ComparedAddress(NamedTuple):
    """A registered address against that of the line's addresses that fits it best."""

    written: int  # which of the line's addresses
    levels: AddressComparison
    weight: float
    here: bool  # house number and street are those of the line (EC 105(a)(1))


class ComparedRegistration(NamedTuple):
    """A registration compared with a line. Weights are natural logarithms of likelihood ratios."""

    registration: Registration
    eligibility: Eligibility
    name: ComparedName
    address: ComparedAddress

    @property
    def weight(self) -> float:
        """Name and address together."""
        return self.name.weight + self.address.weight

    def fields(self) -> dict[Field, Compared[Level]]:
        """Return the comparison of each field."""
        name, address = self.name.levels, self.address.levels
        return {
            "surname": name.surname, "given": name.given, "middle": name.middle, "suffix": Compared(name.suffix),
            "house": Compared(address.house), "street": address.street, "way": Compared(address.way),
            "unit": Compared(address.unit), "zip": Compared(address.zip),
        }  # fmt: skip


# In Python 3.11 reading a member through its class takes longer than to compare two words: here each has a name.
_SAME_SURNAME, _GARBLED_SURNAME, _SAME_GIVEN = Surname.EXACT, Surname.GARBLED, Given.EXACT
_OTHER_HOUSE, _SAME_UNIT, _SAME_WAY, _PLAIN = House.OTHER, Unit.SAME, Way.SAME, NameOrder.PLAIN
_UNLIKE: Final = frozenset({Surname.OTHER, Surname.UNREADABLE})
_DIFFERENT_ZIP: Final = frozenset({Zip.NEAR, Zip.OTHER})
_NOT_COMPARED: Final = Compared(Middle.NOT_COMPARED)
_NO_MIDDLE: Final = Compared(Middle.MISSING)
# The given name is compared with the first name alone, so that registrations of this first name share the result.
_BY_FIRST_NAME: Final = frozenset({Given.EXACT, Given.NICKNAME, Given.INITIAL, Given.MISSING})
# To write both surnames is the plain way for a voter who has two, and no bolder order than any other.
_OF_TWO: Final[Mapping[NameOrder, NameOrder]] = {
    NameOrder.DOUBLE: NameOrder.PLAIN,
    NameOrder.SWAPPED_DOUBLE: NameOrder.SWAPPED,
}
_NO_NAME: Final = ComparedName(
    NameOrder.PLAIN,
    NameComparison(Compared(Surname.MISSING), Compared(Given.MISSING), _NO_MIDDLE, Suffix.NONE),
    -6.0,
    0.0,
)
_MISSING_ADDRESS: Final = AddressComparison(House.MISSING, Compared(Street.MISSING), Way.SAME, Unit.NONE, Zip.MISSING)
_NO_ADDRESS: Final = ComparedAddress(0, _MISSING_ADDRESS, 0.0, here=False)
_OTHER_ADDRESS: Final = AddressComparison(House.OTHER, Compared(Street.OTHER), Way.SAME, Unit.MISSING, Zip.MISSING)


class Scorer:
    """Compares one line with registrations. Results are kept, since a household shares address and surname."""

    def __init__(self, line: ParsedLine, terms: TermFrequencies, model: Model) -> None:
        """Compare this line, by the roll's terms, which must be loaded, and a model."""
        self.line = line
        self.terms = terms
        self.model = model
        self.household: Household | None = None
        self.namesakes_cut = False  # more people in the county have this name than were looked at
        self.found_by_name: frozenset[int] = frozenset()  # registrations found by the name alone
        self._known_given = [bool(n.given) and terms.is_known("given", n.given[0]) for n in line.names]
        self._known_surname = [all(terms.is_known("surname", part) for part in n.surname) for n in line.names]
        self._known_streets = frozenset(s for a in line.addresses for s in a.streets if terms.is_known("street", s))
        self._names: dict[tuple[str, ...], ComparedName] = {}
        self._surnames: dict[tuple[int, str], tuple[Compared[Surname], float]] = {}
        self._given_names: dict[tuple[int, str], tuple[Compared[Given], float]] = {}
        self._streets: dict[tuple[int, str], Compared[Street]] = {}
        self._addresses: dict[tuple[str, ...], ComparedAddress] = {}
        self._household_weight = self._weight_among(_UNCOUNTED)
        self._other_address: ComparedAddress | None = None  # of all that were found by the name alone

    def set_household(self, household: Household) -> None:
        """Set the residents of the line's address: the more, the less the address identifies one of them."""
        self.household = household
        self._household_weight = self._weight_among(household.size)
        self._addresses.clear()

    def set_found_by_name(self, numbers: frozenset[int]) -> None:
        """Set the registrations found by the name alone: if the written address is clear, theirs is another."""
        self.found_by_name = numbers
        if all(
            a.house and a.house_certain and not self._known_streets.isdisjoint(a.streets) for a in self.line.addresses
        ):
            weight = self._address_weight(_OTHER_ADDRESS, None)
            self._other_address = ComparedAddress(0, _OTHER_ADDRESS, weight, here=False)

    def compare(self, registration: Registration, interval: SigningInterval) -> ComparedRegistration:
        """Return the registration compared with the line."""
        r = registration
        called = r.called
        name = self._names.get(called)
        if name is None:
            name = self._names[called] = self._compare_name(r)
        return ComparedRegistration(r, eligibility(r, interval), name, self.compare_address(r))

    def with_all_fields(self, compared: ComparedRegistration) -> ComparedRegistration:
        """Return a comparison with every field of the address, also where another address was not looked at closely."""
        if compared.address is not self._other_address:
            return compared
        return compared._replace(address=self._compare_address(compared.registration))

    def compare_address(self, r: Registration) -> ComparedAddress:
        """Return the registration's address compared with the line's."""
        if self._other_address and r.registration_no in self.found_by_name:
            house = house_token(r.house_number)
            if house and all(compare_house(a.house, house) is _OTHER_HOUSE for a in self.line.addresses):
                return self._other_address
        lives = r.lives
        address = self._addresses.get(lives)
        if address is None:
            address = self._addresses[lives] = self._compare_address(r)
        return address

    def field_weight(self, field: Field, compared: Compared[Level]) -> float:
        """Return the weight of one field: the level's, and the inverse frequency of the word that is agreed upon."""
        weight = self.model.weights[field][compared.level]
        cap = self.model.idf_caps[field].get(compared.level) if compared.word else None
        if cap is None:
            return weight
        kind = "given" if field == "middle" and self.terms.count("given", compared.word) else field
        if " " in compared.word:  # both parts of a double surname
            return weight + min(sum(self.terms.idf(kind, word) for word in compared.word.split()), cap)
        return weight + min(self.terms.idf(kind, compared.word), cap)

    def _compare_name(self, registration: Registration) -> ComparedName:
        suffix = compare_suffix(self.line.suffix, suffix_of(registration.suffix))
        suffix_weight = self.model.weights["suffix"][suffix]
        best: ComparedName | None = None
        for at, name in enumerate(self.line.names):
            if best and best.levels.surname.level is _SAME_SURNAME:
                registered = surname_parts(registration.last_name)
                if not any(part in registered for part in name.surname):
                    continue  # another order of the words must have a part of the surname to explain more
            surname, family_weight = self._compare_surname(at, registration.last_name)
            if best and name.order is not _PLAIN and _is_hopeless(surname, best):
                continue
            given, middle, given_weight = self._compare_given(at, registration)
            weight = family_weight + given_weight + suffix_weight
            if best is None or weight > best.weight:
                levels = NameComparison(surname, given, middle, suffix)
                best = ComparedName(name.order, levels, weight, family_weight)
            if surname.level is _SAME_SURNAME and given.level is _SAME_GIVEN:
                break  # no other order can do better
        return best or _NO_NAME

    def _compare_surname(self, at: int, last_name: str) -> tuple[Compared[Surname], float]:
        """The surname in one order of the words, and its weight with that of the order."""
        found = self._surnames.get((at, last_name))
        if found is None:
            name = self.line.names[at]
            parts = surname_parts(last_name)
            surname = compare_surname(name.surname, parts, known=self._known_surname[at])
            order = _OF_TWO.get(name.order, name.order) if len(parts) > 1 else name.order
            weight = self.field_weight("surname", surname) + self.model.weights["reading"][order]
            found = self._surnames[at, last_name] = (surname, weight)
        return found

    def _compare_given(self, at: int, r: Registration) -> tuple[Compared[Given], Compared[Middle], float]:
        """The given and middle names in one order of the words, and their weight."""
        written = self.line.names[at].given
        given, weight = self._given_names.get((at, r.first_name)) or self._compare_first_name(at, r)
        if given.level not in AGREEING_GIVEN:
            return given, _NOT_COMPARED, weight + self.model.weights["middle"][_NOT_COMPARED.level]
        if len(written) < 2:  # noqa: PLR2004 - no middle name is written
            return given, _NO_MIDDLE, weight + self.model.weights["middle"][_NO_MIDDLE.level]
        registered = (*given_words(r.first_name)[1:], *given_words(r.middle_name))
        middle = compare_middle(written, registered, given.level, surname_parts(r.last_name))
        return given, middle, weight + self.field_weight("middle", middle)

    def _compare_first_name(self, at: int, r: Registration) -> tuple[Compared[Given], float]:
        first, middle = given_words(r.first_name), given_words(r.middle_name)
        given = compare_given(self.line.names[at].given, first, middle, known=self._known_given[at])
        found = given, self.field_weight("given", given)
        if given.level in _BY_FIRST_NAME:
            self._given_names[at, r.first_name] = found
        return found

    def _compare_address(self, r: Registration) -> ComparedAddress:
        """The better of the line's addresses: a line may show two (2 CCR 20931)."""
        house, street = house_token(r.house_number), street_token(r.street_name)
        registered_way = way(r.street_type, r.pre_direction or r.post_direction)
        best: ComparedAddress | None = None
        for at, address in enumerate(self.line.addresses):
            written_way = _written_way(address, street)
            levels = AddressComparison(
                compare_house(address.house, house),
                self._compare_street(at, street),
                compare_way(written_way, registered_way),
                compare_unit(address.unit, r.unit_number),
                compare_zip(self.line.zip, r.zip[:5]),
            )
            here = levels.is_same
            weight = self._address_weight(levels, r.unit_number if here else None)
            weight += self._waived(levels, written_way) if here else 0.0
            if best is None or weight > best.weight:
                best = ComparedAddress(at, levels, weight, here)
        return best or _NO_ADDRESS

    def _compare_street(self, at: int, registered: str) -> Compared[Street]:
        found = self._streets.get((at, registered))
        if found is None:
            written = self.line.addresses[at].streets
            found = self._streets[at, registered] = compare_street(written, registered, self._known_streets)
        return found

    def _address_weight(self, levels: AddressComparison, unit: str | None) -> float:
        """The levels' weights, and how rare the address is: one over the share of the roll registered there.

        A house number and street shared by a hundred apartments says less than one of a single house; the unit, where
        it agrees, says the rest.
        """
        w = self.model.weights
        address_weight = self._household_weight
        if unit is not None and self.household and levels.unit is _SAME_UNIT:
            address_weight = self._weight_among(self.household.units.get(unit, 1))
        return (
            w["house"][levels.house]
            + w["street"][levels.street.level]
            + w["way"][levels.way]
            + w["unit"][levels.unit]
            + w["zip"][levels.zip]
            + address_weight
        )

    def _waived(self, levels: AddressComparison, written_way: tuple[str, str]) -> float:
        """What another zip, type or direction would weigh, where the roll has no address that it could point to.

        Number and street identify the address then, and the rest is a slip of a resident (2 CCR 20931).
        """
        w, household, waived = self.model.weights, self.household, 0.0
        if household and household.zips and levels.zip in _DIFFERENT_ZIP and self.line.zip not in household.zips:
            waived -= w["zip"][levels.zip]
        if household and household.ways and levels.way is not _SAME_WAY:
            differ = all(compare_way(written_way, registered) is not _SAME_WAY for registered in household.ways)
            waived -= w["way"][levels.way] * differ
        return waived

    def _weight_among(self, registrations: int) -> float:
        """The weight of an address that so many registrations of the roll share."""
        return log(self.terms.registrations / max(registrations, 1))


def _written_way(address: Address, street: str) -> tuple[str, str]:
    """The written type and direction where the street is read as this one: LANE is none of RANCH LANE."""
    if not address.ways:
        return "", ""
    return address.ways[address.streets.index(street) if street in address.streets else 0]


def _is_hopeless(surname: Compared[Surname], best: ComparedName) -> bool:
    """Whether another order of the words explains nothing: the surname fits as little as the best one so far."""
    if surname.level in _UNLIKE:
        return True
    return surname.level is _GARBLED_SURNAME and best.levels.surname.level not in _UNLIKE


# How similar two names are, of 100: 999 of 1,000 signers reach the first, and one of twenty other people; nearly all
# signers reach the second, nicknames and damage included, and one of two hundred others.
ALIKE = 45
ALIKE_AWAY = 60


def written_name(line: ParsedLine) -> str:
    """Return the words of the name in their likeliest order, for a quick comparison of whole names."""
    if not line.names:
        return ""
    name = line.names[0]
    return " ".join((*name.surname, *name.given))


class Prefilter:
    """Keeps the candidates of a similar name or the same address, and drops those that a search found by chance."""

    def __init__(self, scorer: Scorer) -> None:
        """Prepare the line of this scorer."""
        line = scorer.line
        self._scorer = scorer
        self._written = written_name(line)
        self._surnames = frozenset(part for r in line.names for part in r.surname if len(part) > 1)
        self._givens = frozenset(word for r in line.names for word in r.given if len(word) > 1)

    def keeps(self, r: Registration) -> bool:
        """Whether the registration is worth comparing."""
        if r.registration_no in self._scorer.found_by_name:
            return True
        surname, given = surname_parts(r.last_name), given_words(r.first_name)
        if not self._surnames.isdisjoint(surname) and not self._givens.isdisjoint(given):
            return True
        registered = " ".join((*surname, *given, *given_words(r.middle_name)))
        ratio = fuzz.token_set_ratio(self._written, registered, score_cutoff=ALIKE)
        if ratio >= ALIKE_AWAY:
            return True
        house = house_token(r.house_number)
        if all(compare_house(a.house, house) not in RESEMBLING_HOUSE for a in self._scorer.line.addresses):
            return False
        address = self._scorer.compare_address(r)
        return address.here or (ratio > 0 and address.levels.is_near)
