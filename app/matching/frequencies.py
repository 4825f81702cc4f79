"""Term frequencies: how many registrations contain each name, street and zip code, and corrections of misspellings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import log
from typing import Final

from rapidfuzz.distance import OSA

from app.matching.confidential import NO_NAMES, ConfidentialNames

Words = Mapping[str, set[str]]
"""Words by kind, as in the roll's dictionary: {"surname": {"GARCIA"}}."""

CORRECTED_KINDS: Final = ("surname", "given", "street")
SHORTEST_CORRECTED: Final = 3  # letters: a shorter word is one edit away from half the dictionary
_MAX_CORRECTIONS: Final = 6


def fewest_known(registrations: int) -> int:
    """Return how many registrations must contain a word, one in a million: fewer are as likely a misspelling."""
    return max(1, registrations // 1_000_000)


def variants(word: str) -> set[str]:
    """Return the word, and it without each of its letters: words that are one edit apart share a variant."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


class TermFrequencies:
    """The term frequencies of one version of a county's roll, as far as they were loaded.

    The terms that a comparison needs are loaded before it. A frequency never changes within a version, so all batches
    share it. A term that was not loaded is a KeyError: a frequency of 0 would silently give a wrong weight.
    """

    def __init__(
        self,
        registrations: int,
        cities: Iterable[str],
        confidential: ConfidentialNames = NO_NAMES,
        districts: Iterable[str] = (),
    ) -> None:
        """Start with what is known of the whole roll.

        Args:
            registrations: how many there are.
            cities: their names.
            confidential: the names of its confidential voters.
            districts: the codes of the districts that it names.
        """
        self.districts: Final = frozenset(districts)
        self.confidential: Final = confidential
        self.kept: Words = {}  # the words of confidential names: of each line they may be needed
        self.registrations: Final = max(registrations, 1)
        self.cities: Final = tuple(sorted(cities))
        self._fewest_known: Final = fewest_known(registrations)
        # By kind and word: faster than by their pair.
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._corrections: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)

    @property
    def size(self) -> int:
        """How many frequencies and corrections were loaded."""
        return sum(map(len, self._counts.values())) + sum(map(len, self._corrections.values()))

    def known_only(self) -> "TermFrequencies":
        """Return a copy with the known words only: they are needed again and again, a misspelling hardly ever is."""
        copy = TermFrequencies(self.registrations, self.cities, self.confidential, self.districts)
        for kind, counts in self._counts.items():
            kept = self.kept.get(kind, ())
            copy._counts[kind] = {w: count for w, count in counts.items() if count >= self._fewest_known or w in kept}
        copy.kept = self.kept
        for kind, corrections in self._corrections.items():
            copy._corrections[kind] = {word: corrections[word] for word in corrections if word in copy._counts[kind]}
        return copy

    def without_count(self, needed: Iterable[Words]) -> Words:
        """Return those of the words whose frequency is not loaded yet."""
        return _without(needed, self._counts)

    def without_corrections(self, needed: Iterable[Words]) -> Words:
        """Return those of the words whose corrections are not loaded yet."""
        missing = _without(needed, self._corrections)
        return {kind: {word for word in words if len(word) >= SHORTEST_CORRECTED} for kind, words in missing.items()}

    def add_counts(self, words: Words, counts: Iterable[tuple[str, str, int]]) -> None:
        """Add the numbers of registrations of the words; 0 for those that `counts` (kind, word, number) leaves out."""
        for kind, of_kind in words.items():
            self._counts[kind].update(dict.fromkeys(of_kind, 0))
        for kind, word, count in counts:
            self._counts[kind][word] = count

    def add_corrections(self, words: Words, similar: Iterable[tuple[str, str, str, int]]) -> None:
        """Add the corrections of the words: the `similar` (see `queries.similar_words`) that are one edit away."""
        near = defaultdict[tuple[str, str], set[tuple[int, str]]](set)
        for kind, word, known, registrations in similar:
            if OSA.distance(known, word, score_cutoff=1) == 1:
                near[kind, word].add((-registrations, known))
        for kind, of_kind in words.items():
            for word in of_kind:
                found = sorted(near.get((kind, word), ()))[:_MAX_CORRECTIONS]
                self._corrections[kind][word] = tuple(known for _, known in found)

    def count(self, kind: str, word: str) -> int:
        """Return the number of registrations that contain the word."""
        return self._counts[kind][word]

    def is_known(self, kind: str, word: str) -> bool:
        """Whether the word is itself a name of this county, and so no misspelling."""
        return self._counts[kind][word] >= self._fewest_known

    def idf(self, kind: str, word: str) -> float:
        """Return the inverse document frequency: log(registrations / those with the word), at least one having it."""
        return log(self.registrations / max(self._counts[kind][word], 1))

    def given_idf(self, word: str) -> float:
        """Return the inverse document frequency of a given or a middle name, whichever the word is more often."""
        return log(self.registrations / max(self._counts["given"][word], self._counts["middle"][word], 1))

    def spelling_corrections(self, kind: str, word: str) -> tuple[str, ...]:
        """Return the known words one edit away from a word, the most frequent first, at most six."""
        return self._corrections[kind][word] if len(word) >= SHORTEST_CORRECTED else ()


def _without(needed: Iterable[Words], loaded: Mapping[str, Mapping[str, object]]) -> Words:
    missing = defaultdict[str, set[str]](set)
    for words in needed:
        for kind, of_kind in words.items():
            missing[kind] |= of_kind.difference(loaded[kind])
    return missing
