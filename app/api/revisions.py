"""Corrections of what a station read of a line."""

from typing import Annotated

import asyncpg
from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.actions.revisions import revise
from app.api.body import body
from app.api.context import AppState, PetitionId, petition_of
from app.api.findings import Decider, Note
from app.api.lines import LineDetailOut, PlaceText, as_seen_by, detail_out, place_of
from app.api.signatures import IdempotencyKey, WritingIn
from app.api.verbs import carry_out, request_of

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures", tags=["signatures"])


class RevisionIn(WritingIn):
    """The whole corrected text of a line."""

    note: Note = ""


@router.post(
    "/{place}/revisions",
    status_code=201,
    operation_id="post_revision",
    summary="Correct the text of a line",
    response_model=LineDetailOut,
    responses={200: {"model": LineDetailOut, "description": "The line says this already"}},
)
async def post_revision(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    place: PlaceText,
    revision: Annotated[RevisionIn, body(RevisionIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The corrected text is examined like a new line. What was read before is kept, and may be handed in again.

    Where a person decided the line and the new text says otherwise, it goes back to a person: `review`, `new_writing`.
    """
    petition = await petition_of(state, principal, petition_id)
    revised = revision.submitted_at(place_of(place))

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        read, changed = await revise(
            connection, petition, revised, by=principal.name, note=revision.note, now=state.now()
        )
        return 201 if changed else 200, detail_out(as_seen_by(principal, read))

    request = request_of(principal, idempotency_key, "revision", str(revised.place), revision)
    return await carry_out(state, petition, request, verb)
