"""A line compared with each candidate: comparison levels and match weights."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import log
from typing import Any, Final, NamedTuple

from rapidfuzz import fuzz

from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration, eligibility
from app.matching.addresses import Address
from app.matching.blocking import house_token
from app.matching.comparison import (
    AGREEING_GIVEN,
    NOT_COMPARED,
    AddressComparison,
    FieldLevel,
    NameComparison,
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
from app.matching.names import given_words, suffix_of, surname_parts
from app.matching.parsing import ParsedLine
from app.matching.streets import street_token, way

DEFAULT_MODEL: Final = "model-2"
_COARSE: Final = 0.1  # from here on two decimals are enough: what evidence shows is what was added


@dataclass(frozen=True, slots=True)
class Model:
    """A Fellegi-Sunter model over whole voters.

    `weights[field][level]` is the natural logarithm of how much likelier the level is for the signer's own
    registration than for another one; levels that agree on a word add the word's rarity in the roll, up to
    `rarity_cap[field][level]`. `priors` are the shares of the five stories among lines.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    rarity_cap: Mapping[str, Mapping[str, float]]
    priors: Mapping[str, float]
    thresholds: Mapping[str, float]
    learnt_from: Mapping[str, Any]


def model_from_json(text: str) -> Model:
    """Return the model in a file's text; ValueError or KeyError where it is none."""
    content = json.loads(text)
    fields = ("version", "weights", "rarity_cap", "priors", "thresholds", "learnt_from")
    return Model(**{field: content[field] for field in fields})


def model_to_json(model: Model) -> str:
    """Return the model as the text of its file, keys sorted, weights to three decimals."""

    def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            return {key: rounded(value[key]) for key in sorted(value)}
        return round(value, 2 if abs(value) >= _COARSE else 5) if isinstance(value, float) else value

    fields = ("version", "weights", "rarity_cap", "priors", "thresholds", "learnt_from")
    return json.dumps({field: rounded(getattr(model, field)) for field in fields}, indent=1) + "\n"


@cache
def default_model() -> Model:
    """Return the model that ships with the service."""
    return model_from_json((files("app.matching") / "data" / f"{DEFAULT_MODEL}.json").read_text(encoding="utf-8"))


AGREEING_STREET: Final = frozenset({"same", "typo"})
_UNCOUNTED: Final = 20  # registrations at one address, where they were not counted


class Household(NamedTuple):
    """Everybody registered at a line's house number and street: how many, and how many in each unit.

    `zips` and `ways` (street type and direction) are those of the roll's addresses of this number and street; empty
    where they were not looked at.
    """

    size: int
    units: Mapping[str, int]
    zips: frozenset[str] = frozenset()
    ways: frozenset[tuple[str, str]] = frozenset()


def household_of(places: Mapping[str, int]) -> Household:
    """Return the household of so many residents of each unit, zip, street type and direction, with tabs between."""
    units, zips, ways = Counter[str](), set[str](), set[tuple[str, str]]()
    for place, residents in places.items():
        unit, zip_code, kind, direction = place.split("\t")
        units[unit] += residents
        zips.update(filter(None, [zip_code]))
        ways.add(way(kind, direction))
    return Household(units.total(), units, frozenset(zips), frozenset(ways))


class NameScore(NamedTuple):
    """The best reading of the written name against one registered name; weights are natural logarithms."""

    reading: str  # the kind
    levels: NameComparison
    weight: float
    family_weight: float  # of the surname in this reading: what a relative shares


class AddressScore(NamedTuple):
    """The better of the line's addresses against one registered address."""

    at: int  # which of the line's addresses
    levels: AddressComparison
    weight: float
    here: bool  # house number and street are those of the line (EC 105(a)(1))
    near: bool  # they are, or one of them is but for a slip


@dataclass(slots=True)
class Scored:
    """A registration compared with a line."""

    registration: Registration
    eligibility: Eligibility
    name: NameScore
    address: AddressScore

    @property
    def weight(self) -> float:
        """Name and address together."""
        return self.name.weight + self.address.weight


