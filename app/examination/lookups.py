"""Voter lookups by people: answered, recorded, and subtracted from each user's daily budget."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from app.access.principals import Principal, Role
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import LookupBudgetError, NoRollError
from app.examination import lookup_queries as rows
from app.matching.candidates import FoundCandidates, Question, candidates_of
from app.matching.decision import Decision
from app.matching.lookup import LineToDecide, decide_lines, in_use

# A limit, since lookups could be used to copy the roll (EC 2194).
LOOKUPS_A_DAY: Final[Mapping[Role, int]] = MappingProxyType({"clerk": 2_000, "supervisor": 2_000, "system": 500})


async def look_up(
    database: Database, who: Principal, question: Question, *, now: datetime
) -> tuple[FoundCandidates, Decision | None]:
    """Look voters up, subtract it from the principal's lookups of the day and record it, in one transaction.

    Returns the answer; and where a name and an address were given, the decision, as a line would get it.

    Args:
        database: the roll's.
        who: the clerk, supervisor or system that asks.
        question: what to look for, and when it was written.
        now: decides which day's budget is used.

    Raises:
        LookupBudgetError: none is left for today.
        NoRollError: the county has no active roll.
    """
    now = now.astimezone(UTC)
    async with database.reading() as connection, connection.transaction():
        if not await connection.fetchval(rows.TAKE, who.county_id, who.name, now.date(), LOOKUPS_A_DAY[who.role]):
            tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
            raise LookupBudgetError(retry_after=int((tomorrow - now).total_seconds()) + 1)
        roll, _ = await in_use(connection, who.county_id)
        if roll is None:
            raise NoRollError
        found, decision = await candidates_of(roll, question), None
        if question.kind == "name_and_address":
            [decision] = await decide_lines(roll, [LineToDecide(question.writing, question.interval)])
        shown = (found.roll_version, len(found.candidates), found.confidential)
        row = (who.county_id, new_id(now), who.name, who.role, question.kind, *shown, now)
        await connection.execute(rows.ADD, *row)
    return found, decision
