"""Sections: registered at receipt, listed with their control totals, dated; and the filing, which ends registration."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from app.errors import RecallError, UnknownSectionError
from app.examination import sections as actions
from app.examination.defect_queries import acts_of
from app.examination.section_queries import Declaration, SectionState, scanned_pages, section_states
from app.http import frame, wire
from app.http.defects import DefectActOut, act_out
from app.http.frame import AppState, Decider, DeciderWrite, PathPetition, Reader
from app.law.defect import DefectAct
from app.law.petition import Petition, SectionDates
from app.law.section import ReceivedSection, SectionTask, Totals, declaration_faults

_PETITION = "/v1/petitions/{petition_id}"
router = APIRouter(prefix=_PETITION, tags=["sections"])

_MOST_PAGES = 1_000  # that one answer lists as missing
_MOST_DIFFERENCES = 1_000  # sections that one answer lists; the list of sections has them all


class SectionIn(wire.RequestModel):
    """The circulator's dates (EC 104), null where the paper has none. Enter contradictory dates as they are written."""

    signed_from: wire.IsoDate | None
    signed_to: wire.IsoDate | None


class SectionOut(wire.ResponseModel):
    """A section's dates, and how many of its lines this request had examined again."""

    section: int
    signed_from: date | None
    signed_to: date | None
    declared_by: str
    declared_at: datetime
    examined: int


def section_out(done: tuple[Declaration, int]) -> SectionOut:
    """A section's current dates."""
    held, examined = done
    return SectionOut.model_validate(held._asdict() | {"examined": examined})


@router.put("/sections/{section}", response_model=SectionOut)
async def put_section(
    principal: Decider, state: AppState, petition: PathPetition, section: wire.Number, dates: wire.Body[SectionIn]
) -> Response:
    """Where the dates change the interval of the section's lines, each is examined again.

    Missing or contradictory dates send them to a person: `review`, `section_dates`.
    """
    act = partial(actions.declare_section, section=section, dates=SectionDates(**dict(dates)), by=principal.name)
    write = frame.Write(principal, state, petition)
    return await write.carry_out(act, lambda done: (200, section_out(done)), "section", str(section), dates)


class DeclarationIn(wire.RequestModel):
    """The circulator's declaration (EC 104). Leave out what the paper lacks."""

    circulator_name: wire.Text200 = ""
    circulator_address: wire.Text300 = ""
    signed_from: wire.IsoDate | None = None
    signed_to: wire.IsoDate | None = None
    executed_on: wire.IsoDate | None = None
    executed_at: wire.Text200 = ""
    circulator_signed: bool = False
    circulator_of_age: bool = False


class RegistrationIn(wire.RequestModel):
    """A section as it was received. Without a `declaration` that is not entered yet: it may be sent later."""

    section: wire.Whole
    pages: Annotated[int, Field(ge=1, le=100_000)]
    lines: Annotated[int, Field(ge=1, le=1_000_000)]
    declaration: DeclarationIn | None = None

    def value(self) -> ReceivedSection:
        """The registration as a value."""
        said = dict(self.declaration or ())
        return ReceivedSection(self.section, self.pages, self.lines, **said, declared=self.declaration is not None)


class RegistrationsIn(wire.RequestModel):
    """Up to 500 sections. One that is refused never fails the others."""

    max_bytes: ClassVar[int] = wire.MAX_BATCH
    sections: Annotated[list[RegistrationIn], Field(min_length=1, max_length=500)]


class RegisteredOut(wire.ResponseModel):
    """A registered section, and what a person must look at in its declaration."""

    section: int
    pages: int
    lines: int
    created: bool
    faults: list[wire.DeclarationFault]


class RefusedSectionOut(wire.ResponseModel):
    """Why a section was refused."""

    section: int
    code: str
    message: str


class RegistrationsOut(wire.ResponseModel):
    """One result for each section, in their order."""

    results: list[RegisteredOut | RefusedSectionOut]


