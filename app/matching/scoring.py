"""A line compared with its candidates: comparison levels, match weights, and the hypotheses of who signed."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from math import exp, log
from typing import Final, NamedTuple

from rapidfuzz import fuzz

from app.law.district import district_codes, is_of_district
from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration, best_eligibility, eligibility
from app.matching import comparison
from app.matching.addresses import Address, street_token, way
from app.matching.blocking import house_token
from app.matching.comparison import Compared, Field
from app.matching.confidential import ConfidentialName
from app.matching.frequencies import TermFrequencies
from app.matching.model import Model, Threshold
from app.matching.names import NameOrder, given_words, suffix_of, surname_parts
from app.matching.parsing import CountyMembership, ParsedLine, county_membership

_UNCOUNTED: Final = 20  # registrations at one address, where they were not counted


class Household(NamedTuple):
    """The residents of a line's house number and street."""

    size: int
    units: Mapping[str, int]  # how many live in each
    zips: frozenset[str] = frozenset()  # of the roll's addresses of this number and street; empty if not looked at
    ways: frozenset[tuple[str, str]] = frozenset()  # their street types and directions


def household_of(places: Mapping[str, int]) -> Household:
    """Return the household, given its residents by unit, zip, street type and direction, joined by tabs."""
    units, zips, ways = Counter[str](), set[str](), set[tuple[str, str]]()
    for place, residents in places.items():
        unit, zip_code, street_type, direction = place.split("\t")
        units[unit] += residents
        zips.update(filter(None, [zip_code]))
        ways.add(way(street_type, direction))
    return Household(units.total(), units, frozenset(zips), frozenset(ways))


class ComparedName:
    """A registered name against the order of the written words that fits it best."""

    __slots__ = ("family_weight", "given", "middle", "order", "suffix", "surname", "weight")

    def __init__(
        self,
        order: NameOrder,
        surname: Compared[comparison.SurnameLevel],
        given: Compared[comparison.GivenLevel],
        middle: Compared[comparison.MiddleLevel],
        suffix: comparison.SuffixLevel,
        weight: float,
        family_weight: float,
    ) -> None:
        """Keep the levels and weights; `family_weight` is that of the surname in this order: what a relative shares."""
        self.order: Final = order
        self.surname: Final = surname
        self.given: Final = given
        self.middle: Final = middle
        self.suffix: Final = suffix
        self.weight: Final = weight
        self.family_weight: Final = family_weight

    @property
    def has_surname(self) -> bool:
        """Whether the surname is the registered one, in another form or with a slip of the pen."""
        return self.surname.level in comparison.CERTAIN_SURNAME

    @property
    def is_certain(self) -> bool:
        """Whether given name and surname are the registered ones, in other forms or with slips of the pen."""
        return self.given.level in comparison.CERTAIN_GIVEN and self.surname.level in comparison.CERTAIN_SURNAME

    @property
    def conflicts(self) -> bool:
        """Whether middle names or suffixes are those of different people."""
        return self.middle.level in {"conflict", "initial conflict"} or self.suffix == "conflict"

    @property
    def is_same(self) -> bool:
        """Whether given name and surname are the very ones, and nothing speaks against it."""
        return self.given.level == self.surname.level == "exact" and not self.conflicts

    @property
    def is_plausible(self) -> bool:
        """Whether given name and surname may be the registered ones."""
        return self.given.level in comparison.PLAUSIBLE_GIVEN and self.surname.level in comparison.PLAUSIBLE_SURNAME


class ComparedAddress:
    """A registered address against that of the line's addresses that fits it best."""

    __slots__ = ("here", "house", "street", "unit", "way", "weight", "written", "zip")

    def __init__(
        self,
        written: int,
        house: comparison.HouseLevel,
        street: Compared[comparison.StreetLevel],
        way: comparison.WayLevel,
        unit: comparison.UnitLevel,
        zip_level: comparison.ZipLevel,
        weight: float = 0.0,
    ) -> None:
        """Keep the levels; `written` is the number of the line's address."""
        self.written: Final = written
        self.house: Final = house
        self.street: Final = street
        self.way: Final = way
        self.unit: Final = unit
        self.zip: Final = zip_level
        self.weight = weight
        # House number and street are those of the line (EC 105(a)(1)).
        self.here: Final = house == "same" and street.level in comparison.AGREEING_STREET

    @property
    def is_near(self) -> bool:
        """Whether house number and street may be the registered ones, of which two digits may be others."""
        return self.house in comparison.RESEMBLING_HOUSE and self.street.level in comparison.PLAUSIBLE_STREET

    @property
    def is_missing(self) -> bool:
        """Whether house number or street is not written, or not in the roll."""
        return "missing" in (self.house, self.street.level)


