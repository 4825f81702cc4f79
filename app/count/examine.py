"""Examining lines: what the data say of each by itself, in a constant number of statements for any number of lines."""

from collections.abc import Sequence

import asyncpg

from app.count import queries as rows
from app.law.line import Merits, Submitted
from app.law.petition import DateRange, Petition, SigningInterval, signing_interval
from app.law.reasons import ReviewCause
from app.matching.decision import Decision
from app.matching.lookup import Decide, LineToDecide, decide_lines
from app.matching.roll_cache import in_use


async def examine_lines(
    connection: asyncpg.Connection, petition: Petition, lines: Sequence[Submitted], decide: Decide = decide_lines
) -> tuple[rows.Basis, list[Merits]]:
    """What the active roll says of these lines, in their order, and what that rests on."""
    roll, aliases_version = await in_use(connection, petition.county_id)
    sections_version, intervals = await _intervals(connection, petition, lines)
    basis = rows.Basis(roll.roll_version if roll else None, sections_version, aliases_version)
    if roll is None:
        return basis, [_unasked("no_roll", basis) for _ in lines]
    asked = [
        LineToDecide(line.writing, SigningInterval(interval.start, interval.end, petition.filed_on))
        for line, interval in zip(lines, intervals, strict=True)
        if interval
    ]
    decisions = iter(await decide(roll, asked))
    return basis, [_merits(next(decisions), basis) if i else _unasked("section_dates", basis) for i in intervals]


async def _intervals(
    connection: asyncpg.Connection, petition: Petition, lines: Sequence[Submitted]
) -> tuple[int, list[DateRange | None]]:
    """The dates between which each line was signed; None where its section's dates are missing or contradictory."""
    sections = {line.place.section for line in lines}
    version, declared = await rows.section_dates(connection, petition.key, sections)
    by_section = {section: interval_of(petition, declared.get(section)) for section in sections}
    return version, [by_section[line.place.section] for line in lines]


def interval_of(petition: Petition, dates: rows.SectionDates | None) -> DateRange | None:
    """The interval of a section's lines; None where its declared dates (None: not declared) do not give one."""
    if dates is None:
        return petition.window
    if dates.signed_from is None or dates.signed_to is None:
        return None
    return signing_interval(petition.window, DateRange(dates.signed_from, dates.signed_to))


def _unasked(cause: ReviewCause, basis: rows.Basis) -> Merits:
    """A line that the roll cannot be asked about."""
    return Merits("review", cause, None, aliases_version=basis.aliases_version)


def _merits(decision: Decision, basis: rows.Basis) -> Merits:
    return Merits(
        status=decision.outcome.status,
        reason=decision.outcome.reason,
        voter_id=decision.voter_id,
        registration_no=decision.registration_no,
        reason_open=decision.reason_open,
        secondary=decision.secondary,
        evidence=decision.evidence_json,
        roll_version=basis.roll_version,
        aliases_version=basis.aliases_version,
    )
