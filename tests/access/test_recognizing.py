"""What a process may use of the keys that it has read, and how it reads them."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from app.access import keys as module
from app.access import queries
from app.access.keys import KeyParts, KeyRing, parse, secret_hash
from app.access.queries import StoredKey
from app.database.pools import Database

NOW = datetime(2022, 7, 6, tzinfo=UTC)
SECRET = "s" * 43


def a_key(number: int) -> str:
    return str(KeyParts("c", f"{number:08}", SECRET))


class Keys:
    """In place of the database: keys 1 to 9 exist, and their owner has the number of the query as name."""

    def __init__(self) -> None:
        self.queries: list[set[str]] = []
        self.began, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        self.fails = False

    @asynccontextmanager
    async def brief(self) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Keys"]:
        yield self

    async def execute(self, query: str, *_: object) -> None:
        assert query == queries.NOTE_USE

    async def stored_keys(self, _: object, names: Collection[tuple[str, str]]) -> dict[tuple[str, str], StoredKey]:
        self.queries.append({prefix.lstrip("0") for _, prefix in names})
        number = str(len(self.queries))
        self.began.set()
        await self.may_answer.wait()
        if self.fails:
            raise ConnectionError
        return {name: StoredKey(number, "clerk", secret_hash(SECRET), None) for name in names if name[1] < "00000010"}


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Keys:
    keys = Keys()
    monkeypatch.setattr(queries, "stored_keys", keys.stored_keys)
    return keys


@pytest.fixture
def ring(stored: Keys) -> KeyRing:
    return KeyRing(cast("Database", stored))


async def owner(ring: KeyRing, number: int) -> str | None:
    principal = await ring.recognize(parse(a_key(number)), now=NOW)
    return principal.name if principal else None


async def test_what_was_read_is_used_until_it_is_too_old(
    ring: KeyRing, stored: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_AGE", 3600)  # a loaded machine may take 0.2 s for the next two lines
    assert await asyncio.gather(*(owner(ring, 1) for _ in range(50))) == ["1"] * 50
    assert await owner(ring, 1) == "1"
    monkeypatch.setattr(module, "_MAX_AGE", 0.0)
    assert await owner(ring, 1) == "2"
    assert stored.queries == [{"1"}, {"1"}]


async def test_while_a_query_runs_all_later_requests_wait_for_the_next_one(ring: KeyRing, stored: Keys) -> None:
    stored.may_answer.clear()
    first = asyncio.create_task(owner(ring, 1))
    await stored.began.wait()
    later = [asyncio.create_task(owner(ring, number)) for number in (1, 2, 2, 3)]
    await asyncio.sleep(0.01)
    assert stored.queries == [{"1"}]
    stored.may_answer.set()
    assert [await task for task in (first, *later)] == ["1", "2", "2", "2", "2"]
    assert stored.queries == [{"1"}, {"1", "2", "3"}]


async def test_an_unknown_key_is_asked_for_every_time(ring: KeyRing, stored: Keys) -> None:
    assert [await owner(ring, 10) for _ in range(3)] == [None] * 3
    assert stored.queries == [{"10"}] * 3


async def test_a_key_with_another_secret_is_wrong(ring: KeyRing) -> None:
    assert await ring.recognize(parse(a_key(1)[:-1] + "t"), now=NOW) is None
    assert await ring.recognize(parse(a_key(1) + "t"), now=NOW) is None


async def test_a_caller_that_gives_up_leaves_the_answer_to_the_others(ring: KeyRing, stored: Keys) -> None:
    stored.may_answer.clear()
    tasks = [asyncio.create_task(owner(ring, 1)) for _ in range(3)]
    await stored.began.wait()
    tasks[0].cancel()
    await asyncio.sleep(0)
    stored.may_answer.set()
    assert await asyncio.gather(*tasks[1:]) == ["1", "1"]


async def test_a_query_that_fails_fails_for_all_who_wait_and_the_next_one_is_tried(ring: KeyRing, stored: Keys) -> None:
    stored.fails = True
    failed: list[Any] = await asyncio.gather(*(owner(ring, n) for n in (1, 2)), return_exceptions=True)
    assert [type(error) for error in failed] == [ConnectionError] * 2
    stored.fails = False
    assert await owner(ring, 1) == "2"
