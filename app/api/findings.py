"""A person's findings on lines."""

from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.actions.review import decide_by_person
from app.api.body import SAFE, Wire, body
from app.api.context import AppState, PetitionId, allow, petition_of
from app.api.lines import LineDetailOut, PlaceText, detail_out, place_of
from app.api.signatures import IdempotencyKey
from app.api.verbs import carry_out, request_of
from app.domain.keys import Principal
from app.domain.reasons import Reason, ReviewCause
from app.domain.review import Word

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures", tags=["signatures"])

Decider = Annotated[Principal, allow("clerk", "supervisor")]
VoterId = Annotated[str, Field(min_length=1, max_length=40), SAFE]
Note = Annotated[str, Field(max_length=2000), SAFE]


class FindingIn(Wire):
    """A person's finding. `voter_id` where it says whose line it is; `note` says why, and a reversal needs one."""

    status: Literal["valid", "invalid", "review"]
    reason: Reason | ReviewCause | None = None
    voter_id: VoterId | None = None
    note: Note = ""


@router.post(
    "/{place}/findings",
    status_code=201,
    operation_id="post_finding",
    summary="Put a finding on record",
    response_model=LineDetailOut,
    responses={200: {"model": LineDetailOut, "description": "The same person said the same before"}},
)
async def post_finding(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    place: PlaceText,
    finding: Annotated[FindingIn, body(FindingIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A person's finding. `review` takes a finding back; a reversal of another person's needs a supervisor and a note.

    A `signature_mismatch` decides nothing until three different people share it (2 CCR 20960).
    """
    petition = await petition_of(state, principal, petition_id)
    line_place = place_of(place)
    word = Word(finding.status, finding.reason, finding.voter_id, finding.note)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        now = state.now()
        read, changed = await decide_by_person(connection, petition, line_place, word, who=principal, now=now)
        return 201 if changed else 200, detail_out(read)

    request = request_of(principal, idempotency_key, "finding", str(line_place), finding)
    return await carry_out(state, petition, request, verb)