class Scorer:
    """Scores the candidates of one line, and remembers what they share: a household shares address and surname."""

    def __init__(self, line: ParsedLine, words: TermFrequencies, model: Model) -> None:
        """Take the line, and what is known of the county's words."""
        self.line = line
        self.words = words
        self.model = model
        self.household: Household | None = None
        self.namesakes_cut = False  # there are more people of this name in the county than were looked at
        self.elsewhere: frozenset[int] = frozenset()  # who was found by the name alone, in no such street
        readings = line.names
        self._known_given = [bool(r.given) and words.is_known("given", r.given[0]) for r in readings]
        self._known_surname = [all(words.is_known("surname", part) for part in r.surname) for r in readings]
        self._known_streets = frozenset(s for a in line.addresses for s in a.streets if words.is_known("street", s))
        self._names: dict[tuple[str, ...], NameScore] = {}
        self._surnames: dict[tuple[int, str], tuple[FieldLevel, float]] = {}
        self._firsts: dict[tuple[int, str], tuple[FieldLevel, float]] = {}
        self._streets: dict[tuple[int, str], FieldLevel] = {}
        self._addresses: dict[tuple[str, ...], AddressScore] = {}
        self._rarity_of_address = self._rarity_among(_UNCOUNTED)
        self._other: AddressScore | None = None  # of those who are elsewhere

    def count_household(self, household: Household) -> None:
        """Take how many are registered at the line's address: the more, the less the address says."""
        self.household = household
        self._rarity_of_address = self._rarity_among(household.size)
        self._addresses.clear()

    def found_elsewhere(self, numbers: frozenset[int]) -> None:
        """Take the registrations found by the name alone: where the written address is clear, theirs is another."""
        self.elsewhere = numbers
        if all(
            a.house and a.house_certain and not self._known_streets.isdisjoint(a.streets) for a in self.line.addresses
        ):
            weight = self._address_weight(_OTHER_ADDRESS, None)
            self._other = AddressScore(0, _OTHER_ADDRESS, weight, here=False, near=False)

    def score(self, registration: Registration, interval: SigningInterval) -> Scored:
        """Return the registration compared with the line."""
        r = registration
        called = r.called
        name = self._names.get(called)
        if name is None:
            name = self._names[called] = self._score_name(r)
        return Scored(r, eligibility(r, interval), name, self.address_of(r))

    def whole(self, one: Scored) -> Scored:
        """Return a comparison as it is shown: of an address that is another one, too, with all its fields."""
        return replace(one, address=self._score_address(one.registration)) if one.address is self._other else one

    def address_of(self, r: Registration) -> AddressScore:
        """Return the registration's address compared with the line's."""
        if self._other and r.registration_no in self.elsewhere:
            house = house_token(r.house_number)
            if house and all(compare_house(a.house, house) == "other" for a in self.line.addresses):
                return self._other
        lives = r.lives
        address = self._addresses.get(lives)
        if address is None:
            address = self._addresses[lives] = self._score_address(r)
        return address

    def field_weight(self, field: str, compared: FieldLevel) -> float:
        """Return the weight of one field: the level's, and the rarity of the word that is agreed upon."""
        weight = self.model.weights[field][compared.level]
        cap = self.model.rarity_cap[field].get(compared.level) if compared.word else None
        if cap is None:
            return weight
        kind = "middle" if field == "middle" and not self.words.count("given", compared.word) else _KIND[field]
        if " " in compared.word:  # both parts of a double surname
            return weight + min(sum(self.words.idf(kind, word) for word in compared.word.split()), cap)
        return weight + min(self.words.idf(kind, compared.word), cap)

    def _score_name(self, registration: Registration) -> NameScore:
        suffix = compare_suffix(self.line.suffix, suffix_of(registration.suffix))
        of_suffix = self.model.weights["suffix"][suffix]
        best: NameScore | None = None
        for at, reading in enumerate(self.line.names):
            if best and best.levels.surname.level == "exact" and not _shares(reading.surname, registration.last_name):
                continue
            surname, family = self._score_surname(at, registration.last_name)
            if best and reading.order != "plain" and _hopeless(surname, best):
                continue  # another order of the words explains nothing where not even the surname fits
            given, between, own = self._score_given(at, registration)
            weight = family + own + of_suffix
            if best is None or weight > best.weight:
                best = NameScore(reading.order, NameComparison(surname, given, between, suffix), weight, family)
            if surname.level == "exact" and given.level == "exact":
                break  # no other reading can do better
        return best or _NO_NAME

    def _score_given(self, at: int, r: Registration) -> tuple[FieldLevel, FieldLevel, float]:
        """The given and middle names in one reading, and their weight."""
        written = self.line.names[at].given
        given, weight = self._firsts.get((at, r.first_name)) or self._score_first(at, r)
        if given.level not in AGREEING_GIVEN:
            return given, NOT_COMPARED, weight + self.model.weights["middle"][NOT_COMPARED.level]
        if len(written) < 2:  # noqa: PLR2004 - no middle name is written
            return given, _MISSING, weight + self.model.weights["middle"][_MISSING.level]
        first, middle = given_words(r.first_name), given_words(r.middle_name)
        between = compare_middle(written, (*first[1:], *middle), given.level, surname_parts(r.last_name))
        return given, between, weight + self.field_weight("middle", between)

    def _score_first(self, at: int, r: Registration) -> tuple[FieldLevel, float]:
        """The first name in one reading, and its weight; kept where no middle name changes it."""
        reading, first = self.line.names[at], given_words(r.first_name)
        given = compare_given(reading.given, first, given_words(r.middle_name), known=self._known_given[at])
        scored = given, self.field_weight("given", given)
        if given.level in _BY_FIRST_NAME:
            self._firsts[at, r.first_name] = scored
        return scored

    def _score_surname(self, at: int, last_name: str) -> tuple[FieldLevel, float]:
        """The surname in one reading, and its weight with that of the reading."""
        scored = self._surnames.get((at, last_name))
        if scored is None:
            reading = self.line.names[at]
            parts = surname_parts(last_name)
            level = compare_surname(reading.surname, parts, known=self._known_surname[at])
            kind = _OF_TWO.get(reading.order, reading.order) if len(parts) > 1 else reading.order
            family = self.field_weight("surname", level) + self.model.weights["reading"][kind]
            scored = self._surnames[at, last_name] = (level, family)
        return scored

    def _score_address(self, registration: Registration) -> AddressScore:
        """The better of the line's addresses: a line may show two (2 CCR 20931)."""
        house, street = house_token(registration.house_number), street_token(registration.street_name)
        registered = way(registration.street_type, registration.pre_direction or registration.post_direction)
        best: AddressScore | None = None
        for at, address in enumerate(self.line.addresses):
            written_way = _way_written(address, street)
            levels = AddressComparison(
                compare_house(address.house, house),
                self._street(at, street),
                compare_way(written_way, registered),
                compare_unit(address.unit, registration.unit_number),
                compare_zip(self.line.zip, registration.zip[:5]),
            )
            here = levels.house == "same" and levels.street.level in AGREEING_STREET
            weight = self._address_weight(levels, registration.unit_number if here else None)
            weight += self._waived(levels, written_way) if here else 0.0
            if best is None or weight > best.weight:
                near = here or (levels.house in NEAR_HOUSE and levels.street.level in _NEAR_STREET)
                best = AddressScore(at, levels, weight, here, near)
        return best or _NO_ADDRESS

    def _waived(self, levels: AddressComparison, way: tuple[str, str]) -> float:
        """What another zip, type or direction would weigh, where the roll has no address that it could point to.

        Number and street identify the address then, and the rest is a slip of whoever lives there (2 CCR 20931).
        """
        w, home, waived = self.model.weights, self.household, 0.0
        if home and home.zips and levels.zip in _OTHER_ZIP and self.line.zip not in home.zips:
            waived -= w["zip"][levels.zip]
        if home and home.ways and levels.way != "same" and not any(_fits(way, other) for other in home.ways):
            waived -= w["way"][levels.way]
        return waived

    def _street(self, at: int, registered: str) -> FieldLevel:
        level = self._streets.get((at, registered))
        if level is None:
            written = self.line.addresses[at].streets
            level = self._streets[at, registered] = compare_street(written, registered, self._known_streets)
        return level

    def _address_weight(self, levels: AddressComparison, unit: str | None) -> float:
        """The levels' weights, and how rare the address is: one over the share of the roll registered there.

        A house number and street shared by a hundred flats says less than one of a single house; the unit, where it
        agrees, says the rest.
        """
        w = self.model.weights
        rarity = self._rarity_of_address
        if unit is not None and self.household and levels.unit == "same":
            rarity = self._rarity_among(self.household.units.get(unit, 1))
        return (
            w["house"][levels.house]
            + w["street"][levels.street.level]
            + w["way"][levels.way]
            + w["unit"][levels.unit]
            + w["zip"][levels.zip]
            + rarity
        )

    def _rarity_among(self, registrations: int) -> float:
        return log(self.words.registrations / max(registrations, 1))


