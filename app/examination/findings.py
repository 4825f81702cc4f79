"""A person's findings on lines."""

from collections.abc import Collection, Mapping

from asyncpg import Connection

from app.access.principals import Principal
from app.count.line_queries import LineRead, read_line, read_lines
from app.count.record import Change, record
from app.errors import RecallError, UnknownLineError, UnknownVoterError
from app.law.line import Finding, Line, Place
from app.law.review import PersonFinding, judge
from app.matching.queries import SearchedRoll
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
    named = {  # the voters whose lines these were not yet found to be
        place: voter_id
        for place, read in reads.items()
        if (voter_id := said[place].voter_id) and voter_id != read.line.voter_id
    }
    roll_version, known = await _known_voters(change.connection, change.petition.county_id, named.values())
    results: dict[Place, Line | RecallError] = {}
    findings: list[Finding] = []
    for place in sorted(said):
        try:
            if place not in reads:
                raise UnknownLineError
            finding = judge(reads[place].line, said[place], who, change.petition.ruleset)
            if finding and place in named:
                if named[place] not in known:
                    raise UnknownVoterError
                finding = finding._replace(roll_version=roll_version)
        except RecallError as error:
            results[place] = error
            continue
        results[place] = reads[place].line
        if finding:
            findings.append(finding._replace(writing_sha256=reads[place].signature.sha256))
    lines = await record(change, "finding", findings) if findings else {}
    return results | {finding.place: lines[finding.place] for finding in findings}


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
    return await read_line(change.connection, change.petition.key, place), change.tally is not None


async def check_voter(connection: Connection, county_id: str, voter_id: str) -> None:
    """Raise UnknownVoterError if there is no active roll, or it has no voter of this number."""
    _, known = await _known_voters(connection, county_id, [voter_id])
    if voter_id not in known:
        raise UnknownVoterError


async def _known_voters(connection: Connection, county_id: str, voters: Collection[str]) -> tuple[int | None, set[str]]:
    """The active roll's version, and which of these voters it has."""
    roll = await get_roll(connection, county_id) if voters else None
    if roll is None:
        return None, set()
    searched = SearchedRoll(connection, county_id, roll.roll_version)
    found = await registrations_of_voters(searched, sorted(set(voters)))
    return roll.roll_version, {registration.voter_id for registration in found}
