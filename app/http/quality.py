"""The blind double check of the machine's decisions."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.examination.quality import check_line, measure_quality, next_sample
from app.examination.quality_queries import Answered
from app.http.body import DIGITS, DecidedStatus, LineReason, Note, PathPlace, RequestModel, ResponseModel, VoterId, body
from app.http.frame import AppState, Decider, PathPetition, Reader, carry_out, request_of
from app.http.signatures import WritingOut
from app.http.voters import CandidatesOut, candidates_out
from app.law.line import Signature
from app.law.quality import DRAW_METHOD, PARTS, ErrorRate
from app.law.reasons import Outcome, Reason, Status
from app.law.review import PersonFinding
from app.matching.candidates import FoundCandidates

router = APIRouter(prefix="/v1/petitions/{petition_id}/quality", tags=["quality"])


class ToCheckOut(CandidatesOut):
    """A line to check, without its decision."""

    place: str
    writing: WritingOut


class SampleOut(ResponseModel):
    """The next lines to check; empty when all are checked."""

    lines: list[ToCheckOut]


class CheckIn(RequestModel):
    """A person's independent answer; `voter_id` where the line is valid, `reason` where it is invalid."""

    status: DecidedStatus
    reason: Reason | None = None
    voter_id: VoterId | None = None
    note: Note = ""


class CheckOut(ResponseModel):
    """A recorded answer. Whether the machine agrees is not shown: the next answers must be blind too."""

    place: str
    status: DecidedStatus
    reason: Reason | None
    voter_id: str | None
    note: str
    checked_by: str
    checked_at: datetime


class ErrorRateOut(ResponseModel):
    """The machine's errors in one kind of decision (`status` null: in all).

    Of `lines` that only the machine decided so, `drawn` are to be checked. Of the `checked` ones a person `confirmed`
    the decision or disagreed: then a second person `upheld` it, found it `wrong`, or has not decided yet (`open`).
    `errors` are those wrong and those open; the true rate lies between `lower` and `upper` with 95 % confidence.
    """

    status: Status | None
    reason: LineReason | None
    lines: int
    drawn: int
    checked: int
    confirmed: int
    upheld: int
    open: int
    wrong: int
    errors: int
    rate: float | None
    lower: float
    upper: float


class QualityOut(ResponseModel):
    """The error rates of the machine's decisions, and how to draw the same lines again."""

    petition_id: UUID
    seed: str
    share: float
    method: str
    confidence: float
    interval: str
    overall: ErrorRateOut
    decisions: list[ErrorRateOut]


@router.get("/sample")
async def get_quality_sample(
    principal: Decider, state: AppState, petition: PathPetition, limit: Annotated[int, Query(ge=1, le=100), DIGITS] = 10
) -> SampleOut:
    """Drawn lines that the machine settled and no person has checked, in a different order for each person."""
    drawn = await next_sample(state.database, petition, who=principal, limit=limit)
    return SampleOut(lines=[_to_check_out(signature, found) for signature, found in drawn])


def _to_check_out(signature: Signature, found: FoundCandidates) -> ToCheckOut:
    writing = WritingOut.model_validate(signature)
    return ToCheckOut(**dict(candidates_out(found)), place=str(signature.place), writing=writing)


@router.post("/{place}", status_code=201, response_model=CheckOut)
async def post_quality_check(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    place: PathPlace,
    check: Annotated[CheckIn, body(CheckIn)],
) -> Response:
    """An answer other than the machine's sends the line to `review`, `quality_check`; the same one changes nothing."""
    said = PersonFinding(Outcome(check.status, check.reason), check.voter_id, check.note)

    def answer(done: tuple[Answered, bool]) -> tuple[int, CheckOut]:
        (_, checked_by, checked_at), new = done  # the answer on record is the one that was sent
        facts = check.model_dump()
        return 201 if new else 200, CheckOut(place=str(place), **facts, checked_by=checked_by, checked_at=checked_at)

    request = request_of(principal, None, "quality", str(place), check)
    act = partial(check_line, place=place, answer=said, who=principal)
    return await carry_out(state, petition, request, act, answer)


@router.get("")
async def get_quality(_: Reader, state: AppState, petition: PathPetition) -> QualityOut:
    """The error rate by kind of decision, with exact intervals (Clopper and Pearson)."""
    seed, rates = await measure_quality(state.database, petition)
    overall, *decisions = map(_rate_out, rates)
    return QualityOut(
        petition_id=petition.petition_id,
        seed=seed.hex(),
        share=petition.ruleset.double_check_ppm / PARTS,
        method=DRAW_METHOD,
        confidence=0.95,
        interval="Clopper-Pearson",
        overall=overall,
        decisions=decisions,
    )


def _rate_out(rate: ErrorRate) -> ErrorRateOut:
    status, reason = rate.kind or (None, None)
    errors = rate.verdicts["wrong"] + rate.verdicts["open"]
    return ErrorRateOut.model_validate(
        {**asdict(rate), **rate.verdicts, "status": status, "reason": reason, "errors": errors}
    )
