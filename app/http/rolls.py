"""The versions of a county's roll, and of its aliases: its other names of streets and cities."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.http.body import (
    DIGITS,
    MAX_BATCH,
    Cursor,
    IsoDate,
    Limit,
    RequestModel,
    ResponseModel,
    body,
    check_file_type,
    read_body,
    short_page,
)
from app.http.frame import Admin, AppState
from app.roll import loading, queries
from app.roll.aliases import load_aliases as load_alias_file
from app.roll.queries import RollState

router = APIRouter(prefix="/v1/rolls", tags=["rolls"])
aliases = APIRouter(prefix="/v1/aliases", tags=["aliases"])

RollFormat = Literal["canonical", "california", "north-carolina"]
Version = Annotated[int, Path(ge=1, le=2_147_483_647), DIGITS]


class RollOut(ResponseModel):
    """One version of the county's roll."""

    roll_version: int
    state: RollState
    format: RollFormat
    complete_through: date
    registrations: int | None
    progress_phase: Literal["copying", "indexing", "done"]
    progress_rows: int
    failure: str | None
    created_at: datetime
    activated_at: datetime | None


class RollsOut(ResponseModel):
    """A page of the county's roll versions."""

    rolls: list[RollOut]
    next_cursor: str | None


class ActivationIn(RequestModel):
    """How a version is put into use."""

    allow_older: bool = False


class LoadOut(ResponseModel):
    """The version that a file becomes."""

    roll_version: int


@router.get("")
async def list_rolls(principal: Admin, state: AppState, cursor: Cursor = None, limit: Limit = 100) -> RollsOut:
    """Every version, the oldest first, including those that are being loaded or failed."""
    async with state.database.reading() as connection:
        found = await queries.list_rolls(connection, principal.county_id)
    shown, following = short_page(found, cursor, limit, lambda roll: roll.roll_version)
    return RollsOut.model_validate({"rolls": shown, "next_cursor": following})


@router.post("", status_code=202)
async def load_roll(
    principal: Admin,
    state: AppState,
    request: Request,
    complete_through: Annotated[IsoDate, Query()],
    roll_format: Annotated[RollFormat, Query(alias="format")] = "canonical",
) -> LoadOut:
    """The body is the file: plain text, gzip or zip. It is loaded after the answer; the list of rolls shows progress.

    A file with a bad row is refused as a whole: its version is `failed` and names the row, the column and the cause.
    """
    check_file_type(
        request, "application/octet-stream", "text/csv", "text/plain", "application/gzip", "application/zip"
    )
    taken = state.uploads.take(principal.county_id, roll_format, complete_through, request.stream())
    return LoadOut(roll_version=await taken)


@router.post("/{roll_version}/activate")
async def activate_roll(
    principal: Admin, state: AppState, roll_version: Version, how: Annotated[ActivationIn, body(ActivationIn)]
) -> RollOut:
    """Lines for which an older version had no voter are then examined again automatically, within seconds.

    A roll that is complete through an earlier day than the one in use needs `allow_older`.
    """
    async with state.database.intake() as connection:
        roll = await loading.activate_roll(
            connection, county_id=principal.county_id, roll_version=roll_version, allow_older=how.allow_older
        )
    return RollOut.model_validate(roll)


class AliasesOut(ResponseModel):
    """One version of the county's aliases: how many of streets and of cities it holds, and who loaded it."""

    aliases_version: int
    streets: int
    cities: int
    source_sha256: str
    loaded_by: str
    loaded_at: datetime


class AliasVersionsOut(ResponseModel):
    """A page of the versions of the county's aliases."""

    versions: list[AliasesOut]
    next_cursor: str | None


@aliases.get("")
async def list_aliases(
    principal: Admin, state: AppState, cursor: Cursor = None, limit: Limit = 100
) -> AliasVersionsOut:
    """Every version, the oldest first. The last one is in use."""
    async with state.database.reading() as connection:
        found = await queries.alias_versions(connection, principal.county_id)
    shown, following = short_page(found, cursor, limit, lambda version: version.aliases_version)
    return AliasVersionsOut.model_validate({"versions": shown, "next_cursor": following})


@aliases.post("", status_code=201)
async def load_aliases(principal: Admin, state: AppState, request: Request, response: Response) -> AliasesOut:
    """The body is the file: UTF-8 CSV with the columns `kind` (`street` or `city`), `alias` and `name`.

    `alias` is what people write, `name` what the roll has; a street may stand with or without type and direction. The
    file is the whole table: a header alone removes every alias. One bad row refuses all of it, and the answer names it.
    Lines that the new version reads differently are then examined again automatically, within seconds.
    """
    check_file_type(request, "application/octet-stream", "text/csv")
    content = await read_body(request, MAX_BATCH)
    version, is_new = await load_alias_file(
        state.database, principal.county_id, content, by=principal.name, now=state.now()
    )
    if not is_new:
        response.status_code = 200
    return AliasesOut.model_validate(version)
