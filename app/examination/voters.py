"""Looking voters up, counted against a budget and on record."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app import errors
from app.access.principals import Principal
from app.count.line_queries import signatures_at
from app.database.pools import Database
from app.examination.reads import ReadBudget, VoterRead, add_read
from app.law.line import Place
from app.law.petition import PetitionKey
from app.matching.candidates import FoundCandidates, Kind, Question, candidates_of
from app.matching.decision import Decision
from app.matching.lookup import LineToDecide, decide_lines, in_use


class LineAddress(NamedTuple):
    """A line among all petitions of the county."""

    petition: PetitionKey
    place: Place


async def look_up(
    database: Database,
    who: Principal,
    question: Question,
    *,
    kind: Kind,
    line: LineAddress | None = None,
    budget: ReadBudget,
    now: datetime,
) -> tuple[FoundCandidates, Decision | None]:
    """Look voters up, count it against the principal's budget of the day and record it, in one transaction.

    Returns the answer; and where a name and an address were given, the decision, as a line would get it.

    Args:
        database: the roll's.
        who: the clerk, supervisor or system that asks.
        question: what to look for, and when it was written.
        kind: of the question, which asks for something.
        line: for which voters are looked up: a person's `not_registered` on it can then rest on this search.
        budget: what each principal may read.
        now: decides which day's budget is used.

    Raises:
        ReadBudgetError: nothing is left for today.
        NoRollError: the county has no active roll.
        UnknownLineError: there is no signature at the line's place.
    """
    read = VoterRead(kind, anew=1)
    async with database.reading() as connection, connection.transaction():
        if line and not await signatures_at(connection, line.petition, [line.place]):
            raise errors.UnknownLineError
        counted = await budget.spend(connection, who, read, now=now)
        roll, *_ = await in_use(connection, who.county_id)
        if roll is None:
            raise errors.NoRollError
        found, decision = await candidates_of(roll, question), None
        if kind == "name_and_address":
            asked = LineToDecide(question.writing, question.interval, question.district)
            [decision] = await decide_lines(roll, [asked])
        shown = len(found.candidates)
        if shown > 1:  # each counts
            counted += await budget.spend(connection, who, replace(read, anew=shown - 1), now=now)
        read = replace(read, voters=shown, roll_version=found.roll_version)
        if line:
            read = replace(read, petition_id=line.petition.petition_id, places=(str(line.place),))
        await add_read(connection, who, read, counted=counted, now=now)
    return found, decision
