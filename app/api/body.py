"""Reading a request's body: our own limits, because the stock decoder takes what it should refuse and echoes it."""

import json
import math
import re
import unicodedata
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from app.api.field_errors import MAX_ERRORS, FieldError, field_errors
from app.api.problems import Problem
from app.domain.signature import LARGEST_NUMBER

Model = TypeVar("Model", bound=BaseModel)

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_NO_TEXT: Final = ("Cc", "Cs", "Cn", "Zl", "Zp")  # controls, surrogates, unassigned, line and paragraph breaks

MAX_BODY: Final = 1_000_000  # bytes: a batch of 1,000 lines has room


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


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise _BadJsonError
    return value


def decode(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a body: UTF-8, no NaN, no infinity, no key twice.

    Raises:
        Problem: 400, without a word of what was sent.
    """
    try:
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_refuse, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        at = f" (at byte {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "malformed_json", f"The body is not valid UTF-8 JSON with distinct keys{at}.") from None


async def read_json(request: Request) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a request.

    Raises:
        Problem: 415 for another content type or encoding, 413 for too much, 400 for what is not JSON.
    """
    kinds = request.headers.getlist("content-type")
    if len(kinds) != 1 or not _JSON.fullmatch(kinds[0]) or "content-encoding" in request.headers:
        raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8, not compressed.")
    return decode(await read_body(request))


async def read_body(request: Request) -> bytes:
    """The body, given up as soon as it is too long, whatever length it declared.

    Raises:
        Problem: 413.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            detail = f"A body has at most {MAX_BODY} bytes."
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

    def __init__(self, model: type[BaseModel]) -> None:
        """Read `model`; the OpenAPI document finds it here."""
        self.model = model

    async def __call__(self, request: Request) -> BaseModel:
        """Read and check the body."""
        return check(self.model, await read_json(request))


def body(model: type[BaseModel]) -> Any:  # noqa: ANN401  # a dependency marker
    """The parameter that is the request's body. Declare it after the principal."""
    reader: Callable[[Request], Awaitable[BaseModel]] = BodyReader(model)
    return Depends(reader)
