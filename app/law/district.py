"""The district of the office: only its voters may sign a petition to recall the officer (EC 11045)."""

from functools import lru_cache
from typing import Final

_SEPARATOR: Final = ";"


@lru_cache(maxsize=1 << 12)  # a county has some thousands of combinations
def district_codes(text: str) -> tuple[str, ...]:
    """Return the codes of districts in a text, in its order, each once; upper and lower case are the same."""
    return tuple(dict.fromkeys(filter(None, (" ".join(code.upper().split()) for code in text.split(_SEPARATOR)))))


def district_text(text: str) -> str | None:
    """Return the codes in a text as a registration holds them; None if there are none."""
    return _SEPARATOR.join(district_codes(text)) or None


def is_of_district(districts: str | None, district: str | None) -> bool | None:
    """Return whether a registration with these `districts` is of the officer's; None if the roll does not show it.

    Without a `district` the office is voted for in the whole county, and every registration is of it.
    """
    if district is None:
        return True
    if districts is None:
        return None
    return set(district_codes(district)) <= set(district_codes(districts))
