"""Rulesets: the numbers under which petitions are decided. They are added and read, never edited."""

from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from app.access.queries import add_county
from app.count.ruleset_queries import AddedRuleset, add_ruleset, find_ruleset
from app.count.ruleset_queries import list_rulesets as rulesets_of
from app.database.pools import Database
from app.errors import RulesetExistsError, UnknownRulesetError
from app.http import wire
from app.http.frame import Admin, AppState, RulesetReader
from app.law.ruleset import RegistrationRule, Ruleset, Steps, check_ruleset

router = APIRouter(prefix="/v1/rulesets", tags=["rulesets"])

_Share = Annotated[int, Field(ge=0, le=1_000_000)]
_People = Annotated[int, Field(ge=0, le=100)]
_Number = Annotated[int, Field(ge=1, le=1_000_000_000)]


class StepIn(wire.RequestModel):
    """A number that holds below a bound of registered voters; the last step has no bound."""

    below: _Number | None = None
    number: _Number


class RegistrationRuleIn(wire.RequestModel):
    """Which registrations count; what is left out is as in the other ruleset."""

    inactive_counts: bool | None = None
    voting_age: _Number | None = None
    age_reached_by: wire.Day | None = None
    affidavit_signed_by: wire.SigningDay | None = None
    affidavit_days_before_filing: Annotated[int, Field(ge=0, le=1_000)] | None = None
    undated_cancellation: wire.UndatedCancellation | None = None

    def value(self, base: RegistrationRule) -> RegistrationRule:
        """The rule that differs so from its base."""
        return replace(base, **self.model_dump(exclude_none=True))


class RulesetIn(wire.RequestModel):
    """A new ruleset: another one by name, and the parameters in which it differs from it."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,31}/[A-Za-z0-9._-]{1,60}$")]
    based_on: wire.Name
    valid_from: wire.IsoDate | None = None
    note: wire.RequiredNote
    compare_signatures: bool | None = None
    compare_duplicates: bool | None = None
    double_check_ppm: _Share | None = None
    people_check_ppm: _Share | None = None
    confirmations: Annotated[dict[wire.Name, _People], Field(max_length=30)] | None = None
    people_against_data: _People | None = None
    required_percent: Annotated[list[StepIn], Field(max_length=20)] | None = None
    circulation_days: Annotated[list[StepIn], Field(max_length=20)] | None = None
    examination_days: _Number | None = None
    withdrawals_by_two: bool | None = None
    mismatch_characteristics: _Number | None = None
    closed_days: Annotated[list[wire.IsoDate], Field(max_length=1_000)] | None = None
    registration: RegistrationRuleIn | None = None

    def value(self, base: Ruleset) -> Ruleset:
        """The ruleset that differs so from its base. Confirmations that are not given are those of the base.

        Where it is said whether signatures are compared, duplicates are compared as well, unless said otherwise.
        """
        compared = {} if self.compare_signatures is None else {"compare_duplicates": self.compare_signatures}
        given = compared | {name: value for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        given |= {"closed_days": tuple(sorted({*self.closed_days}))} if self.closed_days is not None else {}
        given |= {name: tuple((s.below, s.number) for s in given[name]) for name in _STEPS if name in given}
        confirmations = {**base.confirmations, **(self.confirmations or {})}
        registration = self.registration.value(base.registration) if self.registration else base.registration
        changes: dict[str, Any] = {**given, "confirmations": confirmations, "registration": registration}
        return replace(base, name=self.name, valid_from=self.valid_from, **changes)


_STEPS = ("required_percent", "circulation_days")
_SHARES = ("double_check_ppm", "people_check_ppm")
_COMPARED = ("compare_signatures", "compare_duplicates")
_PARAMETERS = (
    *_COMPARED,
    *_SHARES,
    "people_against_data",
    "withdrawals_by_two",
    *_STEPS,
    "examination_days",
    "mismatch_characteristics",
)


def _steps(steps: Steps) -> list[dict[str, int | None]]:
    return [{"below": below, "number": number} for below, number in steps]


class StepOut(wire.ResponseModel):
    """A number that holds below a bound of registered voters; the last step has no bound."""

    below: int | None
    number: int


_Steps = Annotated[list[StepOut], BeforeValidator(_steps)]


class RegistrationRuleOut(wire.ResponseModel):
    """Which registrations count for a line."""

    inactive_counts: bool
    voting_age: int
    age_reached_by: wire.Day
    affidavit_signed_by: wire.SigningDay
    affidavit_days_before_filing: int
    undated_cancellation: wire.UndatedCancellation


class RulesetOut(wire.ResponseModel):
    """A ruleset, and who added it; those of the program itself are `standard`."""

    name: str
    standard: bool
    valid_from: date | None
    note: str
    compare_signatures: bool
    compare_duplicates: bool
    double_check_ppm: int
    people_check_ppm: int
    confirmations: dict[str, int]
    people_against_data: int
    required_percent: _Steps
    circulation_days: _Steps
    examination_days: int
    withdrawals_by_two: bool
    mismatch_characteristics: int
    closed_days: list[date]
    registration: RegistrationRuleOut
    added_by: str
    added_at: datetime


_Page = wire.page_of("RulesetsOut", "A page of the rulesets that the county may use.", rulesets=RulesetOut)


def ruleset_out(added: AddedRuleset) -> RulesetOut:
    """A ruleset as it is shown."""
    ruleset, note, added_by, added_at = added
    record = {"note": note, "added_by": added_by, "added_at": added_at, "standard": ruleset.is_standard}
    named = {"name": ruleset.name, "valid_from": ruleset.valid_from}
    return RulesetOut.model_validate(ruleset.parameters() | named | record)


async def add(database: Database, county_id: str, new: RulesetIn, *, by: str, now: datetime) -> AddedRuleset:
    """Add a county's ruleset. Raises UnknownRulesetError, RulesetRefusedError and RulesetExistsError.

    Args:
        database: where it is stored.
        county_id: the county, which is known.
        new: the ruleset.
        by: the name of the user who adds it; goes on record.
        now: the time of the request.
    """
    async with database.reading() as connection:
        base = await find_ruleset(connection, county_id, new.based_on)
        if base is None:
            raise UnknownRulesetError
        added = AddedRuleset(new.value(base), new.note, by, now)
        check_ruleset(added.ruleset, county_id)
        await add_county(connection, county_id)
        if not await add_ruleset(connection, county_id, added):
            raise RulesetExistsError
    return added


@router.post("", status_code=201)
async def post_ruleset(principal: Admin, state: AppState, new: wire.Body[RulesetIn]) -> RulesetOut:
    """Add a ruleset of the county, whose name begins with the county's code and a slash.

    Petitions that are filed from `valid_from` on have it by default. A petition that is open already changes its
    ruleset only by an act of two people.
    """
    added = await add(state.database, principal.county_id, new, by=principal.name, now=state.now())
    return ruleset_out(added)


@router.get("", response_model=_Page)
async def list_rulesets(principal: RulesetReader, state: AppState, paging: wire.ListPaging) -> object:
    """The rulesets that the county may use: the standard ones first, then its own in the order of adding."""
    async with state.database.reading() as connection:
        found = await rulesets_of(connection, principal.county_id)
    return paging.page_of_all("rulesets", [ruleset_out(one) for one in found], _cursor)


def _cursor(ruleset: RulesetOut) -> str:
    return sha256(ruleset.name.encode()).hexdigest()[:16]  # a name may hold what a cursor may not
