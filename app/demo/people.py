"""The people of a made-up county, drawn by the real frequency of names, ages and kinds of households."""

import gzip
import json
from bisect import bisect
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate
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


@dataclass(frozen=True, slots=True)
class Weighted:
    """Words, each drawn as often as its weight says."""

    words: list[str]
    sums: list[float]  # of the weights up to each word

    def draw(self, random: Random) -> str:
        """One word."""
        return self.words[bisect(self.sums, random.random() * self.sums[-1])]


class Names:
    """Surnames, given names by sex and decade of birth, nicknames, zips and street words."""

    def __init__(self, data: dict[str, Any]) -> None:
        """Builds the tables from the data file's content."""
        surnames, given = data["surnames"], data["given"]
        self.spanish = frozenset(word for word, flag in zip(*_words(surnames), strict=True) if flag == "1")
        self.surnames, self.spanish_surnames = _all_and_spanish(surnames, surnames["weights"])
        self.given = {
            (sex, int(decade)): _all_and_spanish(table, weights)
            for sex, table in given.items()
            for decade, weights in table["weights"].items()
        }
        self.nicknames: dict[str, list[str]] = data["nicknames"]
        self.zips: list[tuple[str, str, list[str]]] = data["zips"]  # with the city and its other names
        self.outside: list[tuple[str, str]] = data["outside"]  # zips of other counties, and their cities
        self.street_words: list[str] = data["street_words"]
        self.street_pairs: list[list[str]] = data["street_pairs"]
        self.spanish_pairs: list[list[str]] = data["spanish_pairs"]


def _words(table: dict[str, Any]) -> tuple[list[str], str]:
    """The words of a table, and for each of them a flag: 1 if it is Spanish."""
    return table["names"].split(), table["spanish"]


def _all_and_spanish(table: dict[str, Any], weights: list[float]) -> tuple[Weighted, Weighted]:
    words, flags = _words(table)
    spanish = (weight * (flag == "1") for weight, flag in zip(weights, flags, strict=True))
    return Weighted(words, list(accumulate(weights))), Weighted(words, list(accumulate(spanish)))


@cache
def load_names() -> Names:
    """The names of the data file; data/README.md lists its sources."""
    packed = files("app.demo").joinpath("data/names.json.gz").read_bytes()
    return Names(json.loads(gzip.decompress(packed)))


class Person(NamedTuple):
    """One person, registered or not. `birth` is an index of DAYS."""

    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth: int
    sex: str


class People:
    """Draws people and households, with one stream of random numbers."""

    def __init__(self, random: Random, names: Names) -> None:
        """Uses the random numbers of the county or of the petition."""
        self._random, self._uniform, self._names = random, random.random, names

    def household(self) -> list[Person]:
        """The adults of one household, one to six."""
        kind = self._uniform()
        if kind < 0.30:  # noqa: PLR2004  this and the next: shares of households
            return [self.adult()]
        if kind < 0.78:  # noqa: PLR2004
            couple = self._couple()
            return couple if kind < 0.47 else [*couple, *self._children(couple)]  # noqa: PLR2004
        first = self.adult()
        if kind < 0.89:  # noqa: PLR2004
            roommates = range(1 + int(self._uniform() * 3))
            return [first, *(self._person(self._surname(), self._near(first.birth, 5)) for _ in roommates)]
        return [first, *self._children([first])[:1]]

    def adult(self, surname: str = "", sex: str = "") -> Person:
        """A person of voting age, by the age distribution."""
        surname = surname or self._surname()
        share, low = self._uniform(), 18
        for high, part in AGE_SHARES:
            if share < part:
                break
            share, low = share - part, high
        birth = min(LAST_OF_AGE, day(2022, 1, 1) - int((low + self._uniform() * (high - low)) * YEAR))
        return self._person(surname, birth, sex)

    def _chance(self, share: float) -> bool:
        return self._uniform() < share

    def _surname(self) -> str:
        """A surname, sometimes double, hyphenated or with particles."""
        name = self._names.surnames.draw(self._random)
        if name in self._names.spanish:
            if self._chance(0.07):
                return self._joined(name, self._names.spanish_surnames.draw(self._random))
            if name in PARTICLES and self._chance(0.5):
                return PARTICLES[name]
        return name

    def _person(self, surname: str, birth: int, sex: str = "") -> Person:
        sex = sex or ("F" if self._chance(0.525) else "M")
        year = FIRST_DAY.year + int(birth / YEAR)
        root = surname.replace("-", " ").rsplit(" ", 1)[-1]
        first = self._given(sex, year, root)
        if first in COMPOUND and self._chance(0.12):
            first = f"{first} {self._given(sex, year, root)}"
        if self._chance(0.22):
            return Person(surname, first, "", "", birth, sex)
        middle = self._given(sex, year - 20, root)
        return Person(surname, first, middle[0] if self._chance(0.32) else middle, "", birth, sex)

    def _given(self, sex: str, birth_year: int, surname: str) -> str:
        """A given name as it was given in that decade, more often Spanish if the surname is."""
        everyone, spanish = self._names.given[sex, min(max(birth_year // 10 * 10, 1920), 2000)]
        spanish_only = surname in self._names.spanish and self._chance(0.6)
        return (spanish if spanish_only else everyone).draw(self._random)

    def _joined(self, first: str, second: str) -> str:
        return f"{first} {second}" if self._chance(0.6) else f"{first}-{second}"

    def _near(self, birth: int, years: float) -> int:
        """A birthday of a person of voting age, at most so many years from another one."""
        return max(0, min(LAST_OF_AGE, birth + int((2 * self._uniform() - 1) * years * YEAR)))

    def _couple(self) -> list[Person]:
        husband = self.adult(sex="M")
        name = husband.last_name
        if self._chance(0.3):  # she keeps her own
            name = self._surname()
        elif self._chance(0.08) and name.isalpha():  # she uses both
            name = self._joined(self._names.surnames.draw(self._random), name)
        return [husband, self._person(name, self._near(husband.birth, 7), "F")]

    def _children(self, parents: list[Person]) -> list[Person]:
        """Adult children who live at home; none if the parents are young."""
        birth = parents[0].birth + int((20 + self._uniform() * 15) * YEAR)
        children: list[Person] = []
        while birth < LAST_OF_AGE and len(children) < MOST_CHILDREN:
            children.append(self._child(parents, birth))
            birth += int((1 + self._uniform() * 6) * YEAR)
        return children

    def _child(self, parents: list[Person], birth: int) -> Person:
        """A child; sometimes the father's junior, and sometimes with both Spanish surnames."""
        father, mother = parents[0], parents[-1].last_name
        child = self._person(father.last_name, birth)
        if child.sex == father.sex == "M" and self._chance(0.05):
            return child._replace(first_name=father.first_name, middle_name=father.middle_name, suffix="JR")
        if mother != father.last_name and {father.last_name, mother} <= self._names.spanish:
            return child._replace(last_name=self._joined(father.last_name, mother))
        return child