class ComparedRegistration:
    """A registration compared with a line. Weights are natural logarithms of likelihood ratios."""

    __slots__ = ("address", "eligibility", "name", "registration", "weight")

    def __init__(
        self, registration: Registration, standing: Eligibility, name: ComparedName, address: ComparedAddress
    ) -> None:
        """Put name and address together."""
        self.registration: Final = registration
        self.eligibility: Final = standing
        self.name: Final = name
        self.address: Final = address
        self.weight: Final = name.weight + address.weight

    def fields(self) -> dict[Field, Compared[str]]:
        """Return the comparison of each field."""
        name, address = self.name, self.address
        return {
            "surname": name.surname, "given": name.given, "middle": name.middle, "suffix": Compared(name.suffix),
            "house": Compared(address.house), "street": address.street, "way": Compared(address.way),
            "unit": Compared(address.unit), "zip": Compared(address.zip),
        }  # fmt: skip


_UNLIKE: Final = frozenset[comparison.SurnameLevel]({"other", "unreadable"})
_DIFFERENT_ZIP: Final = frozenset[comparison.ZipLevel]({"near", "other"})
_NOT_COMPARED: Final[Compared[comparison.MiddleLevel]] = Compared("none")
_NO_MIDDLE: Final[Compared[comparison.MiddleLevel]] = Compared("missing")
# To write both surnames is the plain way for a voter who has two, and no bolder order than any other.
_OF_TWO: Final[Mapping[NameOrder, NameOrder]] = {"double": "plain", "swapped double": "swapped"}
_NO_NAME: Final = ComparedName("plain", Compared("missing"), Compared("missing"), _NO_MIDDLE, "none", -6.0, 0.0)
_NO_ADDRESS: Final = ComparedAddress(0, "missing", Compared("missing"), "same", "none", "missing")
_OTHER_ADDRESS: Final = ComparedAddress(0, "other", Compared("other"), "same", "missing", "missing")


