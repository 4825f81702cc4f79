"""The whole history of a line, for those who may see evidence."""

from datetime import datetime

from fastapi import APIRouter

from app.access.names import is_among
from app.count.line_queries import line_history, line_writings, read_line
from app.examination.note_queries import notes_on
from app.examination.reads import line_read
from app.http import wire
from app.http.frame import AppState, PathPetition, Reader
from app.http.line_notes import NoteOut
from app.http.signatures import FindingOut, WritingOut, sees_doubts

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures/{place}/history", tags=["signatures"])


class EnteredWritingOut(WritingOut):
    """A text of a line, with the station or the person who entered it."""

    entered_by: str
    entered_at: datetime
    note: str


class LineHistoryOut(wire.ResponseModel):
    """Every text of a line, every finding on it and every note, the oldest first."""

    place: str
    writings: list[EnteredWritingOut]
    findings: list[FindingOut]
    notes: list[NoteOut]


@router.get("", response_model=LineHistoryOut)
async def get_line_history(who: Reader, state: AppState, petition: PathPetition, place: wire.PathPlace) -> object:
    """Nothing is edited or deleted: what holds now is the last finding, and its evidence may be an earlier one's.

    While too few people doubt a signature, others who may compare it see the history without these doubts. The read is
    recorded like that of the line.
    """
    async with state.database.reading() as connection, connection.transaction():
        read = await read_line(connection, petition.key, place)
        findings = await line_history(connection, petition.key, place)
        candidates = [one for finding in findings for one in (finding["evidence"] or {}).get("candidates", ())]
        shown = line_read(petition.petition_id, place, read.finding | {"evidence": {"candidates": candidates}})
        await state.budget.put_on_record(connection, who, shown, now=state.now())
        writings = await line_writings(connection, petition.key, place)
        notes = await notes_on(connection, petition.key, place)
    if read.undoubted and not sees_doubts(who, read):
        blind = {"settled": read.settled_but_for_doubts}
        known = (finding for finding in findings if finding["decided_by"] not in finding["mismatch_by"])
        findings = [finding | blind if finding["mismatch_by"] else finding for finding in known]
        notes = [note for note in notes if not is_among(note.noted_by, read.line.mismatch_by)]
    of_evidence = ({"evidence_of": one["finding_no"] if one["evidence"] else None} for one in findings)
    return {
        "place": str(place),
        "writings": [
            EnteredWritingOut(**WritingOut.model_validate(text).model_dump(), entered_by=by, entered_at=at, note=note)
            for by, at, note, text in writings
        ],
        "notes": notes,
        "findings": [one | of for one, of in zip(findings, of_evidence, strict=True)],
    }
