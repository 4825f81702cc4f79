"""Many at once: batches over the same voters and places, random verbs on few voters, requests given up halfway."""

import asyncio
import random
from datetime import date
from io import BytesIO
from typing import cast

import asyncpg
import pytest

from app.count.intake import GroupCommit, Submission
from app.count.record import Count
from app.database.pools import Database
from app.law.line import Place, Signature
from app.roll.loading import load_roll
from tests import recount
from tests.http.county import COUNTY, roll_csv
from tests.races import pauses
from tests.races.acts import NOW, Acts, a_petition, signature

SEED = 20260105


async def test_overlapping_batches_in_opposite_orders_do_not_deadlock(
    racing: Database, watching: asyncpg.Connection
) -> None:
    acts = Acts(racing, await a_petition(racing))

    async def post(station: int) -> None:
        own = [signature(number, Place(2 + station, 1, number)) for number in range(1, 61)]
        shared = [signature(number, Place(1, 1, number)) for number in range(1, 61)]
        lines = own + shared
        await acts.submit(*(lines if station % 2 else reversed(lines)), station=f"station-{station}")

    await asyncio.gather(*(post(station) for station in range(16)))
    await recount.check(watching, acts.petition.petition_id)
    assert await watching.fetchval("SELECT valid FROM head") == 60
    assert await watching.fetchval("SELECT count(*) FROM signature") == 17 * 60


async def test_random_verbs_on_few_voters_leave_every_voter_counted_once(
    racing: Database, watching: asyncpg.Connection
) -> None:
    draw = random.Random(SEED)  # noqa: S311  # the same draw every time
    for _ in range(6):
        acts = Acts(racing, await a_petition(racing))
        await asyncio.gather(*(racer(acts, random.Random(draw.random()), n) for n in range(10)))  # noqa: S311
        await recount.check(watching, acts.petition.petition_id)


async def racer(acts: Acts, draw: random.Random, section: int) -> None:
    """One of many who do whatever they like to the lines of three voters."""
    for _ in range(8):
        number = draw.randint(1, 3)
        voter_id, place = f"V{number}", Place(draw.randint(1, 3), 1, number)
        verb = draw.randrange(8)
        if verb <= 1:
            await acts.submit(*(signature(n, Place(section + 1, 1, n)) for n in draw.sample([1, 2, 3], 3)))
        elif verb == 2:
            await acts.reject(place)
        elif verb == 3:
            await acts.reinstate(place, voter_id)
        elif verb == 4:
            await acts.withdraw(voter_id)
        elif verb == 5:
            await acts.revoke(voter_id)
        elif verb == 6:
            await acts.correct(signature(draw.randint(1, 3), place))
        else:
            await acts.declare(place.section, None, None)


async def test_a_request_given_up_before_any_of_its_statements_is_whole_or_absent_and_safe_to_repeat(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses.install(monkeypatch)
    acts, at, reached = Acts(racing, await a_petition(racing)), 0, True
    while reached:
        stop, lines = pauses.Stop(at), [signature(n, Place(1 + at, 1, n)) for n in (1, 2)]
        reached = await given_up(acts, stop, lines, key=f"key-{at}")
        there = await watching.fetchval("SELECT count(*) FROM signature WHERE section = $1", 1 + at)
        assert there in (0, 2)
        answer = await acts.submit(*lines, key=f"key-{at}")
        assert not isinstance(answer, Exception)
        results, replayed = answer
        assert replayed == (there == 2)
        assert all(result and result[1] for result in results)
        await recount.check(watching, acts.petition.petition_id)
        at += 1
    assert at > 10


async def given_up(acts: Acts, stop: pauses.Stop, lines: list[Signature], key: str) -> bool:
    """Cancel a submission at its stop; whether it got there before it was done."""

    async def submit() -> None:
        pauses.STOP.set(stop)
        await acts.submit(*lines, key=key)

    task, reached = asyncio.create_task(submit()), asyncio.create_task(stop.reached.wait())
    await asyncio.wait([task, reached], return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    stop.go.set()  # the pool may have got there, which is not to be given up: it cleans a connection
    reached.cancel()
    await asyncio.gather(task, reached, return_exceptions=True)
    return stop.reached.is_set()


async def test_a_line_that_cannot_be_stored_fails_alone(racing: Database, watching: asyncpg.Connection) -> None:
    petition = await a_petition(racing)
    group = GroupCommit(Count(racing), lambda: NOW)
    lines = [*(signature(n, Place(1, 1, n)) for n in range(1, 11)), signature(11, Place(0, 1, 1))]
    outcomes = await asyncio.gather(*(group.hand_in(petition, Submission("station-1", [line])) for line in lines))
    assert [isinstance(outcome, tuple) for outcome in outcomes] == [True] * 10 + [False]
    assert await watching.fetchval("SELECT count(*) FROM signature") == 10
    await recount.check(watching, petition.petition_id)


async def test_a_newer_roll_gets_its_turn_while_lines_keep_coming(
    racing: Database, watching: asyncpg.Connection, county_database: str
) -> None:
    source = BytesIO(roll_csv())
    await load_roll(county_database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6))
    acts, in_use, most = Acts(racing, await a_petition(racing)), asyncio.Event(), 150

    async def station(section: int) -> int:
        line = 0
        while not in_use.is_set() and line < most:
            line += 1
            await acts.submit(signature(line, Place(section, 1, line)), station=f"station-{section}")
        return line

    async def activate() -> None:
        await acts.use_roll(2)
        in_use.set()

    *handed_in, _ = await asyncio.gather(*(station(section) for section in range(1, 9)), activate())
    assert min(cast("list[int]", handed_in)) < most
    await recount.check(watching, acts.petition.petition_id)


async def test_a_client_that_goes_away_takes_nobody_elses_line_with_it(
    racing: Database, watching: asyncpg.Connection
) -> None:
    petition = await a_petition(racing)
    group = GroupCommit(Count(racing), lambda: NOW)
    waiting = [
        asyncio.create_task(group.hand_in(petition, Submission("station-1", [signature(n, Place(1, 1, n))])))
        for n in range(1, 41)
    ]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, tuple) for outcome in outcomes[1::2])
    await recount.check(watching, petition.petition_id)
