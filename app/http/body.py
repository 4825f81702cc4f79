"""Reading a request's body, and the types of fields that routes share. No error repeats what was sent."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.http.problems import MAX_ERRORS, FieldError, Problem, field_error, field_errors, invalid
from app.law.line import LARGEST_NUMBER, Place
from app.law.reasons import Reason, ReviewCause

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")
Key = TypeVar("Key")

MAX_BATCH: Final = 1_000_000  # bytes: enough for 1,000 lines
MAX_BODY: Final = 65_536  # bytes of any other body
MAX_VALUES: Final = 40_000  # values and names of fields, about: reading them blocks every other request
MAX_DEPTH: Final = 16  # levels of objects and lists: what is documented has four

_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_MOST_DIGITS: Final = 640  # of an integer: parsing one takes time by the square of its length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _integer(number: str) -> int:
    if len(number) > _MOST_DIGITS:
        raise ValueError
    return int(number)


def _finite(number: str) -> float:
    """A decimal number; also the constants NaN and Infinity come here, to be refused."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_finite, parse_float=_finite, parse_int=_integer
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


@dataclass(eq=False)
class BodyReader(Generic[Model]):
    """A dependency that reads one model from the body. It runs after the guard, so only with a good key."""

    model: type[Model]  # the OpenAPI document finds it here
    most: int = MAX_BODY  # bytes

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


class RequestModel(BaseModel):
    """What comes in: strict types, and no unknown field."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_excess(cls, value: object) -> object:
        """Keep one unknown field of an object that has more fields than the model: one is enough to refuse it."""
        if not isinstance(value, dict) or len(value) <= len(cls.model_fields):
            return value
        unknown = next(name for name in value if name not in cls.model_fields)
        return {name: value[name] for name in [*(n for n in cls.model_fields if n in value), unknown]}


class ResponseModel(BaseModel):
    """What goes out, made from keywords or from the attributes of a value."""

    model_config = ConfigDict(from_attributes=True)


def wrong(code: Literal["unsafe_text", "wrong_format", "out_of_range", "contradiction"]) -> PydanticCustomError:
    """The error that a validator raises for one of our codes."""
    return PydanticCustomError(code, "refused")


_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_TEXT: Final = ("Cc", "Cs", "Cn", "Zl", "Zp")  # controls, surrogates, unassigned, line and paragraph breaks


def safe_text(text: str) -> str:
    """Text that a page, a log and a database can hold: no controls, surrogates or characters that reverse direction."""
    if not text.isprintable():  # rare: joiners between letters are text, and not printable to Python
        for character in text:
            if character in _BIDI or unicodedata.category(character) in _NOT_TEXT:
                raise wrong("unsafe_text")
    return text


_SAFE: Final = AfterValidator(safe_text)
Text20 = Annotated[str, Field(max_length=20), _SAFE]
Text30 = Annotated[str, Field(max_length=30), _SAFE]
Text100 = Annotated[str, Field(max_length=100), _SAFE]
Text200 = Annotated[str, Field(max_length=200), _SAFE]
Text300 = Annotated[str, Field(max_length=300), _SAFE]
Note = Annotated[str, Field(max_length=2000), _SAFE]
RequiredNote = Annotated[Note, Field(min_length=1)]
Title = Annotated[Text200, Field(min_length=1)]
Name = Annotated[Text100, Field(min_length=1)]
VoterId = Annotated[str, Field(min_length=1, max_length=40), _SAFE]
Whole = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]

DecidedStatus = Literal["valid", "invalid", "review"]
LineReason = Literal[Reason, ReviewCause]
"""Why a line is invalid or, where its status is `review`, why a person must look at it."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_YEARS: Final = range(1900, 3000)


def _spelled(pattern: re.Pattern[str], parse: Callable[[str], object]) -> BeforeValidator:
    """Text in exactly one spelling; what is not text is left for the type to refuse."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            if not pattern.fullmatch(value):
                raise wrong("wrong_format")
            result = parse(value)
        except ValueError:
            raise wrong("wrong_format") from None
        if isinstance(result, date) and result.year not in _YEARS:
            raise wrong("out_of_range")
        return result

    return BeforeValidator(read)


IsoDate = Annotated[date, _spelled(_DATE, date.fromisoformat)]
Instant = Annotated[datetime, _spelled(_INSTANT, datetime.fromisoformat)]
Uuid = Annotated[UUID, _spelled(_UUID, UUID)]
DIGITS: Final = _spelled(_DIGITS, str)
"""A number in a path or query as documented: digits, without sign, space, point or underscore."""

PLACE_PATTERN: Final = "[1-9][0-9]{0,8}-[1-9][0-9]{0,8}-[1-9][0-9]{0,8}"  # each number up to LARGEST_NUMBER
PlaceText = Annotated[str, Field(pattern=f"^{PLACE_PATTERN}$")]


def place_of(text: str) -> Place:
    """The place that a text such as `12-3-4` names.

    Raises:
        ValueError: the text has not the form of `PLACE_PATTERN`.
    """
    if not re.fullmatch(PLACE_PATTERN, text):
        raise ValueError
    return Place(*map(int, text.split("-")))


def number_of(text: str) -> int:
    """A number that a column of 64 bits holds.

    Raises:
        ValueError: the text is not one.
    """
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError
    return int(text)


async def _place(place: Annotated[str, Path(pattern=f"^{PLACE_PATTERN}$")]) -> Place:
    return place_of(place)


PathPlace = Annotated[Place, Depends(_place)]
Limit = Annotated[int, Query(ge=1, le=1000), DIGITS]
Cursor = Annotated[str | None, Query(pattern="^[A-Za-z0-9_-]{1,100}$")]


def after(cursor: str | None, parse: Callable[[str], Key]) -> Key | None:
    """The key behind which a page begins; None for the first page.

    Raises:
        Problem: 422, the cursor is not one that a list gave.
    """
    try:
        return None if cursor is None else parse(cursor)
    except ValueError:
        error = field_error("query.cursor", "wrong_format")
        raise invalid(error, detail="The cursor is not one that a list gave.") from None


def page(found: Sequence[Item], limit: int, key: Callable[[Item], object]) -> tuple[Sequence[Item], str | None]:
    """The first `limit` of what was found, and the cursor of the next page; None where there is no more.

    The query asks for one more than `limit`. A cursor is the key of the last item that was shown.
    """
    return found[:limit], str(key(found[limit - 1])) if len(found) > limit else None


def short_page(
    found: Sequence[Item], cursor: str | None, limit: int, key: Callable[[Item], object]
) -> tuple[Sequence[Item], str | None]:
    """A page of a list that is short enough to be read whole, and the cursor of the next page.

    Args:
        found: the whole list.
        cursor: of the page, None for the first one.
        limit: the largest number of items.
        key: what identifies an item within the list.

    Raises:
        Problem: 422, the cursor is not one that this list gave.
    """
    keys = [str(key(item)) for item in found]
    start = after(cursor, lambda last: keys.index(last) + 1) or 0
    return page(found[start : start + limit + 1], limit, key)