def registered_out(petition: Petition, done: actions.Registered) -> RegisteredOut:
    """A registration as it is answered."""
    one, created = done
    faults = declaration_faults(one, one.dates if one.declared else None, petition.window)
    return RegisteredOut(section=one.section, pages=one.pages, lines=one.lines, created=created, faults=faults)


def registrations_out(
    petition: Petition, new: Sequence[ReceivedSection], done: Sequence[actions.Registered | RecallError]
) -> RegistrationsOut:
    """The registrations of several sections as they are answered."""
    results = [
        RefusedSectionOut(section=one.section, code=result.code, message=str(result))
        if isinstance(result, RecallError)
        else registered_out(petition, result)
        for one, result in zip(new, done, strict=True)
    ]
    return RegistrationsOut(results=results)


@router.post("/sections", status_code=201, response_model=RegisteredOut)
async def register_section(write: DeciderWrite, registration: wire.Body[RegistrationIn]) -> Response:
    """Register a section as it came in. The same again changes nothing (200); other content is refused."""

    def answer(done: list[actions.Registered | RecallError]) -> tuple[int, RegisteredOut]:
        [one] = done
        if isinstance(one, RecallError):
            raise one
        return 201 if one[1] else 200, registered_out(write.petition, one)

    act = partial(actions.register, sections=[registration.value()], by=write.principal.name)
    return await write.carry_out(act, answer, "registration", "", registration)


@router.post("/sections/batch", response_model=RegistrationsOut)
async def register_sections(write: DeciderWrite, batch: wire.Body[RegistrationsIn]) -> Response:
    """Register up to 500 sections in one transaction; one result for each, in their order."""
    new = [one.value() for one in batch.sections]

    def answer(done: list[actions.Registered | RecallError]) -> tuple[int, RegistrationsOut]:
        return 200, registrations_out(write.petition, new, done)

    act = partial(actions.register, sections=new, by=write.principal.name)
    return await write.carry_out(act, answer, "registrations", "", batch)


class TotalsOut(wire.ResponseModel):
    """Control totals: what was claimed at receipt, and what was scanned."""

    pages: int
    claimed: int
    seen: int
    blank: int
    struck: int
    missing: int
    too_many: int
    beyond_pages: int
    unregistered: int


class SectionStateOut(TotalsOut):
    """A section: whether it is registered, its dates, its control totals, and what a person must look at."""

    section: int
    registered: bool
    signed_from: date | None
    signed_to: date | None
    faults: list[wire.DeclarationFault]
    dates_confirmed_by: str | None
    differences: list[wire.Difference]
    defect: DefectActOut | None


class SectionDetailOut(SectionStateOut):
    """A section with its circulator's declaration, and where its pages differ from what was claimed."""

    circulator_name: str | None
    circulator_address: str | None
    executed_on: date | None
    executed_at: str | None
    circulator_signed: bool | None
    circulator_of_age: bool | None
    registered_by: str | None
    registered_at: datetime | None
    missing_pages: list[int]
    pages_beyond: list[int]
    defect_acts: list[DefectActOut]


def state_out(petition: Petition, found: SectionState) -> SectionStateOut:
    """A section as it is listed."""
    first, last = found.dates or (None, None)
    return SectionStateOut(
        **found.totals._asdict(),
        section=found.section,
        registered=found.registration is not None,
        signed_from=first,
        signed_to=last,
        faults=actions.faults_of(petition, found),
        dates_confirmed_by=found.confirmed_by,
        differences=found.totals.differences,
        defect=act_out(found.defect) if found.defect else None,
    )


_Sections = wire.page_of("SectionsOut", "A page of sections, by number.", sections=SectionStateOut)


@router.get("/sections", response_model=_Sections)
async def list_sections(
    _: Reader,
    state: AppState,
    petition: PathPetition,
    paging: wire.ListPaging,
    only: Literal["open", SectionTask] | None = None,
) -> object:
    """Every section that was registered, has dates or has lines; or those that a person must look at."""
    first, most = (paging.after(wire.number_of) or 0) + 1, None if only else paging.limit + 1
    async with state.database.reading() as connection:
        found = await section_states(connection, petition.key, first=min(first, 2**31 - 1), limit=most)
    listed = [state_out(petition, one) for one in found if is_asked_for(petition, one, only)][: paging.limit + 1]
    return paging.page("sections", listed, lambda one: one.section)


