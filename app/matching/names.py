"""Names as they are compared: folded words, titles and suffixes apart, particles joined; how they sound; nicknames."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import combinations
from typing import Any, Final, Literal, NamedTuple

from rapidfuzz.distance import OSA

from app.compiled import PROJECT

DATA: Final = PROJECT / "app" / "matching" / "data"  # importlib.resources would load a megabyte in each worker
_LISTS: Final[dict[str, Any]] = tomllib.loads((DATA / "words.toml").read_text("utf-8"))


def word_list(name: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(_LISTS[name].split())


def standard_forms(name: str) -> dict[str, str]:
    """Return each spelling in a table with its standard form, and each standard form with itself."""
    return {spelling: form for form, others in _LISTS[name].items() for spelling in (form, *others.split())}


def first_spellings(name: str) -> dict[str, str]:
    """Return each standard form in a table with its first other spelling, or itself if there is none."""
    return {form: (others.split() or [form])[0] for form, others in _LISTS[name].items()}


# Sizes of caches of words.
WORDS_KEPT: Final = 1 << 14  # some 4 MB: for what takes long, or is needed of every registration at a roll's load
FREQUENT_KEPT: Final = 1 << 12  # the most frequent words, 1 MB

# Letters that Unicode does not decompose into a base letter and a mark.
_WHOLE_LETTERS = str.maketrans({"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Æ": "AE", "Œ": "OE", "ẞ": "SS"})
# An apostrophe joins (O'BRIEN is OBRIEN); every other mark separates (GARCIA-LOPEZ is GARCIA LOPEZ).
_APOSTROPHES = "'`´ʻʼ‘’"  # noqa: RUF001 - the look-alikes are the point
_KEPT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def fold(text: str, keep: str = "") -> str:
    """Return `text` in A-Z, 0-9, the ASCII marks to `keep` and single spaces, without accents and apostrophes."""
    folded = text.upper()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", folded.translate(_WHOLE_LETTERS))
        folded = "".join(c for c in decomposed if not unicodedata.combining(c)).upper()
    if folded.isalnum() and folded.isascii():
        return folded
    folded, gap = folded.translate(_folding(keep)), " " if keep else ""
    if not folded.isascii():
        folded = "".join(c if c.isascii() else gap for c in folded)
    return " ".join(folded.split())


@cache
def _folding(keep: str) -> dict[int, str]:
    """What each ASCII character and each apostrophe becomes."""
    kept = _KEPT.union(keep)
    return str.maketrans({chr(c): " " for c in range(128)} | dict.fromkeys(_APOSTROPHES, "") | {c: c for c in kept})


# Letters that sound like others, longer groups first: what a word must contain, the pattern, its replacement.
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
# Consonants that are confused in hearing, writing and typing: VALDEZ/BALDES, NADELLA/NATELLA. Vowels, H and W go.
_CLASSES = str.maketrans("BPFVCGJKQXSZDTLMNR", "BBBBKKKKKKSSTTLMMR", "AEIOUYHW")
_FINAL = {"A": "A", "E": "I", "I": "I", "Y": "I", "O": "O", "U": "O"}
_REPEATS = re.compile(r"(.)\1+")


@lru_cache(maxsize=WORDS_KEPT)
def sound(word: str) -> str:
    """Return a code that folded words sounding alike share: classes of consonants and the last vowel."""
    if not word.isalpha():  # the number of a street
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
MISREAD_DIGITS: Final = str.maketrans("0123456789", "OIZEASGTBG")  # a digit in a name is a letter that was misread


@lru_cache(maxsize=FREQUENT_KEPT)
def surname_parts(last_name: str) -> tuple[str, ...]:
    """Return the parts of a surname, each with the particles before it: "de la Cruz-Lopez" gives DELACRUZ, LOPEZ."""
    return _surname(fold(last_name).translate(MISREAD_DIGITS).split())


def _surname(words: Iterable[str]) -> tuple[str, ...]:
    parts: list[str] = []
    particle = ""
    for word in words:
        if word in _PARTICLES:
            particle += word
        else:
            parts.append(particle + word)
            particle = ""
    if particle:  # a surname made of particles only (DE LA O), or with one at its end (GARCIA Y)
        parts = [*parts[:-1], parts[-1] + particle] if parts and len(particle) == 1 else [*parts, particle]
    if len(parts) > 1 and parts[-1] in _SUFFIXES:
        parts.pop()
    return tuple(parts)


@lru_cache(maxsize=FREQUENT_KEPT)
def given_words(name: str) -> tuple[str, ...]:
    """Return the words of a first or middle name."""
    return tuple(fold(name).translate(MISREAD_DIGITS).split())


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


NamesAndSuffix = tuple[tuple[ParsedName, ...], str]
"""The ways to parse a name that are worth comparing, the likeliest first (none if nothing is readable); the suffix."""

_MAX_NAMES = 4
_MISREAD_STROKE = re.compile(r"[|:!](?<=\w.)(?=\w)")  # a stroke within a word was an I: DAV:D


def parse_name(text: str) -> NamesAndSuffix:
    """Parse a name in any order: "Maria Garcia-Lopez", "GARCIA, MARIA L.", "Garcia Maria"."""
    folded = fold(_MISREAD_STROKE.sub("I", text), "-,").replace(" -", "-").replace("- ", "-")
    parts = [words for part in folded.split(",") if (words := [w for w in part.split() if w.strip("-")])]
    suffix = ""
    for words in parts:
        suffix = _take_suffix(words) or suffix
    parts = [_as_letters(words) for words in parts if words]
    if len(parts) < 2:  # noqa: PLR2004 - without a comma
        return _parsed_names(parts[0]) if parts else (), suffix
    stated = _parsed([word for words in parts[1:] for word in words], parts[0])
    all_words = [word for words in parts for word in words]
    other = _parsed_names(_without_hyphens(all_words))[0]._replace(order="swapped")
    return (stated,) if other[:2] == stated[:2] else (stated, other), suffix


def parse_name_parts(parts: tuple[str, str, str, str]) -> NamesAndSuffix:
    """Parse a name that the station read in parts; first and last name may be swapped."""
    first, middle, last, suffix = parts
    if not last.strip() or not first.strip():
        return parse_name(" ".join(parts))
    given = [*fold(first, "-").split(), *fold(middle, "-").split()]
    surname = fold(last, "-").split()
    found = _take_suffix(given) or _take_suffix(surname) or suffix_of(suffix)
    stated = _parsed(_as_letters(given), _as_letters(surname))
    swapped = ParsedName((*stated.surname, *stated.given[1:]), stated.given[:1], "swapped")
    return (stated, swapped), found


def _as_letters(words: list[str]) -> list[str]:
    return [word if word.isalpha() else word.translate(MISREAD_DIGITS) for word in words]


def _without_hyphens(words: list[str]) -> list[str]:
    return [part for part in "-".join(words).split("-") if part]


def _take_suffix(words: list[str]) -> str:
    """Take titles, degrees and a suffix off `words`; return the suffix."""
    while len(words) > 1 and words[0] in _TITLES:
        words.pop(0)
    while len(words) > 1 and words[-1] in _DEGREES:
        words.pop()
    if words and words[-1] in _SUFFIXES and (words[-1] != "V" or (len(words) > 2 and len(words[-2]) > 1)):  # noqa: PLR2004 - "JOSE V" is an initial
        return _SUFFIXES[words.pop()]
    return ""


def _parsed(given: list[str], surname: list[str], order: NameOrder = "plain") -> ParsedName:
    return ParsedName(tuple(_without_hyphens(given)), _surname(_without_hyphens(surname)), order)


def _parsed_names(words: list[str]) -> tuple[ParsedName, ...]:
    """Parse words in no stated order: the surname is the last word, the last two, or the first."""
    if len(words) < 2:  # noqa: PLR2004 - one word can be either
        return (_parsed([], words), _parsed(words, [], "swapped")) if words else ()
    start, end = _surname_start(words, len(words) - 1), 1
    while end + 1 < len(words) and words[end - 1] in _PARTICLES and len(words[end - 1]) > 1:
        end += 1  # where a surname that comes first ends; at least one word is left for the given name
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


# Endings of pet names: BARBIE, FREDDY, ANITA.
_PET_ENDINGS: Final = ("ITO", "ITA", "IE", "EY", "Y", "I")
_SHORTEST_CUT: Final = 3
_SHORTEST_INNER_CUT: Final = 4  # letters that mean something also within a name: FRED of ALFREDO


def short_form(one: str, other: str) -> bool:
    """Whether one of two given names may be cut from the other: BARB of BARBARA, FREDDY of ALFREDO, TINA of CRISTINA.

    Many full names are, too (JUANITA contains JUAN): this alone does not make two people the same.
    """
    return _is_cut_from(one, other) or _is_cut_from(other, one)


def _is_cut_from(short: str, full: str) -> bool:
    if short[:_SHORTEST_CUT] not in full:  # which every cut starts with
        return False
    stem = short.removesuffix(next((ending for ending in _PET_ENDINGS if short.endswith(ending)), ""))
    if len(stem) > _SHORTEST_INNER_CUT and stem[-1] == stem[-2]:
        stem = stem[:-1]  # FREDD
    cuts = [cut for cut in (short, stem) if len(cut) >= _SHORTEST_CUT]
    return any(full.startswith(cut) or (len(cut) >= _SHORTEST_INNER_CUT and cut in full) for cut in cuts)


_ONE_EDIT: Final = 5  # letters of a name that may differ in one letter without being another name
_TWO_EDITS: Final = 7
_SAME_INITIALS: Final = {"K": "C", "J": "G"}  # that sound alike


def _read_forms() -> dict[str, frozenset[str]]:
    """Each name with its forms and the names that it is a form of, one step away."""
    forms = defaultdict[str, set[str]](set)
    for name in ("nicknames.txt", "nicknames-more.txt"):
        for line in (DATA / name).read_text(encoding="ascii").splitlines():
            full, *shorts = line.split()
            if full != "#":
                forms[full].update(shorts)
    heard = defaultdict[str, list[str]](list)
    for name in forms:
        if len(name) >= _ONE_EDIT:
            heard[_SAME_INITIALS.get(name[0], name[0]) + sound(name)].append(name)
    for one, other in (pair for alike in heard.values() for pair in combinations(alike, 2)):
        edits = 1 if min(len(one), len(other)) < _TWO_EDITS else 2
        if OSA.distance(one, other, score_cutoff=edits) <= edits:  # one name in two spellings: KATHERINE, CATHERINE
            forms[one] |= forms[other]
            forms[other] |= forms[one]
    for full, short in [(full, short) for full, shorts in forms.items() for short in shorts]:
        forms[short].add(full)
    return {name: frozenset(related - {name}) for name, related in forms.items()}


_FORMS: Final = _read_forms()


def name_forms(name: str) -> frozenset[str]:
    """Return the other names that a person called `name` may be registered as or write."""
    return _FORMS.get(name, frozenset())


def is_form(one: str, other: str) -> bool:
    """Whether one of two given names is the other's short form, or the same name in another language."""
    return other in _FORMS.get(one, ())
