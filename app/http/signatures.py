"""Handing signatures in, one or a batch, and reading where they stand."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from app.access.principals import Principal
from app.count import intake
from app.count.submission import Accepted, LineResult, Submission, SubmissionResult
from app.http.body import MAX_BATCH, SAFE, Whole, Wire, body, model_errors, wrong
from app.http.direct import KEY_PATTERN, PostedRoute
from app.http.frame import AppState, PetitionId, allow, petition_of
from app.http.problems import FieldError, Problem
from app.law.line import LARGEST_NUMBER, NameParts, Place, Submitted, Writing

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures", tags=["signatures"])

Poster = Annotated[Principal, allow("station", "clerk", "supervisor", "system")]
IdempotencyKey = Annotated[
    str | None,
    Header(description="Makes a retry safe: the same key and content get the same answer.", pattern=KEY_PATTERN),
]
Sha256Hex = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]

_ERRORS_OF_A_LINE = 5  # shown in a batch's answer, and
_ERRORS_OF_A_BATCH = 100  # in all, so that it cannot grow far beyond the batch
_REPLAYED = {"Idempotent-Replayed": "true"}
CONFLICT = "Another writing stands at this place. A correction is a clerk's revision."


class NameIn(Wire):
    """A name that the station read in parts."""

    first: Annotated[str, Field(max_length=100), SAFE] = ""
    middle: Annotated[str, Field(max_length=100), SAFE] = ""
    last: Annotated[str, Field(max_length=100), SAFE] = ""
    suffix: Annotated[str, Field(max_length=30), SAFE] = ""


class WritingIn(Wire):
    """The text of a line. An empty text is a fact about the paper, not an error."""

    printed_name: Annotated[str, Field(max_length=200), SAFE] | None = None
    name: NameIn | None = None
    residence_address: Annotated[str, Field(max_length=300), SAFE]
    city: Annotated[str, Field(max_length=100), SAFE]
    zip: Annotated[str, Field(max_length=20), SAFE]
    signed: bool = True
    image_sha256: Sha256Hex | None = None

    @model_validator(mode="after")
    def _one_name(self) -> "WritingIn":
        if (self.printed_name is None) == (self.name is None):
            raise wrong("contradiction")
        return self

    def submitted_at(self, place: Place) -> Submitted:
        """The line as a value."""
        name = self.name
        writing = Writing(
            printed_name=self.printed_name or "",
            residence_address=self.residence_address,
            city=self.city,
            zip=self.zip,
            name=NameParts(name.first, name.middle, name.last, name.suffix) if name else None,
            signed=self.signed,
            image_sha256=self.image_sha256,
        )
        return Submitted(place, writing, writing.fingerprint())


class SignatureIn(WritingIn):
    """One line of the petition, as the station read it. An empty text is a fact about the paper, not an error."""

    section: Whole
    page: Whole
    line: Whole

    def submitted(self) -> Submitted:
        """The line as a value."""
        return self.submitted_at(Place(self.section, self.page, self.line))


class BatchIn(Wire):
    """Up to 1,000 lines; each is checked by itself, so that one bad line never fails the rest."""

    signatures: Annotated[list[Any], Field(min_length=1, max_length=1000)]


class LineOut(BaseModel):
    """Where a line stands."""

    place: str
    status: str
    reason: str | None
    settled: bool
    version: int


class LineError(BaseModel):
    """Why a line was not taken: `errors` names up to five fields, and in a whole batch up to a hundred."""

    code: str
    message: str
    errors: list[FieldError] | None = None


class LineErrorOut(BaseModel):
    """A line that was not taken; `place` is null where it could not be read."""

    place: str | None
    error: LineError


class BatchOut(BaseModel):
    """One result a line, in their order."""

    results: list[LineOut | LineErrorOut]


def line_out(result: Accepted) -> LineOut:
    """An accepted line as a station sees it."""
    return LineOut(
        place=result.place, status=result.status, reason=result.reason, settled=result.settled, version=result.version
    )


def _line_error(place: str | None, code: str, message: str, errors: list[FieldError] | None = None) -> LineErrorOut:
    return LineErrorOut(place=place, error=LineError(code=code, message=message, errors=errors))


def _result_out(result: LineResult) -> LineOut | LineErrorOut:
    if isinstance(result, Accepted):
        return line_out(result)
    return _line_error(result.place, "place_conflict", CONFLICT)


def _answered(outcome: intake.Outcome, response: Response) -> SubmissionResult:
    """The answer behind an outcome, with its header; an outcome that is an error is raised."""
    if not isinstance(outcome, SubmissionResult):
        raise outcome
    if outcome.replayed:
        response.headers.update(_REPLAYED)
    return outcome


async def post_signature(
    principal: Poster,
    state: AppState,
    petition_id: PetitionId,
    line: Annotated[SignatureIn, body(SignatureIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """201 with where the line stands, or 200 if it was there already; 409 where another writing stands there."""
    petition = await petition_of(state, principal, petition_id)
    submitted = line.submitted()
    fingerprint = sha256(b"one" + _meaning(submitted)).digest()
    submission = Submission(principal.name, [submitted], idempotency_key, fingerprint)
    answer = await state.group_commit.hand_in(petition, submission)
    if not isinstance(answer, SubmissionResult):
        raise answer
    (result,) = answer.results
    if not isinstance(result, Accepted):
        raise Problem(409, "place_conflict", CONFLICT)
    content, headers = line_out(result).model_dump_json().encode(), _REPLAYED if answer.replayed else None
    return Response(content, 201 if result.created else 200, headers, media_type="application/json")


router.add_api_route(
    "",
    post_signature,
    methods=["POST"],
    route_class_override=PostedRoute,
    status_code=201,
    operation_id="post_signature",
    summary="Hand in one signature",
    response_model=LineOut,
    responses={200: {"model": LineOut, "description": "The line was there already"}},
)


@router.post("/batch", operation_id="post_signatures", summary="Hand in up to 1,000 signatures")
async def post_signatures(  # the parts of a request
    principal: Poster,
    state: AppState,
    petition_id: PetitionId,
    batch: Annotated[BatchIn, body(BatchIn, MAX_BATCH)],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> BatchOut:
    """One result a line, in their order; a line that cannot be taken has an `error` and never fails the rest."""
    petition = await petition_of(state, principal, petition_id)
    checked = _all_checked(batch.signatures)
    good = [line for line in checked if isinstance(line, Submitted)]
    submission = Submission(principal.name, good, idempotency_key, _fingerprint(batch.signatures, checked))
    decide = state.matchers.decide_lines
    (outcome,) = await intake.take_in(state.database, petition, [submission], now=state.now(), decide=decide)
    results = iter(_answered(outcome, response).results)
    return BatchOut(results=[_result_out(next(results)) if isinstance(c, Submitted) else c for c in checked])


def _all_checked(values: Sequence[object]) -> list[Submitted | LineErrorOut]:
    checked, left = [], _ERRORS_OF_A_BATCH
    for index, value in enumerate(values):
        line = _checked(value, index, min(left, _ERRORS_OF_A_LINE))
        left -= len(line.error.errors or ()) if isinstance(line, LineErrorOut) else 0
        checked.append(line)
    return checked


def _checked(value: object, index: int, most: int) -> Submitted | LineErrorOut:
    try:
        return SignatureIn.model_validate(value).submitted()
    except ValidationError as error:
        errors = model_errors(error, f"signatures.{index}", most) or None
        return _line_error(_place_of(value), "invalid", "The line is not as documented.", errors)


def _place_of(value: object) -> str | None:
    """The place of a line that is otherwise wrong, so that a person finds the paper."""
    numbers = [value.get(name) for name in Place._fields] if isinstance(value, dict) else []
    good = [n for n in numbers if type(n) is int and 1 <= n <= LARGEST_NUMBER]
    return str(Place(*good)) if len(good) == len(Place._fields) else None


def _meaning(line: Submitted) -> bytes:
    return str(line.place).encode() + b"\0" + line.writing_sha256


def _meaning_of_wrong(value: object) -> bytes:
    """A line that was not taken, spelled in ASCII: there a lone surrogate has a spelling, too."""
    return json.dumps(value, sort_keys=True).encode()


def _fingerprint(values: Sequence[object], checked: Sequence[Submitted | LineErrorOut]) -> bytes:
    """SHA-256 of what the batch means: the order of keys, white space and defaults left out do not change it."""
    digest = sha256(b"batch")
    for value, line in zip(values, checked, strict=True):
        meaning = _meaning(line) if isinstance(line, Submitted) else _meaning_of_wrong(value)
        digest.update(len(meaning).to_bytes(4, "big") + meaning)
    return digest.digest()
