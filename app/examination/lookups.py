"""Voter lookups by people: answered, recorded, and counted against the daily budget of each user."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from app.access.principals import Principal, Role
from app.database.engine import Database
from app.database.ids import new_id
from app.errors import LookupBudgetError, NoRollError
from app.examination import lookup_queries as rows
from app.matching.candidates import FoundCandidates, Question, candidates_of
from app.matching.decision import Decision
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from app.matching.roll_cache import in_use

LOOKUPS_A_DAY: Final[Mapping[Role, int]] = MappingProxyType({"clerk": 2_000, "supervisor": 2_000, "system": 500})


@dataclass(frozen=True, slots=True)
class Looked:
    """The answer to a lookup; the decision where a name and an address were given, as a line would get it."""

    found: FoundCandidates
    decision: Decision | None


async def look_up(database: Database, who: Principal, question: Question, *, now: datetime) -> Looked:
    """Look voters up, take it off the principal's lookups of the day and put it on record, in one transaction.

    Raises:
        LookupBudgetError: none is left for today.
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection, connection.transaction():
        most = LOOKUPS_A_DAY[who.role]
        if not await rows.take_lookup(connection, who.county_id, who.name, now.astimezone(UTC).date(), most):
            raise LookupBudgetError(retry_after=_until_tomorrow(now))
        roll, _ = await in_use(connection, who.county_id)
        if roll is None:
            raise NoRollError
        found = await candidates_of(roll, question)
        decision = await _decision(roll, question)
        lookup = rows.Lookup(
            new_id(now),
            who.name,
            who.role,
            question.kind,
            found.roll_version,
            len(found.candidates),
            found.confidential,
            now,
        )
        await rows.add_lookup(connection, who.county_id, lookup)
    return Looked(found, decision)


def _until_tomorrow(now: datetime) -> int:
    """Whole seconds from now to midnight UTC, at least 1."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return int((midnight - now).total_seconds()) + 1


async def _decision(roll: SearchedRoll, question: Question) -> Decision | None:
    if question.kind != "name_and_address":
        return None
    (decision,) = await decide_lines(roll, [LineToDecide(question.writing, question.interval)])
    return decision
