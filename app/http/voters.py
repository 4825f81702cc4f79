"""Where a person sees candidates: looking voters up, and the blind double check of the machine's decisions."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AliasPath, Field, model_validator

from app.access.principals import Principal
from app.examination.reads import VoterRead
from app.examination.voters import check_line, look_up, measure_quality, next_sample
from app.http import wire
from app.http.frame import AppState, Decider, PathPetition, Reader, Searcher, State, Write, petition_of
from app.http.problems import field_error, invalid
from app.http.signatures import FindingIn, NameIn, WritingOut
from app.law.line import Signature
from app.law.petition import PetitionKey, SigningInterval
from app.law.quality import DRAW_METHOD, PARTS, ErrorRate
from app.matching.candidates import Candidate, FoundCandidates, Kind, Question, WrittenField

router = APIRouter(prefix="/v1/voters", tags=["voters"])
quality = APIRouter(prefix="/v1/petitions/{petition_id}/quality", tags=["quality"])
SampleSize = Annotated[int, Query(ge=1, le=100), wire.DIGITS]


class LookupIn(wire.RequestModel):
    """A name, an address, or both; and when it was written: a petition's window, other dates, or otherwise today."""

    printed_name: wire.Text200 = ""
    name: NameIn | None = None
    residence_address: wire.Text300 = ""
    city: wire.Text100 = ""
    zip: wire.Text20 = ""
    petition_id: wire.Uuid | None = None
    signed_from: wire.IsoDate | None = None
    signed_to: wire.IsoDate | None = None
    filed_on: wire.IsoDate | None = None

    @model_validator(mode="after")
    def _one_name_and_one_interval(self) -> "LookupIn":
        given = [day is not None for day in (self.signed_from, self.signed_to)]
        backwards = self.signed_from and self.signed_to and self.signed_to < self.signed_from
        if (self.name and self.printed_name) or any(given) != all(given) or backwards:
            raise wire.wrong("contradiction")
        if (self.petition_id and any(given)) or (self.filed_on and not all(given)):
            raise wire.wrong("contradiction")
        return self

    def writing(self) -> Signature:
        """The search as a line would have it."""
        name = self.name.parts() if self.name else None
        return Signature(self.printed_name, self.residence_address, self.city, self.zip, name)


class CandidateOut(wire.ResponseModel):
    """A voter who may be meant, by the registration that fits best, with its `standing` in the interval."""

    voter_id: str
    registration_no: int
    name: str
    residence_address: str
    city: str
    zip: str
    status: wire.RegistrationStatus
    standing: wire.Standing
    weight: float
    fields: list[WrittenField]


class CandidatesOut(wire.ResponseModel):
    """The voters who may be meant, the best first. `more`: there are others, who fit less well.

    Voters whose registration is confidential (EC 2166) are in no search.
    """

    roll_version: int
    candidates: list[CandidateOut]
    more: bool


class DecisionOut(wire.ResponseModel):
    """How a line that reads like this would be decided, without regard to the voter's other lines."""

    status: wire.Status = Field(validation_alias=AliasPath("outcome", "status"))
    reason: wire.LineReason | None = Field(validation_alias=AliasPath("outcome", "reason"))
    reason_open: bool
    voter_id: str | None


class LookupOut(CandidatesOut):
    """The answer to a lookup, with a `decision` where both a name and an address were given."""

    kind: Kind
    decision: DecisionOut | None


def _shown(found: FoundCandidates) -> dict[str, Any]:
    """The candidates as a person sees them."""
    candidates = [candidate_out(candidate) for candidate in found.candidates]
    return {"candidates": candidates, "roll_version": found.roll_version, "more": found.more}


def candidate_out(candidate: Candidate) -> CandidateOut:
    """A candidate with name and address in words."""
    r, fields = candidate.registration, candidate.fields
    name = (r.first_name, r.middle_name, r.last_name, r.suffix)
    street = (r.house_number, r.house_fraction, r.pre_direction, r.street_name, r.street_type, r.post_direction)
    address = (*street, r.unit_type, r.unit_number)
    words = {"name": " ".join(filter(None, name)), "residence_address": " ".join(filter(None, address))}
    agreement = {"standing": candidate.eligibility, "weight": candidate.weight, "fields": fields}
    return CandidateOut.model_validate(r._asdict() | words | agreement)


@router.post("/lookup", response_model=LookupOut)
async def look_up_voters(principal: Searcher, state: AppState, asked: wire.Body[LookupIn]) -> object:
    """Search the active roll by name (given name and surname), by address (house and street), or by both.

    Each search is recorded, without its content. It counts as many of the lines that a principal may read in a day as
    it shows voters, and at least one.
    """
    now = state.now()
    question = Question(asked.writing(), await _interval(state, principal, asked, now))
    if (kind := question.kind) is None:
        raise invalid(field_error("", "missing"), detail="Give a name, a residence address, or both.")
    found, decision = await look_up(state.database, principal, question, kind=kind, budget=state.budget, now=now)
    if decision and decision.voter_id not in {candidate.registration.voter_id for candidate in found.candidates}:
        decision = decision._replace(voter_id=None)
    return _shown(found) | {"kind": kind, "decision": decision}


