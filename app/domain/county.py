"""Whether a line's city and zip lie in the county, as far as the county's own roll tells."""

from functools import lru_cache
from typing import Literal

from rapidfuzz.distance import OSA

from app.domain.line import ReadLine
from app.domain.words import Words

Verdict = Literal["in", "out", "unclear"]


def where(line: ReadLine, words: Words) -> Verdict:
    """Return `out` where both city and zip are readable and neither is the county's; `in` where one is.

    One of them alone never puts a line out of the county: it may be a slip of the pen, or another name of the city.
    """
    city, zip_code = _city(line.city, words.cities), _zip(line, words)
    if city != "in" and any(name in words.cities for name in line.cities):
        city = "in"  # another name of a city of the county (2 CCR 20931)
    if "in" in (city, zip_code):
        return "unclear" if "out" in (city, zip_code) else "in"
    return "out" if city == zip_code == "out" else "unclear"


def _zip(line: ReadLine, words: Words) -> Verdict:
    if words.known("zip", line.zip):
        return "in"
    return "out" if line.zip_certain else "unclear"


@lru_cache(maxsize=1 << 12)
def _city(city: str, cities: tuple[str, ...]) -> Verdict:
    """A city is the county's by its name, a slip of it, or its initials (L.A.)."""
    written = city.replace(" ", "")
    if not written.isalpha():
        return "unclear"
    for name in cities:
        joined = name.replace(" ", "")
        initials = "".join(word[0] for word in name.split())
        slips = len(joined) * 3 // 10
        if written in {joined, initials} or OSA.distance(written, joined, score_cutoff=slips) <= slips:
            return "in"
    return "out" if len(written) > len("NY") else "unclear"
