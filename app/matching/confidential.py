"""The names of a county's confidential voters (EC 2166 ff.): they decide which lines are held for the officer.

The registrations of these voters are in no search. A line that the searched registrations do not make valid is held if
its name may be a confidential voter's. Its address plays no part, so that a name that is posted with every address of
the county gets the same answer at each of them. A share of all other names is left to a person as well, so that such a
line shows nothing about its name either.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.matching.names import ParsedName, given_words, name_forms, sound, surname_parts

_ONE_IN: Final = 100  # names is left to a person
_WORDS_KEPT: Final = 1 << 13  # of each kind, with the names that are like them
_SHORTEST_PART: Final = 4  # letters of a word that may be a part of another
_MEDIUM: Final = 6  # letters
_MOST_OF_ONE_WORD: Final = 20  # names: more of them cannot be distinguished by one word


class ConfidentialName(NamedTuple):
    """The name of a confidential registration, and the voter's pseudonym."""

    registration_no: int
    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    pseudonym: str


class ConfidentialNames:
    """The names of the confidential voters of one version of a roll.

    `once`: the numbers of all voters of the county who are confidential in this or another version. The machine counts
    none of them, since a petition may know them by their pseudonyms.
    """

    def __init__(self, names: Iterable[ConfidentialName] = (), once: Iterable[str] = ()) -> None:
        """Index the names."""
        self.once: Final = frozenset(once)
        self.all: Final = tuple(sorted(names))  # as in the roll
        self._surnames, self._givens = _Index(), _Index()
        for at, name in enumerate(self.all):
            surname, first = surname_parts(name.last_name), given_words(name.first_name)
            self._surnames.add({*surname, "".join(surname)}, at)
            given = {*first, *given_words(name.middle_name), "".join(first)}
            self._givens.add(given.union(*map(name_forms, given)), at)  # a slip in a short form is like it too
        # Only the service knows the pseudonyms, so no other program can compute which names are drawn.
        pseudonyms = sorted({name.pseudonym for name in self.all})
        self._secret: Final = blake2b("".join(pseudonyms).encode()).digest()[:32]

    def like(self, written: Iterable[ParsedName]) -> list[ConfidentialName]:
        """Return the names that resemble one of the ways to parse a written name, in the order of the roll."""
        if not self.all:
            return []
        return [self.all[at] for at in sorted({at for one in written for at in self._like(one)})]

    def _like(self, written: ParsedName) -> Iterable[int]:
        given, surname = written.given, written.surname
        by_given = self._givens.like({*given, "".join(given[:2])})
        by_surname = self._surnames.like({*surname, "".join(surname)})
        if given and surname:
            return by_given & by_surname
        either = by_given | by_surname
        return either if len(either) <= _MOST_OF_ONE_WORD else ()

    def is_drawn(self, written: Sequence[ParsedName]) -> bool:
        """Whether the name is one of those that are left to a person whatever its address; by its sound."""
        if not self.all:
            return False
        heard = sorted(sound(word) for name in written[:1] for word in (*name.given[:1], *name.surname))
        digest = blake2b(" ".join(heard).encode(), key=self._secret, digest_size=4).digest()
        return int.from_bytes(digest, "big") % _ONE_IN == 0


class _Index:
    """The words of one kind, each with the names that contain it, as numbers."""

    def __init__(self) -> None:
        self._names = defaultdict[str, set[int]](set)
        self._words = defaultdict[str, set[str]](set)  # by what words that are like each other share
        self._names_like = lru_cache(_WORDS_KEPT)(self._find)

    def add(self, words: Iterable[str], name: int) -> None:
        for word in filter(None, words):
            if word not in self._names:
                for key in (*_shared(word), *map("part ".__add__, _parts(word)), "sound " + sound(word)):
                    self._words[key].add(word)
                self._words["initial " + word[0]].add(word)
            self._names[word].add(name)

    def like(self, words: Iterable[str]) -> frozenset[int]:
        """The names with a word that may be meant by one of these."""
        return frozenset[int]().union(*map(self._names_like, filter(None, words)))

    def _find(self, written: str) -> frozenset[int]:
        known, words = self._names, self._words
        if len(written) == 1:
            found = words.get("initial " + written, set())
        else:
            near = set[str]().union(*(words.get(key, ()) for key in _shared(written)))
            slips = process.extract(written, near, scorer=OSA.distance, score_cutoff=1 + len(written) // 7, limit=None)
            found = {word for word, _, _ in slips} | words.get("sound " + sound(written), set())
            found |= words.get("part " + written, set())
            likely = (written, written[0], *name_forms(written), *_parts(written))
            found |= {word for word in likely if word in known}
        return frozenset[int]().union(*(known[word] for word in found))


def _shared(word: str) -> list[str]:
    """What a word shares with its slips: the beginning or the end, a short one also the letters or both ends."""
    keys = ["start " + word[:3], "end " + word[-3:]]
    if len(word) <= _MEDIUM:
        keys += ["start " + word[:2], "end " + word[-2:], f"ends {word[0]}{word[-1]}"]
        keys.append("letters " + "".join(sorted(word)))
    return keys


def _parts(word: str) -> list[str]:
    """What a word begins or ends with that may be another word: CRUZ of DELACRUZ."""
    lengths = range(_SHORTEST_PART, len(word))
    return [part for length in lengths for part in (word[:length], word[-length:])]


NO_NAMES: Final = ConfidentialNames()
