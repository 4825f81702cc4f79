"""The blind double check of what the machine and people decided."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.examination.quality import check_line, measure_people, measure_quality, next_sample
from app.examination.reads import VoterRead
from app.http import wire
from app.http.frame import AppState, Decider, PathPetition, Reader, Supervisor, Write
from app.http.signatures import AnswerIn, WritingOut
from app.http.voters import CandidatesOut, candidates_out
from app.law.quality import DRAW_METHOD, PARTS, ErrorRate

router = APIRouter(prefix="/v1/petitions/{petition_id}/quality", tags=["quality"])
SampleSize = Annotated[int, Query(ge=1, le=100), wire.DIGITS]


class ToCheckOut(CandidatesOut):
    """A line to check, without its decision."""

    place: str
    writing: WritingOut


class SampleOut(wire.ResponseModel):
    """The next lines to check; empty when all are checked."""

    lines: list[ToCheckOut]


class CheckIn(AnswerIn):
    """A person's independent answer; `voter_id` where the line is valid, `reason` where it is invalid.

    `signature_mismatch`, also with `voter_id`, is one person's opinion. It rejects nothing.
    """

    reason: wire.Reason | None = None


class CheckOut(wire.ResponseModel):
    """A recorded answer. Whether it was decided so is not shown: the next answers must be blind too."""

    place: str
    status: wire.DecidedStatus
    reason: wire.Reason | None
    voter_id: str | None
    note: str
    checked_by: str
    checked_at: datetime


class ErrorRateOut(wire.ResponseModel):
    """The errors in one kind of decision (`status` null: in all).

    Of `lines` that are settled so, `drawn` are to be checked. Of the `checked` decisions a person `confirmed` one or
    disagreed: then a second person `upheld` it, found it `wrong`, or has not decided yet (`open`). `errors` are those
    wrong and those open; the true rate lies between `lower` and `upper` with 95 % confidence.
    """

    status: wire.Status | None
    reason: wire.LineReason | None
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


class RatesOut(wire.ResponseModel):
    """Error rates: of all decisions, and of each kind."""

    overall: ErrorRateOut
    decisions: list[ErrorRateOut]


class QualityOut(RatesOut):
    """The error rates of the machine's decisions and of people's, and how to draw the same lines again.

    An answer to what people decided is also compared with what the machine had decided before them.
    """

    petition_id: UUID
    seed: str
    share: float
    people_share: float
    method: str
    confidence: float
    interval: str
    people: RatesOut


class PersonRatesOut(RatesOut):
    """The error rates of what one person decided, alone or with others."""

    name: str


class PeopleRatesOut(wire.ResponseModel):
    """The error rates of each person who decided."""

    petition_id: UUID
    people: list[PersonRatesOut]


@router.get("/sample", response_model=SampleOut)
async def get_quality_sample(who: Decider, state: AppState, petition: PathPetition, limit: SampleSize = 10) -> object:
    """Drawn lines that are settled, not checked, and not decided by the person, in an order of the person's own.

    It is recorded, and each line counts once a day against the lines that a principal may read.
    """
    drawn = await next_sample(state.database, petition, who=who, limit=limit)
    places, voters = (str(line.place) for line, _ in drawn), sum(len(found.candidates) for _, found in drawn)
    await state.put_on_record(who, VoterRead("sample", petition.petition_id, tuple(places), voters))
    lines = [candidates_out(found) | {"place": str(line.place), "writing": line} for line, found in drawn]
    return {"lines": lines}


@router.post("/{place}", status_code=201, response_model=CheckOut)
async def post_quality_check(
    principal: Decider, state: AppState, petition: PathPetition, place: wire.PathPlace, check: wire.Body[CheckIn]
) -> Response:
    """An answer other than the decision sends the line to `review`, `quality_check`; the same one changes nothing."""

    def answer(done: tuple[datetime, bool]) -> tuple[int, CheckOut]:
        checked_at, new = done  # the answer on record is the one that was sent
        given = check.model_dump() | {"checked_by": principal.name}
        return 201 if new else 200, CheckOut(place=str(place), **given, checked_at=checked_at)

    act = partial(check_line, place=place, answer=check.value(), who=principal)
    return await Write(principal, state, petition).carry_out(act, answer, "quality", str(place), check)


@router.get("", response_model=QualityOut)
async def get_quality(_: Reader, state: AppState, petition: PathPetition) -> object:
    """The error rates by kind of decision, with exact intervals (Clopper and Pearson)."""
    drawn, machine, people = await measure_quality(state.database, petition)
    shares = {"share": drawn.share_ppm / PARTS, "people_share": drawn.share(by_people=True) / PARTS}
    draw = {"seed": drawn.seed.hex(), "method": DRAW_METHOD, **shares}
    interval = {"confidence": 0.95, "interval": "Clopper-Pearson"}
    return {"petition_id": petition.petition_id, **draw, **interval, **_rates(machine), "people": _rates(people)}


@router.get("/people", response_model=PeopleRatesOut)
async def get_quality_of_people(_: Supervisor, state: AppState, petition: PathPetition) -> object:
    """The error rates of each person, for supervisors alone. A decision that several people share counts for each."""
    found = await measure_people(state.database, petition)
    people = [_rates(rates) | {"name": name} for name, rates in found.items()]
    return {"petition_id": petition.petition_id, "people": people}


def _rates(rates: list[ErrorRate]) -> dict[str, Any]:
    overall, *decisions = map(_shown_rate, rates)
    return {"overall": overall, "decisions": decisions}


def _shown_rate(rate: ErrorRate) -> dict[str, Any]:
    status, reason = rate.kind or (None, None)
    errors = rate.verdicts["wrong"] + rate.verdicts["open"]
    return asdict(rate) | dict(rate.verdicts) | {"status": status, "reason": reason, "errors": errors}
