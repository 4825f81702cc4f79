"""The names and places that the made-up county is made from, drawn by their real frequency."""

import gzip
import json
from bisect import bisect
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

DECADES = range(1920, 2010, 10)
SPANISH_SHARE = 0.6  # of those with a Spanish surname: how many have a Spanish given name too

Uniform = Callable[[], float]  # a number from 0 to 1, as of random.Random.random


class Weighted:
    """Words, each drawn as often as its weight says."""

    def __init__(self, words: Sequence[str], weights: Sequence[float]) -> None:
        """Remembers the words that have a weight above 0; the rest are never drawn."""
        kept = [(word, weight) for word, weight in zip(words, weights, strict=True) if weight > 0]
        self.words = [word for word, _ in kept]
        self._sums = list(accumulate(float(weight) for _, weight in kept))
        self._total = self._sums[-1]

    def draw(self, uniform: Uniform) -> str:
        """One word."""
        return self.words[bisect(self._sums, uniform() * self._total)]


class Names:
    """Surnames, given names by sex and decade of birth, nicknames, zips and street words."""

    def __init__(self, data: dict[str, Any]) -> None:
        """Builds the tables from the data file's content."""
        words = data["surnames"]["names"].split()
        flags = data["surnames"]["spanish"]
        weights = data["surnames"]["weights"]
        self.spanish = frozenset(word for word, flag in zip(words, flags, strict=True) if flag == "1")
        self.surnames = Weighted(words, weights)
        self.spanish_surnames = Weighted(words, [w if f == "1" else 0 for w, f in zip(weights, flags, strict=True)])
        self.nicknames: dict[str, list[str]] = data["nicknames"]
        self.zips: list[tuple[str, str, list[str]]] = [(z, city, names) for z, city, names in data["zips"]]
        self.outside: list[tuple[str, str]] = [(z, city) for z, city in data["outside"]]
        self.street_words: list[str] = data["street_words"]
        self.street_pairs: list[list[str]] = data["street_pairs"]
        self.spanish_pairs: list[list[str]] = data["spanish_pairs"]
        self._given = {
            (sex, decade): _given_tables(data["given"][sex], str(decade)) for sex in data["given"] for decade in DECADES
        }

    def given(self, uniform: Uniform, sex: str, birth_year: int, surname: str) -> str:
        """A given name as it was given in that decade, Spanish more often where the surname is."""
        decade = min(max(birth_year // 10 * 10, DECADES[0]), DECADES[-1])
        anyone, spanish = self._given[sex, decade]
        if surname in self.spanish and uniform() < SPANISH_SHARE:
            return spanish.draw(uniform)
        return anyone.draw(uniform)


def _given_tables(table: dict[str, Any], decade: str) -> tuple[Weighted, Weighted]:
    """All given names of one sex and decade, and the Spanish ones among them."""
    words, weights = table["names"].split(), table["weights"][decade]
    spanish = [weight if flag == "1" else 0 for weight, flag in zip(weights, table["spanish"], strict=True)]
    return Weighted(words, weights), Weighted(words, spanish)


@cache
def load_names() -> Names:
    """The names of the data file beside this module, whose README names the sources."""
    packed = files("app.demo").joinpath("data/names.json.gz").read_bytes()
    return Names(json.loads(gzip.decompress(packed)))
