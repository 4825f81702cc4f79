"""What people record: findings on lines, corrections of their text, withdrawals, and the dates of sections."""

from datetime import date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from app.count.line_queries import LineRead
from app.errors import FindingRefusedError, RecallError
from app.examination.findings import Changed, decide_by_person, decide_line, revoke_withdrawal, withdraw
from app.examination.queries import Declaration, page_of_withdrawals
from app.examination.reexamination import declare_section, revise
from app.http.body import (
    DIGITS,
    MAX_BATCH,
    Cursor,
    DecidedStatus,
    IsoDate,
    Limit,
    LineReason,
    Note,
    PathPlace,
    PlaceText,
    RequestModel,
    RequiredNote,
    ResponseModel,
    VoterId,
    after,
    body,
    page,
    place_of,
)
from app.http.frame import AppState, Decider, IdempotencyKey, PathPetition, Reader, Supervisor, carry_out, request_of
from app.http.signatures import (
    BatchOut,
    LineDetailOut,
    LineError,
    LineErrorOut,
    LineOut,
    WritingIn,
    as_seen_by,
    detail_out,
    line_out,
)
from app.law.line import LARGEST_NUMBER, Line, Place
from app.law.petition import SectionDates
from app.law.reasons import Outcome
from app.law.review import PersonFinding

_PETITION = "/v1/petitions/{petition_id}"
router = APIRouter(prefix=_PETITION, tags=["signatures"])
withdrawals = APIRouter(prefix=_PETITION + "/withdrawals", tags=["withdrawals"])
sections = APIRouter(prefix=_PETITION + "/sections", tags=["sections"])

SectionNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER), DIGITS]


class FindingIn(RequestModel):
    """A person's finding. `voter_id` names the voter whose line it is; `note` says why, and a reversal needs one."""

    status: DecidedStatus
    reason: LineReason | None = None
    voter_id: VoterId | None = None
    note: Note = ""

    def value(self) -> PersonFinding:
        """The finding as a value."""
        return PersonFinding(Outcome(self.status, self.reason), self.voter_id, self.note)


class PlacedFindingIn(FindingIn):
    """A person's finding with the place of its line."""

    place: PlaceText


class FindingsIn(RequestModel):
    """Findings of one person on different lines, such as those of one page."""

    findings: Annotated[list[PlacedFindingIn], Field(min_length=1, max_length=500)]


class RevisionIn(WritingIn):
    """The whole corrected text of a line."""

    note: Note = ""


