"""A person's findings on lines."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from app.access.principals import Principal
from app.count.line_queries import LineRead, read_lines
from app.count.record import Claim, record
from app.errors import RecallError, UnknownLineError, UnknownVoterError
from app.law.line import Line, Place
from app.law.petition import Petition
from app.law.review import Judgment, PersonFinding, judge
from app.roll.queries import active_roll, registrations_of_voters


@dataclass(frozen=True, slots=True)
class FindingResult:
    """A line as it stands after a person's word; `changed` is false where the same person said the same before."""

    line: Line
    changed: bool


async def decide_by_person(
    connection: asyncpg.Connection,
    petition: Petition,
    words: Mapping[Place, PersonFinding],
    *,
    who: Principal,
    now: datetime,
) -> dict[Place, FindingResult | RecallError]:
    """Put a person's words on record and give the lines the standing that follows. Within the caller's transaction.

    One word is a batch of one. What is refused of one line (UnknownLineError, UnknownVoterError,
    FindingRefusedError, SupervisorNeededError) never fails another's.

    Raises:
        PetitionClosedError: the count has ended.
        ChangedMeanwhileError: somebody else decided one of the lines just now.
    """
    reads = await read_lines(connection, petition.key, words)
    roll_version, known = await _named_voters(connection, petition, words, reads)
    results: dict[Place, FindingResult | RecallError] = {}
    claims: list[Claim] = []
    for place in sorted(words):
        try:
            claim = _claim(petition, place, words[place], reads.get(place), who, roll_version, known)
        except RecallError as error:
            results[place] = error
        else:
            if claim:
                claims.append(claim)
            else:
                results[place] = FindingResult(reads[place].line, changed=False)
    if claims:
        recorded = await record(connection, petition, "finding", claims, now=now)
        results.update({c.place: FindingResult(recorded.lines[c.place], changed=True) for c in claims})
    return results


def _claim(
    petition: Petition,
    place: Place,
    word: PersonFinding,
    read: LineRead | None,
    who: Principal,
    roll_version: int | None,
    known: frozenset[str],
) -> Claim | None:
    """What a word makes of its line; None where it changes nothing."""
    if read is None:
        raise UnknownLineError
    judged = judge(read.line, word, who, petition.ruleset)
    if judged is None:
        return None
    if _names_another(word, read):
        if word.voter_id not in known:
            raise UnknownVoterError
        judged = Judgment(replace(judged.merits, roll_version=roll_version), judged.confirmed_by, judged.mismatch_by)
    return Claim(
        place=place,
        merits=judged.merits,
        writing_sha256=read.writing_sha256,
        decided_by=who.name,
        person=True,
        note=word.note,
        before=read.line,
        confirmed_by=judged.confirmed_by,
        mismatch_by=judged.mismatch_by,
    )


def _names_another(word: PersonFinding, read: LineRead | None) -> bool:
    """Whether a word names a voter whom the line did not have before."""
    return word.voter_id is not None and (read is None or word.voter_id != read.line.standing.voter_id)


async def _named_voters(
    connection: asyncpg.Connection,
    petition: Petition,
    words: Mapping[Place, PersonFinding],
    reads: Mapping[Place, LineRead],
) -> tuple[int | None, frozenset[str]]:
    """The active roll's version, and which of the voters newly named it has."""
    named = sorted({w.voter_id for place, w in words.items() if w.voter_id and _names_another(w, reads.get(place))})
    roll = await active_roll(connection, petition.county_id) if named else None
    if roll is None:
        return None, frozenset()
    found = await registrations_of_voters(connection, petition.county_id, roll.roll_version, named)
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
