"""The sections that an administrator gives to stations."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BeforeValidator, Field

from app.access import assignments as access
from app.access.assignment_queries import Assignment
from app.access.assignment_queries import list_assignments as last_assignments
from app.access.principals import Ranges
from app.http import wire
from app.http.frame import Admin, AppState

router = APIRouter(prefix="/v1/assignments", tags=["keys"])


def _checked(text: str) -> str:
    try:
        access.range_of(text)
    except ValueError:
        raise wire.wrong("wrong_format") from None
    return text


def _texts(ranges: Ranges) -> list[str]:
    return [access.range_text(first, last) for first, last in ranges]


class AssignmentIn(wire.RequestModel):
    """The sections to which a station may post, each number in `1-40` included; with none it may post to all."""

    principal: wire.Name
    sections: Annotated[list[Annotated[str, AfterValidator(_checked)]], Field(max_length=100)]


class AssignmentOut(wire.ResponseModel):
    """The sections to which a station may post, who assigned them, and when; with none it may post to all."""

    principal: str
    sections: Annotated[list[str], BeforeValidator(_texts)]
    assigned_by: str
    assigned_at: datetime


_Page = wire.page_of("AssignmentsOut", "A page of the assignments in force.", assignments=AssignmentOut)


@router.post("", status_code=201, response_model=AssignmentOut)
async def assign_sections(principal: Admin, state: AppState, new: wire.Body[AssignmentIn]) -> Assignment:
    """From the next request on, the station's lines of other sections are refused with `section_not_assigned`.

    It holds for all keys of the station, also for those that it gets later, and for every petition of the county.
    """
    owner, now = (principal.county_id, new.principal), state.now()
    ranges = tuple(map(access.range_of, new.sections))
    stored = await access.assign_sections(state.database, owner, ranges, now=now, by=principal.name)
    return Assignment(new.principal, stored, principal.name, now)


@router.get("", response_model=_Page)
async def list_assignments(principal: Admin, state: AppState, paging: wire.ListPaging) -> object:
    """The last assignment of each station that has one. A station without one may post to every section."""
    async with state.database.reading() as connection:
        found = await last_assignments(connection, principal.county_id)
    return paging.page_of_all("assignments", found, lambda assignment: assignment.principal)
