"""The made-up county: its streets, and its roll, streamed building by building and always the same for a seed.

Only the streets are kept in memory, so that a county of 5.7 million registrations needs little more than a small one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from math import gcd
from typing import NamedTuple

from app.demo.people import DAYS, YEAR, Dice, Names, People, Person, day, load_names

REGISTERED_PER_ZIP = 19_500
REGISTERED_PER_STREET = 100
SLOTS_PER_STREET = 64  # places for buildings; more than get built, so that some addresses of each street are empty
TYPES = ("ST", "AVE", "DR", "BLVD", "PL", "RD", "CT", "LN", "WAY", "CIR", "TER")
TYPE_WEIGHTS = (34, 26, 13, 7, 6, 5, 4, 4, 2, 1, 1)
NUMBERED_TYPES = ("ST", "ST", "ST", "PL", "AVE")
HIGHEST_NUMBERED = 260
DIRECTIONS = "NSEW"
DIRECTION_SHARE = 0.38
SPANISH_WAYS = ("VIA", "CALLE", "CAMINO", "AVENIDA", "PASEO")  # these names include the type of the street

WINDOW_FIRST, WINDOW_LAST = day(2022, 1, 27), day(2022, 7, 6)  # the circulation; filed on its last day
FIRST_SIGNED = day(1990, 1, 1)
LAST_SIGNED = day(2022, 6, 10)  # of the affidavits of current registrations: all received before the filing
AGE_OF_VOTING = int(18 * YEAR)
VOTERS_PER_HOME = 2.2
NOT_IN_FORCE = {  # reasons for a signer's line: the chance that a home has a person with such a registration
    "canceled": 0.05 * VOTERS_PER_HOME,
    "registered_late": 0.006 * VOTERS_PER_HOME,
    "pending_registration": 0.004 * VOTERS_PER_HOME,
    "under_age": 0.005 * VOTERS_PER_HOME,
}
MULTIPLE_SHARE = 0.1  # of buildings: those with several units
HALF_SHARE = 0.02  # of buildings: houses with a second one behind, numbered 1/2
UNIT_LETTERS = "ABCDEFGHJK"


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
        """The columns of ROLL_HEADER."""
        *names, birth, _ = self.person
        signed, received, to = DAYS[self.signed], DAYS[self.received], DAYS[self.to] if self.to else ""
        state = (self.status, self.reason, signed, received, to, "true" if self.confidential else "")
        return (self.voter_id, *names, DAYS[birth], *self.address, *state)


ROLL_HEADER = (  # of a canonical roll
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
        self.names, self._registered = load_names(), registered
        self._people = People(Dice(f"people {seed}"), self.names)
        self._dice, self._ids = self._people.dice, map(str, count(1_000_001))  # of voters
        dice = Dice(f"streets {seed}")
        zips = dice.sample(self.names.zips, min(len(self.names.zips), max(4, registered // REGISTERED_PER_ZIP)))
        self.aliases = {zip_: aliases for zip_, _, aliases in zips}  # other names of the zips' cities
        self.zips = sorted(self.aliases)
        cities = {city for _, city, _ in zips}
        self.other_names = sorted({(a, city) for _, city, aliases in zips for a in aliases if a not in cities})
        size = max(40, registered // REGISTERED_PER_STREET)
        pool = sorted({_street_name(dice, self.names) for _ in range(size * 6 // 10)})
        # A street's name may run through several zips but occurs once in each. With it go its lowest house number and
        # the step between houses on the same side.
        streets: dict[tuple[str, str], tuple[Address, int, int]] = {}
        while len(streets) < size:
            (name, type_), (zip_, city, _) = dice.choice(pool), dice.choice(zips)
            direction = dice.choice(DIRECTIONS) if dice.chance(DIRECTION_SHARE) else ""
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
        if style == "letters" and units <= len(UNIT_LETTERS):
            numbers = list(UNIT_LETTERS[:units])
        elif style == "plain":
            numbers = [str(n + 1) for n in range(units)]
        else:
            numbers = [str(100 * (1 + n // 12) + 1 + n % 12) for n in range(units)]
        return [address._replace(unit_type=type_, unit_number=number) for number in numbers]

    def _move_in(self, building: Building, address: Address, left: int) -> None:
        """Register one household, and sometimes add a person of this home whose registration is not in force."""
        for person in self._people.household():
            if len(building.current) < left:
                self._register(building, person, address)
        draw = self._dice.random()
        for kind, share in NOT_IN_FORCE.items():
            if draw < share:
                added = self._complete(self._not_in_force(kind, self._newcomer(building), address))
                # A registration canceled after the petition began was in force for a part of the circulation.
                in_force = kind == "canceled" and added.to >= WINDOW_FIRST
                (building.other if in_force else building.not_in_force[kind]).append(added)
                return
            draw -= share

    def _newcomer(self, building: Building) -> Person:
        """A person who cannot be mistaken for another one of the building."""
        while True:
            person = self._people.adult()
            residents = [resident.person for resident in building.residents()]
            near = [other.first_name for other in residents if other.last_name[0] == person.last_name[0]]
            if not any(alike(person.first_name, name) for name in near):
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
        earliest = max(earliest, FIRST_SIGNED, birth + AGE_OF_VOTING)
        return earliest + int((LAST_SIGNED - earliest) * self._dice.random() ** 0.7)

    def _complete(self, registration: Registration) -> Registration:
        """With the day it was received and the voter's number, if it has none, and whether it is confidential."""
        received = registration.received or registration.signed + int(self._dice.random() ** 3 * 20)
        confidential = self._dice.chance(0.001)
        voter_id = registration.voter_id or next(self._ids)
        return registration._replace(received=received, confidential=confidential, voter_id=voter_id)


def _street_name(dice: Dice, names: Names) -> tuple[str, str]:
    """A street's name and type, in a mix like that of Southern California."""
    kind = dice.choices(("numbered", "surname", "word", "spanish", "pair"), (12, 26, 24, 19, 19))[0]
    type_ = dice.choices(TYPES, TYPE_WEIGHTS)[0]
    if kind == "numbered":
        number = dice.randint(1, HIGHEST_NUMBERED)
        ending = "TH" if number % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
        return f"{number}{ending}", dice.choice(NUMBERED_TYPES)
    if kind == "surname":
        return dice.choice(names.surnames.words[:4000]), type_
    if kind == "word":
        return dice.choice(names.street_words), type_
    pairs = names.spanish_pairs if kind == "spanish" else names.street_pairs
    first, second = (dice.choice(words) for words in pairs)
    return f"{first} {second}", "" if first in SPANISH_WAYS else type_


def alike(first: str, second: str) -> bool:
    """Whether two given names could be mistaken for each other in a hurry."""
    if first[:3] == second[:3] or first in second or second in first:
        return True
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) <= 2  # noqa: PLR2004
