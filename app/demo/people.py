"""The people of a made-up county, drawn by the real frequency of names, ages and kinds of households."""

import gzip
import json
from bisect import bisect
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate, compress
from operator import mul
from random import Random
from typing import Any, NamedTuple

FIRST_DAY = date(1915, 1, 1)
DAYS = tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range((date(2023, 1, 1) - FIRST_DAY).days))
YEAR = 365.25  # days


def day(year: int, month: int, of_month: int) -> int:
    """A date as an index of DAYS."""
    return (date(year, month, of_month) - FIRST_DAY).days


LAST_OF_AGE = day(2004, 1, 26)  # the last birthday of people who are 18 on the petition's first day
AGE_SHARES = ((25, 0.11), (35, 0.20), (45, 0.17), (55, 0.16), (65, 0.16), (75, 0.12), (85, 0.06), (100, 0.02))
MOST_CHILDREN = 3  # adult and at home
PARTICLES = {
    "DELACRUZ": "DE LA CRUZ", "DELAROSA": "DE LA ROSA", "DELATORRE": "DE LA TORRE", "DELEON": "DE LEON",
    "DELRIO": "DEL RIO", "DELAPAZ": "DE LA PAZ", "DELOSSANTOS": "DE LOS SANTOS", "DELTORO": "DEL TORO",
}  # fmt: skip
COMPOUND = {"MARIA", "ANA", "JOSE", "JUAN", "ROSA", "LUIS", "LEE", "MARY"}  # often the first of two given names


class Dice(Random):
    """Chance that is always the same for a seed."""

    def chance(self, share: float) -> bool:
        """Whether an event of this share comes about."""
        return self.random() < share


@dataclass(frozen=True, slots=True)
class Weighted:
    """Words, each drawn as often as its weight says."""

    words: list[str]
    sums: list[float]  # of the weights up to each word

    def draw(self, dice: Dice) -> str:
        """One word."""
        return self.words[bisect(self.sums, dice.random() * self.sums[-1])]


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
    packed = files("app.demo").joinpath("data/names.json.gz").read_bytes()
    data = json.loads(gzip.decompress(packed))
    surnames, by_sex = data.pop("surnames"), data.pop("given").items()
    given = {
        (sex, int(decade)): _weighted(table, weights)
        for sex, table in by_sex
        for decade, weights in table["weights"].items()
    }
    spanish = frozenset(compress(surnames["names"].split(), map(int, surnames["spanish"])))
    return Names(*_weighted(surnames, surnames["weights"]), spanish, given, **data)


def _weighted(table: dict[str, Any], weights: list[float]) -> tuple[Weighted, Weighted]:
    """All words of a table, and the Spanish ones."""
    words, spanish = table["names"].split(), map(mul, weights, map(int, table["spanish"]))
    return Weighted(words, list(accumulate(weights))), Weighted(words, list(accumulate(spanish)))


class Person(NamedTuple):
    """One person, registered or not. `birth` is an index of DAYS."""

    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth: int
    sex: str


@dataclass(frozen=True, slots=True)
class People:
    """Draws people and households."""

    dice: Dice  # the county's or the petition's
    names: Names

    def household(self) -> list[Person]:
        """The adults of one household, one to six."""
        kind = self.dice.random()
        if kind < 0.30:  # noqa: PLR2004  this and the next: shares of households
            return [self.adult()]
        if kind < 0.78:  # noqa: PLR2004
            couple = self._couple()
            return couple if kind < 0.47 else [*couple, *self._children(couple)]  # noqa: PLR2004
        first = self.adult()
        if kind < 0.89:  # noqa: PLR2004
            roommates = range(1 + int(self.dice.random() * 3))
            return [first, *(self._person(self._surname(), self._near(first.birth, 5)) for _ in roommates)]
        return [first, *self._children([first])[:1]]

    def adult(self, surname: str = "", sex: str = "") -> Person:
        """A person of voting age, by the age distribution."""
        surname = surname or self._surname()
        share, low = self.dice.random(), 18
        for high, part in AGE_SHARES:
            if share < part:
                break
            share, low = share - part, high
        birth = min(LAST_OF_AGE, day(2022, 1, 1) - int((low + self.dice.random() * (high - low)) * YEAR))
        return self._person(surname, birth, sex)

    def _surname(self) -> str:
        """A surname, sometimes double, hyphenated or with particles."""
        name = self.names.surnames.draw(self.dice)
        if name in self.names.spanish:
            if self.dice.chance(0.07):
                return self._joined(name, self.names.spanish_surnames.draw(self.dice))
            if name in PARTICLES and self.dice.chance(0.5):
                return PARTICLES[name]
        return name

    def _person(self, surname: str, birth: int, sex: str = "") -> Person:
        sex = sex or ("F" if self.dice.chance(0.525) else "M")
        year = FIRST_DAY.year + int(birth / YEAR)
        root = surname.replace("-", " ").rsplit(" ", 1)[-1]
        first = self._given(sex, year, root)
        if first in COMPOUND and self.dice.chance(0.12):
            first = f"{first} {self._given(sex, year, root)}"
        if self.dice.chance(0.22):
            return Person(surname, first, "", "", birth, sex)
        middle = self._given(sex, year - 20, root)
        return Person(surname, first, middle[0] if self.dice.chance(0.32) else middle, "", birth, sex)

    def _given(self, sex: str, birth_year: int, surname: str) -> str:
        """A given name as it was given in that decade, more often Spanish if the surname is."""
        everyone, spanish = self.names.given[sex, min(max(birth_year // 10 * 10, 1920), 2000)]
        spanish_only = surname in self.names.spanish and self.dice.chance(0.6)
        return (spanish if spanish_only else everyone).draw(self.dice)

    def _joined(self, first: str, second: str) -> str:
        return f"{first} {second}" if self.dice.chance(0.6) else f"{first}-{second}"

    def _near(self, birth: int, years: float) -> int:
        """A birthday of a person of voting age, at most so many years from another one."""
        return max(0, min(LAST_OF_AGE, birth + int((2 * self.dice.random() - 1) * years * YEAR)))

    def _couple(self) -> list[Person]:
        husband = self.adult(sex="M")
        name = husband.last_name
        if self.dice.chance(0.3):  # she keeps her own
            name = self._surname()
        elif self.dice.chance(0.08) and name.isalpha():  # she uses both
            name = self._joined(self.names.surnames.draw(self.dice), name)
        return [husband, self._person(name, self._near(husband.birth, 7), "F")]

    def _children(self, parents: list[Person]) -> list[Person]:
        """Adult children who live at home; none if the parents are young.

        A child is sometimes the father's junior, and sometimes has both Spanish surnames.
        """
        father, mother = parents[0], parents[-1].last_name
        birth = father.birth + int((20 + self.dice.random() * 15) * YEAR)
        children: list[Person] = []
        while birth < LAST_OF_AGE and len(children) < MOST_CHILDREN:
            child = self._person(father.last_name, birth)
            if child.sex == father.sex == "M" and self.dice.chance(0.05):
                child = child._replace(first_name=father.first_name, middle_name=father.middle_name, suffix="JR")
            elif mother != father.last_name and {father.last_name, mother} <= self.names.spanish:
                child = child._replace(last_name=self._joined(father.last_name, mother))
            children.append(child)
            birth += int((1 + self.dice.random() * 6) * YEAR)
        return children