@router.post("/signatures/{place}/findings", status_code=201, response_model=LineDetailOut)
async def post_finding(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    place: PathPlace,
    finding: Annotated[FindingIn, body(FindingIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A person's finding. `review` undoes a finding; a reversal of another person's needs a supervisor and a note.

    A `signature_mismatch` decides nothing until three different people share it (2 CCR 20960).
    """
    act = partial(decide_line, place=place, said=finding.value(), who=principal)
    request = request_of(principal, idempotency_key, "finding", str(place), finding)
    return await carry_out(state, petition, request, act, _detail)


def _detail(done: tuple[LineRead, bool]) -> tuple[int, LineDetailOut]:
    read, changed = done
    return 201 if changed else 200, detail_out(read)


@router.post("/findings", response_model=BatchOut)
async def post_findings(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    batch: Annotated[FindingsIn, body(FindingsIn, MAX_BATCH)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """One result for each finding, in their order: its line's status, or an `error`, which never fails the others.

    The findings are recorded together. Of two on the same line the second is refused.
    """
    places, findings = [place_of(finding.place) for finding in batch.findings], dict[Place, PersonFinding]()
    for place, finding in zip(places, batch.findings, strict=True):
        findings.setdefault(place, finding.value())

    def answer(decided: dict[Place, Line | RecallError]) -> tuple[int, BatchOut]:
        left = dict[Place, Line | RecallError](decided)
        twice = FindingRefusedError("another finding of this batch is on the same line")
        return 200, BatchOut(results=[_result_out(place, left.pop(place, twice)) for place in places])

    request = request_of(principal, idempotency_key, "findings", "", batch)
    return await carry_out(state, petition, request, partial(decide_by_person, said=findings, who=principal), answer)


def _result_out(place: Place, result: Line | RecallError) -> LineOut | LineErrorOut:
    if isinstance(result, RecallError):
        return LineErrorOut(place=str(place), error=LineError(code=result.code, message=str(result)))
    return line_out(result)


@router.post("/signatures/{place}/revisions", status_code=201, response_model=LineDetailOut)
async def post_revision(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    place: PathPlace,
    revision: Annotated[RevisionIn, body(RevisionIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The corrected text is examined like a new line. The earlier text is kept, and may be posted again.

    If a person decided the line and the new text says otherwise, it goes back to a person: `review`, `new_writing`.
    """

    def answer(done: tuple[LineRead, bool]) -> tuple[int, LineDetailOut]:
        read, changed = done
        return _detail((as_seen_by(principal, read), changed))

    request = request_of(principal, idempotency_key, "revision", str(place), revision)
    act = partial(revise, revised=revision.at(place), by=principal.name, note=revision.note)
    return await carry_out(state, petition, request, act, answer)


class WithdrawalIn(RequestModel):
    """A voter's written withdrawal, complete and received before the day of filing (EC 11303, 2 CCR 20970)."""

    voter_id: VoterId
    received_on: IsoDate
    note: Note = ""


class RevocationIn(RequestModel):
    """Why a withdrawal was recorded by mistake."""

    note: RequiredNote


class RevocationOut(ResponseModel):
    """The revocation of a withdrawal that was recorded by mistake."""

    revoked_by: str
    revoked_at: datetime
    note: str


class WithdrawalOut(ResponseModel):
    """A withdrawal."""

    withdrawal_id: UUID
    voter_id: str
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str
    revocation: RevocationOut | None = None


class WithdrawalDoneOut(WithdrawalOut):
    """A withdrawal, with the lines whose status this request changed."""

    lines: list[LineOut]


class WithdrawalsOut(ResponseModel):
    """A page of withdrawals, the oldest first."""

    withdrawals: list[WithdrawalOut]
    next_cursor: str | None


def withdrawal_done_out(done: Changed) -> WithdrawalDoneOut:
    """What a withdrawal or its revocation did."""
    withdrawal, lines = done
    changed = [line_out(line) for line in (lines or {}).values()]
    return WithdrawalDoneOut(**dict(WithdrawalOut.model_validate(withdrawal)), lines=changed)


def _answer(done: Changed) -> tuple[int, WithdrawalDoneOut]:
    _, lines = done
    return 200 if lines is None else 201, withdrawal_done_out(done)


@withdrawals.post("", status_code=201, response_model=WithdrawalDoneOut)
async def post_withdrawal(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    withdrawal: Annotated[WithdrawalIn, body(WithdrawalIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """None of the voter's lines counts from now on, including lines that are posted later."""
    act = partial(withdraw, **dict(withdrawal), by=principal.name)
    request = request_of(principal, idempotency_key, "withdrawal", "", withdrawal)
    return await carry_out(state, petition, request, act, _answer)


@withdrawals.post("/{withdrawal_id}/revocation", status_code=201, response_model=WithdrawalDoneOut)
async def post_revocation(
    principal: Supervisor,
    state: AppState,
    petition: PathPetition,
    withdrawal_id: Annotated[UUID, Path()],
    revocation: Annotated[RevocationIn, body(RevocationIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The voter's lowest eligible line counts again. Both records are kept."""
    act = partial(revoke_withdrawal, withdrawal_id=withdrawal_id, by=principal.name, note=revocation.note)
    request = request_of(principal, idempotency_key, "revocation", str(withdrawal_id), revocation)
    return await carry_out(state, petition, request, act, _answer)


@withdrawals.get("")
async def list_withdrawals(
    _: Reader, state: AppState, petition: PathPetition, cursor: Cursor = None, limit: Limit = 100
) -> WithdrawalsOut:
    """Pages in the order of recording, including revoked ones: follow `next_cursor` until it is null."""
    async with state.database.reading() as connection:
        found = await page_of_withdrawals(connection, petition.key, after=after(cursor, UUID), limit=limit + 1)
    shown, following = page(found, limit, lambda withdrawal: withdrawal.withdrawal_id)
    return WithdrawalsOut.model_validate({"withdrawals": shown, "next_cursor": following})


class SectionIn(RequestModel):
    """The circulator's dates (EC 104), null where the paper has none. Enter contradictory dates as they are written."""

    signed_from: IsoDate | None
    signed_to: IsoDate | None


class SectionOut(ResponseModel):
    """A section's dates, and how many of its lines this request had examined again."""

    section: int
    signed_from: date | None
    signed_to: date | None
    declared_by: str
    declared_at: datetime
    examined: int


def section_out(done: tuple[Declaration, int]) -> SectionOut:
    """A section's current dates."""
    held, examined = done
    return SectionOut.model_validate(held._asdict() | {"examined": examined})


@sections.put("/{section}", response_model=SectionOut)
async def put_section(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    section: SectionNumber,
    dates: Annotated[SectionIn, body(SectionIn)],
) -> Response:
    """Where the dates change the interval of the section's lines, each is examined again.

    Missing or contradictory dates send them to a person: `review`, `section_dates`.
    """
    declared = SectionDates(dates.signed_from, dates.signed_to)
    request = request_of(principal, None, "section", str(section), dates)
    act = partial(declare_section, section=section, dates=declared, by=principal.name)
    return await carry_out(state, petition, request, act, lambda done: (200, section_out(done)))
