"""Errors on the wire: RFC 9457 problems, made in one place, with nothing in them that was sent."""

import json
import logging
import traceback
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.domain import errors as domain

logger = logging.getLogger("app.api")

MAX_ERRORS: Final = 20
URN: Final = "urn:recall-petition:problem:"


class FieldError(BaseModel):
    """One thing that is wrong with the input."""

    path: str = Field(description="Where, as in `signatures.3.page`; empty for the whole body.")
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
    domain.IdempotencyConflictError: 422,
    domain.InvalidPetitionError: 422,
    domain.FindingRefusedError: 422,
    domain.SupervisorNeededError: 403,
    domain.NoRollError: 409,
    domain.KeyLimitError: 409,
    domain.BusyError: 503,
}

# The database is away, restarting, or too busy: the client is asked to come back, and its idempotency key makes that
# safe even where the outcome of a commit is unknown.
UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
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


def problem_of(error: BaseException) -> Problem:
    """What the world is told of an error; of one that nobody expected, nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, domain.RecallError):
        status = STATUS_OF[type(error)]
        headers = {"Retry-After": "1"} if status == 503 else None  # noqa: PLR2004  # the status itself
        return Problem(status, error.code, str(error), headers=headers)
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        return Problem(
            error.status_code, _plain_code(error.status_code), TITLES.get(error.status_code, ""), headers=headers
        )
    if isinstance(error, UNAVAILABLE) or (isinstance(error, DBAPIError) and _unavailable(error)):
        return Problem(
            503, "unavailable", "The service cannot answer just now. Try again.", headers={"Retry-After": "1"}
        )
    return Problem(500, "internal", "Something went wrong here. The request id finds it in the log.")


def _unavailable(error: DBAPIError) -> bool:
    cause = getattr(error.orig, "__cause__", None)
    return error.connection_invalidated or isinstance(cause, UNAVAILABLE)


def _plain_code(status: int) -> str:
    return TITLES.get(status, "error").lower().replace(" ", "_")


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
    return Response(json.dumps(body), problem.status, headers=problem.headers, media_type="application/problem+json")


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
    for kind in (Problem, HTTPException, domain.RecallError, SQLAlchemyError, asyncpg.PostgresError, *UNAVAILABLE):
        app.add_exception_handler(kind, _handle)
