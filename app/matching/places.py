"""The country's zips and the names of their places, from a public list: what is outside the county for certain.

The list is distilled by `tools/make_matching_data.py` from the package zipcodes (MIT), whose data come from GeoNames
(CC BY 4.0), USPS and unitedstateszipcodes.org.
"""

import gzip
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

_FILE: Final = Path(__file__).with_name("data") / "places.txt.gz"
_AREA_DIGITS: Final = 3  # of a zip, which neighboring places share


class Area(NamedTuple):
    """The zips with the same first three digits."""

    zips: frozenset[str]
    names: frozenset[str]  # of their places, without spaces


@cache
def _list() -> str:
    return "\n" + gzip.decompress(_FILE.read_bytes()).decode("ascii")  # 0.8 MB, read when first needed


@lru_cache(maxsize=64)
def area_of(zip_code: str) -> Area:
    """Return the area of a zip of five digits, which need not be listed itself."""
    area, text = zip_code[:_AREA_DIGITS], _list()
    start = text.find(f"\n{area}")
    if start < 0:
        return Area(frozenset(), frozenset())
    end = text.find("\n", text.rfind(f"\n{area}") + 1)
    rows = [row.partition(" ") for row in text[start + 1 : end].split("\n")]
    names = (name for _, _, names in rows for name in names.split("|"))
    return Area(frozenset(code for code, _, _ in rows), frozenset(name.replace(" ", "") for name in names))


def is_zip(zip_code: str) -> bool:
    """Whether five digits are a zip of the country."""
    return zip_code in area_of(zip_code).zips


@lru_cache(maxsize=1 << 10)
def is_in_area(city: str, zip_code: str) -> bool:
    """Whether a city, without spaces, is a place of the zip's area, written with slips at most."""
    return any(is_misspelling(city, name) for name in area_of(zip_code).names)


def is_misspelling(written: str, name: str) -> bool:
    """Whether at most three letters in ten of a place's name are wrong."""
    edits = len(name) * 3 // 10
    return OSA.distance(written, name, score_cutoff=edits) <= edits
