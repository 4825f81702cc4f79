"""What the officer of confidential voters sees and decides: the lines that such a voter may have signed (EC 2166 ff.).

To all others these lines look like any other line, before the officer's finding and after it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from asyncpg import Connection

from app import errors
from app.access.principals import Principal
from app.count.line_queries import LineRead, read_lines, signatures_at
from app.count.queries import Change, section_dates
from app.database.pools import Database
from app.examination import confidential_queries as rows
from app.examination.actions import decide_line
from app.law.line import Line, Place, Signature
from app.law.petition import Petition, signing_interval
from app.law.reasons import VALID
from app.law.review import PersonFinding
from app.ledger.queries import read_petition
from app.matching.candidates import Candidate, Question, candidates_of, confidential_candidates_of
from app.matching.lookup import in_use


class HeldLine(NamedTuple):
    """A line that waits for the officer, as it is decided now, and who may have signed it, the best first."""

    read: LineRead
    candidates: list[Candidate]  # confidential voters, by name, and other voters, by name and address


async def held_lines(database: Database, petition: Petition, *, after: Place | None, limit: int) -> list[HeldLine]:
    """A page of the lines that wait for the officer, in paper order.

    Args:
        database: of the service.
        petition: whose lines.
        after: the last place of the page before; None: the first page.
        limit: how many lines at most.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        places = await rows.undecided(connection, petition.key, after or Place(0, 0, 0), limit)
        reads = await read_lines(connection, petition.key, places)
        roll, *_ = await in_use(connection, petition.county_id)
        if roll is None:
            raise errors.NoRollError
        signatures = [read.signature for read in reads.values()]
        questions = await _questions(connection, petition, signatures)
        found = []
        for place in places:
            ordinary = (await candidates_of(roll, questions[place])).candidates
            every = [*await confidential_candidates_of(roll, questions[place]), *ordinary]
            found.append(HeldLine(reads[place], sorted(every, key=lambda candidate: -candidate.weight)))
        return found


async def _questions(
    connection: Connection, petition: Petition, signatures: Sequence[Signature]
) -> dict[Place, Question]:
    petition, _ = await read_petition(connection, petition.key)  # with the ruleset in force
    _, declared, _ = await section_dates(connection, petition.key, {one.place.section for one in signatures})
    intervals = {one.place: signing_interval(petition.window, declared.get(one.place.section)) for one in signatures}
    return {one.place: Question(one, intervals[one.place] or petition.window) for one in signatures}


async def _named(change: Change, place: Place) -> list[str]:
    """The confidential voters who may have signed a line: what others' evidence does not name (EC 2166)."""
    roll, *_ = await in_use(change.connection, change.petition.county_id)
    signatures = await signatures_at(change.connection, change.petition.key, [place])
    if roll is None or not signatures:
        return []
    questions = await _questions(change.connection, change.petition, list(signatures.values()))
    candidates = await confidential_candidates_of(roll, questions[place])
    return [candidate.registration.voter_id for candidate in candidates]


async def decide_held(change: Change, place: Place, said: PersonFinding, *, who: Principal) -> tuple[Line, bool]:
    """Record the officer's finding on a held line, which settles it. Returns the line, and whether it changed.

    A finding of `review` leaves the line to the officer.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        said: what the officer decided; a confidential voter is named by the number in the roll.
        who: the officer.

    Raises:
        UnknownLineError: no line is held at this place.
        RecallError: what `decide_line` refuses.
    """
    connection, key = change.connection, change.petition.key
    if not await connection.fetchval(rows.IS_HELD, *key, *place):
        raise errors.UnknownLineError
    named = await _named(change, place) if said.outcome == VALID else []
    read, changed = await decide_line(change, place, said, who=who, also_named=named)
    if said.outcome.status != "review":
        await connection.execute(rows.NOTE_DECISION, *key, *place, who.name, change.now)
    return read.line, changed
