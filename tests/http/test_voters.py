"""Looking voters up: by name, by address, by both; recorded, counted, and silent about confidential voters."""

import asyncio
from datetime import UTC, datetime, time
from io import BytesIO
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.examination.read_queries import read_sums
from app.roll.loading import load_roll
from tests.http.conftest import SETTINGS
from tests.http.county import COUNTY, roll_csv, row, voter
from tests.http.world import World


async def look_up(world: World, *, who: str = "clerk", **body: Any) -> httpx.Response:  # noqa: ANN401  # JSON
    headers = {"Authorization": f"Bearer {world.keys[who]}"}
    return await world.client.post("/v1/voters/lookup", json=body, headers=headers)


async def found(world: World, **body: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    answer = await look_up(world, **body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def with_roll(database: str, *more: str) -> None:
    today = datetime.now(UTC).date()
    source = BytesIO(roll_csv(*more))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=today, activate=True)


async def test_a_name_and_an_address_find_the_voter_with_evidence_and_the_decision(world: World) -> None:
    answer = await found(world, **voter(7))
    best = answer["candidates"][0]
    assert (answer["kind"], best["voter_id"], best["standing"]) == ("name_and_address", "V7", "registered")
    fields = {field["field"]: field for field in best["fields"]}
    given, surname = voter(7)["printed_name"].split()
    assert (fields["given"]["written"], fields["given"]["roll"], fields["given"]["level"]) == (given, given, "the same")
    assert fields["surname"]["roll"] == surname
    assert fields["surname"]["weight"] > 0
    assert best["weight"] == pytest.approx(sum(field["weight"] for field in best["fields"]), abs=0.01)
    assert answer["decision"] == {"status": "valid", "reason": None, "reason_open": False, "voter_id": "V7"}


async def test_candidates_come_best_first(world: World) -> None:
    candidates = (await found(world, **voter(7)))["candidates"]
    weights = [candidate["weight"] for candidate in candidates]
    assert weights == sorted(weights, reverse=True)


async def test_a_name_alone_finds_every_voter_of_that_name_and_decides_nothing(world: World) -> None:
    name = voter(7)["printed_name"]
    answer = await found(world, printed_name=name)
    named = {f"V{n}" for n in range(1, 321) if voter(n)["printed_name"] == name}
    best = {candidate["voter_id"] for candidate in answer["candidates"][: len(named)]}
    assert (answer["kind"], answer["decision"], best) == ("name", None, named)


async def test_a_name_in_parts_is_a_name(world: World) -> None:
    first, last = voter(7)["printed_name"].split()
    answer = await found(world, name={"first": first, "last": last}, residence_address=voter(7)["residence_address"])
    assert answer["candidates"][0]["voter_id"] == "V7"


async def test_an_address_alone_finds_who_is_registered_there(world: World) -> None:
    answer = await found(world, residence_address=voter(7)["residence_address"], zip="90026")
    assert (answer["kind"], answer["decision"]) == ("address", None)
    assert [candidate["voter_id"] for candidate in answer["candidates"]] == ["V7"]


async def test_nobody_is_found_where_nobody_fits(world: World) -> None:
    answer = await found(world, residence_address="9876 NOWHERE BLVD")
    assert (answer["candidates"], answer["more"]) == ([], False)


async def test_the_roll_is_asked_as_it_stood_in_the_interval(world: World, database: str) -> None:
    late = row(999, voter_id="LATE", affidavit_signed="2022-06-01", affidavit_received="2022-06-02")
    await with_roll(database, late)
    before = await found(world, **voter(999), signed_from="2022-03-01", signed_to="2022-03-14")
    assert before["candidates"][0]["standing"] == "registered_late"
    assert before["decision"]["status"] != "valid"
    for dates in ({"petition_id": world.petition_id}, {}):
        during = await found(world, **voter(999), **dates)
        assert (during["candidates"][0]["standing"], during["decision"]["status"]) == ("registered", "valid")


async def test_nothing_of_a_confidential_voter_is_shown(world: World, database: str) -> None:
    name = {"last_name": "ZELLWEGER", "first_name": "PENELOPE", "middle_name": "XANTHIPPE"}  # no other voter has one
    await with_roll(database, row(999, confidential="true", voter_id="SECRET999", unit_number="77B", **name))
    hidden = {**voter(999), "printed_name": "PENELOPE ZELLWEGER"}
    for asked in (
        hidden,
        {"printed_name": hidden["printed_name"]},
        {"residence_address": hidden["residence_address"]},
    ):
        answer = await look_up(world, **asked)
        assert answer.status_code == 200
        for word in ("SECRET999", "XANTHIPPE", "77B"):
            assert word not in answer.text
        assert all(field["roll"] != "ZELLWEGER" for c in answer.json()["candidates"] for field in c["fields"])
    decision = (await found(world, **hidden))["decision"]
    assert (decision["status"], decision["reason"]) == ("review", "weak_match"), "as with any other address"


async def test_every_lookup_is_on_record_without_what_was_looked_for(
    world: World, connection: asyncpg.Connection
) -> None:
    await found(world, **voter(7))
    await look_up(world, who="system", printed_name=voter(7)["printed_name"])
    rows = await connection.fetch("SELECT * FROM lookup_audit ORDER BY looked_up_at")
    said = [(r["principal"], r["role"], r["kind"], r["roll_version"]) for r in rows]
    assert said == [("clerk-1", "clerk", "name_and_address", 1), ("system-1", "system", "name", 1)]
    assert all(r["candidates"] >= 1 for r in rows)
    assert [(r["petition_id"], r["places"]) for r in rows] == [(None, [])] * 2
    assert all(r["counted"] == r["candidates"] for r in rows)
    assert await connection.fetchval("SELECT sum(used) FROM lookup_budget") == sum(r["counted"] for r in rows)
    for word in (*voter(7)["printed_name"].split(), voter(7)["residence_address"]):
        assert word not in str([dict(r) for r in rows])
    today = datetime.now(UTC).date()
    sums = await read_sums(connection, COUNTY, datetime.combine(today, time(), UTC))
    assert [(s["principal"], s["kind"], s["reads"]) for s in sums] == [
        ("clerk-1", "name_and_address", 1),
        ("system-1", "name", 1),
    ]


async def test_a_used_up_budget_is_429_until_the_next_day(world: World, connection: asyncpg.Connection) -> None:
    used = SETTINGS.reads_per_day - 3
    await found_first(world)
    await connection.execute("UPDATE lookup_budget SET used = $1", used)
    homes = [
        {"residence_address": voter(n)["residence_address"], "zip": "90026"} for n in range(1, 7)
    ]  # one voter each
    answers = await asyncio.gather(*(look_up(world, who="system", **home) for home in homes))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["type"].endswith(":lookup_budget")
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    assert (await look_up(world, who="clerk", **voter(1))).status_code == 200, "others have their own"
    assert await connection.fetchval("SELECT count(*) FROM lookup_audit WHERE role = 'system'") == 4
    await connection.execute("UPDATE lookup_budget SET day = day - 1")
    assert (await look_up(world, who="system", **voter(1))).status_code == 200


async def test_a_lookup_that_would_show_more_voters_than_are_left_shows_none_and_costs_nothing(
    world: World, app: FastAPI, connection: asyncpg.Connection
) -> None:
    shown = len((await found(world, printed_name=voter(7)["printed_name"]))["candidates"])
    assert shown > 1
    app.state.recall.budget.lines = 2 * shown - 1
    for status in (429, 429):
        answer = await look_up(world, printed_name=voter(7)["printed_name"])
        assert answer.status_code == status
        assert "voter_id" not in answer.text
    assert await connection.fetchval("SELECT used FROM lookup_budget") == shown
    nobody = await found(world, residence_address="9876 NOWHERE BLVD")
    assert nobody["candidates"] == []
    assert await connection.fetchval("SELECT used FROM lookup_budget") == shown + 1


async def found_first(world: World) -> None:
    """A system's first lookup of the day."""
    assert (await look_up(world, who="system", **voter(1))).status_code == 200


@pytest.mark.parametrize("who", ["station", "auditor", "monitor", "admin"])
async def test_only_clerks_supervisors_and_systems_look_voters_up(world: World, who: str) -> None:
    assert (await look_up(world, who=who, **voter(1))).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"printed_name": "  ", "residence_address": ""},
        {"name": {}},
        {"city": "QXCANARY", "zip": "90026"},
        {"printed_name": "QXCANARY", "name": {"last": "QXCANARY"}},
        {"printed_name": "QXCANARY\u0000"},
        {"printed_name": "QXCANARY" * 100},
        {"printed_name": "QXCANARY", "voter_id": "V1"},
        {"printed_name": "QXCANARY", "signed_from": "2022-03-01"},
        {"printed_name": "QXCANARY", "signed_from": "2022-03-02", "signed_to": "2022-03-01"},
        {"printed_name": "QXCANARY", "filed_on": "2022-03-02"},
        {"printed_name": "QXCANARY", "petition_id": "QXCANARY"},
        {"printed_name": "QXCANARY", "petition_id": 5},
        {"printed_name": ["QXCANARY"]},
    ],
)
async def test_a_lookup_that_cannot_be_is_refused_and_neither_counted_nor_repeated(
    world: World, connection: asyncpg.Connection, body: dict[str, Any]
) -> None:
    answer = await look_up(world, **body)
    assert answer.status_code == 422
    assert "QXCANARY" not in answer.text
    assert await connection.fetchval("SELECT count(*) FROM lookup_budget") == 0


async def test_a_petition_of_nobody_is_unknown(world: World) -> None:
    answer = await look_up(world, **voter(1), petition_id="01890a5d-ac96-774b-bcce-b302099a8057")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_petition")
