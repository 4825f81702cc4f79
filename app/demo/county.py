"""The made-up county: its people, its streets, and its roll, streamed building by building, always the same for a seed.

Names, ages and kinds of households have their real frequencies. Only the streets are kept in memory, so that a county
of 5.7 million registrations needs little more than a small one.
"""

import gzip
import json
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate, chain, compress, count
from math import gcd
from operator import mul
from random import Random
from typing import Any, NamedTuple, TypeAlias

FIRST_DAY = date(1915, 1, 1)
DAYS = tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range((date(2023, 1, 1) - FIRST_DAY).days))
YEAR = 365.25  # days


def day(year: int, month: int, of_month: int) -> int:
    """A date as an index of DAYS."""
    return (date(year, month, of_month) - FIRST_DAY).days


LAST_OF_AGE = day(2004, 1, 26)  # the last birthday of people who are 18 on the petition's first day
AGE_SHARES = ((25, 0.11), (35, 0.20), (45, 0.17), (55, 0.16), (65, 0.16), (75, 0.12), (85, 0.06), (100, 0.02))
ALONE, COUPLE, FAMILY, ROOMMATES, PARENT = range(5)
HOUSEHOLDS = (0.30, 0.47, 0.78, 0.89)  # the shares of all but the last, summed up
MOST_CHILDREN = 3  # adult and at home
PARTICLES = {
    "DELACRUZ": "DE LA CRUZ", "DELAROSA": "DE LA ROSA", "DELATORRE": "DE LA TORRE", "DELEON": "DE LEON",
    "DELRIO": "DEL RIO", "DELAPAZ": "DE LA PAZ", "DELOSSANTOS": "DE LOS SANTOS", "DELTORO": "DEL TORO",
}  # fmt: skip
COMPOUND = {"MARIA", "ANA", "JOSE", "JUAN", "ROSA", "LUIS", "LEE", "MARY"}  # often the first of two given names

REGISTERED_PER_ZIP = 19_500
REGISTERED_PER_STREET = 100
SLOTS_PER_STREET = 64  # places for buildings; more than get built, so that some addresses of each street are empty
TYPES = ("ST", "AVE", "DR", "BLVD", "PL", "RD", "CT", "LN", "WAY", "CIR", "TER")
TYPE_WEIGHTS = (34, 26, 13, 7, 6, 5, 4, 4, 2, 1, 1)
DIRECTIONS = "NSEW"
SPANISH_WAYS = ("VIA", "CALLE", "CAMINO", "AVENIDA", "PASEO")  # these names include the type of the street

WINDOW_FIRST, WINDOW_LAST = day(2022, 1, 27), day(2022, 7, 6)  # the circulation; filed on its last day
CIRCULATION = (DAYS[WINDOW_FIRST], DAYS[WINDOW_LAST])
FIRST_SIGNED = day(1990, 1, 1)
LAST_SIGNED = day(2022, 6, 10)  # of the affidavits of current registrations: all received before the filing
VOTERS_PER_HOME = 2.2
# Reasons for a signer's line, and how many people with such a registration there are for each voter.
NOT_IN_FORCE = {"canceled": 0.05, "registered_late": 0.006, "pending_registration": 0.004, "under_age": 0.005}
MULTIPLE_SHARE = 0.1  # of buildings: those with several units
HALF_SHARE = 0.02  # of buildings: houses with a second one behind, numbered 1/2
UNIT_LETTERS = "ABCDEFGHJK"

