"""Signatures: posted and read; and what people record: findings and corrections."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from app.access.names import is_among
from app.access.principals import Principal
from app.count.intake import Result, Submission
from app.count.line_queries import LineRead, page_of_lines, read_line
from app.errors import (
    FindingRefusedError,
    PlaceConflictError,
    RecallError,
    SectionNotAssignedError,
    UnknownLineError,
)
from app.examination import actions
from app.examination.reads import VoterRead, line_read
from app.http import frame, wire
from app.http.frame import AppState, DeciderWrite, LineReader, PathPetition, Poster, Reader
from app.http.problems import FieldError, field_error, field_errors
from app.law.line import LARGEST_NUMBER, Line, Place, Signature
from app.law.reasons import Outcome
from app.law.review import PersonFinding
from app.law.signatures import SignatureComparison

_PETITION = "/v1/petitions/{petition_id}"
direct = APIRouter(prefix=_PETITION + "/signatures", tags=["signatures"], route_class=frame.DirectRoute)
router = APIRouter(prefix=_PETITION, tags=["signatures"])

_ERRORS_OF_A_LINE = 5  # shown in a batch's answer, and
_ERRORS_OF_A_BATCH = 100  # in all, so that it cannot grow far beyond the batch


class NameIn(wire.RequestModel):
    """A name that the station read in parts."""

    first: wire.Text100 = ""
    middle: wire.Text100 = ""
    last: wire.Text100 = ""
    suffix: wire.Text30 = ""

    def parts(self) -> tuple[str, str, str, str]:
        """The name as a value."""
        return self.first, self.middle, self.last, self.suffix


class WritingIn(wire.RequestModel):
    """The text of a line. An empty text is a fact about the paper, not an error."""

    added: ClassVar[frozenset[str]] = frozenset({"kind"})
    printed_name: wire.Text200 | None = None
    name: NameIn | None = None
    residence_address: wire.Text300
    city: wire.Text100
    zip: wire.Text20
    signed: bool = True
    image_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    kind: wire.LineKind | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "WritingIn":
        if (self.printed_name is None) == (self.name is None) or (self.kind and self._text().kind != self.kind):
            raise wire.wrong("contradiction")
        return self

    def _text(self) -> Signature:
        written = self.printed_name or "", self.residence_address, self.city, self.zip
        name = self.name.parts() if self.name else None
        signed = self.signed and ("signed" in self.model_fields_set or self.kind not in ("unsigned", "blank"))
        return Signature(*written, name, signed, self.image_sha256, self.kind == "struck")

    def at(self, place: Place) -> Signature:
        """The signature at a place."""
        return self._text().at(place)


class SignatureIn(WritingIn):
    """One line of the petition, as the station read it. An empty text is a fact about the paper, not an error."""

    section: wire.Whole
    page: wire.Whole
    line: wire.Whole

    def signature(self) -> Signature:
        """The signature as a value."""
        return self.at(Place(self.section, self.page, self.line))


class BatchIn(wire.RequestModel):
    """Up to 1,000 lines. Each is checked by itself: one bad line never fails the others."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    signatures: Annotated[list[Any], Field(min_length=1, max_length=1000)]


class LineOut(wire.ResponseModel):
    """A line's status."""

    place: str
    status: wire.Status
    reason: wire.LineReason | None
    settled: bool
    version: int


class LineError(wire.ResponseModel):
    """Why a line was refused. `errors` names up to five fields, and up to 100 in a whole batch."""

    code: str
    message: str
    errors: list[FieldError] | None = None


class LineErrorOut(wire.ResponseModel):
    """A line that was refused; `place` is null where it could not be read."""

    place: str | None
    error: LineError


class BatchOut(wire.ResponseModel):
    """One result for each line, in their order."""

    results: list[LineOut | LineErrorOut]


def line_out(line: Line) -> LineOut:
    """A line's status, without voter and evidence."""
    status, reason = line.outcome
    return LineOut(place=str(line.place), status=status, reason=reason, settled=line.settled, version=line.version)


def _result_out(place: Place, result: Line | RecallError | None) -> LineOut | LineErrorOut:
    if result and not isinstance(result, RecallError):
        return line_out(result)
    return _refused(place, result or PlaceConflictError())


def _refused(place: Place, error: RecallError) -> LineErrorOut:
    return LineErrorOut(place=str(place), error=LineError(code=error.code, message=str(error)))


