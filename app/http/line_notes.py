"""Notes on lines, for colleagues; a line's escalation to a supervisor, its return, its referral to the officer."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter, Response

from app.examination.note_queries import Note, NoteKind
from app.examination.notes import leave_note
from app.http import wire
from app.http.frame import DeciderWrite, SupervisorWrite, Write
from app.law.line import Place

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures/{place}", tags=["queues"])


class NoteIn(wire.RequestModel):
    """A text for colleagues."""

    note: wire.RequiredNote


class NoteOut(wire.ResponseModel):
    """A note on a line, and who left it."""

    note_no: int
    kind: wire.NoteKind
    note: str
    noted_by: str
    noted_at: datetime


async def _leave(write: Write, place: Place, kind: NoteKind, given: NoteIn) -> Response:
    def answer(done: Note) -> tuple[int, NoteOut]:
        return 201, NoteOut.model_validate(done)

    act = partial(leave_note, place=place, kind=kind, note=given.note, who=write.principal)
    return await write.carry_out(act, answer, kind, str(place), given)


@router.post("/notes", status_code=201, response_model=NoteOut)
async def post_note(write: DeciderWrite, place: wire.PathPlace, note: wire.Body[NoteIn]) -> Response:
    """A note is on record, and shown in the line's history. It says nothing of a signature that is to be compared."""
    return await _leave(write, place, "note", note)


@router.post("/escalation", status_code=201, response_model=NoteOut)
async def escalate_line(write: DeciderWrite, place: wire.PathPlace, note: wire.Body[NoteIn]) -> Response:
    """The line moves to the queue of the supervisors, who alone may decide it then."""
    return await _leave(write, place, "escalation", note)


@router.post("/referral", status_code=201, response_model=NoteOut)
async def refer_line(write: DeciderWrite, place: wire.PathPlace, note: wire.Body[NoteIn]) -> Response:
    """The officer of confidential voters looks at the line too: its signer may be such a voter whose name is misread.

    To all others it stays as it is, and whether it was held before is not shown.
    """
    return await _leave(write, place, "referral", note)


@router.post("/escalation/return", status_code=201, response_model=NoteOut)
async def return_line(write: SupervisorWrite, place: wire.PathPlace, note: wire.Body[NoteIn]) -> Response:
    """The line is escalated no more, and waits in its queue again. A supervisor's finding does the same."""
    return await _leave(write, place, "return", note)
