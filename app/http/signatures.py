"""Signatures: posted, one or a batch, and read."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from app.access.principals import Principal
from app.count.intake import LineResult, Submission, SubmissionResult
from app.count.line_queries import LineRead, page_of_lines, read_line
from app.errors import UnknownLineError
from app.http.body import (
    DIGITS,
    MAX_BATCH,
    BodyReader,
    Cursor,
    Limit,
    LineReason,
    PathPlace,
    RequestModel,
    ResponseModel,
    Text20,
    Text30,
    Text100,
    Text200,
    Text300,
    Whole,
    after,
    body,
    model_errors,
    page,
    place_of,
    wrong,
)
from app.http.frame import (
    POSTERS,
    AppState,
    DirectRoute,
    IdempotencyKey,
    PathPetition,
    Poster,
    Reader,
    allow,
    direct_key,
    direct_petition,
    state_of,
)
from app.http.problems import FieldError, Problem
from app.law.line import LARGEST_NUMBER, Line, Place, Signature
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

    def parts(self) -> tuple[str, str, str, str]:
        """The name as a value."""
        return self.first, self.middle, self.last, self.suffix


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
        written = self.printed_name or "", self.residence_address, self.city, self.zip
        name = self.name.parts() if self.name else None
        return Signature(*written, name, self.signed, self.image_sha256).at(place)


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
    answer = await state.group_commit.take_in(petition, submission)
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
    checked, left = list[Signature | LineErrorOut](), _ERRORS_OF_A_BATCH
    for index, value in enumerate(values):
        try:
            checked.append(SignatureIn.model_validate(value).signature())
        except ValidationError as error:
            errors = model_errors(error, f"signatures.{index}", min(left, _ERRORS_OF_A_LINE))
            left -= len(errors)
            wrong_line = LineError(code="invalid", message="The line is not as documented.", errors=errors or None)
            checked.append(LineErrorOut(place=_place_of(value), error=wrong_line))
    return checked


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


LineReader = Annotated[Principal, allow("station", "system", "clerk", "supervisor", "auditor")]


class NamePartsOut(ResponseModel):
    """A name that the station read in parts."""

    first: str
    middle: str
    last: str
    suffix: str


def _named(parts: Sequence[str] | None) -> dict[str, str] | None:
    return dict(zip(NamePartsOut.model_fields, parts, strict=True)) if parts else None


class WritingOut(ResponseModel):
    """The text of a line."""

    printed_name: str
    name: Annotated[NamePartsOut | None, BeforeValidator(_named)]
    residence_address: str
    city: str
    zip: str
    signed: bool
    image_sha256: str | None


class FindingOut(ResponseModel):
    """A decision on a line, with its basis."""

    finding_no: int
    status: Status
    reason: LineReason | None
    reason_open: bool
    settled: bool
    voter_id: str | None
    secondary: list[str]
    evidence: dict[str, Any] | None
    evidence_of: int | None
    counted_place: str | None
    confirmed_by: list[str]
    ruleset: str
    roll_version: int | None
    decided_by: str
    decided_at: datetime
    note: str


class LineDetailOut(LineOut):
    """A line's status, with its text and finding, for the people who decide and check."""

    writing: WritingOut
    finding: FindingOut


class ListedOut(LineOut):
    """A line in a list."""

    voter_id: str | None


class LinesOut(ResponseModel):
    """A page of lines in paper order."""

    signatures: list[ListedOut]
    next_cursor: str | None


def as_seen_by(who: Principal, read: LineRead) -> LineRead:
    """A line as a person may see it while opinions of its signature are pending: without them.

    A person who compares the signature must not see an earlier doubt (2 CCR 20960). An auditor does not compare, and
    the people who doubted it know.
    """
    if read.undoubted is None or who.role == "auditor" or who.name in read.line.mismatch_by:
        return read
    settled = len(read.line.confirmed_by) >= read.people_needed
    line = read.line._replace(settled=settled)
    return replace(read, line=line, finding=read.undoubted | {"settled": settled})


def detail_out(read: LineRead) -> LineDetailOut:
    """A line as the people see it who decide and check."""
    return LineDetailOut(
        **dict(line_out(read.line)),
        writing=WritingOut.model_validate(read.signature),
        finding=FindingOut.model_validate(read.finding),
    )


@router.get("/{place}", response_model=LineDetailOut | LineOut)
async def get_signature(
    principal: LineReader, state: AppState, petition: PathPetition, place: PathPlace
) -> LineDetailOut | LineOut:
    """A station or system reads its own lines, without voter and evidence; clerks and above read all with evidence.

    While too few people doubt a signature, others who may compare it see the line without these doubts.
    """
    async with state.database.reading() as connection:
        read = await read_line(connection, petition.key, place)
    if principal.role not in ("station", "system"):
        return detail_out(as_seen_by(principal, read))
    if read.line.station != principal.name:
        raise UnknownLineError
    return line_out(as_seen_by(principal, read).line)


@router.get("")
async def list_signatures(  # noqa: PLR0917  # the filters of the list
    principal: Reader,
    state: AppState,
    petition: PathPetition,
    status: Annotated[Status | None, Query()] = None,
    reason: Annotated[LineReason | None, Query()] = None,
    section: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER), DIGITS] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> LinesOut:
    """Pages in paper order: follow `next_cursor` until it is null."""
    async with state.database.begin() as connection:
        found = await page_of_lines(
            connection,
            petition.key,
            after=after(cursor, place_of),
            limit=limit + 1,
            status=status,
            reason=reason,
            section=section,
            blind=principal.role != "auditor",
        )
    listed = [row._asdict() | {"place": str(Place(row.section, row.page, row.line))} for row in found]
    shown, following = page(listed, limit, lambda line: line["place"])
    return LinesOut.model_validate({"signatures": shown, "next_cursor": following})
