"""A person's findings on lines, and corrections of their text."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from app.count.line_queries import LineRead
from app.errors import FindingRefusedError, RecallError
from app.examination.corrections import revise
from app.examination.findings import decide_by_person, decide_line
from app.http.body import (
    MAX_BATCH,
    DecidedStatus,
    LineReason,
    Note,
    PathPlace,
    PlaceText,
    RequestModel,
    VoterId,
    body,
    place_of,
)
from app.http.frame import AppState, Decider, IdempotencyKey, PathPetition, carry_out, request_of
from app.http.lines import LineDetailOut, as_seen_by, detail_out
from app.http.signatures import BatchOut, LineError, LineErrorOut, LineOut, WritingIn, line_out
from app.law.line import Line, Place
from app.law.reasons import Outcome
from app.law.review import PersonFinding

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["signatures"])


class FindingIn(RequestModel):
    """A person's finding. `voter_id` names the voter whose line it is; `note` says why, and a reversal needs one."""

    status: DecidedStatus
    reason: LineReason | None = None
    voter_id: VoterId | None = None
    note: Note = ""

    def value(self) -> PersonFinding:
        """The finding as a value."""
        return PersonFinding(Outcome(self.status, self.reason), self.voter_id, self.note)


class PlacedFindingIn(FindingIn):
    """A person's finding with the place of its line."""

    place: PlaceText


class FindingsIn(RequestModel):
    """Findings of one person on different lines, such as those of one page."""

    findings: Annotated[list[PlacedFindingIn], Field(min_length=1, max_length=500)]


class RevisionIn(WritingIn):
    """The whole corrected text of a line."""

    note: Note = ""


@router.post("/signatures/{place}/findings", status_code=201, response_model=LineDetailOut)
async def post_finding(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    place: PathPlace,
    finding: Annotated[FindingIn, body(FindingIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A person's finding. `review` undoes a finding; a reversal of another person's needs a supervisor and a note.

    A `signature_mismatch` decides nothing until three different people share it (2 CCR 20960).
    """
    act = partial(decide_line, place=place, said=finding.value(), who=principal)
    request = request_of(principal, idempotency_key, "finding", str(place), finding)
    return await carry_out(state, petition, request, act, _detail)


def _detail(done: tuple[LineRead, bool]) -> tuple[int, LineDetailOut]:
    read, changed = done
    return 201 if changed else 200, detail_out(read)


@router.post("/findings", response_model=BatchOut)
async def post_findings(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    batch: Annotated[FindingsIn, body(FindingsIn, MAX_BATCH)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """One result for each finding, in their order: its line's status, or an `error`, which never fails the others.

    The findings are recorded together. Of two on the same line the second is refused.
    """
    findings: dict[Place, PersonFinding] = {}
    for finding in batch.findings:
        findings.setdefault(place_of(finding.place), finding.value())

    def answer(decided: dict[Place, Line | RecallError]) -> tuple[int, BatchOut]:
        seen: set[Place] = set()
        results = []
        for finding in batch.findings:
            place = place_of(finding.place)
            results.append(_result_out(place, FindingRefusedError(_TWICE) if place in seen else decided[place]))
            seen.add(place)
        return 200, BatchOut(results=results)

    request = request_of(principal, idempotency_key, "findings", "", batch)
    return await carry_out(state, petition, request, partial(decide_by_person, said=findings, who=principal), answer)


_TWICE = "another finding of this batch is on the same line"


def _result_out(place: Place, result: Line | RecallError) -> LineOut | LineErrorOut:
    if isinstance(result, RecallError):
        return LineErrorOut(place=str(place), error=LineError(code=result.code, message=str(result)))
    return line_out(result)


@router.post("/signatures/{place}/revisions", status_code=201, response_model=LineDetailOut)
async def post_revision(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    place: PathPlace,
    revision: Annotated[RevisionIn, body(RevisionIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The corrected text is examined like a new line. The earlier text is kept, and may be posted again.

    If a person decided the line and the new text says otherwise, it goes back to a person: `review`, `new_writing`.
    """

    def answer(done: tuple[LineRead, bool]) -> tuple[int, LineDetailOut]:
        read, changed = done
        return _detail((as_seen_by(principal, read), changed))

    request = request_of(principal, idempotency_key, "revision", str(place), revision)
    act = partial(revise, revised=revision.at(place), by=principal.name, note=revision.note)
    return await carry_out(state, petition, request, act, answer)