@direct.post("", status_code=201, response_model=LineOut)
async def post_signature(request: Request, principal: Poster, posted: wire.Body[SignatureIn]) -> Response:
    """201 with the line's status, or 200 if it was already there; 409 if a different entry is recorded there."""
    signature, key = posted.signature(), request.headers.get("idempotency-key")
    good = key is None or re.fullmatch(frame.KEY_PATTERN, key)
    wrong_key = [] if good else [field_error("header.idempotency-key", "wrong_format")]
    petition = await frame.direct_petition(request, principal, *wrong_key)
    state = frame.state_of(request)
    if principal.sections and not principal.may_post_to(signature.place.section):
        state.posted.note(principal, state.now(), [SectionNotAssignedError.code])
        raise SectionNotAssignedError
    fingerprint = sha256(b"one" + _meaning(signature)).digest()
    submission = Submission(principal.name, [signature], key, fingerprint)
    answer = await state.group_commit.hand_in(petition, submission)
    if isinstance(answer, Exception):
        raise answer
    (result,), replayed = answer
    headers = frame.posted(state, principal, _outcomes([result]), replayed=replayed)
    if result is None:
        raise PlaceConflictError
    line, created = result
    content = line_out(line).model_dump_json()
    return Response(content, 201 if created else 200, headers, media_type="application/json")


def _outcomes(results: Iterable[Result]) -> Iterator[str]:
    """The outcome of each new line: its reason, or else its status; `conflict` where another text has its place."""
    for result in results:
        line, created = result or (None, True)
        if created:
            yield (line.outcome.reason or line.outcome.status) if line else "conflict"


@router.post("/signatures/batch")
async def post_signatures(
    principal: Poster,
    state: AppState,
    batch: wire.Body[BatchIn],
    petition: PathPetition,
    response: Response,
    idempotency_key: frame.IdempotencyKey = None,
) -> BatchOut:
    """One result for each line, in their order. A line that is refused has an `error` and never fails the others."""
    read = _all_checked(batch.signatures)
    checked = [_if_assigned(line, principal) for line in read] if principal.sections else read
    good = [line for line in checked if isinstance(line, Signature)]
    # An assignment may change, and then the same request has another answer: that is not stored.
    key = idempotency_key if checked == read else None
    submission = Submission(principal.name, good, key, _fingerprint(batch.signatures, read))
    answer = await state.group_commit.take_in(petition, submission)
    if isinstance(answer, Exception):
        raise answer
    results, replayed = answer
    refused = (line.error.code for line in checked if isinstance(line, LineErrorOut))
    response.headers.update(frame.posted(state, principal, chain(_outcomes(results), refused), replayed=replayed))
    decided = (_result_out(line.place, result and result[0]) for line, result in zip(good, results, strict=True))
    return BatchOut(results=[next(decided) if isinstance(line, Signature) else line for line in checked])


def _all_checked(values: Sequence[object]) -> list[Signature | LineErrorOut]:
    checked, left = list[Signature | LineErrorOut](), _ERRORS_OF_A_BATCH
    for index, value in enumerate(values):
        try:
            checked.append(SignatureIn.model_validate(value).signature())
        except ValidationError as error:
            errors = field_errors(error.errors(), f"signatures.{index}", min(left, _ERRORS_OF_A_LINE))
            left -= len(errors)
            wrong_line = LineError(code="invalid", message="The line is not as documented.", errors=errors or None)
            checked.append(LineErrorOut(place=_place_of(value), error=wrong_line))
    return checked


def _if_assigned(line: Signature | LineErrorOut, who: Principal) -> Signature | LineErrorOut:
    """The line, or why it is refused: its section was not given to the sender."""
    if isinstance(line, LineErrorOut) or who.may_post_to(line.place.section):
        return line
    return _refused(line.place, SectionNotAssignedError())


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


class NamePartsOut(wire.ResponseModel):
    """A name that the station read in parts."""

    first: str
    middle: str
    last: str
    suffix: str


def _named(parts: Sequence[str] | None) -> dict[str, str] | None:
    return dict(zip(NamePartsOut.model_fields, parts, strict=True)) if parts else None


