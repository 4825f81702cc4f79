"""Two verbs on one voter, the first stopped before each of its statements in turn while the second runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import asyncpg

from app.database.pools import Database
from app.law.line import Place
from app.law.ruleset import Ruleset
from tests import recount
from tests.races import pauses
from tests.races.acts import Acts, a_petition
from tests.rulesets import CALIFORNIA

Act = Callable[[Acts], Awaitable[object]]
Stands = tuple[str, str | None]


@dataclass(frozen=True)
class Pair:
    """What was there before, the two that race, and where lines must stand afterwards, whoever was faster."""

    before: tuple[Act, ...]
    first: Act
    second: Act
    after: Mapping[Place, Stands] = field(default_factory=dict)
    ruleset: Ruleset = CALIFORNIA


async def explore(database: Database, watching: asyncpg.Connection, pair: Pair) -> int:
    """Run every schedule, and count the petition again after each; the number of statements to stop at.

    Raises:
        AssertionError: a schedule left a voter counted twice or not at all, or a line where it must not stand.
    """
    at = 0
    while True:
        acts, reached = await race(database, watching, pair, at)
        if not reached:
            return at
        await recount.check(watching, acts.petition.petition_id)
        for place, stands in pair.after.items():
            assert await standing(watching, acts, place) == stands, f"{place}, stopped at statement {at}"
        # A roll's next version would go through this petition as well, and have more statements each time.
        await watching.execute("UPDATE head SET state = 'closed' WHERE petition_id = $1", acts.petition.petition_id)
        at += 1


async def storm(database: Database, watching: asyncpg.Connection, pair: Pair, draw: Random) -> None:
    """Run a pair once with drawn pauses, and count the petition again.

    Raises:
        AssertionError: a voter is counted twice or not at all.
    """
    acts = Acts(database, await a_petition(database, pair.ruleset))
    for act in pair.before:
        await act(acts)

    async def run(act: Act) -> None:
        pauses.STOP.set(pauses.Jitter(draw))
        await act(acts)

    await asyncio.gather(asyncio.create_task(run(pair.first)), asyncio.create_task(run(pair.second)))
    await recount.check(watching, acts.petition.petition_id)


async def standing(watching: asyncpg.Connection, acts: Acts, place: Place) -> Stands:
    """Where a line stands."""
    where = "petition_id = $1 AND section = $2 AND page = $3 AND line = $4"
    row = await watching.fetchrow(
        f"SELECT status, reason FROM line WHERE {where}",  # noqa: S608  # a literal of ours
        acts.petition.petition_id,
        *place,
    )
    return row["status"], row["reason"]


async def race(database: Database, watching: asyncpg.Connection, pair: Pair, at: int) -> tuple[Acts, bool]:
    """Run one schedule; whether the first got as far as its stop."""
    acts = Acts(database, await a_petition(database, pair.ruleset))
    for act in pair.before:
        await act(acts)
    stop = pauses.Stop(at)

    async def first() -> None:
        pauses.STOP.set(stop)
        await pair.first(acts)

    async def second() -> None:
        await pair.second(acts)

    one = asyncio.create_task(first())
    reached = asyncio.create_task(stop.reached.wait())
    await asyncio.wait([one, reached], return_when=asyncio.FIRST_COMPLETED)
    two = asyncio.create_task(second())
    await _ended_or_waiting(two, watching)
    stop.go.set()
    reached.cancel()
    await asyncio.gather(one, two)
    return acts, stop.reached.is_set()


async def _ended_or_waiting(task: asyncio.Task[None], watching: asyncpg.Connection) -> None:
    """Wait until a task has ended or waits for somebody else's lock."""
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    while not task.done() and not await watching.fetchval(waits):  # noqa: ASYNC110  # the server tells nobody who waits
        await asyncio.sleep(0.001)
