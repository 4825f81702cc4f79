"""Which given names are forms of one another: CHARLES and CHUCK, ELIZABETH and LIZ, FRANCISCO and PACO."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Final

from rapidfuzz.distance import OSA

from app.domain.phonetics import sound
from app.domain.text import PAIRS_KEPT

# Endings that make a name a fond one: BARBIE, FREDDY, ANITA.
_FOND: Final = ("ITO", "ITA", "IE", "EY", "Y", "I")
_SHORTEST: Final = 3
_WITHIN: Final = 4  # letters that say something also where they stand within a name: FRED of ALFREDO


@lru_cache(maxsize=PAIRS_KEPT)
def short_form(one: str, other: str) -> bool:
    """Whether one of two given names may be cut from the other: BARB of BARBARA, FREDDY of ALFREDO, TINA of CRISTINA.

    So are many names that people were given (JUANITA holds JUAN): this alone makes nobody the same person.
    """
    short, long = sorted((one, other), key=len)
    return _cut(short, long) or _cut(long, short)


def _cut(fond: str, full: str) -> bool:
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
        for line in (files("app.domain") / "data" / name).read_text(encoding="ascii").splitlines():
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
