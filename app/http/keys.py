"""Issuing, listing and revoking a county's keys."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from app.access import keys, queries
from app.access.principals import Role
from app.http.body import Cursor, Instant, Limit, Name, RequestModel, ResponseModel, body, short_page
from app.http.frame import Admin, AppState

router = APIRouter(prefix="/v1/keys", tags=["keys"])

Prefix = Annotated[str, Path(pattern="^[0-9a-f]{8}$")]


class KeyIn(RequestModel):
    """Whose key it is, and what it may do."""

    principal: Name
    role: Role
    expires_at: Instant | None = None


class KeyOut(ResponseModel):
    """A key as it is listed: without its secret, which is not stored."""

    prefix: str
    principal: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    issued_by: str | None
    revoked_by: str | None


class KeysOut(ResponseModel):
    """A page of a county's keys, the oldest first."""

    keys: list[KeyOut]
    next_cursor: str | None


class NewKeyOut(ResponseModel):
    """A new key. It is shown only once."""

    key: str
    prefix: str


@router.post("", status_code=201)
async def create_key(principal: Admin, state: AppState, new: Annotated[KeyIn, body(KeyIn)]) -> NewKeyOut:
    """A new key of the county. A principal has at most two live keys: the old and the new one during a change."""
    owner = replace(principal, name=new.principal, role=new.role)
    key = await keys.issue_key(state.database, owner, now=state.now(), expires_at=new.expires_at, by=principal.name)
    return NewKeyOut(key=key, prefix=key.split(".")[2])


@router.get("")
async def list_keys(principal: Admin, state: AppState, cursor: Cursor = None, limit: Limit = 1000) -> KeysOut:
    """Every key, including expired and revoked ones, with the minute of its last use."""
    async with state.database.reading() as connection:
        found = await queries.list_keys(connection, principal.county_id)
    shown, following = short_page(found, cursor, limit, lambda key: key.prefix)
    return KeysOut.model_validate({"keys": shown, "next_cursor": following})


@router.delete("/{prefix}", status_code=204)
async def revoke_key(principal: Admin, state: AppState, prefix: Prefix) -> None:
    """The key is refused from the next request on. Revoking it again changes nothing."""
    await keys.revoke_key(state.database, principal.county_id, prefix, now=state.now(), by=principal.name)
