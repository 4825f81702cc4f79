"""A petition's change of rulesets: its dry run, the proposal of one person, the confirmation of another."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.examination import dry_run as trial
from app.examination import rulesets as actions
from app.examination.ruleset_queries import RulesetChange, changes_of
from app.http import wire
from app.http.frame import AppState, DeciderWrite, PathPetition, Reader, SupervisorWrite
from app.http.petitions import CountsOut
from app.law.line import Line, Place

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["rulesets"])

ChangeNo = Annotated[int, Path(ge=1, lt=2**31), wire.DIGITS]
RulesetName = Annotated[wire.Name, Query()]


class RulesetChangeIn(wire.RequestModel):
    """Another ruleset for a petition, and why."""

    ruleset: wire.Name
    reason: wire.RequiredNote


class RulesetChangeOut(wire.ResponseModel):
    """A change of a petition's ruleset. It is in force once another person than the first confirmed it."""

    change_no: int
    ruleset: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


_Page = wire.page_of("RulesetChangesOut", "A page of changes, the oldest first.", changes=RulesetChangeOut)


def change_out(change: RulesetChange) -> RulesetChangeOut:
    """A change as it is shown."""
    return RulesetChangeOut.model_validate(change._asdict())


@router.post("/ruleset-changes", status_code=201, response_model=RulesetChangeOut)
async def propose_ruleset(request: DeciderWrite, new: wire.Body[RulesetChangeIn]) -> Response:
    """Propose another ruleset. It changes nothing until another person confirms it. The reason goes into the ledger."""
    act = partial(actions.propose_ruleset, name=new.ruleset, reason=new.reason, who=request.principal)
    return await request.carry_out(act, lambda done: (201, change_out(done)), "propose ruleset", new)


@router.post("/ruleset-changes/{change_no}/confirmation", response_model=RulesetChangeOut)
async def confirm_ruleset(request: SupervisorWrite, change_no: ChangeNo) -> Response:
    """Put the ruleset into force, as another person than the one who proposed it.

    The terms with which the petition was opened stay. The lines that the ruleset decides otherwise are decided again in
    the background; until then the petition cannot be closed.
    """
    act = partial(actions.confirm_ruleset, change_no=change_no, who=request.principal)
    return await request.carry_out(act, lambda done: (200, change_out(done)), "confirm ruleset", str(change_no))


@router.get("/ruleset-changes", response_model=_Page)
async def list_ruleset_changes(_: Reader, state: AppState, petition: PathPetition, paging: wire.ListPaging) -> object:
    """Every change that was proposed, the oldest first."""
    async with state.database.reading() as connection:
        found = await changes_of(connection, petition.key)
    return paging.page_of_all("changes", [change_out(one) for one in found], lambda change: change.change_no)


class RuledOut(wire.ResponseModel):
    """How a line is decided under a ruleset."""

    status: wire.Status
    reason: wire.LineReason | None
    settled: bool


class RulingKindOut(wire.ResponseModel):
    """How many lines would change in this way."""

    before: RuledOut
    after: RuledOut
    lines: int


class ChangedLineOut(wire.ResponseModel):
    """A line that would change."""

    place: str
    before: RuledOut
    after: RuledOut


class RulesetTallyOut(CountsOut):
    """How many lines have which status."""

    invalid_by_code: dict[str, int]


class DryRunOut(wire.ResponseModel):
    """What a ruleset would make of a petition; nothing is changed."""

    petition_id: UUID
    version: int
    ruleset: str
    changed: int
    kinds: list[RulingKindOut]
    tally: RulesetTallyOut
    tally_after: RulesetTallyOut
    lines: list[ChangedLineOut]
    next_cursor: str | None


def _ruled(line: Line) -> RuledOut:
    return RuledOut(status=line.outcome.status, reason=line.outcome.reason, settled=line.settled)


async def dry_run_out(run: trial.DryRun, paging: wire.Paging) -> DryRunOut:
    """A dry run as it is shown, with a page of its lines."""
    kinds = [
        RulingKindOut(before=_decided(kind.before), after=_decided(kind.after), lines=lines)
        for kind, lines in run.kinds.most_common()
    ]
    lines = [
        ChangedLineOut(place=str(flip.before.place), before=_ruled(flip.before), after=_ruled(flip.after))
        for flip in await run.page(after=paging.after(wire.place_of) or Place(0, 0, 0), limit=paging.limit)
    ]
    now, then = (
        RulesetTallyOut(**dict(CountsOut.model_validate(counts)), invalid_by_code=dict(counts.by_reason))
        for counts in (run.now, run.then)
    )
    page = paging.page("lines", lines, lambda line: line.place)
    return DryRunOut(
        petition_id=run.petition.petition_id, version=run.version, ruleset=run.petition.ruleset.name,
        changed=run.kinds.total(), kinds=kinds, tally=now, tally_after=then, **page,
    )  # fmt: skip


def _decided(outcome: trial.Ruled) -> RuledOut:
    (status, reason), settled = outcome
    return RuledOut(status=status, reason=reason, settled=settled)


@router.get("/dry-run")
async def dry_run_ruleset(
    principal: Reader, state: AppState, petition: PathPetition, ruleset: RulesetName, paging: wire.ListPaging
) -> DryRunOut:
    """What a ruleset would make of the petition: which lines would change, and the tally. Nothing is written.

    It reads every line from one snapshot. Where other registrations count under the ruleset, every line is looked up
    again, for each page: that takes about as long as the intake did. Lines of voters whose signature is doubted are
    counted, and listed to auditors alone: those who compare signatures must not know.
    """
    blind, decide = principal.role != "auditor", state.matchers.decide_lines
    async with trial.dry_run(state.database, petition, ruleset, blind=blind, decide=decide) as run:
        return await dry_run_out(run, paging)