class Scorer:
    """Compares one line with registrations. Results are kept, since a household shares address and surname."""

    def __init__(
        self,
        line: ParsedLine,
        interval: SigningInterval,
        terms: TermFrequencies,
        model: Model,
        district: str | None = None,
    ) -> None:
        """Compare a line.

        Args:
            line: as it was read.
            interval: in which it was signed.
            terms: the roll's, which must be loaded.
            model: the weights and thresholds.
            district: of which the signer must be; None: of the county.
        """
        self.line, self.interval, self.terms, self.model, self.district = line, interval, terms, model, district
        self.household: Household | None = None
        self.namesakes_cut = False  # more people in the county have this name than were looked at
        self.found_by_name: frozenset[int] = frozenset()  # registrations found by the name alone
        # Of each order of the words: whether the given name, and all parts of the surname, are names of the county.
        self.known_given = [bool(n.given) and terms.is_known("given", n.given[0]) for n in line.names]
        self.known_surname = [
            bool(n.surname) and all(terms.is_known("surname", part) for part in n.surname) for n in line.names
        ]
        self.known_streets = frozenset(s for a in line.addresses for s in a.streets if terms.is_known("street", s))
        # A stranger's name has an order, too: where only a bold one makes sense, it costs nothing.
        self._likeliest_order = max((model.weights["reading"][name.order] for name in line.names), default=0.0)
        self._names: dict[tuple[str, ...], ComparedName] = {}
        self._surnames: dict[tuple[int, str], tuple[Compared[comparison.SurnameLevel], float]] = {}
        self._streets: dict[tuple[int, str], Compared[comparison.StreetLevel]] = {}
        self._addresses: dict[tuple[str, ...], ComparedAddress] = {}
        self._household_weight = self._weight_among(_UNCOUNTED)
        self._other_address: ComparedAddress | None = None  # of all that were found by the name alone

    def confidential_names_like(self) -> list[int]:
        """Return the numbers of the confidential registrations whose name may be the written one.

        It must be the very name, or fit so well that hardly one of all confidential names fits a stranger's as well.
        """
        confidential = self.terms.confidential
        enough = log(max(len(confidential.all), 1))
        likely = []
        for name in confidential.like(self.line.names):
            compared = self._compare_name(name)
            if compared.is_same or (compared.weight >= enough and not compared.conflicts):
                likely.append(name.registration_no)
        return likely

    @property
    def shows_district(self) -> bool:
        """Whether the roll shows who is of the officer's district: some registration is (EC 11045)."""
        return self.district is None or self.terms.districts.issuperset(district_codes(self.district))

    def set_household(self, household: Household) -> None:
        """Set the residents of the line's address: the more, the less the address identifies one of them."""
        self.household = household
        self._household_weight = self._weight_among(household.size)
        self._addresses.clear()

    def set_found_by_name(self, numbers: frozenset[int]) -> None:
        """Set the registrations found by the name alone: if the written address is clear, theirs is another."""
        self.found_by_name, known = numbers, self.known_streets
        if all(a.house and a.house_certain and not known.isdisjoint(a.streets) for a in self.line.addresses):
            weight = self._address_weight(_OTHER_ADDRESS, "")
            self._other_address = ComparedAddress(0, "other", Compared("other"), "same", "missing", "missing", weight)

    def compare(self, r: Registration) -> ComparedRegistration:
        """Return the registration compared with the line."""
        if (name := self._names.get(called := r.called)) is None:
            name = self._names[called] = self._compare_name(r)
        return ComparedRegistration(r, eligibility(r, self.interval), name, self.compare_address(r))

    def with_all_fields(self, compared: ComparedRegistration) -> ComparedRegistration:
        """Return a comparison with every field of the address, also where another address was not looked at closely."""
        if compared.address is not self._other_address:
            return compared
        r = compared.registration
        return ComparedRegistration(r, compared.eligibility, compared.name, self._compare_address(r))

    def compare_address(self, r: Registration) -> ComparedAddress:
        """Return the registration's address compared with the line's."""
        if self._other_address and r.registration_no in self.found_by_name:
            house = house_token(r.house_number)
            if house and all(comparison.compare_house(a.house, house) == "other" for a in self.line.addresses):
                return self._other_address
        if (address := self._addresses.get(lives := r.lives)) is None:
            address = self._addresses[lives] = self._compare_address(r)
        return address

    def field_weight(self, field: Field, compared: Compared[str]) -> float:
        """Return the weight of one field: the level's, and the inverse frequency of the word that is agreed upon."""
        weight = self.model.weights[field][compared.level]
        cap = self.model.idf_caps[field].get(compared.level) if compared.word else None
        if cap is None:
            return weight
        kind = "given" if field == "middle" and self.terms.count("given", compared.word) else field
        if " " in compared.word:  # both parts of a double surname
            return weight + min(sum([self.terms.idf(kind, word) for word in compared.word.split()], 0.0), cap)
        return weight + min(self.terms.idf(kind, compared.word), cap)

    def _compare_name(self, r: Registration | ConfidentialName) -> ComparedName:
        suffix, parts = comparison.compare_suffix(self.line.suffix, suffix_of(r.suffix)), surname_parts(r.last_name)
        suffix_weight = self.model.weights["suffix"][suffix]
        best: ComparedName | None = None
        for at, name in enumerate(self.line.names):
            if best and best.surname.level == "exact" and frozenset(name.surname).isdisjoint(parts):
                continue  # another order of the words must have a part of the surname to explain more
            surname, family_weight = self._compare_surname(at, r.last_name)
            if best and name.order != "plain":
                unlike = surname.level in _UNLIKE
                if unlike or (surname.level == "garbled" and best.surname.level not in _UNLIKE):
                    continue  # it explains nothing: the surname fits as little as the best one so far
            given, middle, given_weight = self._compare_given(at, r)
            weight = family_weight + given_weight + suffix_weight
            if best is None or weight > best.weight:
                best = ComparedName(name.order, surname, given, middle, suffix, weight, family_weight)
            if surname.level == given.level == "exact":
                break  # no other order can do better
        return best or _NO_NAME

    def _compare_surname(self, at: int, last_name: str) -> tuple[Compared[comparison.SurnameLevel], float]:
        """The surname in one order of the words, and its weight with that of the order."""
        if (found := self._surnames.get((at, last_name))) is None:
            name, parts = self.line.names[at], surname_parts(last_name)
            surname = comparison.compare_surname(name.surname, parts, known=self.known_surname[at])
            order = _OF_TWO.get(name.order, name.order) if len(parts) > 1 else name.order
            order_weight = self.model.weights["reading"][order] - self._likeliest_order
            weight = self.field_weight("surname", surname) + order_weight
            found = self._surnames[at, last_name] = (surname, weight)
        return found

    def _compare_given(
        self, at: int, r: Registration | ConfidentialName
    ) -> tuple[Compared[comparison.GivenLevel], Compared[comparison.MiddleLevel], float]:
        """The given and middle names in one order of the words, and their weight."""
        written, first, middle = self.line.names[at].given, given_words(r.first_name), given_words(r.middle_name)
        given = comparison.compare_given(written, (first, middle), known=self.known_given[at])
        weight = self.field_weight("given", given)
        if given.level in comparison.OTHER_GIVEN:
            names = (*first, *middle)  # KEVIN H KIM may be a Hyun Kim
        elif given.level in comparison.AGREEING_GIVEN:
            names = (*first[1:], *middle)
        else:
            return given, _NOT_COMPARED, weight + self.model.weights["middle"]["none"]
        if len(written) < 2:  # noqa: PLR2004 - no middle name is written
            return given, _NO_MIDDLE, weight + self.model.weights["middle"]["missing"]
        compared = comparison.compare_middle(written, names, surname_parts(r.last_name))
        return given, compared, weight + self.field_weight("middle", compared)

    def _compare_address(self, r: Registration) -> ComparedAddress:
        """The better of the line's addresses: a line may show two (2 CCR 20931)."""
        house, street = house_token(r.house_number), street_token(r.street_name)
        registered_way = way(r.street_type, r.pre_direction or r.post_direction)
        best: ComparedAddress | None = None
        for at, address in enumerate(self.line.addresses):
            written_way = _written_way(address, street)
            if (compared_street := self._streets.get((at, street))) is None:
                compared_street = comparison.compare_street(address.streets, street, self.known_streets)
                self._streets[at, street] = compared_street
            compared = ComparedAddress(
                at,
                comparison.compare_house(address.house, house),
                compared_street,
                comparison.compare_way(written_way, registered_way),
                comparison.compare_unit(address.unit, r.unit_number),
                comparison.compare_zip(self.line.zip, r.zip[:5]),
            )
            compared.weight = self._address_weight(compared, r.unit_number)
            if compared.here:
                compared.weight += self._waived(compared, written_way)
            if best is None or compared.weight > best.weight:
                best = compared
        return best or _NO_ADDRESS

    def _address_weight(self, address: ComparedAddress, unit: str) -> float:
        """The levels' weights, and how rare the address is: one over the share of the roll registered there.

        A house number and street shared by a hundred apartments says less than one of a single house; the unit, where
        it agrees, says the rest.
        """
        w = self.model.weights
        address_weight = self._household_weight
        if address.here and address.unit == "same" and self.household:
            address_weight = self._weight_among(self.household.units.get(unit, 1))
        levels = w["house"][address.house] + w["street"][address.street.level] + w["way"][address.way]
        return levels + w["unit"][address.unit] + w["zip"][address.zip] + address_weight

    def _waived(self, address: ComparedAddress, written_way: tuple[str, str]) -> float:
        """What another zip, type or direction would weigh, where the roll has no address that it could point to.

        Number and street identify the address then, and the rest is a slip of a resident (2 CCR 20931).
        """
        w, household, waived = self.model.weights, self.household, 0.0
        if household and household.zips and address.zip in _DIFFERENT_ZIP and self.line.zip not in household.zips:
            waived -= w["zip"][address.zip]
        if household and household.ways and address.way != "same":
            differ = all(comparison.compare_way(written_way, registered) != "same" for registered in household.ways)
            waived -= w["way"][address.way] * differ
        return waived

    def _weight_among(self, registrations: int) -> float:
        """The weight of an address that so many registrations of the roll share."""
        return log(self.terms.registrations / max(registrations, 1))


