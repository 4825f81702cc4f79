"""The made-up county's streets and houses. Every slot is one building; no two have the same address."""

from math import gcd
from random import Random
from typing import NamedTuple

from app.demo.names import Names

REGISTERED_PER_ZIP = 19_500
REGISTERED_PER_STREET = 100
SLOTS_PER_STREET = 64  # more than get built, so that some addresses of each street stand empty
TYPES = ("ST", "AVE", "DR", "BLVD", "PL", "RD", "CT", "LN", "WAY", "CIR", "TER")
TYPE_WEIGHTS = (34, 26, 13, 7, 6, 5, 4, 4, 2, 1, 1)
NUMBERED_TYPES = ("ST", "ST", "ST", "PL", "AVE")
DIRECTIONS = "NSEW"
DIRECTION_SHARE = 0.38
SPANISH_WAYS = ("VIA", "CALLE", "CAMINO", "AVENIDA", "PASEO")  # these say already what the street is
HIGHEST_NUMBERED = 260


class Address(NamedTuple):
    """A residence address in the columns of a canonical roll, unknown parts ''."""

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


class Street(NamedTuple):
    """The part of a street that lies in one zip."""

    pre_direction: str
    name: str
    type: str
    city: str
    zip: str
    first: int  # the lowest house number
    step: int  # between houses of one side


def ordinal(number: int) -> str:
    """`71ST`, `112TH`."""
    if number % 100 in (11, 12, 13):
        return f"{number}TH"
    return f"{number}{ {1: 'ST', 2: 'ND', 3: 'RD'}.get(number % 10, 'TH') }"


def a_street_name(random: Random, names: Names) -> tuple[str, str]:
    """A street's name and type, in a mix like that of Southern California."""
    kind = random.choices(("numbered", "surname", "word", "spanish", "pair"), (12, 26, 24, 19, 19))[0]
    type_ = random.choices(TYPES, TYPE_WEIGHTS)[0]
    if kind == "numbered":
        return ordinal(random.randint(1, HIGHEST_NUMBERED)), random.choice(NUMBERED_TYPES)
    if kind == "surname":
        return random.choice(names.surnames.words[:4000]), type_
    if kind == "word":
        return random.choice(names.street_words), type_
    pairs = names.spanish_pairs if kind == "spanish" else names.street_pairs
    first, second = (random.choice(words) for words in pairs)
    return f"{first} {second}", "" if first in SPANISH_WAYS else type_


class Atlas:
    """All addresses of a county with so many registered voters, the same for the same seed."""

    def __init__(self, seed: int, registered: int, names: Names) -> None:
        """Lays out the streets."""
        random = Random(f"streets {seed}")  # noqa: S311 - a made-up county, not a secret
        zips = random.sample(names.zips, min(len(names.zips), max(4, registered // REGISTERED_PER_ZIP)))
        self.aliases = {zip_: aliases for zip_, _, aliases in zips}
        self.zips = sorted(self.aliases)
        cities = {city for _, city, _ in zips}
        self.other_names = sorted({(a, city) for _, city, aliases in zips for a in aliases if a not in cities})
        count = max(40, registered // REGISTERED_PER_STREET)
        pool = sorted({a_street_name(random, names) for _ in range(count * 6 // 10)})
        self.streets = self._lay_out(random, count, pool, [(zip_, city) for zip_, city, _ in zips])
        self.slots = len(self.streets) * SLOTS_PER_STREET
        self._stride = next(n for n in range(int(self.slots * 0.618), self.slots) if gcd(n, self.slots) == 1)

    @staticmethod
    def _lay_out(random: Random, count: int, pool: list[tuple[str, str]], zips: list[tuple[str, str]]) -> list[Street]:
        """So many streets; a name may run through several zips but occurs once in each."""
        streets: dict[tuple[str, str], Street] = {}
        while len(streets) < count:
            (name, type_), (zip_, city) = random.choice(pool), random.choice(zips)
            direction = random.choice(DIRECTIONS) if random.random() < DIRECTION_SHARE else ""
            first, step = random.randrange(100, 18_000, 2), random.choice((4, 6, 8, 10))
            streets.setdefault((name, zip_), Street(direction, name, type_, city, zip_, first, step))
        return list(streets.values())

    @property
    def buildable(self) -> int:
        """Slots below this may hold buildings; those from here on stay empty."""
        return self.slots * 3 // 4

    def empty(self, random: Random) -> Address:
        """An address on a street of the county where nothing is built."""
        return self.address(random.randrange(self.buildable, self.slots))

    def address(self, slot: int) -> Address:
        """The address of a slot from 0 to slots - 1. Slots that follow each other lie far apart."""
        street_no, house = divmod(slot * self._stride % self.slots, SLOTS_PER_STREET)
        pre_direction, name, type_, city, zip_, first, step = self.streets[street_no]
        number = str(first + house * step + (house & 1))  # odd and even sides
        return Address(number, "", pre_direction, name, type_, "", "", "", city, zip_)
