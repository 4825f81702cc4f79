"""The blind double check of the machine's decisions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from app.access.principals import Principal
from app.examination.quality import ToCheck, check_line, measure_quality, next_sample
from app.http.body import PLAIN, Wire, body
from app.http.findings import Decider, Note, VoterId
from app.http.frame import AppState, PetitionId, allow, carry_out, petition_of, request_of
from app.http.lines import PlaceText, WritingOut, place_of, writing_out
from app.http.voters import CandidatesOut, candidates_out
from app.law.quality import BlindAnswer, ErrorRate
from app.law.reasons import Reason
from app.law.sampling import DRAW_METHOD

router = APIRouter(prefix="/v1/petitions/{petition_id}/quality", tags=["quality"])

Reader = Annotated[Principal, allow("clerk", "supervisor", "auditor")]


class ToCheckOut(CandidatesOut):
    """A line to check, without what was decided of it."""

    place: str
    writing: WritingOut


class SampleOut(BaseModel):
    """The next lines to check; empty when all are."""

    lines: list[ToCheckOut]


class CheckIn(Wire):
    """A person's independent answer; `voter_id` where the line is valid, `reason` where it is not."""

    status: Literal["valid", "invalid", "review"]
    reason: Reason | None = None
    voter_id: VoterId | None = None
    note: Note = ""


class CheckOut(BaseModel):
    """An answer that is on record. Whether it is the machine's as well is not said: the next answers are blind too."""

    place: str
    status: str
    reason: str | None
    voter_id: str | None
    note: str
    checked_by: str
    checked_at: datetime


class ErrorRateOut(BaseModel):
    """The machine's errors in one kind of decision (`status` null: in all).

    Of `lines` that the machine alone decided so, `drawn` are to be checked. Of the `checked` ones a person `confirmed`
    the decision, or came to another: then a second look `upheld` it, found it `wrong`, or is still `open`. `errors` are
    those wrong and those open; the true rate lies between `lower` and `upper` with 95 % confidence.
    """

    status: str | None
    reason: str | None
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


class QualityOut(BaseModel):
    """What the double check says of the machine's decisions, and how anybody can draw the same lines again."""

    petition_id: UUID
    seed: str
    share: float
    method: str
    confidence: float
    interval: str
    overall: ErrorRateOut
    decisions: list[ErrorRateOut]


def _to_check_out(line: ToCheck) -> ToCheckOut:
    return ToCheckOut(place=str(line.line.place), writing=writing_out(line.line.writing), **candidates_out(line.found))


def _rate_out(rate: ErrorRate) -> ErrorRateOut:
    return ErrorRateOut(
        status=rate.status,
        reason=rate.reason,
        lines=rate.lines,
        drawn=rate.drawn,
        checked=rate.checked,
        confirmed=rate.outcomes["confirmed"],
        upheld=rate.outcomes["upheld"],
        open=rate.outcomes["open"],
        wrong=rate.outcomes["wrong"],
        errors=rate.outcomes["wrong"] + rate.outcomes["open"],
        rate=rate.rate,
        lower=rate.lower,
        upper=rate.upper,
    )


@router.get("/sample", operation_id="get_quality_sample", summary="Read the next lines to check blindly")
async def get_sample(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    limit: Annotated[int, Query(ge=1, le=100), PLAIN] = 10,
) -> SampleOut:
    """Drawn lines that the machine settled by itself and nobody has checked, in an order of each person's own."""
    petition = await petition_of(state, principal, petition_id)
    lines = await next_sample(state.database, petition, who=principal, limit=limit)
    return SampleOut(lines=[_to_check_out(line) for line in lines])


@router.post(
    "/{place}",
    status_code=201,
    operation_id="post_quality_check",
    summary="Answer for a line without knowing what was decided",
    response_model=CheckOut,
    responses={200: {"model": CheckOut, "description": "The same person gave the same answer before"}},
)
async def post_check(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    place: PlaceText,
    said: Annotated[CheckIn, body(CheckIn)],
) -> Response:
    """An answer other than the machine's sends the line to `review`, `quality_check`; the same one changes nothing."""
    petition = await petition_of(state, principal, petition_id)
    line_place = place_of(place)
    answer = BlindAnswer(said.status, said.reason, said.voter_id, said.note)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        done, new = await check_line(connection, petition, line_place, answer, who=principal, now=state.now())
        out = CheckOut(
            place=place,
            status=done.answer.status,
            reason=done.answer.reason,
            voter_id=done.answer.voter_id,
            note=done.answer.note,
            checked_by=done.checked_by,
            checked_at=done.checked_at,
        )
        return 201 if new else 200, out

    return await carry_out(state, petition, request_of(principal, None, "quality", place, said), verb)


@router.get("", operation_id="get_quality", summary="Read how often the machine errs")
async def get_quality(principal: Reader, state: AppState, petition_id: PetitionId) -> QualityOut:
    """The error rate by kind of decision, with exact intervals (Clopper and Pearson)."""
    petition = await petition_of(state, principal, petition_id)
    quality = await measure_quality(state.database, petition)
    overall, *decisions = [_rate_out(rate) for rate in quality.rates]
    return QualityOut(
        petition_id=petition_id,
        seed=quality.seed.hex(),
        share=quality.share_ppm / 1_000_000,
        method=DRAW_METHOD,
        confidence=0.95,
        interval="Clopper-Pearson",
        overall=overall,
        decisions=decisions,
    )
