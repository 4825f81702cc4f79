"""Term frequencies: how many registrations hold each name, street, zip and city, and likely misspellings."""

from collections.abc import Collection, Iterable, Mapping
from math import log
from typing import Final

from rapidfuzz.distance import OSA

CORRECTED: Final = ("surname", "given", "street")  # the kinds whose misspellings are looked up
SHORTEST: Final = 3  # a shorter word is one slip away from half the dictionary
_MOST_CORRECTIONS: Final = 6


def fewest_known(registrations: int) -> int:
    """Return of how many registrations a word must be to count as known.

    A word of one registration in a million is as likely a slip in the roll as a name.
    """
    return max(1, registrations // 1_000_000)


def variants(text: str) -> set[str]:
    """Return the word, and the word with each of its letters left out.

    Two words within one slip of each other (a letter more, less, other, or two exchanged) share at least one.
    """
    return {text, *(text[:at] + text[at + 1 :] for at in range(len(text)))}


class TermFrequencies:
    """What was learnt so far of the words of one version of a county's roll.

    The roll's dictionary stays in the database; whoever compares lines learns the words first that the comparison will
    ask for. What it says of a word never changes, so it may be shared and need not be forgotten. To ask for a word that
    was never learnt is an error of the program (KeyError): a count of 0 would be a wrong weight without a trace.
    """

    def __init__(self, registrations: int, cities: Iterable[str]) -> None:
        """Take the roll's size and the names of its cities."""
        self.registrations: Final = max(registrations, 1)
        self.cities: Final = tuple(sorted(cities))
        self._known: Final = fewest_known(registrations)
        self._counts: dict[str, dict[str, int]] = {kind: {} for kind in ("surname", "given", "middle", "street", "zip")}
        self._corrections: dict[str, dict[str, tuple[str, ...]]] = {kind: {} for kind in CORRECTED}

    @property
    def size(self) -> int:
        """How many words were learnt, to bound them."""
        return sum(map(len, self._counts.values())) + sum(map(len, self._corrections.values()))

    def known_alone(self) -> "TermFrequencies":
        """Return what was learnt of known words, which are asked for again and again: a slip hardly ever is."""
        alone = TermFrequencies(self.registrations, self.cities)
        for kind, counts in self._counts.items():
            alone._counts[kind] = {text: count for text, count in counts.items() if count >= self._known}
        for kind, corrected in self._corrections.items():
            known = alone._counts[kind]
            alone._corrections[kind] = {text: found for text, found in corrected.items() if text in known}
        return alone

    def unlearnt(self, kind: str, texts: Iterable[str]) -> set[str]:
        """Return those of the words whose count is not known yet."""
        return set(texts).difference(self._counts[kind])

    def uncorrected(self, kind: str, texts: Iterable[str]) -> set[str]:
        """Return those of the words whose corrections are not known yet."""
        return {text for text in texts if len(text) >= SHORTEST}.difference(self._corrections[kind])

    def learn(self, asked: Mapping[str, Collection[str]], counted: Iterable[tuple[str, str, int]]) -> None:
        """Take the counts of the words asked for, as (kind, word, registrations); what is absent is in no registration.

        `asked` are the words of each kind.
        """
        for kind, texts in asked.items():
            self._counts[kind].update(dict.fromkeys(texts, 0))
        for kind, text, registrations in counted:
            self._counts[kind][text] = registrations

    def learn_corrections(
        self, asked: Mapping[str, Collection[str]], alike: Iterable[tuple[str, str, str, int]]
    ) -> None:
        """Take the known words that share a variant with the words asked for.

        Each as (kind, the word asked for, the known word, its registrations).
        """
        found: dict[tuple[str, str], set[tuple[int, str]]] = {}
        for kind, text, known, registrations in alike:
            if known != text and OSA.distance(known, text, score_cutoff=1) <= 1:
                found.setdefault((kind, text), set()).add((-registrations, known))
        for kind, texts in asked.items():
            for text in texts:
                near = sorted(found.get((kind, text), ()))[:_MOST_CORRECTIONS]
                self._corrections[kind][text] = tuple(known for _, known in near)

    def count(self, kind: str, text: str) -> int:
        """Return the number of registrations that hold the word."""
        return self._counts[kind][text]

    def known(self, kind: str, text: str) -> bool:
        """Whether the word is itself a name of this county, and so no slip."""
        return self._counts[kind][text] >= self._known

    def rarity(self, kind: str, text: str) -> float:
        """Return the logarithm of one over the word's share of the registrations; an unseen word counts as one."""
        return log(self.registrations / max(self._counts[kind][text], 1))

    def corrections(self, kind: str, text: str) -> tuple[str, ...]:
        """Return the known words within one slip of a word, the most frequent first, at most six."""
        return self._corrections[kind][text] if len(text) >= SHORTEST else ()
