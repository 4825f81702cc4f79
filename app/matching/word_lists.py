"""The words of names and addresses, read from `data/words.toml`."""

import tomllib
from importlib.resources import files
from typing import Any, Final

_LISTS: Final[dict[str, Any]] = tomllib.loads((files("app.matching") / "data" / "words.toml").read_text("utf-8"))


def word_list(name: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(_LISTS[name].split())


def standard_forms(name: str) -> dict[str, str]:
    """Return each spelling in a table with its standard form, and each standard form with itself."""
    return {spelling: form for form, others in _LISTS[name].items() for spelling in (form, *others.split())}


def first_spellings(name: str) -> dict[str, str]:
    """Return each standard form in a table with its first other spelling, or itself if there is none."""
    return {form: (others.split() or [form])[0] for form, others in _LISTS[name].items()}