def _way_written(address: Address, street: str) -> tuple[str, str]:
    """The written type and direction in the reading that is this street: LANE is none where RANCH LANE is the name."""
    if not address.ways:
        return "", ""
    return address.ways[address.streets.index(street) if street in address.streets else 0]


def _shares(surname: tuple[str, ...], last_name: str) -> bool:
    """Whether a surname has a part of the registered one, as another order of the words must to explain more."""
    parts = surname_parts(last_name)
    return any(part in parts for part in surname)


def _hopeless(surname: FieldLevel, best: NameScore) -> bool:
    """Whether a surname fits so little that another one, which fits no better, is enough to compare."""
    return surname.level in _UNLIKE or (surname.level == "garbled" and best.levels.surname.level not in _UNLIKE)


def _fits(written: tuple[str, str], registered: tuple[str, str]) -> bool:
    """Whether type and direction as they are written do not speak against those of an address."""
    return compare_way(written, registered) == "same"


_OTHER_ZIP: Final = frozenset({"near", "other"})
# To write both surnames is the plain way of who has two, and no bolder reading than any other.
_OF_TWO: Final = {"double": "plain", "swapped double": "swapped"}
_BY_FIRST_NAME: Final = frozenset({"exact", "nickname", "initial", "missing"})
_KIND: Final = {"surname": "surname", "given": "given", "middle": "given"}
NEAR_HOUSE: Final = frozenset({"same", "near", "far", "missing"})
_NEAR_STREET: Final = frozenset({"same", "typo", "near", "garbled", "missing"})
_UNLIKE: Final = frozenset({"other", "unreadable"})
_MISSING: Final = FieldLevel("missing")
_OTHER_ADDRESS: Final = AddressComparison("other", FieldLevel("other"), "same", "missing", "missing")
_NO_NAME: Final = NameScore("plain", NameComparison(_MISSING, _MISSING, _MISSING, "none"), -6.0, 0.0)
_NO_ADDRESS: Final = AddressScore(
    0, AddressComparison("missing", _MISSING, "same", "none", "missing"), 0.0, here=False, near=False
)


