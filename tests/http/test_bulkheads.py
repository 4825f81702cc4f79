"""A limit for each kind of request: who waits, in which order, who is refused, and that no place is ever lost."""

import asyncio
import random
from contextlib import suppress

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BusyError
from app.http import limits
from app.http.frame import guarded_routes
from app.http.limits import LIMITS, Bulkhead, Limit, kind_of
from tests.http.county import line
from tests.http.world import World
from tests.waiting import until


async def started(bulkhead: Bulkhead, *senders: str) -> list["asyncio.Task[limits.Admission]"]:
    """Requests of these senders, one after the other, each as far as it gets."""
    tasks = []
    for sender in senders:
        tasks.append(asyncio.create_task(bulkhead.enter(sender)))
        await asyncio.sleep(0)
    return tasks


async def test_senders_that_wait_take_turns() -> None:
    bulkhead = Bulkhead(Limit(1, waiting=9))
    tasks = await started(bulkhead, *"aaaabbc")
    order = []
    while tasks:
        served = next(task for task in tasks if task.done())
        tasks.remove(served)
        order.append(served.result().sender)
        served.result().leave()
        await asyncio.sleep(0.001)
    assert order == list("aabcaba")
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)


async def test_a_full_line_refuses_the_sender_with_the_most_in_it() -> None:
    bulkhead = Bulkhead(Limit(1, waiting=3))
    tasks = await started(bulkhead, *"aaaa")
    with pytest.raises(BusyError):
        await bulkhead.enter("a")
    tasks += await started(bulkhead, "b")
    with pytest.raises(BusyError):
        await tasks[3]
    with pytest.raises(BusyError):
        await bulkhead.enter("b")
    assert (bulkhead.running, bulkhead.waiting) == (1, 3)
    for task in tasks:
        task.cancel()


async def test_a_place_rests_while_short_requests_are_under_way() -> None:
    short = 1
    bulkhead = Bulkhead(Limit(1, waiting=3, rest=0.001), lambda: not short)
    (await bulkhead.enter("a")).leave()
    (waiting,) = await started(bulkhead, "a")
    assert (bulkhead.running, waiting.done()) == (1, False)
    short = 0
    (await waiting).leave()
    assert bulkhead.running == 0


async def test_a_line_that_does_not_move_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_PATIENCE", 0.01)
    bulkhead = Bulkhead(Limit(1, waiting=3))
    place = await bulkhead.enter("a")
    with pytest.raises(BusyError):
        await bulkhead.enter("a")
    assert (bulkhead.running, bulkhead.waiting) == (1, 0)
    place.leave()
    assert bulkhead.running == 0


@given(st.integers(1, 3), st.integers(0, 5), st.booleans(), st.integers())
async def test_no_place_is_lost_as_requests_come_leave_and_give_up(
    at_once: int,
    waiting: int,
    preempts: bool,  # noqa: FBT001  # drawn
    seed: int,
) -> None:
    bulkhead, dice = Bulkhead(Limit(at_once, waiting, preempts=preempts)), random.Random(seed)  # noqa: S311  # no secret

    async def request(sender: str) -> None:
        with suppress(BusyError):
            place = await bulkhead.enter(sender)
            try:
                assert bulkhead.running <= at_once
                while not place.ending and dice.random() < 0.7:  # noqa: ASYNC110  # it is asked now and then
                    await asyncio.sleep(0)
            finally:
                place.leave()

    tasks = []
    for _ in range(40):
        tasks.append(asyncio.create_task(request(dice.choice("abc"))))
        if dice.random() < 0.3:
            dice.choice(tasks).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
        assert bulkhead.waiting <= waiting
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)
    assert (await bulkhead.enter("a")).sender == "a"


def test_every_kind_has_operations_and_every_list_is_limited(app_without_database: FastAPI) -> None:
    kinds = {name: kind_of(name) for name in guarded_routes(app_without_database)}
    assert set(kinds.values()) == {*LIMITS, None}
    assert {kind for name, kind in kinds.items() if name.startswith("list_")} == {"lists"}
    assert {name for name in kinds if name.startswith("post_") and kinds[name]} == set()
    readers = sum(LIMITS[kind].at_once for kind in ("proofs", "verifications", "lists", "searches"))
    assert readers < 8, "some of the readers' connections are left"


async def test_lists_that_hang_refuse_other_lists_and_hold_up_no_one_else(
    app: FastAPI, world: World, connection: asyncpg.Connection
) -> None:
    listing = app.state.recall.limits.bulkheads["lists"]
    listing.limit = Limit(2, waiting=1)
    async with connection.transaction():
        await connection.execute("LOCK TABLE checkpoint IN ACCESS EXCLUSIVE MODE")
        hanging = [
            asyncio.create_task(world.call("GET", "/ledger/checkpoints", who=who))
            for who in ("monitor", "auditor", "clerk")
        ]

        async def full() -> bool:
            return (listing.running, listing.waiting) == (2, 1)

        await until(full)
        refused = await world.call("GET", "/ledger/checkpoints", who="clerk")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await world.call("GET", "/ledger/proofs/inclusion?seq=1&size=1", who="auditor")).status_code == 200
        assert (await world.post(line(1))).status_code == 201
        assert (await world.tally())["raw"] == 1
    assert [answer.status_code for answer in await asyncio.gather(*hanging)] == [200] * 3
    assert (listing.running, listing.waiting, app.state.recall.limits.in_flight) == (0, 0, 0)


async def test_strangers_take_no_place_of_those_with_a_key(app: FastAPI, world: World) -> None:
    proving = app.state.recall.limits.bulkheads["proofs"]
    proving.limit = Limit(0)
    answers = [
        await world.call("GET", "/ledger/proofs/inclusion?seq=1&size=1", who="auditor", headers=headers)
        for headers in ({"Authorization": "Bearer none"}, {})
    ]
    assert [answer.status_code for answer in answers] == [401, 503]


async def test_raw_counts_that_take_long_leave_connections_for_other_readers(
    app: FastAPI, world: World, connection: asyncpg.Connection
) -> None:
    """Each reads every line of the petition."""
    await world.post(line(1))
    limited = app.state.recall.limits.bulkheads["lists"]
    async with connection.transaction():
        await connection.execute("LOCK TABLE raw_count_proposal IN ACCESS EXCLUSIVE MODE")
        reads = [asyncio.create_task(world.call("GET", "/raw-count", who="clerk")) for _ in range(20)]

        async def hanging() -> bool:
            return bool(limited.waiting == len(reads) - limited.limit.at_once)

        await until(hanging)
        assert (await world.call("GET", "/signatures/1-1-1", who="clerk")).status_code == 200
    assert {answer.status_code for answer in await asyncio.gather(*reads)} == {200}
