"""Canonical JSON: the one spelling of a value that is stored and hashed."""

import json
from typing import Any

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """The one spelling of a JSON value that is hashed: sorted keys, no spaces, UTF-8."""
    return canonical_text(value).encode()


def canonical_text(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """The same as text, to be put into other text."""
    return _CANONICAL.encode(value)
