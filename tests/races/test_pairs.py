"""Two verbs on one voter, the first stopped before each of its statements in turn while the second runs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

import asyncpg
import pytest

from app.db.engine import Database
from app.domain.signature import Place
from tests import recount
from tests.races import pauses
from tests.races.acts import Acts, a_petition, settled_or_blocked, signature

LOW, HIGH = Place(1, 1, 1), Place(2, 1, 1)
Act = Callable[[Acts], Awaitable[object]]


@dataclass(frozen=True)
class Pair:
    """What was there before, and the two that race."""

    before: tuple[Act, ...]
    first: Act
    second: Act


def submit(place: Place, number: int = 1) -> Act:
    return lambda acts: acts.submit(signature(number, place))


def nothing_before(first: Act, second: Act) -> Pair:
    return Pair((), first, second)


PAIRS = {
    "submit low, submit high": nothing_before(submit(LOW), submit(HIGH)),
    "submit high, submit low": nothing_before(submit(HIGH), submit(LOW)),
    "submit, submit at one place": nothing_before(submit(LOW), submit(LOW, 2)),
    "submit, the same submit": nothing_before(submit(LOW), submit(LOW)),
    "submit high, reject low": Pair((submit(LOW),), submit(HIGH), lambda a: a.reject(LOW)),
    "reject low, submit high": Pair((submit(LOW),), lambda a: a.reject(LOW), submit(HIGH)),
    "reject low, reject high": Pair((submit(LOW), submit(HIGH)), lambda a: a.reject(LOW), lambda a: a.reject(HIGH)),
    "reject, reinstate": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(HIGH)),
        lambda a: a.reject(LOW),
        lambda a: a.reinstate(HIGH),
    ),
    "reinstate, reject": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(LOW)),
        lambda a: a.reinstate(LOW),
        lambda a: a.reject(HIGH),
    ),
    "two findings on one line": Pair((submit(LOW),), lambda a: a.reject(LOW), lambda a: a.reinstate(LOW)),
    "withdraw, submit": Pair((submit(HIGH),), lambda a: a.withdraw(), submit(LOW)),
    "submit, withdraw": Pair((submit(HIGH),), submit(LOW), lambda a: a.withdraw()),
    "withdraw, withdraw": Pair((submit(HIGH),), lambda a: a.withdraw(), lambda a: a.withdraw()),
    "revoke, submit": Pair((submit(HIGH), lambda a: a.withdraw()), lambda a: a.revoke(), submit(LOW)),
    "correct, submit": Pair((submit(LOW, 2),), lambda a: a.correct(signature(1, LOW)), submit(HIGH)),
    "submit, correct": Pair((submit(LOW),), submit(HIGH), lambda a: a.correct(signature(2, LOW))),
    "correct, correct": Pair(
        (submit(LOW),), lambda a: a.correct(signature(2, LOW)), lambda a: a.correct(signature(3, LOW))
    ),
    "submit, section dates": Pair((), submit(LOW), lambda a: a.declare(1, None, None)),
    "section dates, submit": Pair((submit(HIGH),), lambda a: a.declare(1, None, None), submit(LOW)),
    "section dates, section dates": Pair(
        (submit(LOW),), lambda a: a.declare(1, None, None), lambda a: a.declare(1, date(2022, 3, 1), date(2022, 3, 2))
    ),
    "crossing voters": Pair(
        (submit(LOW), submit(HIGH, 2)),
        lambda a: a.correct(signature(2, LOW)),
        lambda a: a.correct(signature(1, HIGH)),
    ),
}


async def race(database: Database, watching: asyncpg.Connection, pair: Pair, at: int) -> tuple[Acts, bool]:
    """Run one schedule; the outcome, and whether the first got as far as its stop."""
    acts = Acts(database, await a_petition(database))
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
    await settled_or_blocked(two, watching)
    stop.go.set()
    reached.cancel()
    await asyncio.gather(one, two)
    return acts, stop.reached.is_set()


@pytest.mark.parametrize("name", PAIRS)
async def test_whatever_interleaving_every_voter_counts_once(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pauses.install(monkeypatch)
    at, more = 0, True
    while more:
        acts, more = await race(racing, watching, PAIRS[name], at)
        await recount.check(watching, acts.petition.petition_id)
        at += 1
    assert at > 5, "there was something to stop at"
