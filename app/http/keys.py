"""Issuing, listing and revoking a county's keys."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from app.access.keys import issue_key, revoke_key
from app.access.principals import KeyRecord, Principal, Role
from app.access.queries import list_keys
from app.http.body import SAFE, Instant, Wire, body
from app.http.frame import AppState, allow

router = APIRouter(prefix="/v1/keys", tags=["keys"])

Keeper = Annotated[Principal, allow("admin")]
Prefix = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="The key's prefix, as the list shows it.")]


class KeyIn(Wire):
    """Whose key it is, and what it may do."""

    principal: Annotated[str, Field(min_length=1, max_length=100), SAFE]
    role: Role
    expires_at: Instant | None = None


class KeyOut(BaseModel):
    """A key as it is listed: without its secret, which is kept nowhere."""

    prefix: str
    principal: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    issued_by: str | None
    revoked_by: str | None

    @classmethod
    def of(cls, record: KeyRecord) -> "KeyOut":
        """The key as it is shown."""
        return cls(**{field: getattr(record, field) for field in cls.model_fields})


class KeysOut(BaseModel):
    """A county's keys, the oldest first."""

    keys: list[KeyOut]


class NewKeyOut(BaseModel):
    """A new key, shown this once."""

    key: str
    prefix: str


@router.post("", status_code=201, operation_id="create_key", summary="Issue a key")
async def create_key(principal: Keeper, state: AppState, new: Annotated[KeyIn, body(KeyIn)]) -> NewKeyOut:
    """A new key of the county. A principal has at most two live ones: the old and the new while it changes over."""
    key = await issue_key(
        state.database,
        principal.county_id,
        role=new.role,
        principal=new.principal,
        now=state.now(),
        expires_at=new.expires_at,
        by=principal.name,
    )
    return NewKeyOut(key=key, prefix=key.split(".")[2])


@router.get("", operation_id="list_keys", summary="List the county's keys")
async def get_keys(principal: Keeper, state: AppState) -> KeysOut:
    """Every key, expired and revoked ones too, with when it was last used, to the minute."""
    async with state.database.reading() as connection:
        return KeysOut(keys=[KeyOut.of(key) for key in await list_keys(connection, principal.county_id)])


@router.delete("/{prefix}", status_code=204, operation_id="revoke_key", summary="Revoke a key")
async def delete_key(principal: Keeper, state: AppState, prefix: Prefix) -> None:
    """The key opens nothing from the next request on. Revoking it again changes nothing."""
    await revoke_key(state.database, principal.county_id, prefix, now=state.now(), by=principal.name)
