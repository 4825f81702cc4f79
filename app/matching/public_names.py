"""Given names and surnames of the country, from public lists: the sex of a name, and whether a word is a name at all.

The lists are distilled by `tools/make_matching_data.py` from the given names of the Social Security Administration and
the surnames of the census of 2010; they name their sources.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

_FILE: Final = Path(__file__).with_name("data") / "names.json.gz"

Sex = Literal["F", "M", "both"]


class _Lists(NamedTuple):
    given: dict[str, Sex]  # with the sex of nearly all who bear the name
    surnames: frozenset[str]


@cache
def _lists() -> _Lists:
    """The lists, read when first needed: 57,000 names, some 5 MB."""
    data = json.loads(gzip.decompress(_FILE.read_bytes()))
    given = {name: sex for sex, names in data["given"].items() for name in names.split()}
    return _Lists(given, frozenset(data["surnames"].split()))


def is_given_name(word: str) -> bool:
    """Whether 500 people of the country at least have a given name."""
    return word in _lists().given


def is_surname(word: str) -> bool:
    """Whether 500 people of the country at least have a surname."""
    return word in _lists().surnames


def of_different_sex(one: str, other: str) -> bool:
    """Whether one of two given names is a woman's and the other a man's, as far as the list knows both."""
    given = _lists().given
    return {given.get(one), given.get(other)} == {"F", "M"}
