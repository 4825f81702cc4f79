"""A person's findings on lines."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg

from app.access.principals import Principal
from app.count.change import Change
from app.count.line_queries import LineRead, read_line, read_lines
from app.count.record import record
from app.errors import RecallError, UnknownLineError, UnknownVoterError
from app.law.line import Finding, Line, Place
from app.law.review import PersonFinding, judge
from app.roll.queries import active_roll, registrations_of_voters


@dataclass(frozen=True, slots=True)
class FindingResult:
    """A line after a person's finding; `changed` is false if the same person said the same before."""

    line: Line
    changed: bool


async def decide_by_person(
    change: Change, said: Mapping[Place, PersonFinding], *, who: Principal
) -> dict[Place, FindingResult | RecallError]:
    """Put a person's findings on record and decide the lines accordingly.

    One finding is a batch of one. What is refused of one line (UnknownLineError, UnknownVoterError,
    FindingRefusedError, SupervisorNeededError) never fails another's.

    Raises:
        PetitionClosedError: the count has ended.
        ChangedMeanwhileError: another clerk decided one of the lines just now.
    """
    reads = await read_lines(change.connection, change.petition.key, said)
    roll_version, known = await _named_voters(change, said, reads)
    results: dict[Place, FindingResult | RecallError] = {}
    findings: list[Finding] = []
    for place in sorted(said):
        try:
            read, finding = _judged(change, said[place], reads.get(place), who)
            if finding and _names_another(said[place], read):
                if said[place].voter_id not in known:
                    raise UnknownVoterError
                finding = replace(finding, roll_version=roll_version)
        except RecallError as error:
            results[place] = error
        else:
            if finding:
                findings.append(finding)
            else:
                results[place] = FindingResult(read.line, changed=False)
    if findings:
        lines = await record(change, "finding", findings)
        results.update({f.place: FindingResult(lines[f.place], changed=True) for f in findings})
    return results


async def decide_line(change: Change, place: Place, said: PersonFinding, *, who: Principal) -> tuple[LineRead, bool]:
    """Put a person's finding on one line on record. Returns the line as it is afterwards, and whether it changed.

    Raises:
        UnknownLineError: no signature is recorded at that place.
        RecallError: what `decide_by_person` refuses.
        ChangedMeanwhileError: another clerk decided the line just now.
    """
    result = (await decide_by_person(change, {place: said}, who=who))[place]
    if isinstance(result, RecallError):
        raise result
    read = await read_line(change.connection, change.petition.key, place)
    if read is None:
        raise UnknownLineError
    return read, result.changed


def _judged(
    change: Change, said: PersonFinding, read: LineRead | None, who: Principal
) -> tuple[LineRead, Finding | None]:
    """A line and the finding that follows from what a person says; None if nothing changes."""
    if read is None:
        raise UnknownLineError
    finding = judge(read.line, said, who, change.petition.ruleset)
    return read, finding and replace(finding, writing_sha256=read.signature.sha256)


def _names_another(said: PersonFinding, read: LineRead | None) -> bool:
    """Whether a finding names a voter that the line did not have before."""
    return said.voter_id is not None and (read is None or said.voter_id != read.line.voter_id)


async def _named_voters(
    change: Change, said: Mapping[Place, PersonFinding], reads: Mapping[Place, LineRead]
) -> tuple[int | None, frozenset[str]]:
    """The active roll's version, and which of the newly named voters it has."""
    named = sorted({s.voter_id for place, s in said.items() if s.voter_id and _names_another(s, reads.get(place))})
    county_id = change.petition.county_id
    roll = await active_roll(change.connection, county_id) if named else None
    if roll is None:
        return None, frozenset()
    found = await registrations_of_voters(change.connection, county_id, roll.roll_version, named)
    return roll.roll_version, frozenset(registration.voter_id for registration in found)


async def roll_with_voter(connection: asyncpg.Connection, county_id: str, voter_id: str) -> int:
    """The version of the active roll, which has a voter of this number.

    Raises:
        UnknownVoterError: it has none, or there is no active roll.
    """
    roll = await active_roll(connection, county_id)
    if roll is None or not await registrations_of_voters(connection, county_id, roll.roll_version, [voter_id]):
        raise UnknownVoterError
    return roll.roll_version