class WritingOut(wire.ResponseModel):
    """The text of a line."""

    printed_name: str
    name: Annotated[NamePartsOut | None, BeforeValidator(_named)]
    residence_address: str
    city: str
    zip: str
    signed: bool
    image_sha256: str | None
    kind: wire.LineKind


class ComparisonOut(wire.ResponseModel):
    """What a `signature_mismatch` rests on."""

    references: list[str]
    characteristics: list[wire.Characteristic]
    standard: wire.Standard


class FindingOut(wire.ResponseModel):
    """A decision on a line, with its basis."""

    finding_no: int
    status: wire.Status
    reason: wire.LineReason | None
    reason_open: bool
    settled: bool
    voter_id: str | None
    secondary: list[str]
    evidence: dict[str, Any] | None
    evidence_of: int | None
    counted_place: str | None
    confirmed_by: list[str]
    against_data: bool = False
    looked_at: wire.LookedAt | None = None
    searches: Sequence[UUID] = ()
    comparison: ComparisonOut | None = None
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


def sees_doubts(who: Principal, read: LineRead) -> bool:
    """Whether a person may see the opinions that doubt a signature, while they are pending."""
    return who.role == "auditor" or is_among(who.name, read.line.mismatch_by)


def as_seen_by(who: Principal, read: LineRead) -> LineRead:
    """A line as a person may see it while opinions of its signature are pending: without them.

    A person who compares the signature must not see an earlier doubt (2 CCR 20960). An auditor does not compare, and
    the people who doubted it know.
    """
    if read.undoubted is None or sees_doubts(who, read):
        return read
    settled = read.settled_but_for_doubts
    line = read.line._replace(settled=settled)
    return replace(read, line=line, finding=read.undoubted | {"settled": settled})


def detail_out(read: LineRead) -> LineDetailOut:
    """A line as the people see it who decide and check."""
    text = {"writing": read.signature, "finding": read.finding}
    return LineDetailOut.model_validate(dict(line_out(read.line)) | text)


@router.get("/signatures/{place}", response_model=LineDetailOut | LineOut)
async def get_signature(who: LineReader, state: AppState, petition: PathPetition, place: wire.PathPlace) -> LineOut:
    """A station or system reads its own lines, without voter and evidence; clerks and above read all with evidence.

    While too few people doubt a signature, others who may compare it see the line without these doubts. A read with
    evidence is recorded, and the line counts once a day against those that a principal may read.
    """
    async with state.database.reading() as connection, connection.transaction():
        read = as_seen_by(who, await read_line(connection, petition.key, place))
        if who.role not in ("station", "system"):
            shown = line_read(petition.petition_id, place, read.finding)
            await state.budget.put_on_record(connection, who, shown, now=state.now())
            return detail_out(read)
    if read.line.station != who.name:
        raise UnknownLineError
    return line_out(read.line)


@router.get(
    "/signatures", response_model=wire.page_of("LinesOut", "A page of lines in paper order.", signatures=ListedOut)
)
async def list_signatures(
    principal: Reader,
    state: AppState,
    petition: PathPetition,
    paging: wire.ListPaging,
    *,
    status: wire.Status | None = None,
    reason: wire.LineReason | None = None,
    section: wire.Number | None = None,
    settled: wire.Flag | None = None,
) -> object:
    """Pages in paper order: follow `next_cursor` until it is null.

    A page that names voters is recorded, and each line with a voter counts once a day against those that a principal
    may read.
    """
    after, most, blind = paging.after(wire.place_of), paging.limit + 1, principal.role != "auditor"
    filters: dict[str, Any] = {"status": status, "reason": reason, "section": section, "settled": settled}
    async with state.database.begin() as connection:
        found = await page_of_lines(connection, petition.key, after=after, limit=most, blind=blind, **filters)
    listed = [row._asdict() | {"place": str(Place(row.section, row.page, row.line))} for row in found]
    page = paging.page("signatures", listed, lambda line: line["place"])
    named = {line["place"]: line["voter_id"] for line in page["signatures"] if line["voter_id"]}
    await state.put_on_record(principal, VoterRead.of_voters("lines", petition.petition_id, named))
    return page


class AnswerIn(wire.RequestModel):
    """What a person says of a line. `voter_id` names the voter whose line it is; `note` says why."""

    status: wire.DecidedStatus
    reason: wire.LineReason | None = None
    voter_id: wire.VoterId | None = None
    note: wire.Note = ""

    def value(self) -> PersonFinding:
        """The finding as a value."""
        return PersonFinding(Outcome(self.status, self.reason), self.voter_id, self.note)


