"""A person's findings on lines."""

from collections.abc import Collection, Mapping

import asyncpg

from app.access.principals import Principal
from app.count.line_queries import LineRead, read_line, read_lines
from app.count.record import Change, record
from app.errors import RecallError, UnknownLineError, UnknownVoterError
from app.law.line import Finding, Line, Place
from app.law.review import PersonFinding, judge
from app.roll.queries import get_roll, registrations_of_voters


async def decide_by_person(
    change: Change, said: Mapping[Place, PersonFinding], *, who: Principal
) -> dict[Place, Line | RecallError]:
    """Record a person's findings on several lines. Returns each line as it is afterwards, or why it was refused.

    A refused finding (UnknownLineError, UnknownVoterError, FindingRefusedError, SupervisorNeededError) never fails
    another one.

    Raises:
        PetitionClosedError: the count has ended.
        ChangedMeanwhileError: another clerk decided one of the lines just now.
    """
    reads = await read_lines(change.connection, change.petition.key, said)
    named = {place: s.voter_id for place, s in said.items() if s.voter_id and _is_new(s.voter_id, reads.get(place))}
    roll_version, known = await _known_voters(change.connection, change.petition.county_id, named.values())
    results: dict[Place, Line | RecallError] = {}
    findings: list[Finding] = []
    for place in sorted(said):
        try:
            finding = _finding(change, said[place], reads.get(place), who)
            if finding and place in named:
                if named[place] not in known:
                    raise UnknownVoterError
                finding = finding._replace(roll_version=roll_version)
        except RecallError as error:
            results[place] = error
        else:
            results[place] = reads[place].line
            findings += [finding] if finding else []
    if findings:
        lines = await record(change, "finding", findings)
        results |= {finding.place: lines[finding.place] for finding in findings}
    return results


async def decide_line(change: Change, place: Place, said: PersonFinding, *, who: Principal) -> tuple[LineRead, bool]:
    """Record a person's finding on one line. Returns the line as it is afterwards, and whether it changed.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        said: what the person decided.
        who: the person, whose role decides what is allowed.

    Raises:
        UnknownLineError: there is no signature at this place.
        RecallError: what `decide_by_person` refuses.
        ChangedMeanwhileError: another clerk decided the line just now.
    """
    result = (await decide_by_person(change, {place: said}, who=who))[place]
    if isinstance(result, RecallError):
        raise result
    read = await read_line(change.connection, change.petition.key, place)
    if read is None:
        raise UnknownLineError
    return read, change.tally is not None


def _is_new(voter_id: str, read: LineRead | None) -> bool:
    """Whether a line was not yet found to be this voter's."""
    return read is None or voter_id != read.line.voter_id


def _finding(change: Change, said: PersonFinding, read: LineRead | None, who: Principal) -> Finding | None:
    """The finding that follows from what a person says; None if nothing changes."""
    if read is None:
        raise UnknownLineError
    finding = judge(read.line, said, who, change.petition.ruleset)
    return finding and finding._replace(writing_sha256=read.signature.sha256)


async def check_voter(connection: asyncpg.Connection, county_id: str, voter_id: str) -> None:
    """Raise UnknownVoterError if there is no active roll, or it has no voter of this number."""
    _, known = await _known_voters(connection, county_id, [voter_id])
    if voter_id not in known:
        raise UnknownVoterError


async def _known_voters(
    connection: asyncpg.Connection, county_id: str, voters: Collection[str]
) -> tuple[int | None, set[str]]:
    """The active roll's version, and which of these voters it has."""
    roll = await get_roll(connection, county_id) if voters else None
    if roll is None:
        return None, set()
    found = await registrations_of_voters(connection, county_id, roll.roll_version, sorted(set(voters)))
    return roll.roll_version, {registration.voter_id for registration in found}
