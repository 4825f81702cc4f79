"""The names of persons: which are allowed, and which of them are the same person's.

Two names are one person's if they look alike: they differ in case, blanks, accents, or characters that Unicode calls
confusable, such as 1, l and I. So one human cannot appear as several where the law asks for several people.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from app.errors import InvalidKeyError

COMMAND_LINE: Final = "command line"  # in place of a name, where a command was run without a person's key
_LETTERS: Final = "A-Za-zÀ-ÖØ-öø-žƠơƯưẠ-ỹ"  # Latin, with the accents of European languages and Vietnamese
# No comma: the names of a finding's confirmers are stored with commas between.
_ALLOWED: Final = re.compile(rf"[{_LETTERS}0-9][{_LETTERS}0-9 .'_@+#&/:()-]{{0,99}}")
_RESERVED: Final = (
    *(COMMAND_LINE, "machine", "service", "system", "prompt"),
    *("admin", "administrator", "root", "nobody", "anonymous"),
)


def tidied(text: str) -> str:
    """A name as it is stored: in Unicode's form NFKC, without blanks around it, and with single ones inside."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def allowed_name(text: str) -> str:
    """The name as it is stored. Raises InvalidKeyError if no key may be issued for it.

    Other scripts than Latin are refused as a whole, which is
    stricter than refusing names that mix scripts: who reads the record must see that two names are different.
    """
    name = tidied(text)
    if not _ALLOWED.fullmatch(name):
        raise InvalidKeyError(
            "a name has 1 to 100 Latin letters, digits, blanks and . ' _ @ + # & / : ( ) -, a letter or digit first"
        )
    if is_among(name, _RESERVED):
        raise InvalidKeyError("this name is reserved: the program itself uses it, or it names no person")
    return name


def look_of(name: str) -> str:
    """What all names that look like this one have in common: the skeleton of UTS #39, without case, accents and blanks.

    Every text has one, also a name that an earlier program allowed.
    """
    as_written, in_lower_case = _confusables()
    return _bare(_bare(name).translate(as_written).casefold()).translate(in_lower_case)


def is_among(name: str, names: Iterable[str]) -> bool:
    """Whether one of these names is the same person's."""
    return look_of(name) in map(look_of, names)


def people(names: Iterable[str]) -> tuple[str, ...]:
    """One name for each person, the first, in the order given. The command line is no person."""
    by_look: dict[str, str] = {}
    for name in names:
        by_look.setdefault(look_of(name), name)
    by_look.pop(look_of(COMMAND_LINE), None)
    return tuple(by_look.values())


def _bare(text: str) -> str:
    """The text without accents, blanks and characters that are not seen, and with plain ones for variants."""
    kept = (c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in _UNSEEN)
    return "".join(kept)


_UNSEEN: Final = frozenset({"Mn", "Me", "Cc", "Cf", "Zs", "Zl", "Zp"})


@cache
def _confusables() -> tuple[dict[int, str], dict[int, str]]:
    """What characters look like: as they are written, and in lower case once the case is ignored.

    The second table makes the same of both cases of a letter: I looks like l, so i does as well.
    """
    lines = Path(__file__).with_name("data").joinpath("confusables.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("# ")]
    as_written = {int(code, 16): target for code, target in rows}
    lowered = {chr(code).casefold(): target.casefold() for code, target in as_written.items()}
    lowered |= {chr(c): target.casefold() for c, target in as_written.items() if chr(c) == chr(c).casefold()}
    folded = {ord(letter): target for letter, target in lowered.items() if len(letter) == 1}
    return as_written, {code: target.translate(folded) for code, target in folded.items()}
