"""Lines are decided in worker processes, and in the service if these fail."""

import asyncio
import gc
import signal
import weakref
from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from app import processes
from app.database.engine import SESSION, connect_arguments
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.matching import workers as actions
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.parsing import Alias, Aliases
from app.matching.queries import SearchedRoll
from app.matching.workers import Matchers, in_parts
from app.processes import collect_garbage
from tests.http.county import COUNTY, voter
from tests.servers import as_owner
from tests.waiting import until

DAY = date(2022, 7, 6)


def lines(*numbers: int) -> list[LineToDecide]:
    writings = [voter(number) for number in numbers]
    return [
        LineToDecide(
            Signature(w["printed_name"], w["residence_address"], w["city"], w["zip"]), SigningInterval(DAY, DAY, DAY)
        )
        for w in writings
    ]


def end(matchers: Matchers, at: int, how: signal.Signals) -> None:
    process = matchers.workers[at].process
    assert process
    process.send_signal(how)


async def started(database: str, count: int) -> Matchers:
    made = Matchers(connect_arguments(database, **SESSION), count)
    await made.start()
    return made


@pytest.fixture
async def matcher(county_database: str) -> AsyncIterator[Matchers]:
    made = await started(county_database, 1)
    yield made
    await made.close()


@pytest.fixture
async def two(county_database: str) -> AsyncIterator[Matchers]:
    made = await started(county_database, 2)
    yield made
    await made.close()


@pytest.fixture
async def connection(county_database: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(**connect_arguments(as_owner(county_database)))
    yield opened
    await opened.close()


async def test_it_decides_as_the_service_does(matcher: Matchers, connection: asyncpg.Connection) -> None:
    asked = lines(1, 2, 300, 4)
    here = await decide_lines(SearchedRoll(connection, COUNTY, 1), asked)
    await connection.close()  # it has connections of its own
    assert await matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), asked) == here
    assert {d.outcome.status for d in here} >= {"valid"}
    assert (matcher.states()["running"], matcher.without) == (1, 0), "it answered itself, and lives"


async def test_it_decides_many_batches_at_a_time_and_each_gets_its_own_answer(
    matcher: Matchers, connection: asyncpg.Connection
) -> None:
    asked = [lines(number, number + 1) for number in range(1, 31)]
    found = await asyncio.gather(*(matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), batch) for batch in asked))
    assert [d[0].voter_id for d in found] == [f"V{number}" for number in range(1, 31)]


async def test_no_lines_are_no_decisions(matcher: Matchers, connection: asyncpg.Connection) -> None:
    assert await matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), []) == []


async def test_where_it_is_killed_the_service_decides(matcher: Matchers, connection: asyncpg.Connection) -> None:
    under_way = asyncio.create_task(matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(7)))
    await asyncio.sleep(0)
    end(matcher, 0, signal.SIGKILL)
    assert (await under_way)[0].voter_id == "V7"

    async def ended() -> bool:
        return matcher.states()["running"] == 0

    await until(ended)
    found = await matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(8))
    assert found[0].voter_id == "V8"
    assert matcher.without >= 1, "it is counted, since everything is slower meanwhile"


async def test_where_it_hangs_the_service_decides(
    matcher: Matchers, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_PATIENCE", 0.2)
    end(matcher, 0, signal.SIGSTOP)
    found = await matcher.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(9))
    assert found[0].voter_id == "V9"
    assert matcher.workers[0].requests == {}


async def test_those_that_hang_are_replaced_and_what_waited_is_decided(
    two: Matchers, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_BEAT_EVERY", 0.2)
    before = {worker.process for worker in two.workers}
    under_way = asyncio.create_task(two.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(*range(1, 31))))
    for at in (0, 1):
        end(two, at, signal.SIGSTOP)
    watching = asyncio.create_task(two.watch())
    try:
        assert [decision.voter_id for decision in await under_way] == [f"V{number}" for number in range(1, 31)]

        async def answering() -> bool:
            return two.states()["running"] == 2

        await until(answering)
        assert two.replaced >= 2
        assert not before & {worker.process for worker in two.workers}
        found = await two.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(9))
        assert found[0].voter_id == "V9"
    finally:
        watching.cancel()


