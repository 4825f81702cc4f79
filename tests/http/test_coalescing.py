"""One query for all who ask: what each of them may be told."""

import asyncio
from collections.abc import Collection

import pytest

from app.count.tally import Coalesced


class Counted:
    """Answers each key with the number of the query that asked for it; 0 does not exist."""

    def __init__(self) -> None:
        self.queries = 0
        self.fails = False
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    async def fetch(self, keys: Collection[int]) -> dict[int, int]:
        self.queries += 1
        number = self.queries
        self.asked.set()
        await self.answers.wait()
        if self.fails:
            raise ConnectionError
        return {key: number for key in keys if key}


def let_pass(seconds: float, reader: Coalesced[int, int]) -> None:
    """Without waiting for it."""
    for key, (value, began) in reader._known.items():  # noqa: SLF001  # the loop's clock cannot be set
        reader._known[key] = value, began - seconds  # noqa: SLF001


async def test_what_was_read_is_told_again_until_it_is_too_old() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    assert await asyncio.gather(*(reader.get(1) for _ in range(50))) == [1] * 50
    assert await reader.get(1) == 1
    let_pass(3600, reader)
    assert await reader.get(1) == 2


async def test_what_was_read_or_asked_before_it_may_have_changed_is_no_answer_after_it() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    assert [await reader.get(1), await reader.get(1)] == [1, 1]
    counted.asked.clear()
    counted.answers.clear()
    asking = asyncio.create_task(reader.get(2))
    await counted.asked.wait()
    for key in (1, 2):
        reader.forget(key)  # while a query is under way, whose result may be of before
    late = asyncio.create_task(reader.get(2))
    await asyncio.sleep(0)
    counted.answers.set()
    assert (await asking, await late) == (2, 3)
    assert [await reader.get(1), await reader.get(2), await reader.get(2)] == [4, 3, 3]


async def test_what_is_known_without_a_query_is_as_good_as_what_was_read() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    now = asyncio.get_running_loop().time
    reader.put(1, 99, now())
    assert [await reader.get(1), counted.queries] == [99, 0]
    let_pass(3600, reader)
    assert await reader.get(1) == 1
    reader.put(1, 99, now() - 3600)
    assert await reader.get(1) == 1, "a later read counts"


async def test_who_comes_while_a_query_runs_shares_it_where_it_is_fresh_enough_and_asks_for_the_same() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    counted.answers.clear()
    first = asyncio.create_task(reader.get(1))
    await counted.asked.wait()
    others = [asyncio.create_task(reader.get(key)) for key in (1, 1, 2)]
    await asyncio.sleep(0)
    counted.answers.set()
    assert await asyncio.gather(first, *others) == [1, 1, 1, 2]


async def test_what_does_not_exist_is_asked_for_every_time() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    assert [await reader.get(0) for _ in range(3)] == [None] * 3
    assert counted.queries == 3


async def test_who_comes_in_the_second_half_of_the_time_has_the_next_query_begin_and_does_not_wait() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    await reader.get(1)
    let_pass(1900, reader)
    assert await reader.get(1) == 1
    for _ in range(5):
        await asyncio.sleep(0)
    assert (counted.queries, await reader.get(1)) == (2, 2)


async def test_a_query_ahead_of_its_time_that_fails_troubles_nobody_and_the_next_is_told() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=3600)
    await reader.get(1)
    let_pass(1900, reader)
    counted.fails = True
    assert await reader.get(1) == 1
    await asyncio.sleep(0.01)
    let_pass(1900, reader)
    with pytest.raises(ConnectionError):
        await reader.get(1)


async def test_whatever_changes_the_queries_begin_no_closer_together_than_was_said() -> None:
    counted = Counted()
    reader = Coalesced(counted.fetch, max_age=0.02, every=0.02)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(10):
        reader.forget(1)
        await reader.get(1)
    assert counted.queries == 10  # no caller got what was read before the change
    assert loop.time() - began >= 9 * 0.02
