"""What people decided of the same writing and voter on other lines, for the people who decide."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from app.count.line_queries import read_line
from app.examination.earlier import earlier_decisions
from app.examination.earlier_queries import EarlierDecision
from app.examination.reads import line_read
from app.http import wire
from app.http.frame import AppState, PathPetition, Reader

router = APIRouter(prefix="/v1/petitions/{petition_id}/signatures/{place}/earlier-decisions", tags=["signatures"])


class EarlierDecisionOut(wire.ResponseModel):
    """What people decided on another line: how many, and when the last of them did; who, is not shown to clerks."""

    petition_id: UUID
    place: str
    status: wire.Status
    reason: wire.LineReason | None
    voter_id: str | None
    settled: bool
    people: int
    decided_by: list[str] | None
    decided_at: datetime


class EarlierDecisionsOut(wire.ResponseModel):
    """Earlier decisions on the same writing, the newest first. They are offered: nothing is decided by them."""

    place: str
    decisions: list[EarlierDecisionOut]


@router.get("", response_model=EarlierDecisionsOut)
async def get_earlier_decisions(who: Reader, state: AppState, petition: PathPetition, place: wire.PathPlace) -> object:
    """What people decided where the same text stands on another line, in any petition of the county.

    It is for the voter whom the line's finding names, or one whom its evidence names, or for no voter: also a
    `not_registered` line is offered, but nothing that only the paper shows. The read is recorded like that of
    the line, and each line of the answer counts as one.
    """
    async with state.database.reading() as connection, connection.transaction():
        read = await read_line(connection, petition.key, place)
        found = await earlier_decisions(connection, petition.key, read)
        shown = line_read(petition.petition_id, place, read.finding, anew=len(found))
        await state.budget.put_on_record(connection, who, shown, now=state.now())
    return {"place": str(place), "decisions": [_out(one, named=who.role != "clerk") for one in found]}


def _out(one: EarlierDecision, *, named: bool) -> EarlierDecisionOut:
    status, reason = one.outcome
    people = {"people": len(one.people), "decided_by": list(one.people) if named else None}
    facts = one._asdict() | {"place": str(one.place), "status": status, "reason": reason}
    return EarlierDecisionOut.model_validate(facts | people)