def is_asked_for(petition: Petition, one: SectionState, only: str | None) -> bool:
    """Whether a section is among those that are asked for: None is all of them."""
    if only == "open":
        return bool(actions.faults_of(petition, one) or actions.tasks_of(petition, one))
    return only is None or only in actions.tasks_of(petition, one)


@router.get("/sections/{section}")
async def get_section(_: Reader, state: AppState, petition: PathPetition, section: wire.Number) -> SectionDetailOut:
    """One section with its declaration and control totals, and which of its pages are missing or too many."""
    async with state.database.reading() as connection:
        states = await section_states(connection, petition.key, first=section, last=section)
        scanned = await scanned_pages(connection, petition.key, section)
        acts = await acts_of(connection, petition.key, section)
    if not states:
        raise UnknownSectionError
    return _detail_out(petition, states[0], scanned, acts)


def _detail_out(
    petition: Petition, found: SectionState, scanned: list[int], acts: Sequence[DefectAct]
) -> SectionDetailOut:
    said = found.registration
    shown = said._asdict() if said else {}
    fields = ("circulator_name", "circulator_address", "executed_on", "executed_at")
    declared: dict[str, Any] = {name: shown.get(name) or None for name in fields}
    declared |= {name: shown.get(name) for name in ("circulator_signed", "circulator_of_age")}
    last = said.pages if said else max(scanned, default=0)
    missing = sorted(set(range(1, last + 1)) - set(scanned))[:_MOST_PAGES] if said else []
    return SectionDetailOut(
        **dict(state_out(petition, found)),
        **declared,
        registered_by=found.registered_by,
        registered_at=found.registered_at,
        missing_pages=missing,
        pages_beyond=[page for page in scanned if page > last][:_MOST_PAGES],
        defect_acts=[act_out(act) for act in reversed(acts)],
    )


class ControlTotalsOut(TotalsOut):
    """A petition's control totals, and the sections that differ or that a person must look at, up to 1,000 of them."""

    sections: int
    open_sections: int
    listed: list[SectionStateOut]


def control_totals_out(petition: Petition, found: list[SectionState]) -> ControlTotalsOut:
    """The control totals of these sections together."""
    total = sum((one.totals for one in found), start=Totals())
    listed = [one for one in found if is_asked_for(petition, one, "open")]
    return ControlTotalsOut(
        **total._asdict(),
        sections=len(found),
        open_sections=len(listed),
        listed=[state_out(petition, one) for one in listed[:_MOST_DIFFERENCES]],
    )


@router.get("/control-totals")
async def get_control_totals(_: Reader, state: AppState, petition: PathPetition) -> ControlTotalsOut:
    """What was claimed at receipt and what was scanned, in all and by section; always as of now."""
    async with state.database.reading() as connection:
        return control_totals_out(petition, await section_states(connection, petition.key))


@router.post("/sections/{section}/confirmation", response_model=SectionStateOut)
async def confirm_section_dates(write: DeciderWrite, section: wire.Number) -> Response:
    """Confirm that the paper has dates that are contradictory or partly outside the window.

    Lines of dates partly outside the window count as signed within it.
    """
    act = partial(actions.confirm_dates, section=section, by=write.principal.name)
    return await write.carry_out(
        act, lambda found: (200, state_out(write.petition, found)), "section_confirmation", str(section)
    )


@router.post("/filing", response_model=TotalsOut)
async def file_petition(write: frame.SupervisorWrite) -> Response:
    """All sections are filed at once: from now on the registration of a further one is void (EC 11222(b))."""
    act = partial(actions.file_petition, by=write.principal.name)
    return await write.carry_out(act, lambda total: (200, TotalsOut.model_validate(total)), "filing", "")