class ComparisonIn(wire.RequestModel):
    """What a `signature_mismatch` rests on: all signatures on file that were shown, and in what this one differs."""

    references: Annotated[tuple[wire.Name, ...], Field(max_length=50, strict=False)]
    characteristics: Annotated[tuple[wire.Characteristic, ...], Field(max_length=13, strict=False)]
    standard: wire.Standard


class FindingIn(AnswerIn):
    """A person's finding, and what was looked at: `line` (whose line it is), the `signature`, or `both`.

    A note is needed for a reversal, for what the data contradict, and for what only the paper shows.
    """

    added: ClassVar[frozenset[str]] = frozenset({"looked_at", "comparison"})
    looked_at: wire.LookedAt | None = None
    comparison: ComparisonIn | None = None

    def value(self) -> PersonFinding:
        """The finding as a value."""
        compared = SignatureComparison(**dict(self.comparison)) if self.comparison else None
        return replace(super().value(), looked_at=self.looked_at, comparison=compared)


class PlacedFindingIn(FindingIn):
    """A person's finding with the place of its line."""

    place: wire.PlaceText


class FindingsIn(wire.RequestModel):
    """Findings of one person on different lines, such as those of one page."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    findings: Annotated[list[PlacedFindingIn], Field(min_length=1, max_length=500)]


class RevisionIn(WritingIn):
    """The whole corrected text of a line."""

    note: wire.Note = ""


@router.post("/signatures/{place}/findings", status_code=201, response_model=LineDetailOut)
async def post_finding(write: DeciderWrite, place: wire.PathPlace, finding: wire.Body[FindingIn]) -> Response:
    """A person's finding. `review` undoes a finding; a reversal of another person's needs a supervisor and a note.

    A `signature_mismatch` decides nothing until three different people share it (2 CCR 20960).
    """
    act = partial(actions.decide_line, place=place, said=finding.value(), who=write.principal)
    return await write.carry_out(act, _detail, "finding", str(place), finding, shows=_showing(write, place))


def _showing(write: frame.Write, place: Place, *, anew: int = 0) -> Callable[[dict[str, Any]], VoterRead]:
    """What an answer with a line's finding shows."""
    return lambda line: line_read(write.petition.petition_id, place, line["finding"], anew=anew)


def _detail(done: tuple[LineRead, bool], who: Principal | None = None) -> tuple[int, LineDetailOut]:
    read, changed = done
    return 201 if changed else 200, detail_out(as_seen_by(who, read) if who else read)


@router.post("/findings", response_model=BatchOut)
async def post_findings(write: DeciderWrite, batch: wire.Body[FindingsIn]) -> Response:
    """One result for each finding, in their order: its line's status, or an `error`, which never fails the others.

    The findings are recorded together. Of two on the same line the second is refused.
    """
    places, findings = [wire.place_of(finding.place) for finding in batch.findings], dict[Place, PersonFinding]()
    for place, finding in zip(places, batch.findings, strict=True):
        findings.setdefault(place, finding.value())

    def answer(decided: dict[Place, Line | RecallError]) -> tuple[int, BatchOut]:
        left = dict[Place, Line | RecallError](decided)
        twice = FindingRefusedError("another finding of this batch is on the same line")
        return 200, BatchOut(results=[_result_out(place, left.pop(place, twice)) for place in places])

    act = partial(actions.decide_by_person, said=findings, who=write.principal)
    return await write.carry_out(act, answer, "findings", "", batch)


@router.post("/signatures/{place}/revisions", status_code=201, response_model=LineDetailOut)
async def post_revision(write: DeciderWrite, place: wire.PathPlace, revision: wire.Body[RevisionIn]) -> Response:
    """The corrected text is examined like a new line. The earlier text is kept, and may be posted again.

    If a person decided the line and the new text says otherwise, it goes back to a person: `review`, `new_writing`. So
    does a line that is to be blank or struck: it leaves the raw count once another person posts the same kind.
    """
    act = partial(actions.revise, revised=revision.at(place), by=write.principal.name, note=revision.note)
    answer, shows = partial(_detail, who=write.principal), _showing(write, place, anew=1)
    return await write.carry_out(act, answer, "revision", str(place), revision, shows=shows)
