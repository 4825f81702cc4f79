"""What people do to lines (findings, corrected texts), and their new examination.

Lines are examined again when their text or dates were corrected, or a newer roll or newer aliases may know more of
them. Each action raises what `record` raises besides.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from asyncpg import Connection

from app import errors
from app.access.principals import Principal
from app.count.identity import counted_ids
from app.count.intake import examine_lines
from app.count.line_queries import LineRead, line_writings, list_petitions, read_line, read_lines, signatures_at
from app.count.queries import Change, columns, hold_basis, lock_lines, section_dates
from app.count.record import ChangedMeanwhileError, Count, record
from app.examination import leases, references
from app.examination import queries as rows
from app.examination.again import examined_again
from app.examination.confidential_queries import NOTE_DECISION, give_back
from app.examination.grounds import grounds_of
from app.examination.holding import mark_held
from app.examination.rulesets import decide_again, examine_under
from app.examination.section_queries import stage_of
from app.examination.withdrawal_search import search_voters
from app.law.defect import SECTION_DEFECT, under_defect
from app.law.line import Finding, Line, Place, Signature
from app.law.petition import Petition
from app.law.reasons import NOT_RAW
from app.law.review import PersonFinding, agreed_out_of_count, judge, ruled
from app.matching.lookup import Decide, aliases_of, decide_lines
from app.matching.parsing import parse_line, parsed_differently
from app.matching.queries import SearchedRoll
from app.roll.queries import get_roll, known_voters

logger = logging.getLogger("app.reexamination")

_ROUND: Final = 10.0  # seconds from one round of new examinations to the next


async def decide_by_person(
    change: Change,
    said: Mapping[Place, PersonFinding],
    *,
    who: Principal,
    also_named: Collection[str] = (),
    put: leases.Put = leases.record_findings,
) -> dict[Place, Line | errors.RecallError]:
    """Record a person's findings on several lines. Returns each line as it is afterwards, or why it was refused.

    A refused finding (UnknownLineError, UnknownVoterError, FindingRefusedError, SupervisorNeededError, and those of
    `leases.refusals` and `references.unfounded`) never fails another one.

    Args:
        change: the transaction, its petition and the time.
        said: what the person decided, by line.
        who: the person, whose role decides what is allowed.
        also_named: voters whom a search names beside the lines' evidence, as the confidential ones for their officer.
        put: puts the findings on record.
    """
    reads = await read_lines(change.connection, change.petition.key, said)
    sections = {place.section for place in said}  # read after the lines: of a line that a defect changed it is known
    _, _, defects = await section_dates(change.connection, change.petition.key, sections)
    named = _newly_named(reads, said)
    county, ruleset, officer = change.petition.county_id, change.petition.ruleset, who.role == "confidential"
    roll_version, known = await _known_voters(change.connection, county, named.values(), confidential=officer)
    voters = {place: said[place].voter_id or read.line.voter_id or "" for place, read in reads.items()}
    ids = await counted_ids(change, set(voters.values()))
    said = {place: replace(one, voter_id=ids.get(voters.get(place, ""), one.voter_id)) for place, one in said.items()}
    grounds = await grounds_of(change, reads, said, ids=ids, also_named=also_named)
    results: dict[Place, Line | errors.RecallError] = {place: errors.UnknownLineError() for place in said}
    refused = await references.unfounded(change, reads, said, who) | await leases.refusals(change, reads, who)
    # Of a number that the roll does not show nothing else is said, above all not that it has signatures on file.
    refused |= {place: errors.UnknownVoterError() for place, voter in named.items() if voter not in known}
    results |= refused
    findings: list[Finding] = []
    for place in sorted(reads.keys() - refused.keys()):
        try:
            defect = defects.get(place.section)
            if defect and reads[place].line.outcome == SECTION_DEFECT:
                raise errors.SectionDefectiveError
            finding = judge(ruled(reads[place].line, ruleset), said[place], who, ruleset, grounds[place])
            if finding and place in named:
                finding = finding._replace(roll_version=roll_version)
        except errors.RecallError as error:
            results[place] = error
            continue
        results[place] = reads[place].line
        if finding:
            findings.append(under_defect(reads[place].completed(finding), defect)._replace(before=reads[place].line))
    lines = await put(change, findings, who) if findings else {}
    return results | {finding.place: lines[finding.place] for finding in findings}


def _newly_named(reads: Mapping[Place, LineRead], said: Mapping[Place, PersonFinding]) -> dict[Place, str]:
    """The voters whose lines these were not yet found to be."""
    named = {place: said[place].voter_id for place in reads}
    return {place: voter for place, voter in named.items() if voter and voter != reads[place].line.voter_id}


async def decide_line(
    change: Change, place: Place, said: PersonFinding, *, who: Principal, also_named: Collection[str] = ()
) -> tuple[LineRead, bool]:
    """Record a person's finding on one line. Returns the line as it is afterwards, and whether it changed.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        said: what the person decided.
        who: the person, whose role decides what is allowed.
        also_named: as for `decide_by_person`.

    Raises:
        UnknownLineError: there is no signature at this place.
        RecallError: what `decide_by_person` refuses.
    """
    result = (await decide_by_person(change, {place: said}, who=who, also_named=also_named))[place]
    if isinstance(result, errors.RecallError):
        raise result
    return await read_line(change.connection, change.petition.key, place), change.tally is not None


async def revise(change: Change, revised: Signature, *, by: str, note: str) -> tuple[LineRead, bool]:
    """Append the corrected text of a line and examine it again.

    Returns the line as it is afterwards, and whether anything changed: the text that is recorded already has no
    effect. Every earlier text stays, and a station that repeats one is answered as before. A line that is good no more
    stays unsettled until two people agree, and one that is to be blank or struck leaves the raw count once another
    person enters the same.

    Args:
        change: the transaction, its petition and the time.
        revised: the corrected text, with its place.
        by: the user who corrects it; goes on record.
        note: why; may be empty.

    Raises:
        UnknownLineError: there is no signature at this place.
        RawCountFrozenError: the line would leave the raw count, which is frozen.
    """
    connection, key = change.connection, change.petition.key
    await hold_basis(connection, key)
    read = await read_line(connection, key, revised.place)
    leaves = revised.kind in NOT_RAW and read.line.outcome.status not in NOT_RAW
    agreed = leaves and await _agreed_out_of_count(change, read.line, revised, by)
    if read.signature.sha256 == revised.sha256 and not agreed:
        return read, False
    if leaves and await stage_of(connection, key) == "frozen":  # which stays so, as the petition's row is held
        raise errors.RawCountFrozenError
    row = (*key, *revised.place, *revised.to_store(), note, by, change.now)
    if not await connection.fetchval(rows.ADD_REVISION, *row):
        raise ChangedMeanwhileError
    if agreed:
        (found,), _ = await examine_lines(connection, change.petition, [revised])
        findings = [found._replace(before=read.line)]
    else:
        findings = await examined_again(change, [read.line], "new_writing")
    await record(change, "revision", findings)
    if agreed:  # also where the line was the officer's of confidential voters, who cannot decide it any more
        await connection.execute(NOTE_DECISION, *key, *revised.place, by, change.now)
    elif leaves:
        await give_back(change, [revised.place])
    return await read_line(connection, key, revised.place), True


async def _agreed_out_of_count(change: Change, line: Line, revised: Signature, by: str) -> bool:
    """Whether another person said last, as this correction does, that the line is not in the raw count."""
    last_by, _, _, last = (await line_writings(change.connection, change.petition.key, revised.place))[-1]
    return agreed_out_of_count(line, revised.kind, by, last.kind, last_by)


async def check_voter(connection: Connection, county_id: str, voter_id: str, *, confidential: bool = False) -> None:
    """Raise UnknownVoterError if there is no active roll, or it has no voter of this number.

    Args:
        connection: only read.
        county_id: the county's code.
        voter_id: the number.
        confidential: whether confidential voters are known as well, as they are to their officer.
    """
    _, known = await _known_voters(connection, county_id, [voter_id], confidential=confidential)
    if voter_id not in known:
        raise errors.UnknownVoterError


async def _known_voters(
    connection: Connection, county_id: str, voters: Collection[str], *, confidential: bool
) -> tuple[int | None, set[str]]:
    """The active roll's version, and which of these voters it has."""
    roll = await get_roll(connection, county_id) if voters else None
    if roll is None:
        return None, set()
    searched = SearchedRoll(connection, county_id, roll.roll_version)
    return roll.roll_version, await known_voters(searched, sorted(set(voters)), confidential=confidential)


