"""Posting signatures, one or a batch."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints, ValidationError, model_validator

from app.access.principals import Principal
from app.count.intake import LineResult, Submission, SubmissionResult, take_in
from app.http.body import (
    MAX_BATCH,
    BodyReader,
    LineReason,
    RequestModel,
    ResponseModel,
    Text20,
    Text30,
    Text100,
    Text200,
    Text300,
    Whole,
    body,
    model_errors,
    wrong,
)
from app.http.frame import (
    POSTERS,
    AppState,
    DirectRoute,
    IdempotencyKey,
    PathPetition,
    Poster,
    direct_key,
    direct_petition,
    state_of,
)
from app.http.problems import FieldError, Problem
from app.law.line import LARGEST_NUMBER, Line, NameParts, Place, Signature, Writing
from app.law.reasons import Status

_PREFIX = "/v1/petitions/{petition_id}/signatures"
router = APIRouter(prefix=_PREFIX, tags=["signatures"])

Sha256Hex = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]

_ERRORS_OF_A_LINE = 5  # shown in a batch's answer, and
_ERRORS_OF_A_BATCH = 100  # in all, so that it cannot grow far beyond the batch
CONFLICT = "A different entry is already recorded here. Ask a clerk to revise it."
REPLAYED = {"Idempotent-Replayed": "true"}


class NameIn(RequestModel):
    """A name that the station read in parts."""

    first: Text100 = ""
    middle: Text100 = ""
    last: Text100 = ""
    suffix: Text30 = ""

    def parts(self) -> NameParts:
        """The name as a value."""
        return NameParts(self.first, self.middle, self.last, self.suffix)


class WritingIn(RequestModel):
    """The text of a line. An empty text is a fact about the paper, not an error."""

    printed_name: Text200 | None = None
    name: NameIn | None = None
    residence_address: Text300
    city: Text100
    zip: Text20
    signed: bool = True
    image_sha256: Sha256Hex | None = None

    @model_validator(mode="after")
    def _one_name(self) -> "WritingIn":
        if (self.printed_name is None) == (self.name is None):
            raise wrong("contradiction")
        return self

    def at(self, place: Place) -> Signature:
        """The signature at a place."""
        writing = Writing(
            printed_name=self.printed_name or "",
            residence_address=self.residence_address,
            city=self.city,
            zip=self.zip,
            name=self.name.parts() if self.name else None,
            signed=self.signed,
            image_sha256=self.image_sha256,
        )
        return Signature.at(place, writing)


class SignatureIn(WritingIn):
    """One line of the petition, as the station read it. An empty text is a fact about the paper, not an error."""

    section: Whole
    page: Whole
    line: Whole

    def signature(self) -> Signature:
        """The signature as a value."""
        return self.at(Place(self.section, self.page, self.line))


class BatchIn(RequestModel):
    """Up to 1,000 lines. Each is checked by itself: one bad line never fails the others."""

    signatures: Annotated[list[Any], Field(min_length=1, max_length=1000)]


class LineOut(ResponseModel):
    """A line's status."""

    place: str
    status: Status
    reason: LineReason | None
    settled: bool
    version: int


class LineError(ResponseModel):
    """Why a line was refused. `errors` names up to five fields, and up to 100 in a whole batch."""

    code: str
    message: str
    errors: list[FieldError] | None = None


class LineErrorOut(ResponseModel):
    """A line that was refused; `place` is null where it could not be read."""

    place: str | None
    error: LineError


class BatchOut(ResponseModel):
    """One result for each line, in their order."""

    results: list[LineOut | LineErrorOut]


def line_out(line: LineResult | Line) -> LineOut:
    """A line's status, without voter and evidence."""
    status, reason = line.outcome
    return LineOut(place=str(line.place), status=status, reason=reason, settled=line.settled, version=line.version)


