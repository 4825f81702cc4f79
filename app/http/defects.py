"""A section's defect: found by a person, confirmed by others as the ruleset says, and taken back, as one act each."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from app.examination import defects as actions
from app.http import wire
from app.http.frame import DeciderWrite, SupervisorWrite
from app.law.defect import DefectAct

router = APIRouter(prefix="/v1/petitions/{petition_id}/sections/{section}/defect", tags=["sections"])


class DefectIn(wire.RequestModel):
    """What is defective in a section (EC 104)."""

    codes: Annotated[list[wire.DefectCode], Field(min_length=1, max_length=20)]
    note: wire.Note = ""


class DefectEndIn(wire.RequestModel):
    """Why a defect is taken back."""

    note: wire.RequiredNote


class DefectActOut(wire.ResponseModel):
    """An act about a section's defect."""

    section: int
    act_no: int
    kind: wire.DefectActKind
    codes: list[wire.DefectCode]
    note: str
    people: list[str]
    in_force: bool
    acted_by: str
    acted_at: datetime


def act_out(act: DefectAct) -> DefectActOut:
    """An act as it is shown."""
    said = act.defect._asdict() | act._asdict()
    return DefectActOut.model_validate(said | {"in_force": act.stage == "in_force"})


def _answer(status: int, act: DefectAct) -> tuple[int, DefectActOut]:
    return status, act_out(act)


@router.post("", status_code=201, response_model=DefectActOut)
async def find_section_defect(write: DeciderWrite, section: wire.Number, found: wire.Body[DefectIn]) -> Response:
    """Find a section defective. When as many people agree as the ruleset says, all its lines are `section_defect`.

    Also those that are posted later. A line that a person rejected for another reason keeps that reason.
    """
    act = partial(actions.find_defect, section=section, codes=found.codes, note=found.note, by=write.principal.name)
    return await write.carry_out(act, partial(_answer, 201), "section_defect", str(section), found)


@router.post("/confirmation", response_model=DefectActOut)
async def confirm_section_defect(write: DeciderWrite, section: wire.Number) -> Response:
    """Agree that the section is defective, as another person than those who found it."""
    act = partial(actions.confirm_defect, section=section, by=write.principal.name)
    return await write.carry_out(act, partial(_answer, 200), "section_defect_confirmation", str(section))


@router.post("/reversal", response_model=DefectActOut)
async def take_section_defect_back(
    write: SupervisorWrite, section: wire.Number, end: wire.Body[DefectEndIn]
) -> Response:
    """Take the defect back: the section's lines are examined again, as if it had never been found."""
    act = partial(actions.take_defect_back, section=section, note=end.note, by=write.principal.name)
    return await write.carry_out(act, partial(_answer, 200), "section_defect_reversal", str(section), end)
