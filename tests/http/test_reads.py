"""Reads of voter data: each on record before it is answered, and counted against its reader's budget of the day."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.examination.reads import ReadBudget, keep_seen_short
from tests.http.conftest import a_process
from tests.http.county import a_request, line, voter
from tests.http.documented import DOCUMENT
from tests.http.test_keys import app_command
from tests.http.test_metrics import families
from tests.http.test_quality import drawn_places, sample
from tests.http.world import World
from tests.waiting import until

RECORD = "SELECT * FROM lookup_audit ORDER BY lookup_id"


async def used(connection: asyncpg.Connection, principal: str = "clerk-1") -> int:
    found = await connection.fetchval("SELECT sum(used) FROM lookup_budget WHERE principal = $1", principal)
    return int(found or 0)


async def of_people(world: World, path: str = "", *, who: str = "supervisor", **params: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
    headers = {"Authorization": f"Bearer {world.keys[who]}"}
    return await world.client.get(f"/v1/voters/reads{path}", headers=headers, params=params)


async def lines_of(world: World, **params: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
    return await world.call("GET", "/signatures", who="clerk", params=params)


async def status_of(world: World, place: str) -> str:
    """A line's status, as its station sees it."""
    return str((await world.call("GET", f"/signatures/{place}", who="station")).json()["status"])


