"""The county's roll versions."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.context import AppState, allow
from app.db.roll import Roll, list_rolls
from app.domain.keys import Principal

router = APIRouter(prefix="/v1/rolls", tags=["rolls"])

Keeper = Annotated[Principal, allow("admin")]


class RollOut(BaseModel):
    """One version of the county's roll."""

    roll_version: int
    state: str
    format: str
    complete_through: date
    registrations: int | None
    progress_phase: str
    progress_rows: int
    failure: str | None
    created_at: datetime
    activated_at: datetime | None

    @classmethod
    def of(cls, roll: Roll) -> "RollOut":
        """The roll as it is shown."""
        return cls(**{field: getattr(roll, field) for field in cls.model_fields})


class RollsOut(BaseModel):
    """The county's roll versions."""

    rolls: list[RollOut]


@router.get("", operation_id="list_rolls", summary="List the county's roll versions")
async def get_rolls(principal: Keeper, state: AppState) -> RollsOut:
    """Every version, the oldest first, those that load or failed as well."""
    async with state.database.reading() as connection:
        return RollsOut(rolls=[RollOut.of(roll) for roll in await list_rolls(connection, principal.county_id)])
