"""Reading a request's body: its size, its JSON, and its model. No error repeats what was sent."""

import json
import math
import re
from typing import Any, Final, Generic, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from app.http.problems import MAX_ERRORS, FieldError, Problem, field_errors, invalid

Model = TypeVar("Model", bound=BaseModel)

MAX_BATCH: Final = 1_000_000  # bytes: enough for 1,000 lines
MAX_BODY: Final = 65_536  # bytes of any other body
MAX_VALUES: Final = 40_000  # values and names of fields, about: reading them blocks every other request
MAX_DEPTH: Final = 16  # levels of objects and lists: what is documented has four

_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_MOST_DIGITS: Final = 640  # of an integer: parsing one takes time by the square of its length


class _BadJsonError(ValueError):
    """The body is not the JSON that we accept."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _BadJsonError
    return result


def _refuse(_: str) -> None:
    raise _BadJsonError


def _integer(number: str) -> int:
    if len(number) > _MOST_DIGITS:
        raise _BadJsonError
    return int(number)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise _BadJsonError
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_refuse, parse_float=_finite, parse_int=_integer
)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def _is_flat(raw: bytes) -> bool:
    """Whether JSON has at most `MAX_DEPTH` levels; false also for JSON with unbalanced brackets."""
    outside_strings = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    brackets = b"".join(outside_strings).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def decode(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a body: UTF-8, no NaN or infinity, no duplicate key, and no more than can be read at once.

    Raises:
        Problem: 400 or 413.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Problem(413, "content_too_large", f"A body has at most {MAX_VALUES} values.")
    if not _is_flat(raw):
        raise Problem(400, "malformed_json", f"The body is not JSON, or has more than {MAX_DEPTH} levels.")
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except ValueError as error:
        at = f" (at byte {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "malformed_json", f"The body is not valid UTF-8 JSON with distinct keys{at}.") from None


async def read_body(request: Request, most: int) -> bytes:
    """The body, refused as soon as it is longer than `most` bytes, whatever length it declared.

    Raises:
        Problem: 413.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most:
            detail = f"The body has at most {most} bytes here."
            raise Problem(413, "content_too_large", detail, headers={"Connection": "close"})
    return bytes(raw)


def check_file_type(request: Request, *allowed: str) -> None:
    """Refuse an upload of another media type.

    Raises:
        Problem: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed or "content-encoding" in request.headers:
        detail = f"Send the file as one of {', '.join(allowed)}, without a content encoding."
        raise Problem(415, "unsupported_media_type", detail)


def model_errors(error: ValidationError, prefix: str = "", most: int = MAX_ERRORS) -> list[FieldError]:
    """What is wrong with a value, field by field."""
    return field_errors(error.errors(include_url=False, include_input=False), prefix, most)


def check(model: type[Model], value: Any) -> Model:  # noqa: ANN401  # any JSON value
    """The value as the model.

    Raises:
        Problem: 422, naming each wrong field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(*model_errors(error)) from None


class BodyReader(Generic[Model]):
    """A dependency that reads one model from the body. It runs after the guard, so only with a good key."""

    def __init__(self, model: type[Model], most: int = MAX_BODY) -> None:
        """Read `model` from at most `most` bytes; the OpenAPI document finds it here."""
        self.model = model
        self.most = most

    async def __call__(self, request: Request) -> Model:
        """Read and check the body.

        Raises:
            Problem: 415 for another content type, 413 for too much, 400 for bad JSON, 422 for another content.
        """
        kinds = request.headers.getlist("content-type")
        if len(kinds) != 1 or not _JSON.fullmatch(kinds[0]) or "content-encoding" in request.headers:
            raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8, not compressed.")
        return check(self.model, decode(await read_body(request, self.most)))


def body(model: type[BaseModel], most: int = MAX_BODY) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the request's body, of at most `most` bytes. Declare it after the principal."""
    return Depends(BodyReader(model, most))
