"""Reading lines."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Row

from app.access.principals import Principal
from app.count.line_queries import LineRead, page_of_lines, read_line
from app.errors import UnknownLineError
from app.http.body import DIGITS, Cursor, Limit, LineReason, PathPlace, ResponseModel, after, page, place_of
from app.http.frame import AppState, PathPetition, Reader, allow
from app.http.signatures import LineOut, line_out
from app.law.line import LARGEST_NUMBER, Place
from app.law.reasons import Status

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures", tags=["signatures"])

LineReader = Annotated[Principal, allow("station", "system", "clerk", "supervisor", "auditor")]


class NamePartsOut(ResponseModel):
    """A name that the station read in parts."""

    first: str
    middle: str
    last: str
    suffix: str


class WritingOut(ResponseModel):
    """The text of a line."""

    printed_name: str
    name: NamePartsOut | None
    residence_address: str
    city: str
    zip: str
    signed: bool
    image_sha256: str | None


class FindingOut(ResponseModel):
    """A decision on a line, with its basis."""

    finding_no: int
    status: Status
    reason: LineReason | None
    reason_open: bool
    settled: bool
    voter_id: str | None
    secondary: list[str]
    evidence: dict[str, Any] | None
    evidence_of: int | None
    counted_place: str | None
    confirmed_by: list[str]
    ruleset: str
    roll_version: int | None
    decided_by: str
    decided_at: datetime
    note: str


class LineDetailOut(LineOut):
    """A line's status, with its text and finding, for the people who decide and check."""

    writing: WritingOut
    finding: FindingOut


class ListedOut(LineOut):
    """A line in a list."""

    voter_id: str | None


class LinesOut(ResponseModel):
    """A page of lines in paper order."""

    signatures: list[ListedOut]
    next_cursor: str | None


def as_seen_by(who: Principal, read: LineRead) -> LineRead:
    """A line as a person may see it while opinions of its signature are pending: without them.

    A person who compares the signature must not see an earlier doubt (2 CCR 20960). An auditor does not compare, and
    the people who doubted it know.
    """
    if read.undoubted is None or who.role == "auditor" or who.name in read.line.mismatch_by:
        return read
    settled = len(read.line.confirmed_by) >= read.people_needed
    line = replace(read.line, settled=settled)
    return replace(read, line=line, finding=read.undoubted | {"settled": settled})


def detail_out(read: LineRead) -> LineDetailOut:
    """A line as the people see it who decide and check."""
    return LineDetailOut(
        **dict(line_out(read.line)),
        writing=WritingOut.model_validate(read.signature.writing),
        finding=FindingOut.model_validate(read.finding),
    )


@router.get("/{place}", response_model=LineDetailOut | LineOut)
async def get_signature(
    principal: LineReader, state: AppState, petition: PathPetition, place: PathPlace
) -> LineDetailOut | LineOut:
    """A station or system reads its own lines, without voter and evidence; clerks and above read all with evidence.

    While too few people doubt a signature, others who may compare it see the line without these doubts.
    """
    async with state.database.reading() as connection:
        read = await read_line(connection, petition.key, place)
    if read is None:
        raise UnknownLineError
    if principal.role not in ("station", "system"):
        return detail_out(as_seen_by(principal, read))
    if read.line.station != principal.name:
        raise UnknownLineError
    return line_out(as_seen_by(principal, read).line)


@router.get("")
async def list_signatures(  # noqa: PLR0917  # the filters of the list
    principal: Reader,
    state: AppState,
    petition: PathPetition,
    status: Annotated[Status | None, Query()] = None,
    reason: Annotated[LineReason | None, Query()] = None,
    section: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER), DIGITS] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> LinesOut:
    """Pages in paper order: follow `next_cursor` until it is null."""
    async with state.database.begin() as connection:
        found = await page_of_lines(
            connection,
            petition.key,
            after=after(cursor, place_of),
            limit=limit + 1,
            status=status,
            reason=reason,
            section=section,
            blind=principal.role != "auditor",
        )
    shown, following = page(found, limit, _place)
    return LinesOut(signatures=[_listed_out(row) for row in shown], next_cursor=following)


def _place(row: Row[Any]) -> Place:
    return Place(row.section, row.page, row.line)


def _listed_out(row: Row[Any]) -> ListedOut:
    return ListedOut(
        place=str(_place(row)),
        status=row.status,
        reason=row.reason,
        settled=row.settled,
        version=row.version,
        voter_id=row.voter_id,
    )
