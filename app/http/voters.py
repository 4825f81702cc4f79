"""Looking voters up by name, address or both."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import AliasPath, Field, model_validator

from app.access.principals import Principal
from app.examination.voters import LineAddress, look_up
from app.http import wire
from app.http.frame import AppState, Searcher, State
from app.http.problems import field_error, invalid
from app.http.signatures import NameIn
from app.law.line import Signature
from app.law.petition import PetitionKey, SigningInterval
from app.ledger.queries import read_petition
from app.matching.candidates import Candidate, FoundCandidates, Kind, Question, WrittenField

router = APIRouter(prefix="/v1/voters", tags=["voters"])


class LookupIn(wire.RequestModel):
    """A name, an address, or both; and when it was written: a petition's window, other dates, or otherwise today.

    With the `place` of a line of the petition, a person's `not_registered` on that line can rest on the search.
    """

    printed_name: wire.Text200 = ""
    name: NameIn | None = None
    residence_address: wire.Text300 = ""
    city: wire.Text100 = ""
    zip: wire.Text20 = ""
    petition_id: wire.Uuid | None = None
    place: wire.PlaceText | None = None
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
        if self.place and not self.petition_id:
            raise wire.wrong("contradiction")
        return self

    def line(self, county_id: str) -> LineAddress | None:
        """The line for which voters are looked up, if it is said."""
        key = self.petition_id and PetitionKey(county_id, self.petition_id)
        return LineAddress(key, wire.place_of(self.place)) if key and self.place else None

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
    districts: str | None
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


def candidates_out(found: FoundCandidates) -> dict[str, Any]:
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
    question = Question(asked.writing(), *await _asked_about(state, principal, asked, now))
    if (kind := question.kind) is None:
        raise invalid(field_error("", "missing"), detail="Give a name, a residence address, or both.")
    line, budget = asked.line(principal.county_id), state.budget
    found, decision = await look_up(state.database, principal, question, kind=kind, line=line, budget=budget, now=now)
    if decision and decision.voter_id not in {candidate.registration.voter_id for candidate in found.candidates}:
        decision = decision._replace(voter_id=None)
    return candidates_out(found) | {"kind": kind, "decision": decision}


async def _asked_about(
    state: State, principal: Principal, asked: LookupIn, now: datetime
) -> tuple[SigningInterval, str | None]:
    """The interval and the district of a lookup."""
    if asked.petition_id:
        async with state.database.reading() as connection:  # with the ruleset in force
            petition, _ = await read_petition(connection, PetitionKey(principal.county_id, asked.petition_id))
        return petition.window, petition.district
    if asked.signed_from and asked.signed_to:
        return SigningInterval(asked.signed_from, asked.signed_to, asked.filed_on or asked.signed_to), None
    return SigningInterval(now.date(), now.date(), now.date()), None
