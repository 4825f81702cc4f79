"""A person's findings on lines."""

from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.access.principals import Principal
from app.count.line_queries import read_line
from app.count.submission import accepted
from app.errors import FindingRefusedError, RecallError, UnknownLineError
from app.examination.corrections import revise
from app.examination.findings import FindingResult, decide_by_person
from app.http.body import MAX_BATCH, SAFE, Wire, body
from app.http.frame import AppState, PetitionId, allow, carry_out, petition_of, request_of
from app.http.lines import PLACE, LineDetailOut, PlaceText, as_seen_by, detail_out, place_of
from app.http.signatures import BatchOut, IdempotencyKey, LineError, LineErrorOut, LineOut, WritingIn, line_out
from app.law.line import Place
from app.law.reasons import Reason, ReviewCause
from app.law.review import PersonFinding

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["signatures"])

Decider = Annotated[Principal, allow("clerk", "supervisor")]
VoterId = Annotated[str, Field(min_length=1, max_length=40), SAFE]
PlaceIn = Annotated[str, Field(pattern=f"^{PLACE}$")]
Note = Annotated[str, Field(max_length=2000), SAFE]


class FindingIn(Wire):
    """A person's finding. `voter_id` where it says whose line it is; `note` says why, and a reversal needs one."""

    status: Literal["valid", "invalid", "review"]
    reason: Reason | ReviewCause | None = None
    voter_id: VoterId | None = None
    note: Note = ""


@router.post(
    "/signatures/{place}/findings",
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
    word = PersonFinding(finding.status, finding.reason, finding.voter_id, finding.note)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        decided = await decide_by_person(connection, petition, {line_place: word}, who=principal, now=state.now())
        result = decided[line_place]
        if isinstance(result, RecallError):
            raise result
        read = await read_line(connection, petition.key, line_place)
        if read is None:
            raise UnknownLineError
        return 201 if result.changed else 200, detail_out(read)

    request = request_of(principal, idempotency_key, "finding", str(line_place), finding)
    return await carry_out(state, petition, request, verb)


class PlacedFindingIn(FindingIn):
    """A person's finding with the place of its line."""

    place: PlaceIn


class FindingsIn(Wire):
    """Findings of one person on different lines, such as a page that was looked through."""

    findings: Annotated[list[PlacedFindingIn], Field(min_length=1, max_length=500)]


@router.post(
    "/findings", operation_id="post_findings", summary="Put up to 500 findings on record", response_model=BatchOut
)
async def post_findings(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    batch: Annotated[FindingsIn, body(FindingsIn, MAX_BATCH)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """One result a finding, in their order: where its line stands now, or an `error`, which never fails the others.

    The findings are put on record together. Of two on the same line the second is refused.
    """
    petition = await petition_of(state, principal, petition_id)
    words: dict[Place, PersonFinding] = {}
    for finding in batch.findings:
        word = PersonFinding(finding.status, finding.reason, finding.voter_id, finding.note)
        words.setdefault(place_of(finding.place), word)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        decided = await decide_by_person(connection, petition, words, who=principal, now=state.now())
        seen: set[Place] = set()
        results = []
        for finding in batch.findings:
            place = place_of(finding.place)
            results.append(_result_out(place, FindingRefusedError(_TWICE) if place in seen else decided[place]))
            seen.add(place)
        return 200, BatchOut(results=results)

    request = request_of(principal, idempotency_key, "findings", "", batch)
    return await carry_out(state, petition, request, verb)


_TWICE = "another finding of this batch is on the same line"


def _result_out(place: Place, result: FindingResult | RecallError) -> LineOut | LineErrorOut:
    if isinstance(result, RecallError):
        return LineErrorOut(place=str(place), error=LineError(code=result.code, message=str(result)))
    return line_out(accepted(result.line, created=result.changed))


class RevisionIn(WritingIn):
    """The whole corrected text of a line."""

    note: Note = ""


@router.post(
    "/signatures/{place}/revisions",
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
