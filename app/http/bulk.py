"""Bulk decisions: one finding for many lines, previewed, carried out and undone as one."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, Field, model_validator

from app.count.record import Count
from app.examination import bulk as actions
from app.examination.bulk_queries import Bulk, Run, RunKind, runs_of
from app.http import wire
from app.http.frame import AppState, Decider, PathPetition, Reader, Supervisor
from app.http.line_notes import NoteIn
from app.http.petitions import CountsOut
from app.http.ruleset_changes import RulesetTallyOut
from app.law.bulk import MOST_LINES
from app.law.line import Counts
from app.law.petition import Petition
from app.law.queues import Queue
from app.law.reasons import Outcome
from app.law.review import PersonFinding

router = APIRouter(prefix="/v1/petitions/{petition_id}/bulk-decisions", tags=["queues"])

_MOST_REFUSED = 100  # that are named


def _no_secret(queue: Queue) -> Queue:
    """Any queue but that of confidential voters, whose lines no other role may know."""
    if queue == "confidential":
        raise wire.wrong("out_of_range")
    return queue


class WaitingIn(wire.RequestModel):
    """The lines that wait in a queue, or those of them that wait for one cause or are in one section."""

    queue: Annotated[wire.Queue, AfterValidator(_no_secret)]
    reason: wire.LineReason | None = None
    section: wire.Whole | None = None


class BulkIn(wire.RequestModel):
    """A finding, why, and its lines: those at `places`, or those that wait in a queue."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    status: Literal["invalid", "review"]
    reason: wire.LineReason | None = None
    note: wire.RequiredNote
    places: Annotated[list[wire.PlaceText], Field(min_length=1, max_length=MOST_LINES)] | None = None
    waiting: WaitingIn | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> "BulkIn":
        if (self.places is None) == (self.waiting is None):
            raise wire.wrong("contradiction")
        return self

    def chosen(self) -> actions.Chosen:
        """The lines."""
        return actions.Chosen({wire.place_of(place) for place in self.places or ()}, **dict(self.waiting or {}))

    def value(self) -> PersonFinding:
        """The finding as a value."""
        return PersonFinding(Outcome(self.status, self.reason), None, self.note)


class RefusedLineOut(wire.ResponseModel):
    """A line on which the finding is not allowed."""

    place: str
    code: str


class BulkRunOut(wire.ResponseModel):
    """How far a bulk decision was carried out, or undone."""

    started_by: str
    started_at: datetime
    note: str
    done: int
    left_out: int
    finished_at: datetime | None


class BulkOut(wire.ResponseModel):
    """A bulk decision: what it would change as of `version`, and what became of it."""

    bulk_id: UUID
    status: wire.Status
    reason: wire.LineReason | None
    note: str
    previewed_by: str
    previewed_at: datetime
    version: int
    state_hash: str
    lines: int
    places: list[str]
    unchanged: int
    refused: int
    refusals: list[RefusedLineOut]
    tally: RulesetTallyOut
    tally_after: RulesetTallyOut
    execution: BulkRunOut | None
    undo: BulkRunOut | None


def _tally(counts: Counts) -> RulesetTallyOut:
    return RulesetTallyOut(**dict(CountsOut.model_validate(counts)), invalid_by_code=dict(counts.by_reason))


def bulk_out(bulk: Bulk, runs: dict[RunKind, Run]) -> BulkOut:
    """A bulk decision, and how far it was carried out or undone."""
    shown = bulk.shown
    refused = [RefusedLineOut(place=place, code=code) for place, code in shown["refused"]]
    execution, undo = (
        BulkRunOut.model_validate(runs[kind]) if kind in runs else None for kind in ("execution", "undo")
    )
    return BulkOut(
        bulk_id=bulk.bulk_id, **bulk.said, previewed_by=bulk.previewed_by, previewed_at=bulk.previewed_at,
        version=shown["version"], state_hash=bulk.state_hash.hex(), lines=len(bulk.findings),
        places=list(map(str, bulk.findings)), unchanged=shown["unchanged"], refused=len(refused),
        refusals=refused[:_MOST_REFUSED], tally=_tally(Counts(**shown["tally"])),
        tally_after=_tally(Counts(**shown["tally_after"])), execution=execution, undo=undo,
    )  # fmt: skip


async def found_bulk(count: Count, petition: Petition, bulk_id: UUID) -> BulkOut:
    """A bulk decision as it is shown. Raises UnknownBulkError if there is none."""
    async with count.database.reading() as connection:
        runs = await runs_of(connection, petition.key, bulk_id)
    return bulk_out(await actions.get(count, petition, bulk_id), runs)


@router.post("", status_code=201)
async def preview_bulk(who: Decider, state: AppState, petition: PathPetition, wanted: wire.Body[BulkIn]) -> BulkOut:
    """What one finding would do to up to 10,000 lines: how many, which, and the tally after it. Nothing is changed.

    Each line is judged as by a single finding; those on which it is not allowed are refused and left out. A signature
    is compared line by line, so `valid` and `signature_mismatch` are no bulk decisions.
    """
    chosen, said = wanted.chosen(), wanted.value()
    bulk = await actions.preview(state.count, petition, chosen, said, who=who, now=state.now())
    return bulk_out(bulk, {})


@router.get("/{bulk_id}")
async def get_bulk(_: Reader, state: AppState, petition: PathPetition, bulk_id: UUID) -> BulkOut:
    """A bulk decision, and how far it was carried out or undone."""
    return await found_bulk(state.count, petition, bulk_id)


@router.post("/{bulk_id}/execution")
async def execute_bulk(who: Decider, state: AppState, petition: PathPetition, bulk_id: UUID) -> BulkOut:
    """Carry out what the same person previewed, if none of its lines was decided since.

    It takes several transactions, in paper order, while the person holds the lines. A request that was interrupted is
    sent again and goes on where it stopped; one that is done changes nothing.
    """
    await actions.execute(state.count, petition, bulk_id, who=who, now=state.now())
    return await found_bulk(state.count, petition, bulk_id)


@router.post("/{bulk_id}/undo")
async def undo_bulk(
    who: Supervisor, state: AppState, petition: PathPetition, bulk_id: UUID, note: wire.Body[NoteIn]
) -> BulkOut:
    """Return what was carried out to `review`, `undone`, as one. Lines that were decided since stay: `left_out`.

    A request that was interrupted is sent again and goes on where it stopped.
    """
    await actions.undo(state.count, petition, bulk_id, note.note, who=who, now=state.now())
    return await found_bulk(state.count, petition, bulk_id)