async def test_one_that_waits_for_the_database_is_not_replaced(
    two: Matchers, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_BEAT_EVERY", 0.2)
    await two.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(*range(1, 31)))  # so that both have opened
    watching = asyncio.create_task(two.watch())
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE registration IN ACCESS EXCLUSIVE MODE")
            held_up = asyncio.create_task(two.submit((COUNTY, 1, 0, lines(7))))
            await asyncio.sleep(0.2 * 12)
            assert not held_up.done()
        assert (await held_up)[0].voter_id == "V7"
        assert two.replaced == 0
    finally:
        watching.cancel()


async def test_what_one_dies_over_another_decides(two: Matchers, connection: asyncpg.Connection) -> None:
    await connection.close()  # so the service cannot
    end(two, 0, signal.SIGSTOP)  # it takes what it is asked, and answers nothing
    under_way = [
        asyncio.create_task(two.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(number))) for number in (10, 11)
    ]

    async def asked() -> bool:
        return len(two.workers[0].requests) == 1

    await until(asked)
    end(two, 0, signal.SIGKILL)
    assert [(await task)[0].voter_id for task in under_way] == ["V10", "V11"]
    assert two.states() == {"running": 1, "silent": 0, "ended": 1}


async def test_one_batch_is_decided_by_all_of_them_at_once(two: Matchers, connection: asyncpg.Connection) -> None:
    await connection.close()
    for at in (0, 1):
        end(two, at, signal.SIGSTOP)
    numbers = [1 + number % 30 for number in range(500)]
    under_way = asyncio.create_task(two.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(*numbers)))

    async def asked() -> bool:
        return [len(worker.requests) for worker in two.workers] == [1, 1]

    await until(asked)
    for at in (0, 1):
        end(two, at, signal.SIGCONT)
    assert [decision.voter_id for decision in await under_way] == [f"V{number}" for number in numbers]


@pytest.mark.parametrize(
    ("length", "parts"), [(0, []), (1, [1]), (250, [250]), (251, [125, 126]), (1000, [250] * 4), (501, [167] * 3)]
)
def test_a_batch_is_cut_into_as_few_parts_as_memory_has_room_for(length: int, parts: list[int]) -> None:
    asked = lines(*range(1, length + 1))
    cut = in_parts(asked)
    assert [len(part) for part in cut] == parts
    assert [line for part in cut for line in part] == asked


def test_what_idle_processes_can_share_is_cut_for_them() -> None:
    asked = lines(*range(1, 32))
    assert [len(part) for part in in_parts(asked, 2)] == [15, 16]
    assert in_parts([], 2) == []


async def test_what_refers_to_itself_is_freed_now_and_then() -> None:
    class Knot:
        def __init__(self) -> None:
            self.itself = self

    async def freed() -> bool:
        return knot() is None

    was_enabled = gc.isenabled()
    collecting = asyncio.create_task(collect_garbage(every=0.05))
    try:
        await asyncio.sleep(0)
        assert not gc.isenabled()
        knot = weakref.ref(Knot())
        assert knot() is not None
        await until(freed)
    finally:
        collecting.cancel()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


async def test_without_any_the_service_decides(county_database: str, connection: asyncpg.Connection) -> None:
    none = await started(county_database, 0)
    found = await none.decide_lines(SearchedRoll(connection, COUNTY, 1), lines(1, 2))
    assert [decision.voter_id for decision in found] == ["V1", "V2"]


async def test_with_aliases_that_the_process_does_not_find_the_service_decides(
    matcher: Matchers, connection: asyncpg.Connection
) -> None:
    unknown = Aliases(9, [Alias("street", "Nowhere", "Maple Ave")])
    found = await matcher.decide_lines(SearchedRoll(connection, COUNTY, 1, unknown), lines(1))
    assert found[0].voter_id == "V1"
