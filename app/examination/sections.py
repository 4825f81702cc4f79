"""Sections: registered as they come in, with their circulators' declarations; their dates; and the end of registration.

Each action raises what `record` raises besides.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence

from app import errors
from app.count.queries import Change, hold_basis
from app.count.record import record
from app.examination import queries, section_queries
from app.examination.again import examined_again
from app.examination.section_queries import Declaration, SectionState
from app.law.line import Finding
from app.law.petition import Petition, SectionDates, signing_interval
from app.law.section import (
    DATE_FAULTS,
    DeclarationFault,
    ReceivedSection,
    SectionTask,
    Totals,
    date_faults,
    declaration_faults,
    section_tasks,
)
from app.ledger.entries import SALT_BYTES, leaf_hash

Registered = tuple[ReceivedSection, bool]
"""A registration, and whether this request created it."""


def faults_of(petition: Petition, state: SectionState) -> list[DeclarationFault]:
    """What a person must look at in a section's declaration; in its dates, until a person confirmed them."""
    faults = declaration_faults(state.registration, state.dates, petition.window)
    return [fault for fault in faults if fault not in DATE_FAULTS or state.confirmed_by is None]


def tasks_of(petition: Petition, state: SectionState) -> list[SectionTask]:
    """What a person must still do about a section before the count can end."""
    confirmed, stage = state.confirmed_by is not None, state.defect.stage if state.defect else "none"
    return section_tasks(state.dates, petition.window, state.totals, confirmed=confirmed, defect=stage)


async def register(
    change: Change, sections: Sequence[ReceivedSection], *, by: str
) -> list[Registered | errors.RecallError]:
    """Register sections as they came in; lines that were scanned before are examined again if the dates change.

    Returns each registration, or why it was refused, in their order: SectionConflictError if the section is registered
    with other content, SectionVoidError after the filing (EC 11222(b)). A declaration may be entered later.

    Args:
        change: the transaction, its petition and the time.
        sections: to register.
        by: the user who registers them; goes on record.
    """
    connection, key = change.connection, change.petition.key
    stage = await section_queries.begin(connection, key)
    held = await section_queries.registrations(connection, key, {one.section for one in sections})
    results: list[Registered | errors.RecallError] = []
    new: dict[int, ReceivedSection] = {}
    for one in sections:
        before = new.get(one.section) or held.get(one.section)
        if before is None and stage != "open":
            results.append(errors.SectionVoidError())
        elif before is None or (not before.declared and one.declared and one[:3] == before[:3]):
            new[one.section] = one
            results.append((one, True))
        else:
            results.append((one, False) if before == one else errors.SectionConflictError())
    if new:
        await _put_on_record(change, held, list(new.values()), by=by)
    return results


async def _put_on_record(change: Change, held: Collection[int], new: Sequence[ReceivedSection], *, by: str) -> None:
    """Store registrations with their dates, and examine the lines again whose interval they change."""
    salted = [(one, secrets.token_bytes(SALT_BYTES)) for one in new]
    numbered = [(one, 2 if one.section in held else 1, salt) for one, salt in salted]
    await section_queries.add_registrations(change, numbered, by=by)
    findings = await _declare(change, {one.section: one.dates for one in new if one.declared}, by=by)
    shown = [
        {
            "section": one.section,
            "pages": one.pages,
            "lines": one.lines,
            "declaration": leaf_hash(salt, one.sealed().encode()).hex(),
        }
        for one, salt in salted
    ]
    change.registered = [one.section for one in new if one.section not in held]
    await record(change, "registration", findings, facts={"sections": shown, "registered_by": by})


async def _declare(change: Change, dates: Mapping[int, SectionDates], *, by: str) -> list[Finding]:
    """Append the dates of sections where they are new; returns findings on the lines whose interval they change."""
    connection, petition = change.connection, change.petition
    before = await section_queries.newest_dates(connection, petition.key, dates)
    new = [
        Declaration(section, before[section].declaration_no + 1 if section in before else 1, *said, by, change.now)
        for section, said in dates.items()
        if section not in before or before[section].dates != said
    ]
    await section_queries.add_dates(change, new)
    await hold_basis(connection, petition.key)
    moved = [
        one.section
        for one in new
        if signing_interval(petition.window, before[one.section].dates if one.section in before else None)
        != signing_interval(petition.window, one.dates)
    ]
    lines = await queries.lines(connection, queries.OF_SECTIONS, *petition.key, moved) if moved else []
    return await examined_again(change, lines, "new_dates") if lines else []


async def declare_section(change: Change, section: int, dates: SectionDates, *, by: str) -> tuple[Declaration, int]:
    """Enter a section's dates. If they change the interval of its lines, every line is examined again.

    Dates that are missing or contradict each other or the circulation window are entered as well: that is what the
    paper says, and a person reviews its lines. Returns the dates as they hold now, and how many lines were examined.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        dates: the first and last day of signing that its circulator declared; None: missing.
        by: the user who enters them; goes on record.
    """
    connection, key = change.connection, change.petition.key
    await section_queries.begin(connection, key)
    held = (await section_queries.newest_dates(connection, key, [section])).get(section)
    if held and held.dates == dates:
        return held, 0
    findings = await _declare(change, {section: dates}, by=by)
    facts = {"section": section, **{name: day and day.isoformat() for name, day in dates._asdict().items()}}
    await record(change, "section", findings, facts=facts)
    return (await section_queries.newest_dates(connection, key, [section]))[section], len(findings)


async def confirm_dates(change: Change, section: int, *, by: str) -> SectionState:
    """Confirm that the paper has dates that are contradictory or partly outside the window.

    Lines of clipped dates count as signed within the window; people decide those of dates that say nothing.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        by: the person; goes on record.

    Raises:
        UnknownSectionError: it has neither a registration nor dates nor lines.
        SectionRefusedError: nothing is wrong with its dates, or none were declared.
    """
    connection, petition = change.connection, change.petition
    await section_queries.begin(connection, petition.key)
    declared = (await section_queries.newest_dates(connection, petition.key, [section])).get(section)
    if declared is None or not date_faults(declared.dates, petition.window):
        await section_state(change, section)
        raise errors.SectionRefusedError("only dates that are contradictory or partly outside the window are confirmed")
    if await section_queries.confirm_dates(change, declared, by=by):
        await record(change, "section", [], facts={"section": section, "confirmed_by": by})
    return await section_state(change, section)


async def section_state(change: Change, section: int) -> SectionState:
    """One section. Raises UnknownSectionError if it has neither a registration nor dates nor lines."""
    found = await section_queries.section_states(change.connection, change.petition.key, first=section, last=section)
    if not found:
        raise errors.UnknownSectionError
    return found[0]


async def file_petition(change: Change, *, by: str) -> Totals:
    """End the registration of sections: all are filed at once, and one that comes later is void (EC 11222(b)).

    Returns the control totals as they are now. A petition that is filed already stays so.
    """
    stage = await section_queries.begin(change.connection, change.petition.key)
    states = await section_queries.section_states(change.connection, change.petition.key)
    totals = sum((state.totals for state in states), start=Totals())
    if stage == "open":
        change.raw_count = "filed"
        registered = sum(state.registration is not None for state in states)
        claims = {"sections": registered, "pages": totals.pages, "lines": totals.claimed}
        await record(change, "filing", [], facts={**claims, "filed_by": by})
    return totals
