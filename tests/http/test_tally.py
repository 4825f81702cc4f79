"""The tally for monitors: fresh, cheap for any number of them, and followed as it changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.access import keys
from app.access import queries as key_rows
from app.access.queries import stored_keys
from app.count import tally as actions
from app.count.line_queries import read_tallies
from app.count.tally import Coalesced
from app.database.pools import Database
from app.http import petitions as streams
from app.law.line import Counts, Tally
from app.law.petition import Petition, PetitionKey
from tests.http.county import line
from tests.http.test_limits import working
from tests.http.world import World


async def test_who_asks_while_a_read_is_under_way_shares_the_next_and_never_that_one() -> None:
    reads: list[set[int]] = []
    gates = [asyncio.Event(), asyncio.Event()]

    async def fetch(keys: Collection[int]) -> dict[int, int]:
        reads.append(set(keys))
        number = len(reads)
        await gates[number - 1].wait()
        return dict.fromkeys(keys, number)

    reader = Coalesced(fetch)
    first = asyncio.create_task(reader.get(1))
    await asyncio.sleep(0.01)
    later = [asyncio.create_task(reader.get(number % 3)) for number in range(100)]
    await asyncio.sleep(0.01)
    for gate in gates:
        gate.set()
    assert await first == 1
    assert set(await asyncio.gather(*later)) == {2}
    assert reads == [{1}, {0, 1, 2}]


async def test_one_who_gives_up_does_not_take_the_others_answer_along() -> None:
    gate = asyncio.Event()

    async def fetch(keys: Collection[int]) -> dict[int, int]:
        await gate.wait()
        return dict.fromkeys(keys, 7)

    reader = Coalesced(fetch)
    impatient, patient = asyncio.create_task(reader.get(1)), asyncio.create_task(reader.get(1))
    await asyncio.sleep(0.01)
    impatient.cancel()
    gate.set()
    assert await patient == 7


async def test_any_number_of_polls_at_once_costs_one_read_and_one_of_the_key(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_MAX_AGE", 3600)  # in place of a machine on which 200 polls take less than 0.2 s
    monkeypatch.setattr(keys, "_MAX_AGE", 3600)
    reads = key_reads = 0

    async def counted(connection: asyncpg.Connection, petitions: Collection[PetitionKey]) -> dict[PetitionKey, Tally]:
        nonlocal reads
        reads += 1
        return await read_tallies(connection, petitions)

    async def counted_keys(connection: asyncpg.Connection, asked: Collection[tuple[str, str]]) -> dict[Any, Any]:
        nonlocal key_reads
        key_reads += 1
        return await stored_keys(connection, asked)

    monkeypatch.setattr(actions, "read_tallies", counted)
    async with working(database, tmp_path) as world:
        monkeypatch.setattr(key_rows, "stored_keys", counted_keys)
        answers = await asyncio.gather(*(world.tally() for _ in range(200)))
        assert len({json.dumps(answer) for answer in answers}) == 1
        assert (reads, key_reads) == (1, 1)
        await world.post(line(1))
        assert {(await world.tally())["raw"] for _ in range(200)} == {1}
        assert reads == 1, "who took the line in knows the tally"
        said = {"status": "invalid", "reason": "other", "note": "crossed out"}
        assert (await world.finding("1-1-1", **said)).status_code == 201
        assert {(await world.tally())["invalid"] for _ in range(200)} == {1}
        assert reads == 1, "and so does who changed the count in any other way"
        world.count.tallies.invalidate(PetitionKey("sample", UUID(world.petition_id)))
        assert {(await world.tally())["invalid"] for _ in range(200)} == {1}
        assert reads == 2, "after a commit whose outcome is unknown it is read"


async def test_a_database_that_was_put_back_is_believed_before_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Tally(99, datetime.now(UTC), "open", Counts(valid=7))
    now = asyncio.get_running_loop().time()
    world.count.tallies.publish(PetitionKey("sample", UUID(world.petition_id)), lost, now)
    assert (await world.tally())["version"] == 99
    await asyncio.sleep(0.3)
    assert (await world.tally())["version"] == 99
    monkeypatch.setattr(actions, "_REMEMBERED", 0)
    assert (await world.tally())["version"] == 1


async def test_a_poll_sees_every_line_that_was_acknowledged_before_it(world: World) -> None:
    async def watch(seen: list[dict[str, Any]]) -> None:
        while len(seen) < 300 and not done.is_set():
            seen.append(await world.tally())

    done = asyncio.Event()
    watched: list[list[dict[str, Any]]] = [[] for _ in range(4)]
    watchers = [asyncio.create_task(watch(seen)) for seen in watched]
    for number in range(1, 21):
        version = (await world.post(line(number))).json()["version"]
        assert (await world.tally())["version"] >= version
    done.set()
    await asyncio.gather(*watchers)
    for seen in watched:
        assert [t["version"] for t in seen] == sorted(t["version"] for t in seen)
        assert all(t["raw"] == t["version"] - 1 for t in seen), "a mixture of versions"
        assert all(t["raw"] == t["received"] + t["valid"] + t["invalid"] + t["review"] for t in seen)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        (['"1"'], 304),
        (['W/"1"'], 304),
        (["*"], 304),
        (['"7", "1"'], 304),
        (['"7",W/"1" , "9"'], 304),
        (['"7"', '"1"'], 304),
        (['"2"'], 200),
        (["1"], 200),
        (['"11"'], 200),
        ([""], 200),
        (['w/"1"'], 200),
        (["\xff"], 200),
    ],
)
async def test_a_version_that_the_client_has_is_not_sent_again(world: World, tags: list[str], status: int) -> None:
    headers = [("authorization", f"Bearer {world.keys['monitor']}"), *(("if-none-match", tag) for tag in tags)]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = await world.client.get(f"/v1/petitions/{world.petition_id}/tally", headers=raw)
    assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')
    assert answer.headers["cache-control"] == "private, no-cache"
    assert bool(answer.content) == (status == 200)


async def test_the_history_shows_each_version_or_as_many_as_asked_for(world: World) -> None:
    for number in range(1, 10):
        await world.post(line(number))
    whole = (await world.call("GET", "/tally/history", who="monitor")).json()
    assert [past["version"] for past in whole["history"]] == list(range(1, 11))
    assert [past["raw"] for past in whole["history"]] == list(range(10))
    assert whole["history"][-1]["valid"] == (await world.tally())["valid"]
    some = (await world.call("GET", "/tally/history?limit=3", who="monitor")).json()["history"]
    assert [past["version"] for past in some] == [3, 6, 10]
    later = (await world.call("GET", "/tally/history?since_version=8", who="monitor")).json()["history"]
    assert [past["version"] for past in later] == [9, 10]
    assert (await world.call("GET", "/tally/history?since_version=10", who="monitor")).json()["history"] == []
    assert (await world.call("GET", "/tally/history?since_version=9999", who="monitor")).json()["history"] == []


@asynccontextmanager
async def stream(app: FastAPI, world: World, last: str = "", who: str = "monitor") -> AsyncIterator[asyncio.Queue[str]]:
    """What a listener gets, piece by piece."""
    pieces: asyncio.Queue[str] = asyncio.Queue()
    gone = asyncio.Event()
    headers = [(b"authorization", f"Bearer {world.keys[who]}".encode())]
    headers += [(b"last-event-id", last.encode())] if last else []
    path = f"/v1/petitions/{world.petition_id}/tally/stream"
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
    }
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "", "state": {}}
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pieces.put_nowait(message.get("body", b"").decode() or message["type"])

    task = asyncio.create_task(app(scope, receive, send))
    assert await pieces.get() == "http.response.start"
    assert (await pieces.get()).startswith("retry: ")
    yield pieces
    gone.set()
    await asyncio.wait_for(task, 10)


async def test_a_listener_is_told_the_tally_at_once_and_then_each_change(app: FastAPI, world: World) -> None:
    async with stream(app, world) as pieces, stream(app, world, last="1") as second:
        first = await pieces.get()
        assert first.startswith("id: 1\nevent: tally\ndata: ")
        assert json.loads(first.partition("data: ")[2]) == await world.tally()
        await world.post(line(1))
        for listener in (pieces, second):  # the second had version 1 and is told nothing before version 2
            told = await asyncio.wait_for(listener.get(), 10)
            assert told.startswith("id: 2\n")
            assert told.endswith("\n\n")


async def test_a_stream_ends_once_its_key_is_revoked(
    app: FastAPI, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_CHECK_EVERY", 0)
    async with stream(app, world) as pieces:
        assert (await pieces.get()).startswith("id: 1\n")
        await world.post(line(1))
        assert (await asyncio.wait_for(pieces.get(), 10)).startswith("id: 2\n"), "a key that lives is no reason to end"
        await keys.revoke_key(world.database, "sample", world.keys["monitor"].split(".")[2], now=datetime.now(UTC))
        await world.post(line(2))
        assert await asyncio.wait_for(pieces.get(), 10) == "http.response.body"


async def test_five_hundred_listeners_cost_one_read_a_round() -> None:
    reads = 0

    async def fetch(petitions: Collection[PetitionKey]) -> dict[PetitionKey, Tally]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return {one: Tally(reads, datetime.now(UTC), "open", Counts()) for one in petitions}

    watch = actions.TallyBoard(cast("Database", None), every=0.01)
    watch._reads = Coalesced(fetch)  # noqa: SLF001  # in place of a database
    watched = PetitionKey("sample", UUID(int=1))

    async def follow() -> list[int]:
        versions = []
        async with aclosing(watch.follow(watched, None)) as rows:
            async for row in rows:
                versions += [row.version] if row else []
                if len(versions) == 6:
                    return versions
        return versions

    told = await asyncio.gather(*(follow() for _ in range(500)))
    assert {tuple(versions) for versions in told} == {tuple(told[0])}
    assert reads <= 7, "one for all who come together, and one for each round"


async def test_streams_end_when_the_service_does(app: FastAPI, world: World) -> None:
    async with stream(app, world) as pieces:
        await pieces.get()
        app.state.recall.count.tallies.end()
        assert await asyncio.wait_for(pieces.get(), 10) == "http.response.body"


async def test_streams_are_refused_where_there_are_as_many_as_allowed_and_another_user_gets_the_place_of_the_oldest(
    app: FastAPI, world: World
) -> None:
    streaming = app.state.recall.limits.bulkheads["streams"]
    streaming.limit = streaming.limit._replace(at_once=2)
    async with stream(app, world) as oldest, stream(app, world) as second:
        answer = await world.call("GET", "/tally/stream", who="monitor")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        async with stream(app, world, who="auditor") as other:
            assert (await other.get()).startswith("id: 1\n")
            assert (await oldest.get()).startswith("id: 1\n")
            assert await asyncio.wait_for(oldest.get(), 10) == "http.response.body"
            await world.post(line(1))
            for listener in (second, other):
                while not (await asyncio.wait_for(listener.get(), 10)).startswith("id: 2\n"):
                    pass
    assert (streaming.running, streaming.waiting) == (0, 0)


async def test_all_streams_of_a_petition_share_one_text_of_each_version(
    app: FastAPI, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = list[int]()
    shown = streams.tally_out

    def counting(petition: Petition, tally: Tally) -> streams.TallyOut:
        written.append(tally.version)
        return shown(petition, tally)

    monkeypatch.setattr(streams, "tally_out", counting)
    async with stream(app, world) as first, stream(app, world) as second:
        assert await first.get() == await second.get()
        await world.post(line(1))
        assert await asyncio.wait_for(first.get(), 10) == await asyncio.wait_for(second.get(), 10)
    assert written == [1, 2]