Weighted: TypeAlias = tuple[list[str], list[float]]  # words, and the sums of the weights up to each


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of the data file, data/names.json.gz."""

    surnames: Weighted
    spanish_surnames: Weighted
    spanish: frozenset[str]  # the same surnames
    given: dict[tuple[str, int], tuple[Weighted, Weighted]]  # by sex and decade of birth: all, and the Spanish ones
    sources: list[str]  # see data/README.md
    nicknames: dict[str, list[str]]
    zips: list[tuple[str, str, list[str]]]  # with the city and its other names
    outside: list[tuple[str, str]]  # zips of other counties, and their cities
    street_words: list[str]
    street_pairs: list[list[str]]
    spanish_pairs: list[list[str]]


@cache
def load_names() -> Names:
    """The data file's tables, read once."""
    data = json.loads(gzip.decompress(files("app.demo").joinpath("data/names.json.gz").read_bytes()))
    surnames = data.pop("surnames")
    tables = [(sex, decade, table) for sex, table in data.pop("given").items() for decade in table["weights"]]
    given = {(sex, int(decade)): _weighted(table, table["weights"][decade]) for sex, decade, table in tables}
    spanish = frozenset(compress(surnames["names"].split(), map(int, surnames["spanish"])))
    return Names(*_weighted(surnames, surnames["weights"]), spanish, given, **data)


def _weighted(table: dict[str, Any], weights: list[float]) -> tuple[Weighted, Weighted]:
    """All words of a table, and the Spanish ones."""
    words, spanish = table["names"].split(), map(mul, weights, map(int, table["spanish"]))
    return (words, list(accumulate(weights))), (words, list(accumulate(spanish)))


class Person(NamedTuple):
    """One person, registered or not. `birth` is an index of DAYS."""

    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth: int
    sex: str


