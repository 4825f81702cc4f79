"""The letters that names and addresses are compared in: A to Z, 0 to 9 and single spaces."""

import unicodedata
from functools import cache
from typing import Final

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