def _written_way(address: Address, street: str) -> tuple[str, str]:
    """The written type and direction where the street is read as this one: LANE is none of RANCH LANE."""
    if not address.ways:
        return "", ""
    return address.ways[address.streets.index(street) if street in address.streets else 0]


# How similar two names are, of 100: 999 of 1,000 signers reach the first, and one of twenty other people; nearly all
# signers reach the second, nicknames and damage included, and one of two hundred others.
ALIKE: Final = 45
ALIKE_AWAY: Final = 60
FEW_RESIDENTS: Final = 12  # of an address: so few are all compared, however unlike their names are


def name_ratio(written: str, registered: str) -> float:
    """Return how similar two names with the surname first are, of 100; 0 below `ALIKE`.

    As sets of words, in whatever order, or else letter by letter in theirs: slips in each of the words, or a torn or
    joined one, leave no word to find in the other name.
    """
    as_sets = fuzz.token_set_ratio(written, registered, score_cutoff=ALIKE)
    return as_sets or fuzz.ratio(written, registered, score_cutoff=ALIKE)


def written_name(line: ParsedLine) -> str:
    """Return the words of the name in their likeliest order, for a quick comparison of whole names."""
    return " ".join((*line.names[0].surname, *line.names[0].given)) if line.names else ""


def worth_comparing(scorer: Scorer, candidates: Iterable[Registration]) -> list[Registration]:
    """Return the candidates of a similar name or the same address, without those that a search found by chance."""
    line, written = scorer.line, written_name(scorer.line)
    surnames = frozenset(part for name in line.names for part in name.surname if len(part) > 1)
    givens = frozenset(word for name in line.names for word in name.given if len(word) > 1)

    def is_similar(r: Registration) -> bool:
        if r.registration_no in scorer.found_by_name:
            return True
        surname, given = surname_parts(r.last_name), given_words(r.first_name)
        if not surnames.isdisjoint(surname) and not givens.isdisjoint(given):
            return True
        registered = " ".join((*surname, *given, *given_words(r.middle_name)))
        ratio = name_ratio(written, registered)
        if ratio >= ALIKE_AWAY:
            return True
        house = house_token(r.house_number)
        if all(comparison.compare_house(a.house, house) not in comparison.RESEMBLING_HOUSE for a in line.addresses):
            return False
        address = scorer.compare_address(r)
        return address.here or (ratio > 0 and address.is_near)

    return [registration for registration in candidates if is_similar(registration)]