async def _interval(state: State, principal: Principal, asked: LookupIn, now: datetime) -> SigningInterval:
    if asked.petition_id:
        petition = await petition_of(state, PetitionKey(principal.county_id, asked.petition_id))
        return petition.window
    if asked.signed_from and asked.signed_to:
        return SigningInterval(asked.signed_from, asked.signed_to, asked.filed_on or asked.signed_to)
    return SigningInterval(now.date(), now.date(), now.date())


class ToCheckOut(CandidatesOut):
    """A line to check, without its decision."""

    place: str
    writing: WritingOut


class SampleOut(wire.ResponseModel):
    """The next lines to check; empty when all are checked."""

    lines: list[ToCheckOut]


class CheckIn(FindingIn):
    """A person's independent answer; `voter_id` where the line is valid, `reason` where it is invalid."""

    reason: wire.Reason | None = None


class CheckOut(wire.ResponseModel):
    """A recorded answer. Whether the machine agrees is not shown: the next answers must be blind too."""

    place: str
    status: wire.DecidedStatus
    reason: wire.Reason | None
    voter_id: str | None
    note: str
    checked_by: str
    checked_at: datetime


class ErrorRateOut(wire.ResponseModel):
    """The machine's errors in one kind of decision (`status` null: in all).

    Of `lines` that only the machine decided so, `drawn` are to be checked. Of the `checked` ones a person `confirmed`
    the decision or disagreed: then a second person `upheld` it, found it `wrong`, or has not decided yet (`open`).
    `errors` are those wrong and those open; the true rate lies between `lower` and `upper` with 95 % confidence.
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


class QualityOut(wire.ResponseModel):
    """The error rates of the machine's decisions, and how to draw the same lines again."""

    petition_id: UUID
    seed: str
    share: float
    method: str
    confidence: float
    interval: str
    overall: ErrorRateOut
    decisions: list[ErrorRateOut]


@quality.get("/sample", response_model=SampleOut)
async def get_quality_sample(who: Decider, state: AppState, petition: PathPetition, limit: SampleSize = 10) -> object:
    """Drawn lines that the machine settled and no person has checked, in a different order for each person.

    It is recorded, and each line counts once a day against the lines that a principal may read.
    """
    drawn = await next_sample(state.database, petition, who=who, limit=limit)
    places, voters = (str(line.place) for line, _ in drawn), sum(len(found.candidates) for _, found in drawn)
    await state.put_on_record(who, VoterRead("sample", petition.petition_id, tuple(places), voters))
    lines = [_shown(found) | {"place": str(line.place), "writing": line} for line, found in drawn]
    return {"lines": lines}


@quality.post("/{place}", status_code=201, response_model=CheckOut)
async def post_quality_check(
    principal: Decider, state: AppState, petition: PathPetition, place: wire.PathPlace, check: wire.Body[CheckIn]
) -> Response:
    """An answer other than the machine's sends the line to `review`, `quality_check`; the same one changes nothing."""

    def answer(done: tuple[datetime, bool]) -> tuple[int, CheckOut]:
        checked_at, new = done  # the answer on record is the one that was sent
        given = check.model_dump() | {"checked_by": principal.name}
        return 201 if new else 200, CheckOut(place=str(place), **given, checked_at=checked_at)

    act = partial(check_line, place=place, answer=check.value(), who=principal)
    return await Write(principal, state, petition).carry_out(act, answer, "quality", str(place), check)


@quality.get("", response_model=QualityOut)
async def get_quality(_: Reader, state: AppState, petition: PathPetition) -> object:
    """The error rate by kind of decision, with exact intervals (Clopper and Pearson)."""
    drawn, rates = await measure_quality(state.database, petition)
    overall, *decisions = map(_shown_rate, rates)
    draw = {"seed": drawn.seed.hex(), "share": drawn.share_ppm / PARTS, "method": DRAW_METHOD}
    interval = {"confidence": 0.95, "interval": "Clopper-Pearson"}
    return {"petition_id": petition.petition_id, **draw, **interval, "overall": overall, "decisions": decisions}


def _shown_rate(rate: ErrorRate) -> dict[str, Any]:
    status, reason = rate.kind or (None, None)
    errors = rate.verdicts["wrong"] + rate.verdicts["open"]
    return asdict(rate) | dict(rate.verdicts) | {"status": status, "reason": reason, "errors": errors}
