"""Names as they are compared: folded words, titles and suffixes apart, particles joined, and how a word sounds."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple

from app.law.line import NameParts

_LISTS: Final[dict[str, Any]] = tomllib.loads((files("app.matching") / "data" / "words.toml").read_text("utf-8"))


def word_list(name: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(_LISTS[name].split())


def standard_forms(name: str) -> dict[str, str]:
    """Return each spelling in a table with its standard form, and each standard form with itself."""
    return {spelling: form for form, others in _LISTS[name].items() for spelling in (form, *others.split())}


def first_spellings(name: str) -> dict[str, str]:
    """Return each standard form in a table with its first other spelling, or itself if there is none."""
    return {form: (others.split() or [form])[0] for form, others in _LISTS[name].items()}


# Sizes of caches of words. The large one is for what takes long to compute, and for what the load of a roll needs of
# every registration.
WORDS_KEPT: Final = 1 << 14  # the frequent words of a large county, some 4 MB


FREQUENT_KEPT: Final = 1 << 12  # the most frequent ones, 1 MB


# Letters that Unicode does not decompose into a base letter and a mark.
_WHOLE_LETTERS = str.maketrans(
    {"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Æ": "AE", "Œ": "OE", "ẞ": "SS"},
)


# An apostrophe joins (O'BRIEN is OBRIEN); every other mark separates (GARCIA-LOPEZ is GARCIA LOPEZ).
_APOSTROPHES = "'`´ʻʼ‘’"  # noqa: RUF001 - the look-alikes are the point


_KEPT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def fold(text: str, keep: str = "") -> str:
    """Return `text` in A-Z, 0-9 and single spaces: without accents and apostrophes, other marks as spaces.

    `keep` are ASCII marks that stay (such as the comma of "LAST, FIRST").
    """
    folded = text.upper() if text.isascii() else _base_letters(text)
    if folded.isalnum() and folded.isascii():
        return folded
    folded = folded.translate(_folding(keep))
    if not folded.isascii():
        gap = " " if keep else ""
        folded = "".join(c if c.isascii() else gap for c in folded)
    return " ".join(folded.split())


def _base_letters(text: str) -> str:
    """`text` in capitals, in ASCII as far as a letter has a base letter there."""
    decomposed = unicodedata.normalize("NFKD", text.upper().translate(_WHOLE_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper()


@cache
def _folding(keep: str) -> dict[int, str]:
    """What each ASCII character and each apostrophe becomes."""
    kept = _KEPT.union(keep)
    return str.maketrans({chr(c): " " for c in range(128)} | dict.fromkeys(_APOSTROPHES, "") | {c: c for c in kept})


# Letters that are written differently and sound alike: what a word must contain, the pattern, its replacement. Longer
# groups come first.
_GROUPS = (
    ("N", re.compile(r"^(KN|GN|PN)"), "N"),
    ("WR", re.compile(r"^WR"), "R"),
    ("PH", re.compile(r"PH"), "F"),
    ("Z", re.compile(r"TZ|DZ"), "Z"),
    ("H", re.compile(r"SCH|SH|CH"), "J"),
    ("SC", re.compile(r"SC(?=[EIY])"), "S"),
    ("C", re.compile(r"C(?=[EIY])"), "S"),
    ("GH", re.compile(r"(?<=.)GH"), ""),
)


# Consonants that are confused in hearing, writing and typing: VALDEZ/BALDES, NADELLA/NATELLA. Vowels, H and W are left
# out.
_CLASSES = str.maketrans("BPFVCGJKQXSZDTLMNR", "BBBBKKKKKKSSTTLMMR", "AEIOUYHW")


_FINAL = {"A": "A", "E": "I", "I": "I", "Y": "I", "O": "O", "U": "O"}


_REPEATS = re.compile(r"(.)\1+")


@lru_cache(maxsize=WORDS_KEPT)
def sound(word: str) -> str:
    """Return a code that words sounding alike share: classes of consonants and the last vowel.

    `word` is folded (A-Z, 0-9). A word with digits, such as the number of a street, is its own code; '' gives ''.
    """
    if not word.isalpha():
        return word
    spelled = word
    for contained, pattern, plain in _GROUPS:
        if contained in spelled:
            spelled = pattern.sub(plain, spelled)
    start = "A" if spelled[:1] in "AEIOUYHW" else ""
    end = _FINAL.get(spelled.rstrip("HW")[-1:], "")
    return start + _REPEATS.sub(r"\1", spelled.translate(_CLASSES)) + end.lower()


_PARTICLES = frozenset(word_list("particles"))


_TITLES = frozenset(word_list("titles"))


_DEGREES = frozenset(word_list("degrees"))


_SUFFIXES = standard_forms("suffixes")


_MISREAD_DIGITS = str.maketrans("0123456789", "OIZEASGTBG")  # a digit in a name is a letter that was misread


@lru_cache(maxsize=FREQUENT_KEPT)
def surname_parts(last_name: str) -> tuple[str, ...]:
    """Return the parts of a surname, each with the particles before it: "de la Cruz-Lopez" gives DELACRUZ, LOPEZ."""
    parts: list[str] = []
    particle = ""
    for word in fold(last_name).translate(_MISREAD_DIGITS).split():
        particle += word
        if word not in _PARTICLES:
            parts.append(particle)
            particle = ""
    if particle:  # a surname made of particles only (DE LA O), or with one at its end (GARCIA Y)
        parts = [*parts[:-1], parts[-1] + particle] if parts and len(particle) == 1 else [*parts, particle]
    if len(parts) > 1 and parts[-1] in _SUFFIXES:
        parts.pop()
    return tuple(parts)


@lru_cache(maxsize=FREQUENT_KEPT)
def given_words(name: str) -> tuple[str, ...]:
    """Return the words of a first or middle name."""
    return tuple(fold(name).translate(_MISREAD_DIGITS).split())


@lru_cache(maxsize=1 << 8)
def suffix_of(text: str) -> str:
    """Return a suffix in its standard form ("Jr." gives JR, "2nd" II), '' if it is none."""
    return _SUFFIXES.get(fold(text).replace(" ", ""), "")


NameOrder = Literal["plain", "double", "swapped", "swapped double"]
"""Where the surname is: the last word, the last two words, the first word, or the first two."""


class ParsedName(NamedTuple):
    """One way to parse a name: the given and middle names, and the parts of the surname."""

    given: tuple[str, ...]
    surname: tuple[str, ...]
    order: NameOrder = "plain"

    @property
    def possible_givens(self) -> list[str]:
        """The words that may be the registered given name: the first two, also as one."""
        return _several(self.given[:2])

    @property
    def possible_surnames(self) -> list[str]:
        """The words that may be a part of the registered surname: its parts, also as one."""
        return _several(self.surname)


def _several(words: tuple[str, ...]) -> list[str]:
    together = (*words, "".join(words)) if len(words) > 1 else words
    return [word for word in together if len(word) > 1]


NamesAndSuffix = tuple[tuple[ParsedName, ...], str]
"""The ways to parse a name that are worth comparing, the likeliest first (none if nothing is readable); the suffix."""


_MAX_NAMES = 4


_MISREAD_STROKE = re.compile(r"(?<=\w)[|:!](?=\w)")  # a stroke within a word was an I: DAV:D


def parse_name(text: str) -> NamesAndSuffix:
    """Parse a name in any order: "Maria Garcia-Lopez", "GARCIA, MARIA L.", "Garcia Maria"."""
    folded = fold(_MISREAD_STROKE.sub("I", text), "-,").replace(" -", "-").replace("- ", "-")
    parts = [words for part in folded.split(",") if (words := [w for w in part.split() if w.strip("-")])]
    suffix = ""
    for words in parts:
        suffix = _take_suffix(words) or suffix
    parts = [[_as_letters(word) for word in words] for words in parts if words]
    if len(parts) < 2:  # noqa: PLR2004 - without a comma
        return _parsed_names(parts[0]) if parts else (), suffix
    stated = _parsed([word for words in parts[1:] for word in words], parts[0])
    without_comma = [part for words in parts for word in words for part in word.split("-") if part]
    other = _parsed_names(without_comma)[0]._replace(order="swapped")
    return (stated,) if other[:2] == stated[:2] else (stated, other), suffix


def parse_name_parts(parts: NameParts) -> NamesAndSuffix:
    """Parse a name that the station read in parts; first and last name may be swapped."""
    if not parts.last.strip() or not parts.first.strip():
        return parse_name(f"{parts.first} {parts.middle} {parts.last} {parts.suffix}")
    given = [*fold(parts.first, "-").split(), *fold(parts.middle, "-").split()]
    surname = fold(parts.last, "-").split()
    found = _take_suffix(given) or _take_suffix(surname) or suffix_of(parts.suffix)
    stated = _parsed(map(_as_letters, given), map(_as_letters, surname))
    swapped = ParsedName((*stated.surname, *stated.given[1:]), stated.given[:1], "swapped")
    return (stated, swapped), found


def _as_letters(word: str) -> str:
    return word if word.isalpha() else word.translate(_MISREAD_DIGITS)


def _take_suffix(words: list[str]) -> str:
    """Take titles, degrees and a suffix off `words`; return the suffix."""
    while len(words) > 1 and words[0] in _TITLES:
        words.pop(0)
    while len(words) > 1 and words[-1] in _DEGREES:
        words.pop()
    if words and words[-1] in _SUFFIXES and (words[-1] != "V" or (len(words) > 2 and len(words[-2]) > 1)):  # noqa: PLR2004 - "JOSE V" is an initial
        return _SUFFIXES[words.pop()]
    return ""


def _parsed(given: Iterable[str], surname: Iterable[str], order: NameOrder = "plain") -> ParsedName:
    words = tuple(part for word in given for part in word.split("-") if part)
    return ParsedName(words, surname_parts(" ".join(surname)), order)


def _parsed_names(words: list[str]) -> tuple[ParsedName, ...]:
    """Parse words in no stated order: the surname is the last word, the last two, or the first."""
    if len(words) < 2:  # noqa: PLR2004 - one word can be either
        return (_parsed([], words), _parsed(words, [], "swapped")) if words else ()
    start, end = _surname_start(words, len(words) - 1), _surname_end(words)
    names = [_parsed(words[:start], words[start:])]
    swapped = _parsed(words[end:], words[:end], "swapped")
    if len(words[-1]) == 1:  # no surname has one letter: LUCAS N
        names.insert(0, swapped._replace(order="plain"))
    if start > 1:
        start = _surname_start(words, start - 1)
        names.append(_parsed(words[:start], words[start:], "double"))
    if len(words[-1]) > 1:
        names.append(swapped)
    if end + 1 < len(words):
        names.append(_parsed(words[end + 1 :], words[: end + 1], "swapped double"))
    return tuple(names[:_MAX_NAMES])


def _surname_start(words: list[str], at: int) -> int:
    """Where the surname that ends with word `at` starts: particles precede it, and the first word is a given name."""
    while at > 1 and words[at - 1] in _PARTICLES and len(words[at - 1]) > 1:
        at -= 1
    return at


def _surname_end(words: list[str]) -> int:
    """Where a surname that comes first ends; at least one word is left for the given name."""
    at = 0
    while at + 2 < len(words) and words[at] in _PARTICLES and len(words[at]) > 1:
        at += 1
    return at + 1