_BOUND: Final = 60.0  # of a weight, so that none overflows
_WRITES_OLD_ADDRESS: Final = 0.2  # the share of those who moved that write the address they left
_ENDED: Final = frozenset[Eligibility]({"former", "canceled", "canceled_undated"})


class Person:
    """The registrations of one voter, the best for the line first. Weights are those of the best ones."""

    __slots__ = ("best", "eligibility", "ended_weight", "name_weight", "registrations", "weight")

    def __init__(
        self,
        registrations: list[ComparedRegistration],
        standing: Eligibility,
        name_weight: float,
        ended_weight: float | None,
    ) -> None:
        """Keep the registrations.

        Args:
            registrations: those in force first, and of them those that fit best.
            standing: the best of them all.
            name_weight: of the best name.
            ended_weight: of name and address of the best registration that had ended.
        """
        self.registrations: Final = registrations
        self.best: Final = registrations[0]
        self.eligibility: Final = standing
        self.weight: Final = registrations[0].weight
        self.name_weight: Final = name_weight
        self.ended_weight: Final = ended_weight

    def is_outside(self, district: str | None) -> bool:
        """Whether none of the registrations that decide about the voter's standing may be of the district."""
        standing = (r.registration for r in self.registrations if r.eligibility == self.eligibility)
        return all(is_of_district(registration.districts, district) is False for registration in standing)


