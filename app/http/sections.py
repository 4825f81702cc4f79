"""The dates between which a section was signed."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.count.queries import SectionDates
from app.examination.corrections import declare_section
from app.examination.queries import Declaration
from app.http.body import DIGITS, IsoDate, RequestModel, ResponseModel, body
from app.http.frame import AppState, Decider, PathPetition, carry_out, request_of
from app.law.line import LARGEST_NUMBER

router = APIRouter(prefix="/v1/petitions/{petition_id}/sections", tags=["sections"])

SectionNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER), DIGITS]


class SectionIn(RequestModel):
    """The circulator's dates (EC 104), null where the paper has none. Enter contradictory dates as they are written."""

    signed_from: IsoDate | None
    signed_to: IsoDate | None


class SectionOut(ResponseModel):
    """A section's dates, and how many of its lines this request had examined again."""

    section: int
    signed_from: date | None
    signed_to: date | None
    declared_by: str
    declared_at: datetime
    examined: int


def section_out(done: tuple[Declaration, int]) -> SectionOut:
    """A section's current dates."""
    held, examined = done
    return SectionOut(
        section=held.section,
        signed_from=held.dates.signed_from,
        signed_to=held.dates.signed_to,
        declared_by=held.declared_by,
        declared_at=held.declared_at,
        examined=examined,
    )


@router.put("/{section}", response_model=SectionOut)
async def put_section(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    section: SectionNumber,
    dates: Annotated[SectionIn, body(SectionIn)],
) -> Response:
    """Where the dates change the interval of the section's lines, each is examined again.

    Missing or contradictory dates send them to a person: `review`, `section_dates`.
    """
    declared = SectionDates(dates.signed_from, dates.signed_to)
    request = request_of(principal, None, "section", str(section), dates)
    act = partial(declare_section, section=section, dates=declared, by=principal.name)
    return await carry_out(state, petition, request, act, lambda done: (200, section_out(done)))
