"""Errors on the wire: RFC 9457 problems, made in one place, with no value in them that was sent."""

import json
import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app import errors as domain
from app.database.engine import DATABASE_ERRORS, is_damage, is_unavailable

logger = logging.getLogger("app.http")

MAX_ERRORS: Final = 20
INVALID_INPUT: Final = "The input is not as documented."
URN: Final = "urn:recall-petition:problem:"
MESSAGES: Final = {
    "missing": "This is required.",
    "unknown_field": "There is no such field.",
    "wrong_type": "Wrong type.",
    "wrong_format": "Wrong format: see the documented form.",
    "out_of_range": "Outside the allowed range.",
    "too_long": "Too long.",
    "too_short": "Too short.",
    "not_a_choice": "Not an allowed value: openapi.json lists those that are.",
    "unsafe_text": "Contains a character that is not text, such as a control character or one that reverses direction.",
    "contradiction": "These fields contradict each other: exactly one of the two alternatives must be given.",
    "repeated": "Given more than once.",
    "invalid_value": "Not as documented.",
}
"""Every code of a field's error, with its message where there is nothing more exact to say."""

# The validator's types of error: our stable code, and a message that names the documented bound or type.
_OF_VALIDATOR: Final = {
    "extra_forbidden": ("unknown_field", ""),
    "invalid_key": ("unknown_field", ""),
    "greater_than_equal": ("out_of_range", "Out of range: expected {ge} or more."),
    "less_than_equal": ("out_of_range", "Out of range: expected {le} or less."),
    "less_than": ("out_of_range", "Out of range: expected less than {lt}."),
    "int_parsing_size": ("out_of_range", ""),
    "string_too_long": ("too_long", "Too long: expected at most {max_length} characters."),
    "too_long": ("too_long", "Too long: expected at most {max_length} items."),
    "string_too_short": ("too_short", "Too short: expected at least {min_length} characters."),
    "too_short": ("too_short", "Too short: expected at least {min_length} items."),
    "literal_error": ("not_a_choice", "Not an allowed value: expected one of {expected}."),
    "enum": ("not_a_choice", "Not an allowed value: expected one of {expected}."),
    "string_pattern_mismatch": ("wrong_format", ""),
    "uuid_parsing": ("wrong_format", ""),
    "string_unicode": ("unsafe_text", ""),
    "string_type": ("wrong_type", "Wrong type: expected text."),
    "int_type": ("wrong_type", "Wrong type: expected a whole number."),
    "int_from_float": ("wrong_type", "Wrong type: expected a whole number."),
    "bool_type": ("wrong_type", "Wrong type: expected true or false."),
    "bool_parsing": ("wrong_type", "Wrong type: expected true or false."),
    "list_type": ("wrong_type", "Wrong type: expected a list."),
    "model_type": ("wrong_type", "Wrong type: expected an object."),
    "date_type": ("wrong_type", "Wrong type: expected a date as text."),
    "datetime_type": ("wrong_type", "Wrong type: expected a date and time as text."),
}
_LONGEST_MESSAGE: Final = 250  # characters: an answer has up to 20 of them
_HARMLESS_NAME: Final = re.compile("[A-Za-z0-9_]{1,40}")

HARMLESS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
"""Headers of every answer: a browser takes none for another type, and names no address of ours elsewhere."""

STATUS_OF: Final = {"not_found": 404, "conflict": 409, "invalid": 422, "forbidden": 403, "too_many": 429, "busy": 503}
# The standard's phrases, two of them as RFC 9110 has them: Python's names for these are older.
_RENAMED: Final = {413: "Content too large", 422: "Unprocessable content"}
TITLES: Final = {status.value: status.phrase.capitalize() for status in HTTPStatus} | _RENAMED
_RETRY_LATER: Final = (429, 503)
_MAX_DETAIL: Final = 500  # characters: a refusal's text may be put together from many facts


class FieldError(BaseModel):
    """One thing that is wrong with the input."""

    path: str
    code: str
    message: str


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None


def field_error(path: str, code: str, message: str = "") -> FieldError:
    """One error."""
    return FieldError(path=path, code=code, message=message or MESSAGES[code])


