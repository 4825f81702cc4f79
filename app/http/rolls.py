"""The county's roll versions."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from app.access.principals import Principal
from app.http.body import PLAIN, IsoDate, Wire, body
from app.http.frame import AppState, allow
from app.http.problems import Problem
from app.roll.loading import activate_roll
from app.roll.queries import Roll, list_rolls
from app.roll.uploads import Upload

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


class ActivationIn(Wire):
    """How a version is put into use."""

    allow_older: bool = False


class LoadOut(BaseModel):
    """The version that a file becomes."""

    roll_version: int


_FILE = {
    kind: {"schema": {"type": "string", "contentMediaType": kind}}
    for kind in ("text/csv", "text/plain", "application/gzip", "application/zip", "application/octet-stream")
}
Version = Annotated[int, Path(ge=1, le=2_147_483_647, description="The version."), PLAIN]


@router.post(
    "",
    status_code=202,
    operation_id="load_roll",
    summary="Load a file as the roll's next version",
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
async def post_roll(
    principal: Keeper,
    state: AppState,
    request: Request,
    complete_through: Annotated[IsoDate, Query(description="The last day whose registrations are in the file.")],
    roll_format: Annotated[Literal["canonical", "california", "north-carolina"], Query(alias="format")] = "canonical",
) -> LoadOut:
    """The file is the body, plain, gzip or zip. It is loaded after the answer: the list of rolls shows how far it is.

    A file with a bad row is refused whole: its version is `failed` and says the row, the column and why.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FILE or "content-encoding" in request.headers:
        raise Problem(415, "unsupported_media_type", "Send the file as text/csv, application/gzip or application/zip.")
    upload = Upload(principal.county_id, roll_format, complete_through)
    return LoadOut(roll_version=await state.uploads.take(upload, request.stream()))


@router.post("/{roll_version}/activate", operation_id="activate_roll", summary="Put a version into use")
async def post_activation(
    principal: Keeper, state: AppState, roll_version: Version, how: Annotated[ActivationIn, body(ActivationIn)]
) -> RollOut:
    """Lines that an older version found nobody for are then examined again by themselves, within seconds.

    A roll that is complete through an earlier day than the one in use needs `allow_older`.
    """
    async with state.database.intake() as connection:
        roll = await activate_roll(
            connection, county_id=principal.county_id, roll_version=roll_version, allow_older=how.allow_older
        )
    return RollOut.of(roll)
