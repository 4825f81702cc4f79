"""A person's name as it is compared: folded words, suffixes apart, particles joined; nicknames; how names sound."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Final, Literal, NamedTuple

from rapidfuzz.distance import OSA

# What a cache of words keeps: the frequent ones of a large county, at some 4 MB a cache, or the most frequent, at 1 MB.
# The first is for what takes long to make, and for what the load of a roll asks of every registration.
WORDS_KEPT: Final = 1 << 14
FREQUENT_KEPT: Final = 1 << 12
PAIRS_KEPT: Final = 1 << 10  # pairs of words come again within a line and hardly ever after it

# Letters that Unicode does not take apart into a base letter and a mark.
_WHOLE_LETTERS = {
    "Ø": "O",
    "Ł": "L",
    "Đ": "D",
    "Ð": "D",
    "Þ": "TH",
    "Æ": "AE",
    "Œ": "OE",
    "ẞ": "SS",
    "ß": "SS",
    "\u0131": "I",
}
# An apostrophe joins (O'BRIEN is OBRIEN); every other mark separates (GARCIA-LOPEZ is GARCIA LOPEZ).
_APOSTROPHES = "'`´ʻʼ‘’"  # noqa: RUF001 - the look-alikes are the point
_KEPT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def listed(words: str) -> tuple[str, ...]:
    """Return the words of a table that is written as one line of text."""
    return tuple(words.split())


def _letters(text: str) -> str:
    """`text` in ASCII capitals as far as a letter has one."""
    raised = "".join(_WHOLE_LETTERS.get(c, c) for c in text.upper())
    return "".join(c for c in unicodedata.normalize("NFKD", raised) if not unicodedata.combining(c)).upper()


def fold(text: str, keep: str = "") -> str:
    """Return `text` in A-Z, 0-9 and single spaces: accents off, apostrophes joined, other marks as spaces.

    `keep` names marks that are left standing (such as the comma of "LAST, FIRST").
    """
    if text.isascii():
        raised = text.upper()
        return raised if raised.isalnum() else " ".join(raised.translate(_folding(keep)).split())
    folded = _letters(text)
    if folded.isalnum() and folded.isascii():
        return folded
    if keep:
        folded = "".join(c if c in keep or c in _KEPT else "" if c in _APOSTROPHES else " " for c in folded)
    else:
        folded = "".join(c for c in folded.translate(_folding("")) if c in _KEPT or c == " ")
    return " ".join(folded.split())


@cache
def _folding(keep: str) -> dict[int, str]:
    """What becomes of each sign of ASCII."""
    kept = _KEPT.union(keep)
    signs = {chr(c): chr(c) if chr(c) in kept else " " for c in range(128)}
    return str.maketrans(signs | {c: c if c in kept else "" for c in _APOSTROPHES})


# Written differently, heard alike. The order matters: longer groups first. Before each what a word with it holds.
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
# Consonants that ear, hand and keyboard exchange: VALDEZ/BALDES, NADELLA/NATELLA. Vowels, H and W fall away.
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
    for held, pattern, plain in _GROUPS:
        if held in spelled:
            spelled = pattern.sub(plain, spelled)
    start = "A" if spelled[:1] in "AEIOUYHW" else ""
    end = _FINAL.get(spelled.rstrip("HW")[-1:], "")
    return start + _REPEATS.sub(r"\1", spelled.translate(_CLASSES)) + end.lower()


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


NameOrder = Literal["plain", "double", "swapped", "swapped double"]
"""Where the surname stands: it is the last word, the last two words, the first word, or the first two."""


class ParsedName(NamedTuple):
    """One way to parse a name: the given and middle names, and the parts of the surname."""

    given: tuple[str, ...]
    surname: tuple[str, ...]
    order: NameOrder = "plain"


NamesAndSuffix = tuple[tuple[ParsedName, ...], str]
"""The ways to parse a name that are worth comparing, the likeliest first (none if nothing is readable); the suffix."""


_TITLES = frozenset(listed("MR MRS MS MISS DR REV HON SR SRA SRTA PROF SIR FR SGT CAPT"))
_DEGREES = frozenset(listed("MD PHD ESQ DDS RN CPA DVM JD"))
_MOST_READINGS = 4
_MISREAD_MARK = re.compile(r"(?<=\w)[|:!](?=\w)")  # a stroke within a word was an I: DAV:D


def parse_name(text: str) -> NamesAndSuffix:
    """Return the readings of a name in any writing: "Maria Garcia-Lopez", "GARCIA, MARIA L.", "Garcia Maria"."""
    folded = fold(_MISREAD_MARK.sub("I", text), "-,").replace(" -", "-").replace("- ", "-")
    parts = [words for part in folded.split(",") if (words := [w for w in part.split() if w.strip("-")])]
    suffix = ""
    for words in parts:
        suffix = _strip(words) or suffix
    parts = [[_as_letters(word) for word in words] for words in parts if words]
    if len(parts) > 1:
        given = _given([word for words in parts[1:] for word in words])
        stated = ParsedName(given, _surname(parts[0]))
        other = _unordered(_unhyphenated(word for words in parts for word in words))[0]._replace(order="swapped")
        return (stated,) if other[:2] == stated[:2] else (stated, other), suffix
    return _unordered(parts[0]) if parts else (), suffix


def parse_name_parts(first: str, middle: str, last: str, suffix: str) -> NamesAndSuffix:
    """Return the readings of a name that the station read in parts; the parts may be swapped."""
    if not last.strip() or not first.strip():
        return parse_name(f"{first} {middle} {last} {suffix}")
    words = [*fold(first, "-").split(), *fold(middle, "-").split()]
    surname = fold(last, "-").split()
    found = _strip(words) or _strip(surname) or suffix_of(suffix)
    given = _given([_as_letters(word) for word in words])
    stated = ParsedName(given, _surname([_as_letters(word) for word in surname]))
    swapped = ParsedName((*stated.surname, *given[1:]), given[:1], "swapped")
    return (stated, swapped), found


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


def _unordered(words: list[str]) -> tuple[ParsedName, ...]:
    """Readings of words in no stated order: last word the surname, last two, or the first."""
    if len(words) < 2:  # noqa: PLR2004 - one word can be either
        return (ParsedName((), _surname(words)), ParsedName(_given(words), (), "swapped")) if words else ()
    start = _surname_start(words, len(words) - 1)
    readings = [ParsedName(_given(words[:start]), _surname(words[start:]))]
    end = _surname_end(words)
    swapped = ParsedName(_given(words[end:]), _surname(words[:end]), "swapped")
    if len(words[-1]) == 1:  # no surname is one letter: LUCAS N
        readings.insert(0, swapped._replace(order="plain"))
    if start > 1:
        start = _surname_start(words, start - 1)
        readings.append(ParsedName(_given(words[:start]), _surname(words[start:]), "double"))
    if len(words[-1]) > 1:
        readings.append(swapped)
    if end + 1 < len(words):
        readings.append(ParsedName(_given(words[end + 1 :]), _surname(words[: end + 1]), "swapped double"))
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


# Endings that make a name a fond one: BARBIE, FREDDY, ANITA.
_FOND: Final = ("ITO", "ITA", "IE", "EY", "Y", "I")
_SHORTEST: Final = 3
_WITHIN: Final = 4  # letters that say something also where they stand within a name: FRED of ALFREDO


def short_form(one: str, other: str) -> bool:
    """Whether one of two given names may be cut from the other: BARB of BARBARA, FREDDY of ALFREDO, TINA of CRISTINA.

    So are many names that people were given (JUANITA holds JUAN): this alone makes nobody the same person.
    """
    return _cut(one, other) or _cut(other, one)


def _cut(fond: str, full: str) -> bool:
    if fond[:_SHORTEST] not in full:  # as any cut of it begins
        return False
    ending = next((ending for ending in _FOND if fond.endswith(ending)), "")
    stem = fond.removesuffix(ending)
    if len(stem) > _WITHIN and stem[-1] == stem[-2]:
        stem = stem[:-1]  # FREDD
    return any(
        full.startswith(cut) or (len(cut) >= _WITHIN and cut in full) for cut in (fond, stem) if len(cut) >= _SHORTEST
    )


_LISTS: Final = ("nicknames.txt", "nicknames-more.txt")
_TELLING: Final = 5  # letters of a name whose spelling may differ in one without its being another name
_LONG: Final = 7  # in two
_HEARD_FIRST: Final = {"K": "C", "J": "G"}


def _forms() -> dict[str, frozenset[str]]:
    """Each name with the names it is a form of, or has for forms, one step away."""
    forms: dict[str, set[str]] = {}
    for name in _LISTS:
        for line in (files("app.matching") / "data" / name).read_text(encoding="ascii").splitlines():
            full, *shorts = line.split()
            if full != "#":
                forms.setdefault(full, set()).update(shorts)
    for one, other in _spellings(forms):
        forms[one] |= forms[other]
        forms[other] |= forms[one]
    for full, short in [(full, short) for full, shorts in forms.items() for short in shorts]:
        forms.setdefault(short, set()).add(full)
    return {name: frozenset(related - {name}) for name, related in forms.items()}


def _spellings(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of the names that are one name in two spellings, and so share their short forms: KATHERINE, CATHERINE."""
    heard: dict[str, list[str]] = {}
    for name in names:
        if len(name) >= _TELLING:
            first = _HEARD_FIRST.get(name[0], name[0])
            heard.setdefault(first + sound(name), []).append(name)
    for alike in heard.values():
        for one, other in combinations(alike, 2):
            slips = 1 if min(len(one), len(other)) < _LONG else 2
            if OSA.distance(one, other, score_cutoff=slips) <= slips:
                yield one, other


_FORMS: Final = _forms()


def name_forms(name: str) -> tuple[str, ...]:
    """Return the other names that a bearer of `name` may be registered or write under, in alphabetical order."""
    return tuple(sorted(_FORMS.get(name, ())))


def is_form(one: str, other: str) -> bool:
    """Whether one of two given names is the other's short form, or the same name in another language."""
    return other in _FORMS.get(one, ())