class Posterior(NamedTuple):
    """The probability of each hypothesis; of the first three, for each person in order."""

    here: list[float]
    moved: list[float]
    canceled: list[float]  # not registered in time: canceled, late, pending or under age
    relative: float  # of the same surname as a voter at the address
    stranger: float

    def of_persons(self) -> list[float]:
        """Return the probability of each person to have signed."""
        return [here + moved + out for here, moved, out in zip(self.here, self.moved, self.canceled, strict=True)]


def _persons(compared: Iterable[ComparedRegistration]) -> list[Person]:
    """The voters behind the registrations, the best first; name and date of birth unite two voter numbers."""
    registrations: dict[Hashable, list[ComparedRegistration]] = {}
    identities: dict[str, Hashable] = {}
    for one in compared:
        r = one.registration
        identity: Hashable = (r.birth_date, r.last_name, r.first_name) if r.birth_date else ("voter", r.voter_id)
        registrations.setdefault(identities.setdefault(r.voter_id, identity), []).append(one)
    persons = map(_person, registrations.values())
    return sorted(persons, key=lambda p: (-max(p.weight, p.name_weight), p.best.registration.voter_id))


def _person(registrations: list[ComparedRegistration]) -> Person:
    if len(registrations) == 1:  # as nearly all have
        one = registrations[0]
        ended = one.weight if one.eligibility in _ENDED else None
        return Person(registrations, one.eligibility, one.name.weight, ended)
    registrations.sort(key=lambda r: (r.eligibility != "registered", -r.weight, r.registration.registration_no))
    return Person(
        registrations,
        best_eligibility(r.eligibility for r in registrations),
        max(r.name.weight for r in registrations),
        max((r.weight for r in registrations if r.eligibility in _ENDED), default=None),
    )


def posterior(persons: Sequence[Person], registrations: int, model: Model) -> Posterior:
    """Return the posterior probabilities of the hypotheses, by Bayes' rule.

    Each of the roll's `registrations` is as likely to be the signer's at first; the model gives the priors.
    """
    p, n = model.priors, log(registrations)
    here, moved, canceled, relative = [], [], [], 0.0
    for person in persons:
        at, away = _likelihood(person.weight - n), _likelihood(person.name_weight - n)
        if person.ended_weight is not None:  # a voter who moved writes the old address, or the new one
            away += _WRITES_OLD_ADDRESS * _likelihood(person.ended_weight - n)
        registered = person.eligibility == "registered"
        here.append(p["here"] * at if registered else 0.0)
        moved.append(p["moved"] * away if registered else 0.0)
        canceled.append(0.0 if registered else p["canceled_here"] * at + p["canceled_moved"] * away)
        for one in person.registrations:
            if one.address.here:
                relative += p["relative"] * _likelihood(one.address.weight + one.name.family_weight - n)
    total = sum(here, 0.0) + sum(moved, 0.0) + sum(canceled, 0.0) + relative + p["stranger"]
    here, moved, canceled = ([share / total for share in shares] for shares in (here, moved, canceled))
    return Posterior(here, moved, canceled, relative / total, p["stranger"] / total)


def _likelihood(weight: float) -> float:
    """The likelihood ratio of a match weight, bounded."""
    return exp(weight) if -_BOUND < weight < _BOUND else exp(_BOUND if weight > 0 else -_BOUND)


class CandidateSet(NamedTuple):
    """A line, the people it may be, and how likely each hypothesis is."""

    scorer: Scorer
    registrations: list[ComparedRegistration]
    persons: list[Person]
    posterior: Posterior
    county: CountyMembership
    by_name: bool  # the whole roll was searched for the name, not only the household
    thresholds: Mapping[Threshold, float]  # of the model


def compare_candidates(scorer: Scorer, candidates: Sequence[Registration], *, by_name: bool) -> CandidateSet:
    """Compare a line with the registrations found, without those found by chance, and weigh the hypotheses."""
    worth = worth_comparing(scorer, candidates) if by_name else candidates
    compared = [scorer.compare(registration) for registration in worth]
    persons = _persons(compared)
    probabilities = posterior(persons, scorer.terms.registrations, scorer.model)
    county = county_membership(scorer.line, scorer.terms)
    return CandidateSet(scorer, compared, persons, probabilities, county, by_name, scorer.model.thresholds)
