"""How a word sounds, coarse enough for the common confusions of English and Spanish spelling."""

import re
from functools import lru_cache

from app.domain.text import WORDS_KEPT

# Written differently, heard alike. The order matters: longer groups first.
_GROUPS = (
    (re.compile(r"^(KN|GN|PN)"), "N"),
    (re.compile(r"^WR"), "R"),
    (re.compile(r"PH"), "F"),
    (re.compile(r"TZ|DZ"), "Z"),
    (re.compile(r"SCH|SH|CH"), "J"),
    (re.compile(r"SC(?=[EIY])"), "S"),
    (re.compile(r"C(?=[EIY])"), "S"),
    (re.compile(r"(?<=.)GH"), ""),
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
    for pattern, plain in _GROUPS:
        spelled = pattern.sub(plain, spelled)
    start = "A" if spelled[:1] in "AEIOUYHW" else ""
    end = _FINAL.get(spelled.rstrip("HW")[-1:], "")
    return start + _REPEATS.sub(r"\1", spelled.translate(_CLASSES)) + end.lower()
