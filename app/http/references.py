"""The voters' signatures on file, by their ids alone."""

from typing import Annotated, ClassVar

from fastapi import APIRouter
from pydantic import Field

from app.http import wire
from app.http.frame import Admin, AppState
from app.roll.reference_queries import SignatureReference
from app.roll.references import add_references

router = APIRouter(prefix="/v1/voters/references", tags=["voters"])


class ReferenceIn(wire.RequestModel):
    """A signature on file: whose it is, the county's id of it, and SHA-256 of its image."""

    voter_id: wire.VoterId
    reference_id: Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$")]
    image_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ReferencesIn(wire.RequestModel):
    """Up to 1,000 signatures on file."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    references: Annotated[list[ReferenceIn], Field(min_length=1, max_length=1000)]


class ReferencesOut(wire.ResponseModel):
    """How many of the signatures were not on file before."""

    added: int


@router.post("", status_code=201)
async def post_references(principal: Admin, state: AppState, new: wire.Body[ReferencesIn]) -> ReferencesOut:
    """Say which signatures of voters are on file. The images stay where the county keeps them (EC 2194).

    From the first one on, a comparison is refused for voters of whom none is on file: their lines are held. The same
    again has no effect; another image under the same id is refused, and then none is added.
    """
    references = [SignatureReference(one.voter_id, one.reference_id, one.image_sha256) for one in new.references]
    county, now = principal.county_id, state.now()
    return ReferencesOut(added=await add_references(state.database, county, references, by=principal.name, now=now))
