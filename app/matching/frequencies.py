"""Term frequencies: how many registrations contain each name, street and zip code, and corrections of misspellings."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import log
from typing import Final
from zlib import crc32

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


WORDS_A_PAGE: Final = 64
_HASH_BITS: Final = 32  # of a variant, in front of 32 bits for the number of its word
_PART_BITS: Final = 16  # of the hash: the index is divided by them


class Dictionary:
    """All words of a roll in little memory, with what is needed to correct misspellings, as the database has them.

    The words are on pages, as in print: the pages' first words say where a word is. A word takes some 13 bytes, and one
    that may stand for a misspelling 8 more for each of its letters.
    """

    def __init__(self, pages: Iterable[tuple[str, str]], registrations: int) -> None:
        """Keep the words of a roll.

        Args:
            pages: kind and text of each, in order: lines of word, tab and number of registrations, sorted by code
                points, `WORDS_A_PAGE` on each page of a kind but the last.
            registrations: of the roll.
        """
        self._pages: Final[dict[str, list[str]]] = {}
        for kind, text in pages:
            self._pages.setdefault(kind, []).append(f"\n{text}\n")
        self._first: Final = {kind: [one[1 : one.index("\t")] for one in texts] for kind, texts in self._pages.items()}
        self._variants: Final = {
            kind: _Variants(_known(self._pages.get(kind, ()), fewest_known(registrations))) for kind in CORRECTED_KINDS
        }

    def counts(self, words: Words) -> list[tuple[str, str, int]]:
        """Return (kind, word, registrations) of each of the words that the roll contains."""
        found = []
        for kind, of_kind in words.items():
            first, pages = self._first.get(kind, []), self._pages.get(kind, [])
            for word in of_kind:
                text = pages[page] if (page := bisect_right(first, word) - 1) >= 0 else ""
                if (at := text.find(f"\n{word}\t")) >= 0:
                    at += len(word) + 2
                    found.append((kind, word, int(text[at : text.index("\n", at)])))
        return found

    def similar(self, words: Words) -> list[tuple[str, str, str, int]]:
        """Return (kind, word, known word, its registrations) of known words that share a variant with one of these.

        There may be some that share a hash alone.
        """
        found = []
        for kind, of_kind in words.items():
            for word in of_kind:
                for number in self._variants[kind].sharing(word):
                    page = self._pages[kind][number // WORDS_A_PAGE]
                    known, _, count = page.split("\n")[1 + number % WORDS_A_PAGE].partition("\t")
                    if known != word:
                        found.append((kind, word, known, int(count)))
        return found


def _known(pages: Iterable[str], fewest: int) -> Iterator[tuple[int, str]]:
    """The words that may stand for a misspelling, each with its number."""
    for page, text in enumerate(pages):
        for at, line in enumerate(text[1:-1].split("\n")):
            word, _, count = line.partition("\t")
            if int(count) >= fewest and len(word) >= SHORTEST_CORRECTED:
                yield page * WORDS_A_PAGE + at, word


class _Variants:
    """The variants of numbered words, each as its hash and the word's number, sorted."""

    def __init__(self, known: Iterable[tuple[int, str]]) -> None:
        parts = [array("Q") for _ in range(1 << _PART_BITS // 2)]
        for number, word in known:
            for variant in variants(word):
                hashed = crc32(variant.encode())
                parts[hashed >> _HASH_BITS - _PART_BITS // 2].append(hashed << _HASH_BITS | number)
        self._sorted: Final = array("Q")
        while parts:  # one after the other: of all, Python's numbers would take five times the memory for a moment
            self._sorted.extend(sorted(parts.pop(0)))
        shift = 2 * _HASH_BITS - _PART_BITS
        self._starts: Final = array("I", [bisect_left(self._sorted, part << shift) for part in range(1 << _PART_BITS)])
        self._starts.append(len(self._sorted))

    def sharing(self, word: str) -> set[int]:
        """The numbers of the words that share a variant with this one, or the hash of one."""
        found, index, starts = set[int](), self._sorted, self._starts
        for variant in variants(word):
            hashed = crc32(variant.encode())
            part = hashed >> _HASH_BITS - _PART_BITS
            at, end = bisect_left(index, hashed << _HASH_BITS, starts[part], starts[part + 1]), starts[part + 1]
            while at < end and index[at] >> _HASH_BITS == hashed:
                found.add(index[at] & ((1 << _HASH_BITS) - 1))
                at += 1
        return found


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
        self.dictionary: Dictionary | None = None  # where this process has it
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
        copy.kept, copy.dictionary = self.kept, self.dictionary
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
