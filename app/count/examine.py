"""Examining lines: what the data say of each by itself, in a constant number of statements for any number of lines."""

from collections.abc import Sequence

import asyncpg

from app.count import queries as rows
from app.law.line import Finding, Signature
from app.law.petition import DateRange, Petition, SigningInterval, signing_interval
from app.law.reasons import Outcome, ReviewCause
from app.matching.decision import Decision
from app.matching.lookup import Decide, LineToDecide, decide_lines
from app.matching.roll_cache import in_use


async def examine_lines(
    connection: asyncpg.Connection, petition: Petition, signatures: Sequence[Signature], decide: Decide = decide_lines
) -> tuple[rows.Basis, list[Finding]]:
    """What the active roll says of these signatures, in their order, and what that rests on.

    Args:
        connection: any; nothing is locked.
        petition: whose signatures.
        signatures: to examine.
        decide: looks lines up.
    """
    roll, aliases_version = await in_use(connection, petition.county_id)
    sections = {one.place.section for one in signatures}
    sections_version, declared = await rows.section_dates(connection, petition.key, sections)
    basis = rows.Basis(roll.roll_version if roll else None, sections_version, aliases_version)
    if roll is None:
        return basis, [_not_examined(one, "no_roll", basis) for one in signatures]
    by_section = {section: interval_of(petition, declared.get(section)) for section in sections}
    intervals = [by_section[one.place.section] for one in signatures]
    asked = [
        LineToDecide(one.writing, SigningInterval(interval.start, interval.end, petition.filed_on))
        for one, interval in zip(signatures, intervals, strict=True)
        if interval
    ]
    decisions = iter(await decide(roll, asked))
    return basis, [
        _found(one, next(decisions), basis) if interval else _not_examined(one, "section_dates", basis)
        for one, interval in zip(signatures, intervals, strict=True)
    ]


def interval_of(petition: Petition, dates: rows.SectionDates | None) -> DateRange | None:
    """The interval of a section's lines; None if its declared dates (None: not declared) are missing or contradict."""
    if dates is None:
        return petition.window
    if dates.signed_from is None or dates.signed_to is None:
        return None
    return signing_interval(petition.window, DateRange(dates.signed_from, dates.signed_to))


def _not_examined(signature: Signature, cause: ReviewCause, basis: rows.Basis) -> Finding:
    """The finding on a line that cannot be looked up in the roll."""
    return Finding(
        signature.place,
        Outcome("review", cause),
        aliases_version=basis.aliases_version,
        writing_sha256=signature.sha256,
    )


def _found(signature: Signature, decision: Decision, basis: rows.Basis) -> Finding:
    return Finding(
        signature.place,
        decision.outcome,
        decision.voter_id,
        registration_no=decision.registration_no,
        reason_open=decision.reason_open,
        secondary=decision.secondary,
        evidence=decision.evidence_json,
        roll_version=basis.roll_version,
        aliases_version=basis.aliases_version,
        writing_sha256=signature.sha256,
    )