async def test_a_hundred_lines_whose_evidence_is_read_leave_a_hundred_records(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.batch([line(n) for n in range(1, 101)], who="clerk")
    for n in range(1, 101):
        await world.detail(f"1-1-{n}")
    assert await connection.fetchval("SELECT count(*) FROM lookup_audit WHERE principal = 'clerk-1'") == 100
    assert await connection.fetchval("SELECT used FROM lookup_budget WHERE principal = 'clerk-1'") == 100


async def test_which_lines_were_read_is_forgotten_when_the_day_is_over_and_the_record_is_kept(
    world: World, connection: asyncpg.Connection, app: FastAPI
) -> None:
    await world.batch([line(n) for n in range(1, 4)], who="clerk")
    for n in range(1, 4):
        await world.detail(f"1-1-{n}")
    days = iter((0, 1, 2))
    rounds = list[int]()

    def now() -> datetime:
        rounds.append(next(days))
        return datetime.now(UTC) + timedelta(days=rounds[-1])

    async def seen() -> int:
        return int(await connection.fetchval("SELECT count(*) FROM lookup_seen"))

    state = app.state.recall
    for left in (3, 3, 0):
        keeping = asyncio.create_task(keep_seen_short(state.database, state.budget, now))

        async def are_left(left: int = left) -> bool:
            return await seen() == left

        await asyncio.sleep(0.2)
        await until(are_left)
        keeping.cancel()
    assert rounds == [0, 1, 2]
    assert await connection.fetchval("SELECT count(*) FROM lookup_audit WHERE principal = 'clerk-1'") == 3
    assert await used(connection) == 3


async def test_a_record_says_who_when_and_which_line_and_nothing_of_the_voter(
    world: World, connection: asyncpg.Connection, app: FastAPI
) -> None:
    await world.post(line(7))
    before = app.state.recall.now()
    shown = await world.detail("1-1-7")
    (row,) = await connection.fetch(RECORD)
    assert (row["principal"], row["role"], row["kind"]) == ("clerk-1", "clerk", "line")
    assert (str(row["petition_id"]), row["places"], row["counted"]) == (world.petition_id, ["1-1-7"], 1)
    assert before <= row["looked_up_at"] <= app.state.recall.now()
    named = {shown["finding"]["voter_id"], *(one["voter_id"] for one in shown["finding"]["evidence"]["candidates"])}
    assert row["candidates"] == len(named)
    for word in ("V7", voter(7)["residence_address"], *voter(7)["printed_name"].split()):
        assert word not in str(dict(row))


async def test_a_list_counts_each_line_that_names_a_voter(world: World, connection: asyncpg.Connection) -> None:
    empty = dict.fromkeys(("printed_name", "residence_address", "city", "zip"), "")
    await world.batch([*(line(n) for n in range(1, 6)), {**line(6), **empty}])
    page = (await lines_of(world, limit=4)).json()
    await lines_of(world, limit=4, cursor=page["next_cursor"])
    rows = await connection.fetch(RECORD)
    assert [(row["kind"], row["places"], row["candidates"], row["counted"]) for row in rows] == [
        ("lines", ["1-1-1", "1-1-2", "1-1-3", "1-1-4"], 4, 4),
        ("lines", ["1-1-5"], 1, 1),
    ]
    await lines_of(world, reason="no_address")
    assert len(await connection.fetch(RECORD)) == 2, "a list without a voter is no read of voter data"


async def test_a_line_counts_once_a_day_whatever_is_read_of_it_and_is_recorded_each_time(
    world: World, connection: asyncpg.Connection, app: FastAPI
) -> None:
    await world.batch([line(n) for n in (1, 2, 3)])
    await lines_of(world)
    await world.detail("1-1-1")
    await world.finding("1-1-1", status="valid", voter_id="V1")
    assert [(row["kind"], row["counted"]) for row in await connection.fetch(RECORD)] == [
        ("lines", 3), ("line", 0), ("line", 0),
    ]  # fmt: skip
    assert await used(connection) == 3
    tomorrow = app.state.recall.now() + timedelta(days=1)
    app.state.recall.now = lambda: tomorrow
    await world.detail("1-1-1")
    assert await used(connection) == 4
    await world.call("GET", "/signatures/1-1-1", who="supervisor")
    assert await used(connection, "supervisor-1") == 1, "each person has a budget of their own"


async def test_a_corrected_text_counts_anew_so_that_no_line_can_be_used_to_search(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.post(line(1))
    for n in range(2, 12):
        text = {"note": "", **{name: voter(n)[name] for name in voter(n)}}
        answer = await world.verb("/signatures/1-1-1/revisions", key=f"k{n}", **text)
        assert answer.json()["finding"]["voter_id"] == f"V{n}"
    assert await used(connection) >= 10


async def test_the_answers_of_writes_and_their_replays_are_on_record(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.post(line(1))
    for _ in range(3):
        answer = await world.verb("/signatures/1-1-1/findings", key="k", status="valid", voter_id="V1")
        assert answer.json()["finding"]["evidence"]["candidates"]
    assert [(row["kind"], row["places"]) for row in await connection.fetch(RECORD)] == [("line", ["1-1-1"])] * 3
    assert (await world.finding("1-1-2", status="valid", voter_id="V1")).status_code == 404
    assert len(await connection.fetch(RECORD)) == 3, "an error shows nothing"


async def test_samples_and_withdrawals_are_on_record(world: World, connection: asyncpg.Connection) -> None:
    places = await drawn_places(world, 2)
    await world.batch([line(n, place) for n, place in enumerate(places, start=3)])
    await world.verb("/withdrawals", **a_request("V2"))
    for _ in range(2):
        await world.call("GET", "/withdrawals", who="auditor")
    (first, again) = await connection.fetch(RECORD)
    assert (first["kind"], first["candidates"], first["counted"], again["counted"]) == ("withdrawals", 1, 1, 0)
    shown = await sample(world)
    *_, row = await connection.fetch(RECORD)
    assert (row["kind"], row["counted"], set(row["places"])) == ("sample", 2, set(map(str, places)))
    assert row["candidates"] == sum(len(one["candidates"]) for one in shown) >= 2


@pytest.mark.parametrize("who", ["station", "system"])
async def test_a_station_reads_the_status_of_its_own_lines_and_no_voter(
    world: World, connection: asyncpg.Connection, who: str
) -> None:
    await world.post(line(1), who=who)
    answer = await world.call("GET", "/signatures/1-1-1", who=who)
    assert set(answer.json()) == {"place", "status", "reason", "settled", "version"}
    assert await connection.fetch(RECORD) == []


# What of an answer is, or may hold, voter data.
_VOTER_DATA = {"voter_id", "evidence", "candidates", "writing", "written", "found_voter_id"}
_ON_RECORD = {
    "get_signature", "get_line_history", "list_signatures", "post_finding", "post_revision", "list_withdrawals",
    "get_quality_sample", "look_up_voters", "list_held", "get_earlier_decisions",
    "claim_lines", "claim_escalated", "claim_confidential",
}  # fmt: skip
# Their answers repeat the number that the request gave, or that a withdrawal on record has, and what they do is itself
# on record with its user.
_REPEAT_WHAT_WAS_GIVEN = {"post_withdrawal", "post_withdrawal_decision", "post_revocation", "post_quality_check"}
# They have the schema of a claim, and no line's detail.
_SHOW_PLACES_ALONE = {"get_claims", "renew_claim"}


def shown_by(schema: object, seen: frozenset[str] = frozenset()) -> set[str]:
    """The names of all properties of a schema and of those that it refers to."""
    if isinstance(schema, list):
        return set().union(*(shown_by(part, seen) for part in schema))
    if not isinstance(schema, dict):
        return set()
    names = set(schema.get("properties", {}))
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        names |= shown_by(DOCUMENT["components"]["schemas"].get(name), seen | {name})
    return names.union(*(shown_by(part, seen) for part in schema.values()))


def test_every_answer_with_voter_data_is_one_that_is_put_on_record() -> None:
    showing = {
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and shown_by(answer.get("content")) & _VOTER_DATA
    }
    assert showing == _ON_RECORD | _REPEAT_WHAT_WAS_GIVEN | _SHOW_PLACES_ALONE


async def test_more_than_is_left_is_refused_whole_until_the_countys_next_day(
    world: World, connection: asyncpg.Connection, app: FastAPI
) -> None:
    await world.batch([line(n) for n in range(1, 9)])
    app.state.recall.budget.lines = 5
    noon = datetime(2022, 8, 15, 12, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
    app.state.recall.now = lambda: noon
    assert (await lines_of(world, limit=3)).status_code == 200
    refused = await lines_of(world)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (429, "lookup_budget")
    assert 12 * 3600 <= int(refused.headers["retry-after"]) <= 12 * 3600 + 1
    assert "V1" not in refused.text
    assert await used(connection) == 3
    assert (await lines_of(world, limit=5)).status_code == 200
    for place, status in (("1-1-6", 429), ("1-1-1", 200)):  # what was read today stays readable
        assert (await world.call("GET", f"/signatures/{place}", who="clerk")).status_code == status
    finding = await world.finding("1-1-6", status="invalid", reason="other")
    assert (finding.status_code, await status_of(world, "1-1-6")) == (429, "valid"), "nothing was changed"
    assert len(await connection.fetch(RECORD)) == 3
    assert (await families(world, None))["recall_reads_refused_total"][()] == 3
    late = noon + timedelta(hours=12)
    app.state.recall.now = lambda: late
    assert (await world.call("GET", "/signatures/1-1-6", who="clerk")).status_code == 200


async def test_without_a_record_there_is_no_answer(world: World, connection: asyncpg.Connection) -> None:
    await world.post(line(1))
    await connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left on device'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON lookup_audit FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    for path in ("/signatures/1-1-1", "/signatures"):
        answer = await world.call("GET", path, who="clerk")
        assert answer.status_code == 503
        assert "V1" not in answer.text
    assert await used(connection) == 0


async def test_simultaneous_reads_in_several_processes_never_overspend(
    world: World, database: str, tmp_path: Path, connection: asyncpg.Connection, app: FastAPI
) -> None:
    budget = app.state.recall.budget.lines = 60
    await world.batch([line(n) for n in range(1, 121)])
    async with (
        a_process(database, tmp_path, READS_PER_DAY=str(budget)) as (_, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        processes = (world, replace(world, client=client))
        reads = [
            process.call("GET", f"/signatures/1-1-{n}", who="clerk")
            for n in range(1, 121)
            for process in processes
            for _ in range(1 + n % 2)
        ]
        lists = [process.call("GET", "/signatures", who="clerk", params={"limit": 7}) for process in processes]
        statuses = [answer.status_code for answer in await asyncio.gather(*reads, *lists)]
    assert set(statuses) == {200, 429}
    assert await used(connection) == budget
    assert await connection.fetchval("SELECT sum(counted) FROM lookup_audit") == budget
    assert await connection.fetchval("SELECT count(*) FROM lookup_seen") == budget
    assert await connection.fetchval("SELECT count(*) FROM lookup_audit") == statuses.count(200)


async def test_the_record_is_shown_newest_first_page_by_page_and_by_principal(world: World) -> None:
    await world.batch([line(n) for n in range(1, 6)])
    for n in range(1, 6):
        await world.call("GET", f"/signatures/1-1-{n}", who="clerk" if n % 2 else "auditor")
    pages, cursor = list[list[dict[str, Any]]](), None
    while pages == [] or cursor:
        page = (await of_people(world, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        pages, cursor = [*pages, page["reads"]], page["next_cursor"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one["places"][0] for page in pages for one in page] == [f"1-1-{n}" for n in (5, 4, 3, 2, 1)]
    by_one = (await of_people(world, principal="auditor-1")).json()["reads"]
    assert [(one["principal"], one["places"]) for one in by_one] == [("auditor-1", [f"1-1-{n}"]) for n in (4, 2)]
    assert (await of_people(world, principal="clerk-9")).json()["reads"] == []
    for who, status in (("admin", 200), ("auditor", 200), ("clerk", 403), ("station", 403), ("monitor", 403)):
        assert (await of_people(world, who=who)).status_code == status


async def test_the_command_lines_reads_are_on_record_too(
    world: World, database: str, tmp_path: Path, connection: asyncpg.Connection
) -> None:
    await world.post(line(1))
    await app_command(database, tmp_path, "explain", "--petition", world.petition_id, "1-1-1", county=False)
    (row,) = await connection.fetch(RECORD)
    assert (row["principal"], row["kind"], row["places"], row["counted"]) == ("command line", "line", ["1-1-1"], 0)
    await world.detail("1-1-1")
    to = str(tmp_path / "bundle.zip")
    await app_command(database, tmp_path, "bundle", "--petition", world.petition_id, "--out", to, county=False)
    *_, export = await connection.fetch(RECORD)
    assert (export["kind"], export["candidates"], export["counted"]) == ("export", 1, 0)
    said = await app_command(database, tmp_path, "reads")
    assert [text.split()[1:3] for text in said[1:]] == [["1", "1"], ["1", "0"], ["1", "0"]]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis adds it
def test_a_day_ends_at_the_countys_midnight_in_summer_and_winter(now: datetime) -> None:
    budget = ReadBudget(1, "America/Los_Angeles")
    left = budget.seconds_left(now)
    assert 0 < left <= 25 * 3600 + 1
    assert budget.day(now + timedelta(seconds=left)) == budget.day(now) + timedelta(days=1)
    assert budget.day(now + timedelta(seconds=left - 2)) == budget.day(now)
