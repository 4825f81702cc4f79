"""Looking voters up. The search is in the body, never in a URL."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AliasPath, Field, model_validator

from app.access.principals import Principal
from app.examination.lookups import look_up
from app.http.body import (
    IsoDate,
    LineReason,
    RequestModel,
    ResponseModel,
    Text20,
    Text100,
    Text200,
    Text300,
    Uuid,
    body,
    wrong,
)
from app.http.frame import AppState, State, allow, petition_of
from app.http.problems import field_error, invalid
from app.http.signatures import NameIn
from app.law.line import Signature
from app.law.petition import PetitionKey, SigningInterval
from app.law.reasons import Status
from app.law.registration import Eligibility, RegistrationStatus
from app.matching.candidates import Candidate, FoundCandidates, Kind, Question, address_of, name_of

router = APIRouter(prefix="/v1/voters", tags=["voters"])

Searcher = Annotated[Principal, allow("clerk", "supervisor", "system")]


class LookupIn(RequestModel):
    """A name, an address, or both; and when it was written: a petition's window, other dates, or otherwise today."""

    printed_name: Text200 = ""
    name: NameIn | None = None
    residence_address: Text300 = ""
    city: Text100 = ""
    zip: Text20 = ""
    petition_id: Uuid | None = None
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

    def writing(self) -> Signature:
        """The search as a line would have it."""
        name = self.name.parts() if self.name else None
        return Signature(self.printed_name, self.residence_address, self.city, self.zip, name)


class FieldOut(ResponseModel):
    """How well one field agrees. `weight` is a natural logarithm: above 0 it supports the candidate."""

    field: str
    written: str
    roll: str
    level: str
    weight: float


class CandidateOut(ResponseModel):
    """A voter who may be meant, by the registration that fits best, with its `standing` in the interval."""

    voter_id: str
    registration_no: int
    name: str
    residence_address: str
    city: str
    zip: str
    status: RegistrationStatus
    standing: Eligibility
    weight: float
    fields: list[FieldOut]


class CandidatesOut(ResponseModel):
    """The voters who may be meant, the best first.

    `confidential`: among the best are voters whose registration is confidential (EC 2166), who are not shown. `more`:
    there are others, who fit less well.
    """

    roll_version: int
    candidates: list[CandidateOut]
    confidential: bool
    more: bool


class DecisionOut(ResponseModel):
    """How a line that reads like this would be decided, without regard to the voter's other lines."""

    status: Status = Field(validation_alias=AliasPath("outcome", "status"))
    reason: LineReason | None = Field(validation_alias=AliasPath("outcome", "reason"))
    reason_open: bool
    voter_id: str | None


class LookupOut(CandidatesOut):
    """The answer to a lookup, with a `decision` where both a name and an address were given."""

    kind: Kind
    decision: DecisionOut | None


def candidates_out(found: FoundCandidates) -> CandidatesOut:
    """The candidates as a person sees them."""
    return CandidatesOut(
        roll_version=found.roll_version,
        candidates=[_candidate_out(candidate) for candidate in found.candidates],
        confidential=found.confidential,
        more=found.more,
    )


def _candidate_out(candidate: Candidate) -> CandidateOut:
    registration, fields = candidate.registration, candidate.fields
    words = {"name": name_of(registration), "residence_address": address_of(registration)}
    agreement = {"standing": candidate.eligibility, "weight": candidate.weight, "fields": fields}
    return CandidateOut.model_validate(registration._asdict() | words | agreement)


@router.post("/lookup")
async def look_up_voters(principal: Searcher, state: AppState, asked: Annotated[LookupIn, body(LookupIn)]) -> LookupOut:
    """Search the active roll by name (given name and surname), by address (house and street), or by both.

    Each search is recorded, without its content, and a principal has a number of them a day: a clerk or supervisor
    2,000, a system 500. After that the answer is 429 until midnight UTC.
    """
    now = state.now()
    question = Question(asked.writing(), await _interval(state, principal, asked, now))
    if not question.asks:
        raise invalid(field_error("", "missing"), detail="Give a name, a residence address, or both.")
    found, decided = await look_up(state.database, principal, question, now=now)
    decision = DecisionOut.model_validate(decided) if decided else None
    # The decision names only a voter who is shown, so no confidential one.
    if decision and decision.voter_id not in {c.registration.voter_id for c in found.candidates}:
        decision.voter_id = None
    return LookupOut(**dict(candidates_out(found)), kind=question.kind, decision=decision)


async def _interval(state: State, principal: Principal, asked: LookupIn, now: datetime) -> SigningInterval:
    if asked.petition_id:
        petition = await petition_of(state, PetitionKey(principal.county_id, asked.petition_id))
        return petition.window
    if asked.signed_from and asked.signed_to:
        return SigningInterval(asked.signed_from, asked.signed_to, asked.filed_on or asked.signed_to)
    return SigningInterval(now.date(), now.date(), now.date())
