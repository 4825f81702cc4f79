"""Reading a request's body: our own limits, because the stock decoder takes what it should refuse and echoes it."""

import json
import math
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from app.api.problems import MAX_ERRORS, FieldError, Problem

Model = TypeVar("Model", bound=BaseModel)

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class _BadJsonError(ValueError):
    """The body is not the JSON we take."""


def safe_text(text: str) -> str:
    """Text that a page, a log and a database can hold: no controls, no surrogates, nothing that turns the direction."""
    for character in text:
        if character < " " or character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Cn"):
            code = "unsafe_text"
            raise PydanticCustomError(code, "holds a character that is not text")
    return text


SAFE: Final = AfterValidator(safe_text)


class Wire(BaseModel):
    """What comes in: strict types, and no field that we do not know."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


Whole = Annotated[int, Field(ge=1, le=2_147_483_647)]


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
        Problem: 415 for another content type, 400 for what is not JSON.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, "unsupported_media_type", "Send application/json.")
    return decode(await request.body())


def field_errors(error: ValidationError, prefix: str = "") -> list[FieldError]:
    """What is wrong, by place and code; nothing that was sent, not even the name of an unknown field."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return [_field_error(d, prefix) for d in details[:MAX_ERRORS]]


def _field_error(detail: ErrorDetails, prefix: str) -> FieldError:
    unknown = detail["type"] in ("extra_forbidden", "invalid_key")
    location = detail["loc"][:-1] if unknown else detail["loc"]
    path = ".".join([prefix] * bool(prefix) + [str(part) for part in location])
    code = "unknown_field" if unknown else detail["type"]
    return FieldError(path=path, code=code, message="Unknown field." if unknown else detail["msg"])


def check(model: type[Model], value: Any) -> Model:  # noqa: ANN401  # any JSON value
    """The value as the model.

    Raises:
        Problem: 422, naming each wrong place.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Problem(422, "invalid", "The input is not as documented.", errors=field_errors(error)) from None


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