async def post_signature(request: Request, principal: Principal) -> Response:
    """201 with the line's status, or 200 if it was already there; 409 if a different entry is recorded there."""
    signature = (await _SIGNATURE(request)).signature()
    key, key_errors = direct_key(request)
    petition = await direct_petition(request, principal, *key_errors)
    fingerprint = sha256(b"one" + _meaning(signature)).digest()
    submission = Submission(principal.name, [signature], key, fingerprint)
    answer = await state_of(request).group_commit.hand_in(petition, submission)
    if not isinstance(answer, SubmissionResult):
        raise answer
    (result,) = answer.results
    if result is None:
        raise Problem(409, "place_conflict", CONFLICT)
    content, headers = line_out(result).model_dump_json(), REPLAYED if answer.replayed else None
    return Response(content, 201 if result.created else 200, headers, media_type="application/json")


_SIGNATURE = BodyReader(SignatureIn)
POST_SIGNATURE = DirectRoute("POST", _PREFIX, POSTERS, post_signature, body=_SIGNATURE)


@router.post("/batch")
async def post_signatures(
    principal: Poster,
    state: AppState,
    batch: Annotated[BatchIn, body(BatchIn, MAX_BATCH)],
    petition: PathPetition,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> BatchOut:
    """One result for each line, in their order. A line that is refused has an `error` and never fails the others."""
    checked = _all_checked(batch.signatures)
    good = [line for line in checked if isinstance(line, Signature)]
    submission = Submission(principal.name, good, idempotency_key, _fingerprint(batch.signatures, checked))
    decide = state.matchers.decide_lines
    (answer,) = await take_in(state.count, petition, [submission], now=state.now(), decide=decide)
    if not isinstance(answer, SubmissionResult):
        raise answer
    if answer.replayed:
        response.headers.update(REPLAYED)
    results = iter(answer.results)
    return BatchOut(results=[c if isinstance(c, LineErrorOut) else _result_out(c, next(results)) for c in checked])


def _result_out(signature: Signature, result: LineResult | None) -> LineOut | LineErrorOut:
    if result:
        return line_out(result)
    return LineErrorOut(place=str(signature.place), error=LineError(code="place_conflict", message=CONFLICT))


def _all_checked(values: Sequence[object]) -> list[Signature | LineErrorOut]:
    checked, left = [], _ERRORS_OF_A_BATCH
    for index, value in enumerate(values):
        line = _checked(value, index, min(left, _ERRORS_OF_A_LINE))
        left -= len(line.error.errors or ()) if isinstance(line, LineErrorOut) else 0
        checked.append(line)
    return checked


def _checked(value: object, index: int, most: int) -> Signature | LineErrorOut:
    try:
        return SignatureIn.model_validate(value).signature()
    except ValidationError as error:
        errors = model_errors(error, f"signatures.{index}", most) or None
        wrong_line = LineError(code="invalid", message="The line is not as documented.", errors=errors)
        return LineErrorOut(place=_place_of(value), error=wrong_line)


def _place_of(value: object) -> str | None:
    """The place of a line that is otherwise wrong, so that a person finds the paper."""
    numbers = [value.get(name) for name in Place._fields] if isinstance(value, dict) else []
    good = [n for n in numbers if type(n) is int and 1 <= n <= LARGEST_NUMBER]
    return str(Place(*good)) if len(good) == len(Place._fields) else None


def _meaning(line: Signature) -> bytes:
    return str(line.place).encode() + b"\0" + line.sha256


def _fingerprint(values: Sequence[object], checked: Sequence[Signature | LineErrorOut]) -> bytes:
    """SHA-256 of a batch's meaning: the order of keys, white space and omitted defaults do not change it."""
    digest = sha256(b"batch")
    for value, line in zip(values, checked, strict=True):
        # A refused line is spelled in ASCII, where even a lone surrogate has a spelling.
        good = _meaning(line) if isinstance(line, Signature) else b""
        meaning = good or json.dumps(value, sort_keys=True).encode()
        digest.update(len(meaning).to_bytes(4, "big") + meaning)
    return digest.digest()
