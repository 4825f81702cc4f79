"""The county's other names of streets and cities."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.access.principals import Principal
from app.http.body import MAX_BATCH, read_body
from app.http.frame import AppState, allow
from app.http.problems import Problem
from app.matching.queries import AliasVersion
from app.roll.aliases import load_aliases
from app.roll.queries import alias_versions

router = APIRouter(prefix="/v1/aliases", tags=["aliases"])

Keeper = Annotated[Principal, allow("admin")]


class AliasesOut(BaseModel):
    """One version of the county's aliases: how many of streets and of cities it holds, and who loaded it."""

    aliases_version: int
    streets: int
    cities: int
    source_sha256: str
    loaded_by: str
    loaded_at: datetime

    @classmethod
    def of(cls, version: AliasVersion) -> "AliasesOut":
        """The version as it is shown."""
        return cls(**version._asdict())


class AliasVersionsOut(BaseModel):
    """The versions of the county's aliases."""

    versions: list[AliasesOut]


@router.get("", operation_id="list_aliases", summary="List the versions of the county's aliases")
async def get_aliases(principal: Keeper, state: AppState) -> AliasVersionsOut:
    """Every version, the oldest first. The last one is in use."""
    async with state.database.reading() as connection:
        found = await alias_versions(connection, principal.county_id)
    return AliasVersionsOut(versions=[AliasesOut.of(version) for version in found])


_EXAMPLE = "kind,alias,name\nstreet,Brooklyn Ave,Cesar E Chavez Ave\ncity,Hollywood,Los Angeles\n"
_FILE = {"text/csv": {"schema": {"type": "string", "contentMediaType": "text/csv"}, "example": _EXAMPLE}}


@router.post(
    "",
    status_code=201,
    operation_id="load_aliases",
    summary="Load a file of aliases and put it into use",
    responses={200: {"model": AliasesOut, "description": "The version in use holds the same"}},
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
async def post_aliases(principal: Keeper, state: AppState, request: Request, response: Response) -> AliasesOut:
    """The file is the body: UTF-8 CSV with the columns `kind` (`street` or `city`), `alias` and `name`.

    `alias` is what people write, `name` what the roll has; a street stands with or without type and direction. The file
    is the whole table: a header alone takes every alias back. One bad row refuses all of it, and the answer says which.
    Lines that the new version reads otherwise are then examined again by themselves, within seconds.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FILE or "content-encoding" in request.headers:
        raise Problem(415, "unsupported_media_type", "Send the file as text/csv, not compressed.")
    content = await read_body(request, MAX_BATCH)
    loaded = await load_aliases(state.database, principal.county_id, content, by=principal.name, now=state.now())
    if not loaded.new:
        response.status_code = 200
    return AliasesOut.of(loaded.version)