async def keep_examined(count: Count, now: Callable[[], datetime], decide: Decide) -> None:
    """Examine outdated lines again, at once and then in rounds, until it is canceled; `decide` looks lines up."""
    while True:
        try:
            await reexamine(count, now=now(), decide=decide)
        except Exception as error:  # noqa: BLE001  # such as a lost database connection: the next round tries again
            logger.warning("re-examination failed", extra={"error": type(error).__qualname__})
        await asyncio.sleep(_ROUND)


async def reexamine(count: Count, county_id: str | None = None, *, now: datetime, decide: Decide = decide_lines) -> int:
    """Examine the outdated lines of open petitions again. Returns how many were examined.

    Outdated are all lines if other registrations count under the ruleset in force than under the one before, the lines
    that it decides otherwise, those for which an older roll version had no voter, and those that are not valid and that
    newer aliases read differently. This continues until none is left, in transactions of its own, so it may be
    interrupted and started again at any time. Then the lines are marked that a new roll's confidential voters may have
    signed, and the voters of open requests to withdraw are looked for.

    Args:
        count: the counts to change.
        county_id: whose petitions; None: every county's.
        now: goes on record as the time of the new findings.
        decide: looks lines up.
    """
    wanted = {"county_id": county_id} if county_id else {}
    async with count.database.begin() as connection:
        petitions = [p for p in await list_petitions(connection, **wanted) if p.state == "open"]
    examined = 0
    for petition in petitions:
        examined += await examine_under(count, petition, decide, now=now)
        examined += await decide_again(count, petition, now=now)
        while (done := await _examine_some(count, petition, now, decide)) is not None:
            examined += done
        await mark_held(count, petition, decide)
        await search_voters(count, petition, decide, now=now)
    return examined