class Dice(Random):
    """Draws people and households, always the same for a seed."""

    def chance(self, share: float) -> bool:
        """Whether an event of this share comes about."""
        return self.random() < share

    def draw(self, table: Weighted) -> str:
        """One of the words, each as often as its weight says."""
        words, sums = table
        return words[bisect(sums, self.random() * sums[-1])]

    def household(self) -> list[Person]:
        """The adults of one household, one to six."""
        kind = bisect(HOUSEHOLDS, self.random())
        person = self.adult(sex="M" if kind in {COUPLE, FAMILY} else "")
        if kind in {ALONE, PARENT}:
            return [person, *self._children([person])[:1]] if kind == PARENT else [person]
        if kind == ROOMMATES:
            others = range(1 + int(self.random() * 3))
            return [person, *(self._person(self._surname(), self._near(person.birth, 5)) for _ in others)]
        name = person.last_name
        if self.chance(0.3):  # she keeps her own
            name = self._surname()
        elif self.chance(0.08) and name.isalpha():  # she uses both
            name = self._joined(self.draw(load_names().surnames), name)
        couple = [person, self._person(name, self._near(person.birth, 7), "F")]
        return [*couple, *self._children(couple)] if kind == FAMILY else couple

    def adult(self, surname: str = "", sex: str = "") -> Person:
        """A person of voting age, by the age distribution."""
        surname = surname or self._surname()
        share, low = self.random(), 18
        for high, part in AGE_SHARES:
            if share < part:
                break
            share, low = share - part, high
        birth = min(LAST_OF_AGE, day(2022, 1, 1) - int((low + self.random() * (high - low)) * YEAR))
        return self._person(surname, birth, sex)

    def _surname(self) -> str:
        name = self.draw(load_names().surnames)
        if name in load_names().spanish:
            if self.chance(0.07):
                return self._joined(name, self.draw(load_names().spanish_surnames))
            if name in PARTICLES and self.chance(0.5):
                return PARTICLES[name]
        return name

    def _person(self, surname: str, birth: int, sex: str = "") -> Person:
        sex = sex or ("F" if self.chance(0.525) else "M")
        year = FIRST_DAY.year + int(birth / YEAR)
        root = surname.replace("-", " ").rsplit(" ", 1)[-1]
        first = self._given(sex, year, root)
        if first in COMPOUND and self.chance(0.12):
            first = f"{first} {self._given(sex, year, root)}"
        if self.chance(0.22):
            return Person(surname, first, "", "", birth, sex)
        middle = self._given(sex, year - 20, root)
        return Person(surname, first, middle[0] if self.chance(0.32) else middle, "", birth, sex)

    def _given(self, sex: str, birth_year: int, surname: str) -> str:
        """A given name as it was given in that decade, more often Spanish if the surname is."""
        everyone, spanish = load_names().given[sex, min(max(birth_year // 10 * 10, 1920), 2000)]
        spanish_only = surname in load_names().spanish and self.chance(0.6)
        return self.draw(spanish if spanish_only else everyone)

    def _joined(self, first: str, second: str) -> str:
        return f"{first} {second}" if self.chance(0.6) else f"{first}-{second}"

    def _near(self, birth: int, years: float) -> int:
        """A birthday of a person of voting age, at most so many years from another one."""
        return max(0, min(LAST_OF_AGE, birth + int((2 * self.random() - 1) * years * YEAR)))

    def _children(self, parents: list[Person]) -> list[Person]:
        """Adult children who live at home; none if the parents are young."""
        father, mother = parents[0], parents[-1].last_name
        birth = father.birth + int((20 + self.random() * 15) * YEAR)
        children: list[Person] = []
        while birth < LAST_OF_AGE and len(children) < MOST_CHILDREN:
            child = self._person(father.last_name, birth)
            if child.sex == father.sex == "M" and self.chance(0.05):
                child = child._replace(first_name=father.first_name, middle_name=father.middle_name, suffix="JR")
            elif mother != father.last_name and {father.last_name, mother} <= load_names().spanish:
                child = child._replace(last_name=self._joined(father.last_name, mother))
            children.append(child)
            birth += int((1 + self.random() * 6) * YEAR)
        return children


class Address(NamedTuple):
    """A residence address in the columns of a canonical roll; unknown parts are ''."""

    house_number: str
    house_fraction: str
    pre_direction: str
    street_name: str
    street_type: str
    post_direction: str
    unit_type: str
    unit_number: str
    city: str
    zip: str


class Registration(NamedTuple):
    """One registration; days are indexes of DAYS. That of a person who is in no roll has no status and voter id."""

    person: Person
    address: Address
    status: str = ""
    signed: int = 0
    reason: str = ""
    received: int = 0
    to: int = 0  # 0 if it has not ended
    confidential: bool = False
    voter_id: str = ""

    def row(self) -> tuple[str, ...]:
        """The columns of HEADER."""
        *names, birth, _ = self.person
        signed, received, to = DAYS[self.signed], DAYS[self.received], DAYS[self.to] if self.to else ""
        state = (self.status, self.reason, signed, received, to, "true" if self.confidential else "")
        return (self.voter_id, *names, DAYS[birth], *self.address, *state)


HEADER = (  # of a canonical roll
    *("voter_id", *Person._fields[:4], "birth_date", *Address._fields),
    *("status", "status_reason", "affidavit_signed", "affidavit_received", "effective_to", "confidential"),
)


@dataclass(slots=True)
class Building:
    """All registrations of one building."""

    current: list[Registration] = field(default_factory=list)  # in force when the petition was filed
    before: dict[str, Registration] = field(default_factory=dict)  # by voter: the same voter's earlier registration
    not_in_force: dict[str, list[Registration]] = field(default_factory=lambda: {kind: [] for kind in NOT_IN_FORCE})
    other: list[Registration] = field(default_factory=list)  # of people who do not sign the petition

    def registrations(self) -> Iterator[Registration]:
        """All registrations, for the roll."""
        return chain(self.current, self.before.values(), *self.not_in_force.values(), self.other)

    def residents(self) -> Iterator[Registration]:
        """The registrations of everyone who may be met at this address."""
        return chain(self.current, *self.not_in_force.values())


class County:
    """A county with so many current registrations. A slot is a place for one building, with its own address."""

    def __init__(self, seed: int, registered: int) -> None:
        """Lays out the streets, always the same for a seed; the people come with `buildings`."""
        self._dice, self._registered = Dice(f"people {seed}"), registered
        self._ids = map(str, count(1_000_001))  # of voters
        dice, all_zips = Dice(f"streets {seed}"), load_names().zips
        zips = dice.sample(all_zips, min(len(all_zips), max(4, registered // REGISTERED_PER_ZIP)))
        self.aliases = {zip_: aliases for zip_, _, aliases in zips}  # other names of the zips' cities
        self.zips, self.outside = sorted(self.aliases), load_names().outside
        cities = {city for _, city, _ in zips}
        self.other_names = sorted({(a, city) for _, city, aliases in zips for a in aliases if a not in cities})
        size = max(40, registered // REGISTERED_PER_STREET)
        pool = sorted({_street_name(dice) for _ in range(size * 6 // 10)})
        # A street's name may run through several zips but occurs once in each. With it go its lowest house number and
        # the step between houses on the same side.
        streets: dict[tuple[str, str], tuple[Address, int, int]] = {}
        while len(streets) < size:
            (name, type_), (zip_, city, _) = dice.choice(pool), dice.choice(zips)
            direction = dice.choice(DIRECTIONS) if dice.chance(0.38) else ""
            first, step = dice.randrange(100, 18_000, 2), dice.choice((4, 6, 8, 10))
            street = Address("", "", direction, name, type_, "", "", "", city, zip_)
            streets.setdefault((name, zip_), (street, first, step))
        self._streets = list(streets.values())
        self._slots = size * SLOTS_PER_STREET
        self._buildable = self._slots * 3 // 4  # slots below this may have buildings; the others stay empty
        self._stride = next(n for n in range(int(self._slots * 0.618), self._slots) if gcd(n, self._slots) == 1)

    def empty(self, dice: Dice) -> Address:
        """An address on a street of the county where nothing is built."""
        return self._address(dice.randrange(self._buildable, self._slots))

    def _address(self, slot: int) -> Address:
        """The address of a slot. Consecutive slots are far apart."""
        number, house = divmod(slot * self._stride % self._slots, SLOTS_PER_STREET)
        street, first, step = self._streets[number]
        return street._replace(house_number=str(first + house * step + (house & 1)))  # odd and even sides

    def buildings(self) -> Iterator[Building]:
        """All buildings, once, with exactly the current registrations that the county has."""
        left = self._registered
        for slot in range(self._buildable):
            building = Building()
            for address in self._homes(self._address(slot)):
                self._move_in(building, address, left)
            left -= len(building.current)
            yield building
            if not left:
                return

    def _homes(self, address: Address) -> list[Address]:
        """The homes of one building: a house, a house and the one behind it, or units."""
        dice, kind = self._dice, self._dice.random()
        if kind >= MULTIPLE_SHARE:
            behind = [address._replace(house_fraction="1/2")] if kind < MULTIPLE_SHARE + HALF_SHARE else []
            return [address, *behind]
        units = dice.randint(*dice.choices(((2, 6), (7, 30), (31, 150)), (70, 22, 8))[0])
        type_ = dice.choice(("APT", "APT", "APT", "UNIT", ""))
        style = dice.choice(("letters", "floors", "plain"))
        numbers: Iterable[str] = (f"{n // 12 + 1}{n % 12 + 1:02}" for n in range(units))  # floors of twelve
        if style == "letters" and units <= len(UNIT_LETTERS):
            numbers = UNIT_LETTERS[:units]
        elif style == "plain":
            numbers = map(str, range(1, units + 1))
        return [address._replace(unit_type=type_, unit_number=number) for number in numbers]

    def _move_in(self, building: Building, address: Address, left: int) -> None:
        """Register one household, and sometimes add a person of this home whose registration is not in force."""
        for person in self._dice.household():
            if len(building.current) < left:
                self._register(building, person, address)
        draw = self._dice.random()
        for kind, per_voter in NOT_IN_FORCE.items():
            if draw < (share := per_voter * VOTERS_PER_HOME):
                added = self._complete(self._not_in_force(kind, self._newcomer(building), address))
                # A registration canceled after the petition began was in force for a part of the circulation.
                in_force = kind == "canceled" and added.to >= WINDOW_FIRST
                (building.other if in_force else building.not_in_force[kind]).append(added)
                return
            draw -= share

    def _newcomer(self, building: Building) -> Person:
        """A person who cannot be mistaken for another one of the building."""
        while True:
            person = self._dice.adult()
            near = [r.person for r in building.residents() if r.person.last_name[0] == person.last_name[0]]
            if not any(alike(person.first_name, other.first_name) for other in near):
                return person

    def _not_in_force(self, kind: str, person: Person, address: Address) -> Registration:
        """A registration that was not in force when the petition was filed, for one of the reasons in NOT_IN_FORCE."""
        uniform = self._dice.random
        if kind == "canceled":
            signed = min(self._signed(person.birth), WINDOW_FIRST - 400)
            to = signed + 30 + int(uniform() * (WINDOW_LAST - 60 - signed))
            reason = self._dice.choice(("requested", "deceased", "moved out of county"))
            return Registration(person, address, "canceled", signed, reason, to=to)
        if kind == "registered_late":  # an affidavit signed after the filing, or signed before and received after it
            signed = WINDOW_LAST + int(uniform() * 15) - 4
            received = max(signed, WINDOW_LAST) + 1 + int(uniform() * 5)
            return Registration(person, address, "active", signed, received=received)
        if kind == "pending_registration":
            return Registration(person, address, "pending", self._signed(0, WINDOW_FIRST), "incomplete")
        young = person._replace(birth=WINDOW_LAST - int((16.1 + uniform() * 1.8) * YEAR))
        return Registration(young, address, "preregistered", self._signed(0, WINDOW_FIRST))

    def _register(self, building: Building, person: Person, address: Address) -> None:
        """A current registration, and the earlier one of those who moved."""
        chance = self._dice.chance
        moved = chance(0.06)
        signed = self._signed(person.birth, WINDOW_FIRST if moved and chance(0.1) else 0)
        status = "inactive" if chance(0.085) else "active"
        current = self._complete(Registration(person, address, status, signed))
        building.current.append(current)
        if moved:
            building.before[current.voter_id] = self._before(current)
        elif chance(0.01):  # the earlier registration has another voter number
            building.other.append(self._before(current)._replace(voter_id=next(self._ids)))

    def _before(self, current: Registration) -> Registration:
        """The same voter's registration at another address, which ended with the move."""
        address = self._address(self._dice.randrange(self._slots))
        signed = min(current.signed - 1, self._signed(current.person.birth))
        before = Registration(current.person, address, "canceled", signed, "moved", to=current.signed)
        return self._complete(before._replace(voter_id=current.voter_id))

    def _signed(self, birth: int, earliest: int = 0) -> int:
        """When a person signed the affidavit: of age, not before 1990, more often lately."""
        earliest = max(earliest, FIRST_SIGNED, birth + int(18 * YEAR))
        return earliest + int((LAST_SIGNED - earliest) * self._dice.random() ** 0.7)

    def _complete(self, registration: Registration) -> Registration:
        """With the day it was received and the voter's number, if it has none, and whether it is confidential."""
        received = registration.received or registration.signed + int(self._dice.random() ** 3 * 20)
        confidential = self._dice.chance(0.001)
        voter_id = registration.voter_id or next(self._ids)
        return registration._replace(received=received, confidential=confidential, voter_id=voter_id)


def _street_name(dice: Dice) -> tuple[str, str]:
    """A street's name and type, in a mix like that of Southern California."""
    names = load_names()
    kind = dice.choices(("numbered", "surname", "word", "spanish", "pair"), (12, 26, 24, 19, 19))[0]
    type_ = dice.choices(TYPES, TYPE_WEIGHTS)[0]
    if kind == "numbered":
        number = dice.randint(1, 260)
        ending = "TH" if number % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
        return f"{number}{ending}", dice.choice(("ST", "ST", "ST", "PL", "AVE"))
    if kind in {"surname", "word"}:
        return dice.choice(names.surnames[0][:4000] if kind == "surname" else names.street_words), type_
    first, second = map(dice.choice, names.spanish_pairs if kind == "spanish" else names.street_pairs)
    return f"{first} {second}", "" if first in SPANISH_WAYS else type_


def alike(first: str, second: str) -> bool:
    """Whether two given names could be mistaken for each other in a hurry."""
    if first[:3] == second[:3] or first in second or second in first:
        return True
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) <= 2  # noqa: PLR2004
