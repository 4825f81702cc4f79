"""A person's name as it is compared: folded words, titles and suffixes apart, particles joined."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from app.domain.text import FREQUENT_KEPT, fold, listed

# Words that belong to the surname after them: DE LA CRUZ is DELACRUZ, MC DONALD is MCDONALD.
_PARTICLES = frozenset(
    listed(
        "DE LA LAS LOS DEL DELA DELOS DELAS DER DEN VAN VON VANDER VANDEN DI DA DO DOS DAS DU LE ST SAN SANTA MC MAC O "
        "EL AL BIN BEN ABU TER TEN ZU ZUM D L Y",
    ),
)
SUFFIXES: dict[str, str] = {
    "JR": "JR", "JUNIOR": "JR", "JNR": "JR", "SR": "SR", "SENIOR": "SR", "SNR": "SR", "II": "II", "2ND": "II",
    "2": "II", "IR": "JR", "1R": "JR",
    "III": "III", "3RD": "III", "3": "III", "IV": "IV", "4TH": "IV", "4": "IV", "V": "V", "5TH": "V",
}  # fmt: skip
# A digit in a name is a letter that was misread (0 for O, 5 for S).
_MISREAD_DIGITS = str.maketrans("0123456789", "OIZEASGTBG")


@lru_cache(maxsize=FREQUENT_KEPT)
def surname_parts(last_name: str) -> tuple[str, ...]:
    """Return the parts of a surname, particles joined to the part they lead: "de la Cruz-Lopez" DELACRUZ, LOPEZ."""
    parts: list[str] = []
    particle = ""
    for word in fold(last_name).translate(_MISREAD_DIGITS).split():
        particle += word
        if word not in _PARTICLES:
            parts.append(particle)
            particle = ""
    if particle:  # a surname made of particles only (DE LA O), or one that ends in one (GARCIA Y)
        parts = [*parts[:-1], parts[-1] + particle] if parts and len(particle) == 1 else [*parts, particle]
    if len(parts) > 1 and parts[-1] in SUFFIXES:
        parts.pop()
    return tuple(parts)


@lru_cache(maxsize=FREQUENT_KEPT)
def given_words(name: str) -> tuple[str, ...]:
    """Return the words of a first or middle name."""
    return tuple(fold(name).translate(_MISREAD_DIGITS).split())


@lru_cache(maxsize=1 << 8)
def suffix_of(text: str) -> str:
    """Return a suffix in its one form ("Jr." JR, "2nd" II), '' where it is none."""
    return SUFFIXES.get(fold(text).replace(" ", ""), "")


class NameReading(NamedTuple):
    """One way to read a name: the given and middle names, and the parts of the surname."""

    given: tuple[str, ...]
    surname: tuple[str, ...]
    kind: str = "plain"  # plain, double (the last two words are the surname), swapped, swapped double


class ReadName(NamedTuple):
    """A name with the readings that are worth comparing, the likeliest first; none where nothing is readable."""

    readings: tuple[NameReading, ...]
    suffix: str


_TITLES = frozenset(listed("MR MRS MS MISS DR REV HON SR SRA SRTA PROF SIR FR SGT CAPT"))
_DEGREES = frozenset(listed("MD PHD ESQ DDS RN CPA DVM JD"))
_MOST_READINGS = 4
_MISREAD_MARK = re.compile(r"(?<=\w)[|:!](?=\w)")  # a stroke within a word was an I: DAV:D


def read_name(text: str) -> ReadName:
    """Return the readings of a name in any writing: "Maria Garcia-Lopez", "GARCIA, MARIA L.", "Garcia Maria"."""
    folded = fold(_MISREAD_MARK.sub("I", text), "-,").replace(" -", "-").replace("- ", "-")
    parts = [words for part in folded.split(",") if (words := [w for w in part.split() if w.strip("-")])]
    suffix = ""
    for words in parts:
        suffix = _strip(words) or suffix
    parts = [[_as_letters(word) for word in words] for words in parts if words]
    if len(parts) > 1:
        given = _given([word for words in parts[1:] for word in words])
        stated = NameReading(given, _surname(parts[0]))
        other = _unordered(_unhyphenated(word for words in parts for word in words))[0]._replace(kind="swapped")
        return ReadName((stated,) if other[:2] == stated[:2] else (stated, other), suffix)
    return ReadName(_unordered(parts[0]) if parts else (), suffix)


def read_name_parts(first: str, middle: str, last: str, suffix: str) -> ReadName:
    """Return the readings of a name that the station read in parts; the parts may be swapped."""
    if not last.strip() or not first.strip():
        return read_name(f"{first} {middle} {last} {suffix}")
    words = [*fold(first, "-").split(), *fold(middle, "-").split()]
    surname = fold(last, "-").split()
    found = _strip(words) or _strip(surname) or suffix_of(suffix)
    given = _given([_as_letters(word) for word in words])
    stated = NameReading(given, _surname([_as_letters(word) for word in surname]))
    swapped = NameReading((*stated.surname, *given[1:]), given[:1], "swapped")
    return ReadName((stated, swapped), found)


def _as_letters(word: str) -> str:
    return word if word.isalpha() else word.translate(_MISREAD_DIGITS)


def _strip(words: list[str]) -> str:
    """Take titles, degrees and a suffix off `words`; return the suffix."""
    while len(words) > 1 and words[0] in _TITLES:
        words.pop(0)
    while len(words) > 1 and words[-1] in _DEGREES:
        words.pop()
    if words and words[-1] in SUFFIXES and (words[-1] != "V" or (len(words) > 2 and len(words[-2]) > 1)):  # noqa: PLR2004 - "JOSE V" is an initial
        return SUFFIXES[words.pop()]
    return ""


def _unhyphenated(words: Iterable[str]) -> list[str]:
    return [part for word in words for part in word.split("-") if part]


def _given(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_unhyphenated(words))


def _surname(words: Iterable[str]) -> tuple[str, ...]:
    return surname_parts(" ".join(words))


def _unordered(words: list[str]) -> tuple[NameReading, ...]:
    """Readings of words in no stated order: last word the surname, last two, or the first."""
    if len(words) < 2:  # noqa: PLR2004 - one word can be either
        return (NameReading((), _surname(words)), NameReading(_given(words), (), "swapped")) if words else ()
    start = _surname_start(words, len(words) - 1)
    readings = [NameReading(_given(words[:start]), _surname(words[start:]))]
    end = _surname_end(words)
    swapped = NameReading(_given(words[end:]), _surname(words[:end]), "swapped")
    if len(words[-1]) == 1:  # no surname is one letter: LUCAS N
        readings.insert(0, swapped._replace(kind="plain"))
    if start > 1:
        start = _surname_start(words, start - 1)
        readings.append(NameReading(_given(words[:start]), _surname(words[start:]), "double"))
    if len(words[-1]) > 1:
        readings.append(swapped)
    if end + 1 < len(words):
        readings.append(NameReading(_given(words[end + 1 :]), _surname(words[: end + 1]), "swapped double"))
    return tuple(readings)[:_MOST_READINGS]


def _surname_start(words: list[str], at: int) -> int:
    """Where the surname that ends with the word `at` begins: particles lead it, and the first word is a given name."""
    while at > 1 and words[at - 1] in _PARTICLES and len(words[at - 1]) > 1:
        at -= 1
    return at


def _surname_end(words: list[str]) -> int:
    """Where a surname that comes first ends; at least one word is left for the given name."""
    at = 0
    while at + 2 < len(words) and words[at] in _PARTICLES and len(words[at]) > 1:
        at += 1
    return at + 1