async def _examine_some(count: Count, petition: Petition, now: datetime, decide: Decide) -> int | None:
    """Examine some lines again in one transaction. Returns how many; None if none is left."""
    try:
        async with count.database.intake() as connection, count.change(connection, petition, now) as change:
            roll_version, _, aliases_version, _ = await hold_basis(connection, petition.key)
            if roll_version is None:
                return None
            lines = await rows.lines(connection, rows.OUTDATED, *petition.key, roll_version)
            if not lines:
                return await _examine_aliases(change, aliases_version, decide)
            await record(change, "reexamination", await examined_again(change, lines, "new_roll", decide))
            return len(lines)
    except ChangedMeanwhileError:
        return 0  # a clerk decided one of these lines just now: what is left is read again


async def _examine_aliases(change: Change, version: int, decide: Decide) -> int | None:
    """Examine the lines that this version of the aliases reads differently, and mark the others as read."""
    connection, petition = change.connection, change.petition
    lines = await rows.lines(connection, rows.READ_BEFORE, *petition.key, version)
    if not lines:
        return None
    versions = {line.aliases_version for line in lines} | {version}
    aliases = {number: await aliases_of(connection, petition.county_id, number) for number in sorted(versions)}
    signatures = await signatures_at(connection, petition.key, [line.place for line in lines])
    parsed = {place: parse_line(signature) for place, signature in signatures.items()}
    different = [
        line
        for line in lines
        if parsed_differently(parsed[line.place], aliases[line.aliases_version], aliases[version])
    ]
    if different:
        await record(change, "reexamination", await examined_again(change, different, "new_aliases", decide))
    else:  # in a transaction that locks nothing else: a transaction that locks a line never waits for a slot
        await lock_lines(change, signatures, [])  # in paper order, as everywhere
        await connection.execute(rows.READ_NOW, *petition.key, *columns(signatures), version)
    return len(different)
