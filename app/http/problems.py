"""Errors on the wire: RFC 9457 problems, made in one place, with nothing in them that was sent."""

import json
import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app import errors as domain
from app import errors as roll

logger = logging.getLogger("app.http")

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


URN: Final = "urn:recall-petition:problem:"


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None


class Problem(Exception):  # noqa: N818  # the field's word, from RFC 9457
    """An answer that is an error. `code` ends its `type` and is stable."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """Keep what will be said; `detail` must hold nothing that was sent."""
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.errors = list(errors)[:MAX_ERRORS]
        self.headers = headers or {}


STATUS_OF: Final[dict[type[domain.RecallError], int]] = {
    domain.UnknownPetitionError: 404,
    domain.UnknownLineError: 404,
    domain.UnknownKeyError: 404,
    domain.UnknownVoterError: 422,
    domain.PetitionClosedError: 409,
    domain.UndecidedLinesError: 409,
    domain.NoCheckpointError: 404,
    domain.UnknownEntryError: 404,
    domain.CheckpointRefusedError: 409,
    domain.CheckpointKeyError: 503,
    domain.IdempotencyConflictError: 422,
    domain.InvalidPetitionError: 422,
    domain.FindingRefusedError: 422,
    domain.SupervisorNeededError: 403,
    domain.WithdrawalRefusedError: 422,
    domain.UnknownWithdrawalError: 404,
    domain.NoRollError: 409,
    domain.NotDrawnError: 409,
    domain.AlreadyCheckedError: 409,
    domain.LookupBudgetError: 429,
    domain.InvalidKeyError: 422,
    domain.KeyLimitError: 409,
    domain.BusyError: 503,
    roll.RollError: 422,
    roll.RollLoadingError: 409,
    roll.UnknownRollError: 404,
    roll.RollOutdatedError: 409,
    roll.RollKeysError: 409,
    roll.CountyCodeError: 422,
    roll.AliasesError: 422,
    roll.UnknownCountyError: 404,
}

# The database is away, restarting, or too busy: the client is asked to come back, and its idempotency key makes that
# safe even where the outcome of a commit is unknown.
UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver lost its place when the connection went away in the middle of an answer
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.DeadlockDetectedError,
)

TITLES: Final = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}

_RETRY_LATER: Final = (429, 503)
_MAX_DETAIL: Final = 500  # characters: the text of a refusal may be put together from many facts


def problem_of(error: BaseException) -> Problem:
    """What the world is told of an error; of one that nobody expected, nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, domain.RecallError):
        later = {"Retry-After": str(error.retry_after)} if isinstance(error, domain.LookupBudgetError) else None
        return Problem(STATUS_OF[type(error)], error.code, str(error)[:_MAX_DETAIL], headers=later)
    if isinstance(error, RequestValidationError):
        return Problem(422, "invalid", "The input is not as documented.", errors=field_errors(error.errors()))
    if isinstance(error, HTTPException):
        title = TITLES.get(error.status_code, "Error")
        code = title.lower().replace(" ", "_")
        return Problem(error.status_code, code, title + ".", headers=dict(error.headers or {}))
    if isinstance(error, UNAVAILABLE) or (isinstance(error, DBAPIError) and _unavailable(error)):
        return Problem(503, "unavailable", "The service cannot answer just now. Try again.")
    return Problem(500, "internal", "Something went wrong here. The request id finds it in the log.")


def _unavailable(error: DBAPIError) -> bool:
    cause = getattr(error.orig, "__cause__", None)
    return error.connection_invalidated or isinstance(cause, UNAVAILABLE)


def render(problem: Problem, request_id: str) -> Response:
    """The answer."""
    body: dict[str, Any] = {
        "type": URN + problem.code,
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors]
    headers = dict(problem.headers)
    if problem.status in _RETRY_LATER:
        headers.setdefault("Retry-After", "1")
    return Response(json.dumps(body), problem.status, headers=headers, media_type="application/problem+json")


def where(error: BaseException) -> list[str]:
    """The stack of an error without its text: an exception's message may hold what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


async def _handle(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    request_id = getattr(request.state, "request_id", "")
    if problem.status >= 500:  # noqa: PLR2004  # the server's own
        logger.error(
            "request failed",
            extra={"request_id": request_id, "error": type(error).__qualname__, "stack": where(error)},
        )
    return render(problem, request_id)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    ours = (Problem, HTTPException, RequestValidationError, domain.RecallError)
    for kind in (*ours, SQLAlchemyError, asyncpg.PostgresError, *UNAVAILABLE):
        app.add_exception_handler(kind, _handle)
