"""Looking voters up. What is looked for is in the body, never in a URL."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field, model_validator

from app.access.principals import Principal
from app.examination.lookups import Looked, look_up
from app.http.body import SAFE, IsoDate, Wire, body, wrong
from app.http.frame import AppState, State, allow, petition_of
from app.http.problems import Problem, field_error
from app.http.signatures import NameIn
from app.law.line import NameParts, Writing
from app.law.petition import SigningInterval
from app.matching.candidates import FoundCandidates, Kind, Question
from app.matching.evidence import Candidate, address_of, name_of

router = APIRouter(prefix="/v1/voters", tags=["voters"])

Seeker = Annotated[Principal, allow("clerk", "supervisor", "system")]


def _uuid(value: object) -> object:
    """A UUID in its usual form; anything else is left for the validator to refuse."""
    try:
        return UUID(value) if isinstance(value, str) and len(value) == len(str(UUID(int=0))) else value
    except ValueError:
        raise wrong("wrong_format") from None


class LookupIn(Wire):
    """A name, an address, or both; and when it was written: a petition's window, other dates, or else today."""

    printed_name: Annotated[str, Field(max_length=200), SAFE] = ""
    name: NameIn | None = None
    residence_address: Annotated[str, Field(max_length=300), SAFE] = ""
    city: Annotated[str, Field(max_length=100), SAFE] = ""
    zip: Annotated[str, Field(max_length=20), SAFE] = ""
    petition_id: Annotated[UUID, BeforeValidator(_uuid)] | None = None
    signed_from: IsoDate | None = None
    signed_to: IsoDate | None = None
    filed_on: IsoDate | None = None

    @model_validator(mode="after")
    def _one_name_and_one_interval(self) -> "LookupIn":
        given = [day is not None for day in (self.signed_from, self.signed_to)]
        backwards = self.signed_from and self.signed_to and self.signed_to < self.signed_from
        if (self.name and self.printed_name) or any(given) != all(given) or backwards:
            raise wrong("contradiction")
        if (self.petition_id and any(given)) or (self.filed_on and not all(given)):
            raise wrong("contradiction")
        return self

    def writing(self) -> Writing:
        """What is looked for, as a line would have it."""
        parts = self.name
        name = NameParts(parts.first, parts.middle, parts.last, parts.suffix) if parts else None
        return Writing(self.printed_name, self.residence_address, self.city, self.zip, name)


class FieldOut(BaseModel):
    """How one field agrees. `weight` is a natural logarithm: above 0 it speaks for the candidate."""

    field: str
    written: str
    roll: str
    level: str
    weight: float


class CandidateOut(BaseModel):
    """A voter who may be meant, by the registration that fits best, with its `standing` in the interval."""

    voter_id: str
    registration_no: int
    name: str
    residence_address: str
    city: str
    zip: str
    status: str
    standing: str
    weight: float
    fields: list[FieldOut]


class CandidatesOut(BaseModel):
    """Who may be meant, best first.

    `confidential`: among the best there are voters whose registration is confidential (EC 2166); nothing of them is
    shown. `more`: there are others, who fit less.
    """

    roll_version: int
    candidates: list[CandidateOut]
    confidential: bool
    more: bool


class DecisionOut(BaseModel):
    """What the service would say of a line that reads like this, before any other line of the voter."""

    status: str
    reason: str | None
    reason_open: bool
    voter_id: str | None


class LookupOut(CandidatesOut):
    """The answer to a lookup; `decision` where both a name and an address were given."""

    kind: Kind
    decision: DecisionOut | None


def candidate_out(candidate: Candidate) -> CandidateOut:
    """A voter who may be meant."""
    r = candidate.registration
    return CandidateOut(
        voter_id=r.voter_id,
        registration_no=r.registration_no,
        name=name_of(r),
        residence_address=address_of(r),
        city=r.city,
        zip=r.zip,
        status=r.status,
        standing=candidate.eligibility,
        weight=candidate.weight,
        fields=[
            FieldOut(field=f.field, written=f.written, roll=f.roll, level=f.level, weight=f.weight)
            for f in candidate.fields
        ],
    )


def candidates_out(found: FoundCandidates) -> dict[str, Any]:
    """The fields of `CandidatesOut`."""
    return {
        "roll_version": found.roll_version,
        "candidates": [candidate_out(candidate) for candidate in found.candidates],
        "confidential": found.confidential,
        "more": found.more,
    }


def lookup_out(kind: Kind, looked: Looked) -> LookupOut:
    """The answer to a lookup. The decision names only a voter who is shown, so no confidential one."""
    decision, shown = looked.decision, {c.registration.voter_id for c in looked.found.candidates}
    decided = decision and DecisionOut(
        status=decision.outcome.status,
        reason=decision.outcome.reason,
        reason_open=decision.reason_open,
        voter_id=decision.voter_id if decision.voter_id in shown else None,
    )
    return LookupOut(**candidates_out(looked.found), kind=kind, decision=decided)


@router.post("/lookup", operation_id="look_up_voters", summary="Look voters up")
async def look_up_voters(principal: Seeker, state: AppState, asked: Annotated[LookupIn, body(LookupIn)]) -> LookupOut:
    """Search the active roll by name (given name and surname), by address (house and street), or by both.

    Each search is put on record, without what was looked for, and a principal has a number of them a day: a clerk or
    supervisor 2,000, a system 500. Then the answer is 429 until midnight UTC.
    """
    now = state.now()
    question = Question(asked.writing(), await _interval(state, principal, asked, now))
    if not question.asks:
        errors = [field_error("", "missing")]
        raise Problem(422, "invalid", "Give a name, a residence address, or both.", errors=errors)
    return lookup_out(question.kind, await look_up(state.database, principal, question, now=now))


async def _interval(state: State, principal: Principal, asked: LookupIn, now: datetime) -> SigningInterval:
    if asked.petition_id:
        petition = await petition_of(state, principal, asked.petition_id)
        return SigningInterval(petition.window.start, petition.window.end, petition.filed_on)
    if asked.signed_from and asked.signed_to:
        return SigningInterval(asked.signed_from, asked.signed_to, asked.filed_on or asked.signed_to)
    return SigningInterval(now.date(), now.date(), now.date())