def unknown_field(path: str, name: object) -> FieldError:
    """An unknown field or parameter, named if its name can only be an identifier: other text may be personal data."""
    named = [str(name)] if _HARMLESS_NAME.fullmatch(str(name)) else []
    return field_error(".".join([path] * bool(path) + named), "unknown_field")


def field_errors(found: Sequence[Mapping[str, Any]], prefix: str = "", most: int = MAX_ERRORS) -> list[FieldError]:
    """The first of the errors that a validator found, field by field, without the values that were sent."""
    return [_field_error(detail, prefix) for detail in found[:most]]


def _field_error(detail: Mapping[str, Any], prefix: str) -> FieldError:
    kind: str = detail["type"]
    fallback = kind if kind in MESSAGES else "wrong_type" if kind.endswith("_type") else "invalid_value"
    code, template = _OF_VALIDATOR.get(kind, (fallback, ""))
    *parents, last = [prefix] * bool(prefix) + [str(part) for part in detail["loc"]] or [""]
    if code == "unknown_field":
        return unknown_field(".".join(parents), last)
    message = template.format(**detail.get("ctx", {})).replace("'", "")
    return field_error(".".join((*parents, last)), code, message if len(message) <= _LONGEST_MESSAGE else "")


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818  # the field's word, from RFC 9457
    """An answer that is an error. `code` ends its `type` and is stable; `detail` must hold nothing that was sent."""

    status: int
    code: str  # one of those in docs/errors.md
    detail: str  # one sentence for a person
    _: KW_ONLY
    errors: Sequence[FieldError] = ()  # what is wrong with the input; the first 20 are answered
    headers: Mapping[str, str] | None = None  # of the answer, besides those that every answer has


def invalid(*errors: FieldError, detail: str = INVALID_INPUT) -> Problem:
    """The answer to input that is not as documented."""
    return Problem(422, "invalid", detail, errors=errors)


def problem_of(error: BaseException) -> Problem:
    """The answer to an error; an unexpected one is a bare 500."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, domain.RecallError):
        later = {"Retry-After": str(error.retry_after)} if isinstance(error, domain.ReadBudgetError) else None
        return Problem(STATUS_OF[error.kind], error.code, str(error)[:_MAX_DETAIL], headers=later)
    if isinstance(error, RequestValidationError):
        return invalid(*field_errors(error.errors()))
    if isinstance(error, HTTPException):
        title = TITLES.get(error.status_code, "Error")
        return Problem(error.status_code, title.lower().replace(" ", "_"), title + ".", headers=error.headers)
    return _own_fault(error)


def _own_fault(error: BaseException) -> Problem:
    """The answer where the request may be a good one."""
    if is_damage(error):
        detail = "The database is damaged, and nothing was changed. /health/ready says what its administrators must do."
        return Problem(503, "damaged", detail, headers={"Retry-After": "60"})
    if _lacks_memory(error) or is_unavailable(error):
        return Problem(503, "unavailable", "The service cannot answer at the moment. Try again.")
    return Problem(500, "internal", "Something went wrong here. The request id finds it in the log.")


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether memory ran out; the database's driver gives such an error another name, and so may a clean-up."""
    while error and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


def render(problem: Problem, request_id: str) -> Response:
    """The answer."""
    body: dict[str, Any] = {"type": URN + problem.code, "title": TITLES.get(problem.status, "Error")}
    body |= {"status": problem.status, "detail": problem.detail, "request_id": request_id}
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors[:MAX_ERRORS]]
    later = {"Retry-After": "1"} if problem.status in _RETRY_LATER else {}
    headers = {**later, **(problem.headers or {})}
    return Response(json.dumps(body), problem.status, headers=headers, media_type="application/problem+json")


def log_failure(error: BaseException, request_id: str) -> None:
    """Log where an error arose, without its text: an exception's message may hold what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error("request failed", extra={"request_id": request_id, "error": type(error).__qualname__, "stack": stack})


async def _handle(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    request_id = getattr(request.state, "request_id", "")
    if problem.status >= 500:  # noqa: PLR2004  # the server's own
        log_failure(error, request_id)
        request.app.state.recall.notice(error)
    return render(problem, request_id)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem."""
    ours = (Problem, HTTPException, RequestValidationError, domain.RecallError)
    for kind in (*ours, *DATABASE_ERRORS):
        app.add_exception_handler(kind, _handle)
