"""Lines are looked up in a process of its own, and decided whatever becomes of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from app.actions import matcher as actions
from app.actions.lookup import LineToDecide, decide_lines
from app.actions.matcher import Matcher
from app.db.engine import connect_arguments
from app.domain.alias_rows import Alias
from app.domain.aliases import Aliases
from app.domain.signature import Writing
from tests.api.county import COUNTY, voter
from tests.waiting import until

DAY = date(2022, 7, 6)


def lines(*numbers: int) -> list[LineToDecide]:
    writings = [voter(number) for number in numbers]
    return [
        LineToDecide(Writing(w["printed_name"], w["residence_address"], w["city"], w["zip"]), DAY, DAY, DAY)
        for w in writings
    ]


@pytest.fixture
async def matcher(county_database: str) -> AsyncIterator[Matcher]:
    made = Matcher(county_database)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def connection(county_database: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(**connect_arguments(county_database))
    yield opened
    await opened.close()


async def test_it_decides_as_the_service_does(matcher: Matcher, connection: asyncpg.Connection) -> None:
    asked = lines(1, 2, 300, 4)
    here = await decide_lines(connection, county_id=COUNTY, roll_version=1, lines=asked)
    await connection.close()  # it has connections of its own
    assert await matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=asked) == here
    assert {d.status for d in here} >= {"valid"}


async def test_it_decides_many_batches_at_a_time_and_each_gets_its_own_answer(
    matcher: Matcher, connection: asyncpg.Connection
) -> None:
    asked = [lines(number, number + 1) for number in range(1, 31)]
    found = await asyncio.gather(
        *(matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=batch) for batch in asked)
    )
    assert [d[0].voter_id for d in found] == [f"V{number}" for number in range(1, 31)]


async def test_no_lines_are_no_decisions(matcher: Matcher, connection: asyncpg.Connection) -> None:
    assert await matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=[]) == []


async def test_where_it_is_killed_the_service_decides(matcher: Matcher, connection: asyncpg.Connection) -> None:
    assert matcher.process_id
    under_way = asyncio.create_task(matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=lines(7)))
    await asyncio.sleep(0)
    os.kill(matcher.process_id, signal.SIGKILL)
    assert (await under_way)[0].voter_id == "V7"

    async def ended() -> bool:
        return not matcher.running

    await until(ended)
    found = await matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=lines(8))
    assert found[0].voter_id == "V8"


async def test_where_it_hangs_the_service_decides(
    matcher: Matcher, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_PATIENCE", 0.2)
    assert matcher.process_id
    os.kill(matcher.process_id, signal.SIGSTOP)
    found = await matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=lines(9))
    assert found[0].voter_id == "V9"
    assert matcher.waiting() == 0


async def test_with_aliases_that_the_process_does_not_find_the_service_decides(
    matcher: Matcher, connection: asyncpg.Connection
) -> None:
    unknown = Aliases(9, [Alias("street", "Nowhere", "Maple Ave")])
    found = await matcher.decide_lines(connection, county_id=COUNTY, roll_version=1, lines=lines(1), aliases=unknown)
    assert found[0].voter_id == "V1"
