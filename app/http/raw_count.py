"""The raw count: frozen, or opened for a correction, by one person's proposal and another's confirmation."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from app.examination import raw_count as actions
from app.http import frame, wire
from app.http.frame import AppState, DeciderWrite, PathPetition, Reader
from app.law.raw_count import Proposal, SectionRange

router = APIRouter(prefix="/v1/petitions/{petition_id}/raw-count", tags=["raw count"])


class SectionNoteIn(wire.RequestModel):
    """Why the control totals of a section, or of all from it through another one, differ."""

    section: wire.Whole
    through: wire.Whole | None = None
    note: wire.RequiredNote

    @property
    def sections(self) -> SectionRange:
        """The sections that it is about."""
        return SectionRange(self.section, self.through or self.section)


class ProposalIn(wire.RequestModel):
    """What to do with the raw count. A freeze needs a note for each section that differs, a correction a reason."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    kind: wire.ProposalKind
    reason: wire.Note = ""
    notes: Annotated[list[SectionNoteIn], Field(max_length=10_000, default_factory=list)]

    @model_validator(mode="after")
    def _one_note_each(self) -> "ProposalIn":
        noted = sorted(note.sections for note in self.notes)
        if any(last < first for first, last in noted) or any(b.first <= a.last for a, b in pairwise(noted)):
            raise wire.wrong("contradiction")
        return self


class SectionNoteOut(wire.ResponseModel):
    """Why the control totals of a section, or of all from it through another one, differ."""

    section: int
    through: int
    note: str


class ProposalOut(wire.ResponseModel):
    """A proposal, and the person who confirmed it."""

    proposal_no: int
    kind: wire.ProposalKind
    raw: int
    list_hash: str
    reason: str
    notes: list[SectionNoteOut]
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None


class RawCountOut(wire.ResponseModel):
    """Where the raw count stands, its list as it is now, and the newest proposal."""

    raw_count: wire.RawCountStage
    raw: int
    list_hash: str
    proposal: ProposalOut | None


def raw_count_out(found: actions.RawCount) -> RawCountOut:
    """The raw count as it is shown."""
    raw, digest = found.raw_list
    proposal = _proposal_out(found.proposal, found.confirmed_by) if found.proposal else None
    return RawCountOut(raw_count=found.stage, raw=raw, list_hash=digest.hex(), proposal=proposal)


def _proposal_out(proposal: Proposal, confirmed_by: str | None) -> ProposalOut:
    raw, digest = proposal.raw_list
    return ProposalOut(
        proposal_no=proposal.proposal_no,
        kind=proposal.kind,
        raw=raw,
        list_hash=digest.hex(),
        reason=proposal.reason,
        notes=[
            SectionNoteOut(section=sections.first, through=sections.last, note=note)
            for sections, note in sorted(proposal.notes.items())
        ],
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        confirmed_by=confirmed_by,
    )


def _answer(status: int) -> Callable[[actions.RawCount], tuple[int, RawCountOut]]:
    return lambda found: (status, raw_count_out(found))


@router.get("")
async def get_raw_count(_: Reader, state: AppState, petition: PathPetition) -> RawCountOut:
    """Where the raw count stands. `list_hash` is SHA-256 over its places in paper order, each followed by a newline."""
    async with state.database.reading() as connection:
        return raw_count_out(await actions.read_raw_count(connection, petition.key))


@router.post("/proposals", status_code=201, response_model=RawCountOut)
async def propose_raw_count(write: DeciderWrite, proposal: wire.Body[ProposalIn]) -> Response:
    """Propose to freeze the raw count, or to open a frozen one for a correction. It replaces an earlier proposal."""
    notes = {one.sections: one.note for one in proposal.notes}
    act = partial(actions.propose, kind=proposal.kind, reason=proposal.reason, notes=notes, by=write.principal.name)
    return await write.carry_out(act, _answer(201), "raw_count_proposal", "", proposal)


@router.post("/proposals/{proposal_no}/confirmation", response_model=RawCountOut)
async def confirm_raw_count(write: frame.SupervisorWrite, proposal_no: wire.Number) -> Response:
    """Another person confirms the newest proposal. After a freeze no line enters or leaves the raw count."""
    act = partial(actions.confirm, proposal_no=proposal_no, by=write.principal.name)
    return await write.carry_out(act, _answer(200), "raw_count_confirmation", str(proposal_no))
