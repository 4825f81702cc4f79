"""The record of who read voter data: when, of which lines, and how much of the day's budget it took."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access.principals import Principal
from app.examination.read_queries import page_of_reads
from app.examination.reads import ReadKind
from app.http import wire
from app.http.frame import AppState, allow

router = APIRouter(prefix="/v1/voters/reads", tags=["voters"])


class ReadOut(wire.ResponseModel):
    """One read of voter data: what it was about, and how many voters it showed; never what it showed."""

    read_id: UUID
    principal: str
    role: wire.Role
    kind: ReadKind
    petition_id: UUID | None
    places: list[str]
    voters: int
    counted: int
    read_at: datetime


_Page = wire.page_of("ReadsOut", "A page of the record, the newest read first.", reads=ReadOut)


@router.get("", response_model=_Page)
async def list_reads(
    who: Annotated[Principal, allow("supervisor", "auditor", "admin")],
    state: AppState,
    paging: wire.ListPaging,
    principal: Annotated[wire.Name | None, Query()] = None,
) -> object:
    """Who read voter data, when, and of which lines; of one principal or of all."""
    before, most = paging.after(UUID), paging.limit + 1
    async with state.database.reading() as connection:
        found = await page_of_reads(connection, who.county_id, before=before, limit=most, principal=principal)
    return paging.page("reads", found, lambda read: read.read_id)
