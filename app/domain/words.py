"""A roll's words: how many registrations hold each name, street, zip and city, and what a misspelling may stand for."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from math import log
from typing import Final

from rapidfuzz.distance import OSA

CORRECTED: Final = ("surname", "given", "street")  # the kinds whose misspellings are looked up
_MOST_CORRECTIONS: Final = 6
_SHORTEST: Final = 3  # a shorter word is one slip away from half the dictionary
_CORRECTED_KEPT: Final = 1 << 14  # words, some 4 MB
_WORD_BITS: Final = 24
_BUCKETS: Final = 64  # the index is sorted in parts, to keep the passing memory small
_HASH_BITS: Final = 38


class Words:
    """The words of one version of a county's roll. What they say never changes; about 100 bytes a word.

    The index of misspellings holds a number for every word with each of its letters left out, in sorted arrays: two
    words within one slip of each other (a letter more, less, other, or two exchanged) share at least one.
    """

    def __init__(self, registrations: int, counted: Iterable[tuple[str, str, int]]) -> None:
        """Take the roll's size and its (kind, word, registrations) triples, each pair of kind and word once."""
        self.registrations: Final = max(registrations, 1)
        self._counts: dict[str, dict[str, int]] = {}
        for kind, word, count in counted:
            self._counts.setdefault(kind, {})[word] = count
        self.cities: Final = tuple(sorted(self._counts.get("city", ())))
        # A word of one registration in a million is as likely a slip in the roll as a name.
        self._known: Final = max(1, registrations // 1_000_000)
        self._words: dict[str, list[str]] = {}
        self._index: dict[str, list[array[int]]] = {}
        self._corrected: dict[tuple[str, str], tuple[str, ...]] = {}  # what was asked for lately: most names come again
        for kind in CORRECTED:
            self._make_index(kind)

    def count(self, kind: str, word: str) -> int:
        """Return the number of registrations that hold the word."""
        return self._counts.get(kind, {}).get(word, 0)

    def known(self, kind: str, word: str) -> bool:
        """Whether the word is itself a name of this county, and so no slip."""
        counts = self._counts.get(kind)
        return counts is not None and counts.get(word, 0) >= self._known

    def rarity(self, kind: str, word: str) -> float:
        """Return the logarithm of one over the word's share of the registrations; an unseen word counts as one."""
        return log(self.registrations / max(self.count(kind, word), 1))

    def corrections(self, kind: str, word: str) -> tuple[str, ...]:
        """Return the known words within one slip of `word`, the most frequent first, at most six."""
        found = self._corrected.get((kind, word))
        if found is None:
            if len(self._corrected) >= _CORRECTED_KEPT:
                self._corrected.clear()
            found = self._corrected[kind, word] = self._correct(kind, word)
        return found

    def _correct(self, kind: str, word: str) -> tuple[str, ...]:
        if len(word) < _SHORTEST or kind not in self._index:
            return ()
        words, buckets = self._words[kind], self._index[kind]
        found = {number for variant in _variants(word) for number in _lookup(buckets, variant)}
        near = [words[n] for n in found if words[n] != word and OSA.distance(words[n], word, score_cutoff=1) <= 1]
        return tuple(sorted(near, key=lambda near_word: (-self.count(kind, near_word), near_word))[:_MOST_CORRECTIONS])

    def _make_index(self, kind: str) -> None:
        words = sorted(w for w, n in self._counts.get(kind, {}).items() if n >= self._known and len(w) >= _SHORTEST)
        buckets: list[array[int]] = [array("Q") for _ in range(_BUCKETS)]
        for number, word in enumerate(words):
            for variant in _variants(word):
                code = hash(variant)
                buckets[code % _BUCKETS].append((code >> 6 & _MASK) << _WORD_BITS | number)
        self._words[kind] = words
        self._index[kind] = [array("Q", sorted(bucket)) for bucket in buckets]


_MASK: Final = (1 << _HASH_BITS) - 1


def _variants(word: str) -> set[str]:
    """The word, and the word with each of its letters left out."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _lookup(buckets: "list[array[int]]", variant: str) -> Iterable[int]:
    """The numbers of the words that have the variant, and by chance a few that have not."""
    code = hash(variant)  # Python's own: the index never leaves the process, and every hit is compared letter by letter
    bucket = buckets[code % _BUCKETS]
    first = (code >> 6 & _MASK) << _WORD_BITS
    at = bisect_left(bucket, first)
    while at < len(bucket) and bucket[at] >> _WORD_BITS == first >> _WORD_BITS:
        yield bucket[at] & ((1 << _WORD_BITS) - 1)
        at += 1
