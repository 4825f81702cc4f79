"""What is wrong with an input, by place and code, in words that depend on the documentation and never on the input."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, Field

MAX_ERRORS: Final = 20


class FieldError(BaseModel):
    """One thing that is wrong with the input."""

    path: str = Field(description="Where, as in `signatures.3.page`; empty for the whole body.")
    code: str = Field(description="Stable: other programs read it.")
    message: str = Field(description="For a person. It never repeats what was sent.")


# The validator's own types of error, under the codes that we keep stable.
_CODES: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "invalid_key": "unknown_field",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "int_parsing_size": "out_of_range",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "literal_error": "not_a_choice",
    "enum": "not_a_choice",
    "string_pattern_mismatch": "wrong_format",
    "uuid_parsing": "wrong_format",
    "wrong_format": "wrong_format",
    "string_unicode": "unsafe_text",
    "unsafe_text": "unsafe_text",
    "contradiction": "contradiction",
    "repeated": "repeated",
}
_WRONG_TYPE: Final = "wrong_type"
_INVALID: Final = "invalid_value"

MESSAGES: Final = {
    "missing": "This is required.",
    "unknown_field": "There is no such field.",
    "out_of_range": "The number is outside the documented range.",
    "too_long": "This is longer than documented.",
    "too_short": "This is shorter than documented.",
    "not_a_choice": "This is none of the documented values.",
    "wrong_format": "This is not in the documented form.",
    "unsafe_text": "This holds a character that is not text, such as a control or one that turns the direction.",
    "contradiction": "These fields contradict each other: of two alternatives exactly one must be given.",
    "repeated": "This was given more than once.",
    _WRONG_TYPE: "This has another type than documented.",
    _INVALID: "This is not as documented.",
}
"""Every code of a field's error, with what is said of it."""


def field_error(path: str, code: str) -> FieldError:
    """One error."""
    return FieldError(path=path, code=code, message=MESSAGES[code])


def field_errors(details: Sequence[Mapping[str, Any]], prefix: str = "", most: int = MAX_ERRORS) -> list[FieldError]:
    """The first of a validator's errors; nothing that was sent, not even the name of an unknown field."""
    return [_field_error(detail, prefix) for detail in details[:most]]


def _field_error(detail: Mapping[str, Any], prefix: str) -> FieldError:
    kind: str = detail["type"]
    code = _CODES.get(kind) or (_WRONG_TYPE if kind.endswith("_type") else _INVALID)
    location = detail["loc"][:-1] if code == "unknown_field" else detail["loc"]
    return field_error(".".join([prefix] * bool(prefix) + [str(part) for part in location]), code)
