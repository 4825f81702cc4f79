"""How a word sounds, coarse enough for the common confusions of English and Spanish spelling."""

import re
from functools import lru_cache

from app.domain.text import WORDS_KEPT

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