# How alike two names are, of 100: what 999 of 1,000 signers reach and one of twenty other people; and what nearly all
# signers reach, nicknames and damage included, and one of two hundred others.
ALIKE = 45
ALIKE_AWAY = 60


def written_name(line: ParsedLine) -> str:
    """Return the words of the name in their likeliest order, for a quick comparison of whole names."""
    if not line.names:
        return ""
    reading = line.names[0]
    return " ".join((*reading.surname, *reading.given))


class Resemblance:
    """Tells a line's own people, at the same address or of a like name, from those who were found by chance."""

    def __init__(self, scorer: Scorer) -> None:
        """Take the line with what is known of it."""
        line = scorer.line
        self._scorer = scorer
        self._written = written_name(line)
        self._surnames = frozenset(part for r in line.names for part in r.surname if len(part) > 1)
        self._givens = frozenset(word for r in line.names for word in r.given if len(word) > 1)
        self._houses = [address.house for address in line.addresses]

    def of(self, r: Registration) -> bool:
        """Whether the registration is worth comparing."""
        if r.registration_no in self._scorer.elsewhere:
            return True
        surname, given = surname_parts(r.last_name), given_words(r.first_name)
        if not self._surnames.isdisjoint(surname) and not self._givens.isdisjoint(given):
            return True
        registered = " ".join((*surname, *given, *given_words(r.middle_name)))
        ratio = fuzz.token_set_ratio(self._written, registered, score_cutoff=ALIKE)
        if ratio >= ALIKE_AWAY:
            return True
        house = house_token(r.house_number)
        if all(compare_house(written, house) not in NEAR_HOUSE for written in self._houses):
            return False
        address = self._scorer.address_of(r)
        return address.here or (ratio > 0 and address.near)
