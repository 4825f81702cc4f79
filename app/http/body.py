"""What is wrong with an input, by place and code, in words that depend on the documentation and never on the input."""

import json
import math
import re
import unicodedata
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.http.problems import MAX_ERRORS, FieldError, Problem, field_errors
from app.law.line import LARGEST_NUMBER

Model = TypeVar("Model", bound=BaseModel)

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_MOST_DIGITS: Final = 640  # of an integer: reading one takes time by the square of its length
_NO_TEXT: Final = ("Cc", "Cs", "Cn", "Zl", "Zp")  # controls, surrogates, unassigned, line and paragraph breaks

MAX_BATCH: Final = 1_000_000  # bytes: 1,000 lines have room
MAX_BODY: Final = 65_536  # bytes of any other body
MAX_VALUES: Final = 40_000  # and names of fields, about: whoever reads them holds everybody else up
MAX_DEPTH: Final = 16  # levels of objects and lists: what is documented has four


class _BadJsonError(ValueError):
    """The body is not the JSON we take."""


def wrong(code: Literal["unsafe_text", "wrong_format", "out_of_range", "contradiction"]) -> PydanticCustomError:
    """What a validator raises, so that the answer has a code and words of ours."""
    return PydanticCustomError(code, "refused")


def safe_text(text: str) -> str:
    """Text that a page, a log and a database can hold: no controls, no surrogates, nothing that turns the direction."""
    if not text.isprintable():  # rare: joiners between letters are text, and not printable to Python
        for character in text:
            if character in _BIDI or unicodedata.category(character) in _NO_TEXT:
                raise wrong("unsafe_text")
    return text


SAFE: Final = AfterValidator(safe_text)


class Wire(BaseModel):
    """What comes in: strict types, and no field that we do not know."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_excess(cls, value: object) -> object:
        """An object with more fields than there are is refused whatever they are: one unknown one is enough to say."""
        if not isinstance(value, dict) or len(value) <= len(cls.model_fields):
            return value
        unknown = next(name for name in value if name not in cls.model_fields)
        return {name: value[name] for name in [*(n for n in cls.model_fields if n in value), unknown]}


def _iso_date(value: object) -> object:
    """A date as RFC 3339 spells it, and no other spelling of ISO 8601."""
    if not isinstance(value, str):
        return value
    try:
        if not _DATE.fullmatch(value):
            raise wrong("wrong_format")
        day = date.fromisoformat(value)
    except ValueError:
        raise wrong("wrong_format") from None
    if day.year not in _YEARS:
        raise wrong("out_of_range")
    return day


def _instant(value: object) -> object:
    """A date and time as RFC 3339 spells it, with its offset."""
    if not isinstance(value, str):
        return value
    try:
        if not _INSTANT.fullmatch(value):
            raise wrong("wrong_format")
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise wrong("wrong_format") from None
    if moment.year not in _YEARS:
        raise wrong("out_of_range")
    return moment


def _plain_number(value: object) -> object:
    """A number in a query as it is documented: digits, without sign, space, point or underscore."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise wrong("wrong_format")
    return value


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_YEARS: Final = range(1900, 3000)
_DIGITS: Final = re.compile(r"[0-9]{1,20}")

IsoDate = Annotated[date, BeforeValidator(_iso_date)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
PLAIN: Final = BeforeValidator(_plain_number)
Whole = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


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
    """Whether JSON has no more levels than documented; false also for one that is not closed."""
    outside = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]  # what stands between the strings
    brackets = b"".join(outside).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def decode(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a body: UTF-8, no NaN, no infinity, no key twice, and no more of it than can be read at once.

    Raises:
        Problem: 400 or 413, without a word of what was sent.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Problem(413, "content_too_large", f"A body has at most {MAX_VALUES} values.")
    if not _is_flat(raw):
        detail = f"The body is not JSON, or has more than {MAX_DEPTH} levels."
        raise Problem(400, "malformed_json", detail)
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except ValueError as error:
        at = f" (at byte {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "malformed_json", f"The body is not valid UTF-8 JSON with distinct keys{at}.") from None


async def read_json(request: Request, most: int) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a request of at most so many bytes.

    Raises:
        Problem: 415 for another content type or encoding, 413 for too much, 400 for what is not JSON.
    """
    kinds = request.headers.getlist("content-type")
    if len(kinds) != 1 or not _JSON.fullmatch(kinds[0]) or "content-encoding" in request.headers:
        raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8, not compressed.")
    return decode(await read_body(request, most))


async def read_body(request: Request, most: int) -> bytes:
    """The body, given up as soon as it is longer than so many bytes, whatever length it declared.

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


def model_errors(error: ValidationError, prefix: str = "", most: int = MAX_ERRORS) -> list[FieldError]:
    """What is wrong with a value, field by field."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return field_errors(details, prefix, most)


def check(model: type[Model], value: Any) -> Model:  # noqa: ANN401  # any JSON value
    """The value as the model.

    Raises:
        Problem: 422, naming each wrong place.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Problem(422, "invalid", "The input is not as documented.", errors=model_errors(error)) from None


class BodyReader:
    """A dependency that reads one model from the body. It runs after the guard, so a stranger's body is not read."""

    def __init__(self, model: type[BaseModel], most: int) -> None:
        """Read `model` from at most so many bytes; the OpenAPI document finds it here."""
        self.model = model
        self.most = most

    async def __call__(self, request: Request) -> BaseModel:
        """Read and check the body."""
        return check(self.model, await read_json(request, self.most))


def body(model: type[BaseModel], most: int = MAX_BODY) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the request's body, of at most so many bytes. Declare it after the principal."""
    reader: Callable[[Request], Awaitable[BaseModel]] = BodyReader(model, most)
    return Depends(reader)
