"""The county's other names of streets and cities."""

from datetime import datetime

from fastapi import APIRouter, Request, Response

from app.http.body import MAX_BATCH, Cursor, Limit, ResponseModel, check_file_type, read_body, short_page
from app.http.frame import Admin, AppState
from app.roll import aliases
from app.roll.queries import alias_versions

router = APIRouter(prefix="/v1/aliases", tags=["aliases"])


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


@router.get("")
async def list_aliases(
    principal: Admin, state: AppState, cursor: Cursor = None, limit: Limit = 100
) -> AliasVersionsOut:
    """Every version, the oldest first. The last one is in use."""
    async with state.database.reading() as connection:
        found = await alias_versions(connection, principal.county_id)
    shown, following = short_page(found, cursor, limit, lambda version: version.aliases_version)
    return AliasVersionsOut(versions=[AliasesOut.model_validate(version) for version in shown], next_cursor=following)


@router.post("", status_code=201)
async def load_aliases(principal: Admin, state: AppState, request: Request, response: Response) -> AliasesOut:
    """The body is the file: UTF-8 CSV with the columns `kind` (`street` or `city`), `alias` and `name`.

    `alias` is what people write, `name` what the roll has; a street may stand with or without type and direction. The
    file is the whole table: a header alone removes every alias. One bad row refuses all of it, and the answer names it.
    Lines that the new version reads differently are then examined again automatically, within seconds.
    """
    check_file_type(request, "application/octet-stream", "text/csv")
    content = await read_body(request, MAX_BATCH)
    version, is_new = await aliases.load_aliases(
        state.database, principal.county_id, content, by=principal.name, now=state.now()
    )
    if not is_new:
        response.status_code = 200
    return AliasesOut.model_validate(version)
