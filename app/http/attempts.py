"""The attempts to recall an officer: the county's petitions, and those that lapsed without a filing."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from app.access.principals import Principal
from app.count.attempt_queries import add_lapsed, list_lapsed
from app.count.line_queries import list_petitions
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import AttemptRecordedError
from app.http import wire
from app.http.frame import AppState, Decider, Reader
from app.law.attempts import Attempt, LapsedAttempt, attempts, check_lapsed

router = APIRouter(prefix="/v1/attempts", tags=["petitions"])


class AttemptIn(wire.RequestModel):
    """An attempt that lapsed: its window ended, and no petition was filed."""

    officer: wire.Title
    office: wire.Title | None = None
    district: wire.Title | None = None
    title: wire.Title
    circulation_from: wire.IsoDate
    circulation_to: wire.IsoDate
    note: wire.RequiredNote


class AttemptOut(wire.ResponseModel):
    """An attempt to recall an officer. One that lapsed has no petition and no day of filing."""

    attempt_id: UUID
    officer: str
    number: int
    outcome: Literal["open", "closed", "lapsed"]
    office: str | None
    district: str | None
    title: str
    circulation_from: date
    circulation_to: date
    filed_on: date | None = None
    petition_id: UUID | None = None
    note: str | None = None


_Page = wire.page_of("AttemptsOut", "A page of the attempts of a county.", attempts=AttemptOut)


def _out(attempt: Attempt) -> AttemptOut:
    facts = asdict(attempt.made)
    facts.setdefault("attempt_id", facts.get("petition_id"))
    return AttemptOut.model_validate(facts | {"number": attempt.number, "outcome": attempt.outcome})


@router.post("", status_code=201)
async def record_lapsed_attempt(principal: Decider, state: AppState, new: wire.Body[AttemptIn]) -> AttemptOut:
    """Record an attempt that was never filed, so that all attempts at one officer are found together (EC 11044)."""
    return await record_lapsed(state.database, principal, new, now=state.now())


async def record_lapsed(database: Database, who: Principal, new: AttemptIn, *, now: datetime) -> AttemptOut:
    """Record an attempt that was never filed.

    Args:
        database: of the service.
        who: records it, in their county.
        new: the attempt.
        now: goes on record.

    Raises:
        AttemptRecordedError: one at this officer that began on this day is on record already.
    """
    attempt = LapsedAttempt(attempt_id=new_id(now), **dict(new), recorded_by=who.name, recorded_at=now)
    check_lapsed(attempt, now.date())
    async with database.reading() as connection:
        if not await add_lapsed(connection, who.county_id, attempt):
            raise AttemptRecordedError
    return next(one for one in await every_attempt(database, who.county_id) if one.attempt_id == attempt.attempt_id)


@router.get("", response_model=_Page)
async def list_attempts(principal: Reader, state: AppState, paging: wire.ListPaging) -> object:
    """Every attempt by officer, in the order of circulation: the petitions, and those that were never filed."""
    found = await every_attempt(state.database, principal.county_id)
    return paging.page_of_all("attempts", found, lambda attempt: attempt.attempt_id)


async def every_attempt(database: Database, county_id: str) -> list[AttemptOut]:
    """The attempts of a county by officer, in the order of circulation."""
    async with database.begin() as connection:
        petitions = await list_petitions(connection, county_id=county_id)
    async with database.reading() as connection:
        lapsed = await list_lapsed(connection, county_id)
    return [_out(one) for one in attempts([*petitions, *lapsed])]
