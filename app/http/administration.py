"""What an administrator keeps: the keys, rolls and aliases (other names of streets and cities) of a county."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.access import keys as access
from app.access.queries import list_keys as every_key
from app.http import wire
from app.http.frame import Admin, AppState
from app.matching.queries import AliasVersion
from app.roll import loading, queries
from app.roll.aliases import load_aliases as load_alias_file

keys = APIRouter(prefix="/v1/keys", tags=["keys"])
rolls = APIRouter(prefix="/v1/rolls", tags=["rolls"])
aliases = APIRouter(prefix="/v1/aliases", tags=["aliases"])
Format = Annotated[wire.RollFormat, Query(alias="format")]
Version = Annotated[int, Path(ge=1, le=2_147_483_647), wire.DIGITS]  # of a roll


class KeyIn(wire.RequestModel):
    """Whose key it is, and what it may do."""

    principal: wire.Name
    role: wire.Role
    expires_at: wire.Instant | None = None


class KeyOut(wire.ResponseModel):
    """A key as it is listed: without its secret, which is not stored."""

    prefix: str
    principal: str
    role: wire.Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    issued_by: str | None
    revoked_by: str | None
    expired_at: datetime | None


class NewKeyOut(wire.ResponseModel):
    """A new key. It is shown only once."""

    key: str
    prefix: str


@keys.post("", status_code=201)
async def create_key(principal: Admin, state: AppState, new: wire.Body[KeyIn]) -> NewKeyOut:
    """A new key of a person, station or program; a name that is new adds it. Without an end it is valid for 180 days.

    A name has at most two live keys: the old and the new one during a change. Another administrator than the person
    must ask for a further key or another role of the person. Names that look alike are the same person's.
    """
    owner = replace(principal, name=new.principal, role=new.role)
    key = await access.issue_key(state.database, owner, now=state.now(), expires_at=new.expires_at, by=principal.name)
    return NewKeyOut(key=key, prefix=key.split(".")[2])


@keys.get("", response_model=wire.page_of("KeysOut", "A page of a county's keys, the oldest first.", keys=KeyOut))
async def list_keys(principal: Admin, state: AppState, paging: Annotated[wire.Paging, wire.paging(1000)]) -> object:
    """Every key, including expired and revoked ones, with the minute of its last use."""
    async with state.database.reading() as connection:
        found = await every_key(connection, principal.county_id)
    return paging.page_of_all("keys", found, lambda key: key.prefix)


@keys.delete("/{prefix}", status_code=204)
async def revoke_key(principal: Admin, state: AppState, prefix: Annotated[str, Path(pattern="^[0-9a-f]{8}$")]) -> None:
    """The key is refused from the next request on. Revoking it again changes nothing."""
    await access.revoke_key(state.database, principal.county_id, prefix, now=state.now(), by=principal.name)


class RollOut(wire.ResponseModel):
    """One version of the county's roll."""

    roll_version: int
    state: wire.RollState
    format: wire.RollFormat
    complete_through: date
    registrations: int | None
    progress_phase: Literal["copying", "indexing", "done"]
    progress_rows: int
    failure: str | None
    created_at: datetime
    activated_at: datetime | None


class ActivationIn(wire.RequestModel):
    """How a version is put into use."""

    allow_older: bool = False


class LoadOut(wire.ResponseModel):
    """The version that a file becomes."""

    roll_version: int


@rolls.get("", response_model=wire.page_of("RollsOut", "A page of the county's roll versions.", rolls=RollOut))
async def list_rolls(principal: Admin, state: AppState, paging: wire.ListPaging) -> object:
    """Every version, the oldest first, including those that are being loaded or failed."""
    async with state.database.reading() as connection:
        found = await queries.list_rolls(connection, principal.county_id)
    return paging.page_of_all("rolls", found, lambda roll: roll.roll_version)


@rolls.post("", status_code=202)
async def load_roll(
    who: Admin, state: AppState, request: Request, complete_through: wire.IsoDate, roll_format: Format = "canonical"
) -> LoadOut:
    """The body is the file: plain text, gzip or zip. It is loaded after the answer; the list of rolls shows progress.

    A file with a bad row is refused as a whole: its version is `failed` and names the row, the column and the cause.
    """
    packed = "application/gzip", "application/zip"
    wire.check_file_type(request, "application/octet-stream", "text/csv", "text/plain", *packed)
    version = await state.uploads.take(who.county_id, roll_format, complete_through, request.stream())
    return LoadOut(roll_version=version)


@rolls.post("/{roll_version}/activate", response_model=RollOut)
async def activate_roll(
    who: Admin, state: AppState, roll_version: Version, how: wire.Body[ActivationIn]
) -> queries.Roll:
    """Lines for which an older version had no voter are then examined again automatically, within seconds.

    A roll that is complete through an earlier day than the one in use needs `allow_older`.
    """
    name = who.county_id, roll_version
    async with state.database.intake() as connection:
        return await loading.activate_roll(connection, name, allow_older=how.allow_older)


class AliasesOut(wire.ResponseModel):
    """One version of the county's aliases: how many of streets and of cities it holds, and who loaded it."""

    aliases_version: int
    streets: int
    cities: int
    source_sha256: str
    loaded_by: str
    loaded_at: datetime


_Page = wire.page_of("AliasVersionsOut", "A page of the versions of the county's aliases.", versions=AliasesOut)


@aliases.get("", response_model=_Page)
async def list_aliases(principal: Admin, state: AppState, paging: wire.ListPaging) -> object:
    """Every version, the oldest first. The last one is in use."""
    async with state.database.reading() as connection:
        found = await queries.alias_versions(connection, principal.county_id)
    return paging.page_of_all("versions", found, lambda version: version.aliases_version)


@aliases.post("", status_code=201, response_model=AliasesOut)
async def load_aliases(principal: Admin, state: AppState, request: Request, response: Response) -> AliasVersion:
    """The body is the file: UTF-8 CSV with the columns `kind` (`street` or `city`), `alias` and `name`.

    `alias` is what people write, `name` what the roll has; a street may stand with or without type and direction. The
    file is the whole table: a header alone removes every alias. One bad row refuses all of it, and the answer names it.
    Lines that the new version reads differently are then examined again automatically, within seconds.
    """
    wire.check_file_type(request, "application/octet-stream", "text/csv")
    content, county_id = await wire.read_body(request, wire.MAX_BATCH), principal.county_id
    version, is_new = await load_alias_file(state.database, county_id, content, by=principal.name, now=state.now())
    response.status_code = 201 if is_new else 200
    return version
