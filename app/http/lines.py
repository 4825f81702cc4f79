"""Reading where lines stand."""

import base64
import re
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from app.access.principals import Principal
from app.count.line_queries import LineRead, page_of_lines, read_line
from app.errors import UnknownLineError
from app.http.body import PLAIN
from app.http.frame import AppState, PetitionId, allow, petition_of
from app.http.problems import Problem
from app.http.signatures import LineOut
from app.law.line import LARGEST_NUMBER, Line, Place, Writing
from app.law.petition import PetitionKey
from app.law.reasons import Reason, ReviewCause, Status

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures", tags=["signatures"])

LineReader = Annotated[Principal, allow("station", "system", "clerk", "supervisor", "auditor")]
Lister = Annotated[Principal, allow("clerk", "supervisor", "auditor")]
Decider = Annotated[Principal, allow("clerk", "supervisor")]
PLACE = "[1-9][0-9]{0,8}-[1-9][0-9]{0,8}-[1-9][0-9]{0,8}"  # each up to LARGEST_NUMBER
PlaceText = Annotated[str, Path(pattern=f"^{PLACE}$", description="section-page-line, as 12-3-4")]


class WritingOut(BaseModel):
    """What stands on the line."""

    printed_name: str
    name: dict[str, str] | None
    residence_address: str
    city: str
    zip: str
    signed: bool
    image_sha256: str | None


class FindingOut(BaseModel):
    """A decision on a line, with everything it rests on."""

    finding_no: int
    status: str
    reason: str | None
    reason_open: bool
    settled: bool
    voter_id: str | None
    secondary: list[str]
    evidence: dict[str, Any] | None  # the newest there is on the line
    evidence_of: int | None  # the finding_no that the evidence is of: this one's, or an earlier one's
    counted_place: str | None
    confirmed_by: list[str]
    ruleset: str
    roll_version: int | None
    decided_by: str
    decided_at: str
    note: str


class LineDetailOut(LineOut):
    """Where a line stands, with its writing and finding, for those who decide and check."""

    writing: WritingOut
    finding: FindingOut


class ListedOut(LineOut):
    """A line in a list."""

    voter_id: str | None


class LinesOut(BaseModel):
    """A page of lines in paper order."""

    signatures: list[ListedOut]
    next_cursor: str | None


def place_of(place: str) -> Place:
    """The place that a text names, which has the form of `PLACE`."""
    section, page, line = (int(part) for part in place.split("-"))
    return Place(section, page, line)


def standing_out(line: Line) -> LineOut:
    """Where a line stands."""
    now = line.standing
    return LineOut(
        place=str(line.place), status=now.status, reason=now.reason, settled=now.settled, version=line.version
    )


def writing_out(writing: Writing) -> WritingOut:
    """What stands on a line."""
    parts = writing.name
    name = {"first": parts.first, "middle": parts.middle, "last": parts.last, "suffix": parts.suffix} if parts else None
    return WritingOut(
        printed_name=writing.printed_name,
        name=name,
        residence_address=writing.residence_address,
        city=writing.city,
        zip=writing.zip,
        signed=writing.signed,
        image_sha256=writing.image_sha256,
    )


def as_seen_by(who: Principal, read: LineRead) -> LineRead:
    """A line as a person may see it while opinions of its signature are pending: as it stands without them.

    Whoever compares must not see who doubted before, nor that anybody did (2 CCR 20960). An auditor compares nothing,
    and those who doubted know.
    """
    if read.undoubted is None or who.role == "auditor" or who.name in read.line.mismatch_by:
        return read
    settled = len(read.line.confirmed_by) >= read.people_needed
    line = replace(read.line, standing=replace(read.line.standing, settled=settled))
    return replace(read, line=line, finding=read.undoubted | {"settled": settled})


def detail_out(read: LineRead) -> LineDetailOut:
    """A line as those see it who decide and check."""
    return LineDetailOut(
        **standing_out(read.line).model_dump(),
        writing=writing_out(read.writing),
        finding=FindingOut(**{field: read.finding[field] for field in FindingOut.model_fields}),
    )


@router.get(
    "/{place}",
    operation_id="get_signature",
    summary="Read where a line stands",
    response_model=LineDetailOut | LineOut,
)
async def get_signature(
    principal: LineReader, state: AppState, petition_id: PetitionId, place: PlaceText
) -> LineDetailOut | LineOut:
    """A station or system reads its own lines, without voter and evidence; clerks and above read all with evidence.

    While a signature is doubted by too few, others who may compare it see the line as it stands without the doubts.
    """
    await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        read = await read_line(connection, PetitionKey(principal.county_id, petition_id), place_of(place))
    if read is None:
        raise UnknownLineError
    read = as_seen_by(principal, read)
    if principal.role in ("station", "system"):
        if read.line.station != principal.name:
            raise UnknownLineError
        return standing_out(read.line)
    return detail_out(read)


@router.get("", operation_id="list_signatures", summary="List lines")
async def list_signatures(  # noqa: PLR0917  # the filters of the list
    principal: Lister,
    state: AppState,
    petition_id: PetitionId,
    status: Annotated[Status | None, Query()] = None,
    reason: Annotated[Reason | ReviewCause | None, Query()] = None,
    section: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER), PLAIN] = None,
    cursor: Annotated[str | None, Query(pattern="^[A-Za-z0-9_-]{1,100}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000), PLAIN] = 100,
) -> LinesOut:
    """Pages in paper order: follow `next_cursor` until it is null."""
    await petition_of(state, principal, petition_id)
    async with state.database.begin() as connection:
        rows = await page_of_lines(
            connection,
            PetitionKey(principal.county_id, petition_id),
            after=_place_in(cursor) if cursor else None,
            limit=limit + 1,
            status=status,
            reason=reason,
            section=section,
            blind=principal.role != "auditor",
        )
    page = [
        ListedOut(
            place=str(Place(r.section, r.page, r.line)),
            status=r.status,
            reason=r.reason,
            settled=r.settled,
            version=r.version,
            voter_id=r.voter_id,
        )
        for r in rows[:limit]
    ]
    return LinesOut(signatures=page, next_cursor=_cursor(page[-1].place) if len(rows) > limit else None)


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place_in(cursor: str) -> Place:
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        place = ""
    if not re.fullmatch(PLACE, place):
        raise Problem(422, "invalid", "The cursor is not one that a list gave.")
    return place_of(place)
