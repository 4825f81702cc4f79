"""Nicknames and other forms of given names: from lists, and cut from the full name."""

from collections.abc import Iterable, Iterator
from importlib.resources import files
from itertools import combinations
from typing import Final

from rapidfuzz.distance import OSA

from app.matching.names import sound

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
    ending = next((ending for ending in _PET_ENDINGS if short.endswith(ending)), "")
    stem = short.removesuffix(ending)
    if len(stem) > _SHORTEST_INNER_CUT and stem[-1] == stem[-2]:
        stem = stem[:-1]  # FREDD
    cuts = [cut for cut in (short, stem) if len(cut) >= _SHORTEST_CUT]
    return any(full.startswith(cut) or (len(cut) >= _SHORTEST_INNER_CUT and cut in full) for cut in cuts)


_LISTS: Final = ("nicknames.txt", "nicknames-more.txt")
_ONE_EDIT: Final = 5  # letters of a name that may differ in one letter without being another name
_TWO_EDITS: Final = 7
_SAME_INITIALS: Final = {"K": "C", "J": "G"}  # that sound alike


def _read_forms() -> dict[str, frozenset[str]]:
    """Each name with its forms and the names that it is a form of, one step away."""
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
        if len(name) >= _ONE_EDIT:
            first = _SAME_INITIALS.get(name[0], name[0])
            heard.setdefault(first + sound(name), []).append(name)
    for alike in heard.values():
        for one, other in combinations(alike, 2):
            edits = 1 if min(len(one), len(other)) < _TWO_EDITS else 2
            if OSA.distance(one, other, score_cutoff=edits) <= edits:
                yield one, other


_FORMS: Final = _read_forms()


def name_forms(name: str) -> frozenset[str]:
    """Return the other names that a person called `name` may be registered as or write."""
    return _FORMS.get(name, frozenset())


def is_form(one: str, other: str) -> bool:
    """Whether one of two given names is the other's short form, or the same name in another language."""
    return other in _FORMS.get(one, ())
