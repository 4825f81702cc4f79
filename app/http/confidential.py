"""The queue of the officer of confidential voters (EC 2166 ff.): the lines that such a voter may have signed."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Response

from app.examination.confidential import HeldLine, decide_held, held_lines
from app.examination.reads import VoterRead
from app.http import wire
from app.http.frame import AppState, ConfidentialOfficer, ConfidentialWrite, PathPetition
from app.http.signatures import FindingIn, LineDetailOut, LineOut, as_seen_by, detail_out, line_out
from app.http.voters import CandidateOut, candidate_out
from app.law.line import Line

router = APIRouter(prefix="/v1/petitions/{petition_id}/confidential", tags=["confidential"])

_Paging = Annotated[wire.Paging, wire.paging(10, most=50)]  # each line is looked up


class HeldCandidateOut(CandidateOut):
    """A voter who may have signed a held line."""

    confidential: bool


class HeldLineOut(LineDetailOut):
    """A line that waits for the officer, and who may have signed it: the best first."""

    candidates: list[HeldCandidateOut]


def _held_out(who: ConfidentialOfficer, held: HeldLine) -> HeldLineOut:
    candidates = [dict(candidate_out(one)) | {"confidential": one.registration.confidential} for one in held.candidates]
    return HeldLineOut.model_validate(dict(detail_out(as_seen_by(who, held.read))) | {"candidates": candidates})


@router.get("", response_model=wire.page_of("HeldLinesOut", "A page of held lines in paper order.", lines=HeldLineOut))
async def list_held(
    who: ConfidentialOfficer, state: AppState, petition: PathPetition, paging: _Paging
) -> dict[str, Any]:
    """The lines that wait for the officer, also where another person has decided them meanwhile.

    A line stays here until the officer has found it valid or invalid. Confidential voters are found by name, whatever
    address is written, and shown with their numbers and addresses. The page is recorded, without its places, which
    others must not learn, and each line counts against the lines that the officer may read in a day.
    """
    found = await held_lines(state.database, petition, after=paging.after(wire.place_of), limit=paging.limit + 1)
    held = found[: paging.limit]
    voters = sum(len(one.candidates) for one in held)
    await state.put_on_record(who, VoterRead("lines", petition.petition_id, voters=voters, anew=len(held)))
    return paging.page("lines", [_held_out(who, one) for one in found], lambda line: line.place)


@router.post("/{place}/findings", status_code=201, response_model=LineOut)
async def post_held_finding(write: ConfidentialWrite, place: wire.PathPlace, finding: wire.Body[FindingIn]) -> Response:
    """The officer's finding settles a held line. `voter_id` is the voter's number in the roll.

    In the count, and in everything that others see, a confidential voter has a pseudonym in place of the number. A
    finding that differs from another person's needs a note, which others see.
    """

    def answer(done: tuple[Line, bool]) -> tuple[int, LineOut]:
        line, changed = done
        return 201 if changed else 200, line_out(line)

    act = partial(decide_held, place=place, said=finding.value(), who=write.principal)
    return await write.carry_out(act, answer, "held", str(place), finding)
