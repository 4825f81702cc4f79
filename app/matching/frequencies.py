"""Term frequencies: how many registrations contain each name, street and zip code, and corrections of misspellings."""

from collections import defaultdict
from collections.abc import Iterable
from math import log
from typing import Final

from rapidfuzz.distance import OSA

Term = tuple[str, str]
"""A word with its kind, as in the roll's dictionary: ("surname", "GARCIA")."""

CORRECTED_KINDS: Final = ("surname", "given", "street")
SHORTEST_CORRECTED: Final = 3  # letters: a shorter word is one edit away from half the dictionary
_MAX_CORRECTIONS: Final = 6


def fewest_known(registrations: int) -> int:
    """Return how many registrations of a roll of this size must contain a word for it to count as known.

    A word of one registration in a million is as likely a misspelling in the roll as a name.
    """
    return max(1, registrations // 1_000_000)


def variants(word: str) -> set[str]:
    """Return the word, and the word with each of its letters left out.

    Two words that are one edit apart (a letter added, left out, replaced, or two swapped) share at least one variant.
    """
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


class TermFrequencies:
    """The term frequencies of one version of a county's roll, as far as they were loaded.

    The roll's dictionary stays in the database; before lines are compared, the terms that the comparison needs are
    loaded. The frequency of a term never changes within a version, so all batches share it. A term that was not loaded
    is an error of the program (KeyError): a frequency of 0 would silently give a wrong weight.
    """

    def __init__(self, registrations: int, cities: Iterable[str]) -> None:
        """Start with the size of the roll and the names of its cities."""
        self.registrations: Final = max(registrations, 1)
        self.cities: Final = tuple(sorted(cities))
        self._fewest_known: Final = fewest_known(registrations)
        self._counts: dict[str, dict[str, int]] = defaultdict(dict)  # by kind and word: faster than by their pair
        self._corrections: dict[Term, tuple[str, ...]] = {}

    @property
    def size(self) -> int:
        """How many frequencies and corrections were loaded."""
        return sum(map(len, self._counts.values())) + len(self._corrections)

    def known_only(self) -> "TermFrequencies":
        """Return a copy with the known words only: they are needed again and again, a misspelling hardly ever is."""
        copy = TermFrequencies(self.registrations, self.cities)
        for kind, counts in self._counts.items():
            copy._counts[kind] = {word: count for word, count in counts.items() if count >= self._fewest_known}
        copy._corrections = {
            term: found for term, found in self._corrections.items() if term[1] in copy._counts[term[0]]
        }
        return copy

    def without_count(self, terms: set[Term]) -> set[Term]:
        """Return those of the terms whose frequency is not loaded yet."""
        counts = self._counts
        return {(kind, word) for kind, word in terms if word not in counts[kind]}

    def without_corrections(self, terms: set[Term]) -> set[Term]:
        """Return those of the terms whose corrections are not loaded yet."""
        return {term for term in terms if len(term[1]) >= SHORTEST_CORRECTED and term not in self._corrections}

    def add_counts(self, terms: Iterable[Term], counts: Iterable[tuple[Term, int]]) -> None:
        """Add the numbers of registrations of `terms`; 0 for those that `counts` does not contain."""
        for (kind, word), count in (*((term, 0) for term in terms), *counts):
            self._counts[kind][word] = count

    def add_corrections(self, terms: Iterable[Term], similar: Iterable[tuple[Term, str, int]]) -> None:
        """Add the corrections of `terms`: those of the `similar` words that are one edit away, the frequent first.

        Each of `similar` is a term, a known word that shares a variant with it, and that word's registrations.
        """
        near: dict[Term, set[tuple[int, str]]] = {term: set() for term in terms}
        for term, word, registrations in similar:
            if OSA.distance(word, term[1], score_cutoff=1) == 1:
                near[term].add((-registrations, word))
        for term, found in near.items():
            self._corrections[term] = tuple(word for _, word in sorted(found)[:_MAX_CORRECTIONS])

    def count(self, kind: str, word: str) -> int:
        """Return the number of registrations that contain the word."""
        return self._counts[kind][word]

    def is_known(self, kind: str, word: str) -> bool:
        """Whether the word is itself a name of this county, and so no misspelling."""
        return self._counts[kind][word] >= self._fewest_known

    def idf(self, kind: str, word: str) -> float:
        """Return the inverse document frequency: log(registrations / those with the word), at least one having it."""
        return log(self.registrations / max(self._counts[kind][word], 1))

    def spelling_corrections(self, kind: str, word: str) -> tuple[str, ...]:
        """Return the known words one edit away from a word, the most frequent first, at most six."""
        return self._corrections[kind, word] if len(word) >= SHORTEST_CORRECTED else ()
