"""Whether the process lives, and whether it can work."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.context import AppState
from app.api.problems import UNAVAILABLE
from app.db.migrate import current_revision, head_revision
from app.db.roll import any_active_roll

router = APIRouter(prefix="/health", tags=["health"])


class LiveOut(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(BaseModel):
    """What the service needs to work, each by name."""

    status: Literal["ready", "not_ready"]
    database: bool
    migrations: bool
    roll: bool


@router.get("/live", operation_id="live", summary="Does the process answer?")
async def live() -> LiveOut:
    """Always 200; it asks nothing of the database."""
    return LiveOut()


@router.get(
    "/ready",
    operation_id="ready",
    summary="Can the service work?",
    responses={503: {"model": ReadyOut, "description": "Not ready: what is false says why"}},
)
async def ready(state: AppState, response: Response) -> ReadyOut:
    """200 where the database answers, its schema is this program's, and a county has an active roll.

    Else 503. A roll that was loaded by a program with other search keys is none until `roll rekey` has made it anew.
    """
    database = migrations = roll = False
    try:
        async with state.database.brief() as connection:
            migrations = await current_revision(connection) == head_revision()
            database = True
            roll = migrations and await any_active_roll(connection)
    except UNAVAILABLE:
        database = False
    good = database and migrations and roll
    if not good:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return ReadyOut(status="ready" if good else "not_ready", database=database, migrations=migrations, roll=roll)
