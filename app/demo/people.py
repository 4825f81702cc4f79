"""The people of a made-up household: families, juniors, Spanish and hyphenated surnames, roommates, common names."""

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from app.demo.names import Names, Uniform

FIRST_DAY = date(1915, 1, 1)
DAYS = tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range((date(2023, 1, 1) - FIRST_DAY).days))
YEAR = 365.25  # days


def day(year: int, month: int, of_month: int) -> int:
    """A date as the index of DAYS."""
    return (date(year, month, of_month) - FIRST_DAY).days


LAST_OF_AGE = day(2004, 1, 26)  # the last day of birth of somebody who is 18 on the petition's first day
AGE_SHARES = ((25, 0.11), (35, 0.20), (45, 0.17), (55, 0.16), (65, 0.16), (75, 0.12), (85, 0.06), (100, 0.02))
MOST_CHILDREN = 3  # grown up and at home
DOUBLE_SHARE = 0.07  # of people with a Spanish surname
PARTICLES = {
    "DELACRUZ": "DE LA CRUZ", "DELAROSA": "DE LA ROSA", "DELATORRE": "DE LA TORRE", "DELEON": "DE LEON",
    "DELRIO": "DEL RIO", "DELAPAZ": "DE LA PAZ", "DELOSSANTOS": "DE LOS SANTOS", "DELTORO": "DEL TORO",
}  # fmt: skip
COMPOUND = {"MARIA", "ANA", "JOSE", "JUAN", "ROSA", "LUIS", "LEE", "MARY"}  # often the first of two given names


class Human(NamedTuple):
    """One person, before any registration. `birth` is an index of DAYS."""

    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth: int
    sex: str


class People:
    """Draws people and households from the names, with one stream of random numbers."""

    def __init__(self, random: Random, names: Names) -> None:
        """Uses the random numbers of the county or of the petition."""
        self._uniform: Uniform = random.random
        self._names = names
        self._kinds = (
            (0.30, self._single), (0.47, self._couple), (0.78, self._family),
            (0.89, self._roommates), (1.01, self._parent_and_child),
        )  # fmt: skip

    def household(self) -> list[Human]:
        """The grown-ups of one household, one to six."""
        kind = self._uniform()
        return next(make for bound, make in self._kinds if kind < bound)()

    def _chance(self, share: float) -> bool:
        return self._uniform() < share

    def surname(self) -> str:
        """A surname as one person bears it: some double, hyphenated or with particles."""
        names, uniform = self._names, self._uniform
        name = names.surnames.draw(uniform)
        if name in names.spanish:
            if self._chance(DOUBLE_SHARE):
                return self._joined(name, names.spanish_surnames.draw(uniform))
            if name in PARTICLES and self._chance(0.5):
                return PARTICLES[name]
        return name

    def person(self, surname: str, birth: int, sex: str = "") -> Human:
        """Somebody of that surname, born on that day, named as people born then are."""
        uniform, given = self._uniform, self._names.given
        sex = sex or ("F" if self._chance(0.525) else "M")
        year = FIRST_DAY.year + int(birth / YEAR)
        root = surname.replace("-", " ").rsplit(" ", 1)[-1]
        first = given(uniform, sex, year, root)
        if first in COMPOUND and self._chance(0.12):
            first = f"{first} {given(uniform, sex, year, root)}"
        if self._chance(0.22):
            return Human(surname, first, "", "", birth, sex)
        middle = given(uniform, sex, year - 20, root)
        return Human(surname, first, middle[0] if self._chance(0.32) else middle, "", birth, sex)

    def adult(self, surname: str = "", sex: str = "") -> Human:
        """Somebody of voting age, by the age pyramid."""
        return self.person(surname or self.surname(), self.adult_birth(), sex)

    def adult_birth(self) -> int:
        """The day of birth of a voter, as an index of DAYS."""
        share, low = self._uniform(), 18
        for high, part in AGE_SHARES:
            if share < part:
                break
            share, low = share - part, high
        return min(LAST_OF_AGE, day(2022, 1, 1) - int((low + self._uniform() * (high - low)) * YEAR))

    def _joined(self, first: str, second: str) -> str:
        return f"{first} {second}" if self._chance(0.6) else f"{first}-{second}"

    def _near(self, birth: int, years: float) -> int:
        """A day of birth within so many years of another's, of voting age."""
        return max(0, min(LAST_OF_AGE, birth + int((2 * self._uniform() - 1) * years * YEAR)))

    def _single(self) -> list[Human]:
        return [self.adult()]

    def _couple(self) -> list[Human]:
        husband = self.adult(sex="M")
        name = husband.last_name
        if self._chance(0.3):  # she keeps her own
            name = self.surname()
        elif self._chance(0.08) and name.isalpha():  # she bears both
            name = self._joined(self._names.surnames.draw(self._uniform), name)
        return [husband, self.person(name, self._near(husband.birth, 7), "F")]

    def _family(self) -> list[Human]:
        parents = self._couple()
        return [*parents, *self._children(parents)]

    def _parent_and_child(self) -> list[Human]:
        parent = self.adult()
        return [parent, *self._children([parent])[:1]]

    def _children(self, parents: list[Human]) -> list[Human]:
        """Grown-up children who live at home; none where the parents are young."""
        first = parents[0].birth + int((20 + self._uniform() * 15) * YEAR)
        children: list[Human] = []
        while first < LAST_OF_AGE and len(children) < MOST_CHILDREN:
            children.append(self._child(parents, first))
            first += int((1 + self._uniform() * 6) * YEAR)
        return children

    def _child(self, parents: list[Human], birth: int) -> Human:
        """A child; now and then the father's junior, and of both surnames where they are Spanish."""
        father = parents[0]
        child = self.person(father.last_name, birth)
        if child.sex == father.sex == "M" and self._chance(0.05):
            return child._replace(first_name=father.first_name, middle_name=father.middle_name, suffix="JR")
        mother = parents[-1].last_name
        if mother != father.last_name and father.last_name in self._names.spanish and mother in self._names.spanish:
            return child._replace(last_name=self._joined(father.last_name, mother))
        return child

    def _roommates(self) -> list[Human]:
        first = self.adult()
        count = 1 + int(self._uniform() * 3)
        return [first, *(self.person(self.surname(), self._near(first.birth, 5)) for _ in range(count))]
