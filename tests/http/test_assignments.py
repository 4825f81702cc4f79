"""Stations that were given sections: they post to no other, with any of their keys, from the next request on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.access.assignments import assign_sections
from app.database.engine import open_database
from tests.http.county import COUNTY, line
from tests.http.test_keys import app_command
from tests.http.test_metrics import families
from tests.http.world import World


async def assign(world: World, *sections: str, name: str = "station-1") -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.keys['admin']}"}
    body = {"principal": name, "sections": list(sections)}
    return await world.client.post("/v1/assignments", json=body, headers=headers)


def empty(place: tuple[int, int, int]) -> dict[str, object]:
    """A line on which nothing was read."""
    section, page, number = place
    text = dict.fromkeys(("printed_name", "residence_address", "city", "zip"), "")
    return {"section": section, "page": page, "line": number, **text}


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


async def test_a_station_posts_to_the_sections_that_it_was_given_and_takes_no_place_in_another(world: World) -> None:
    assert (await assign(world, "1-40", "55")).status_code == 201
    for section, status in ((1, 201), (40, 201), (55, 201), (41, 403), (54, 403), (56, 403)):
        answer = await world.post(line(section, (section, 1, 1)))
        assert answer.status_code == status
        assert status == 201 or code_of(answer) == "section_not_assigned"
    assert (await world.tally())["raw"] == 3
    assert (await world.post(line(41, (41, 1, 1)), who="clerk")).status_code == 201, "the place is free"


async def test_lines_of_other_sections_are_refused_one_by_one_and_the_others_are_taken(world: World) -> None:
    await assign(world, "1")
    lines: list[dict[str, object]] = [line(1, (1, 1, 1)), line(2, (2, 1, 1)), {"section": 1}, line(3, (1, 1, 3))]
    results = (await world.batch(lines, key="k")).json()["results"]
    assert [result.get("error", result).get("code", "taken") for result in results] == [
        "taken", "section_not_assigned", "invalid", "taken",
    ]  # fmt: skip
    assert results[1]["place"] == "2-1-1"
    assert (await world.tally())["raw"] == 2
    assert (await world.post(line(2, (2, 1, 1)))).status_code == 403
    found = (await families(world, "monitor"))["recall_station_lines_total"]
    assert found["section_not_assigned", "station-1"] == 2
    await world.recount()


async def test_a_thousand_empty_lines_in_the_sections_of_others_leave_the_true_lines_their_places(world: World) -> None:
    await assign(world, "1-10")
    taken = await world.batch([empty((11, 1 + n // 50, 1 + n % 50)) for n in range(1000)])
    assert {result["error"]["code"] for result in taken.json()["results"]} == {"section_not_assigned"}
    assert (await world.tally())["raw"] == 0
    await world.add_key("station", "station-2")
    truth = [line(n, (11, 1, n)) for n in range(1, 51)]
    assert all(r["status"] == "valid" for r in (await world.batch(truth, who="station-2")).json()["results"])


async def test_the_same_request_after_another_assignment_takes_what_was_refused_before(world: World) -> None:
    await assign(world, "1")
    lines = [line(1, (1, 1, 1)), line(2, (2, 1, 1))]
    await world.batch(lines, key="k")
    await assign(world, "1-2")
    answer = await world.batch(lines, key="k")
    assert [result["status"] for result in answer.json()["results"]] == ["valid", "valid"]
    assert (await world.batch(lines, key="k")).headers["Idempotent-Replayed"] == "true"
    assert (await world.tally())["raw"] == 2


async def test_a_station_that_was_given_none_posts_everywhere(world: World) -> None:
    assert (await world.post(line(1, (999_999_999, 1, 1)))).status_code == 201
    await assign(world, "7")
    assert (await world.post(line(2, (8, 1, 1)))).status_code == 403
    answer = await assign(world)
    assert answer.json()["sections"] == []
    assert (await world.post(line(2, (8, 1, 1)))).status_code == 201


async def test_it_holds_for_every_key_of_the_station_and_for_those_that_it_gets_later(world: World) -> None:
    await assign(world, "7")
    for role, name in (("station", "station-1"), ("system", "system-1")):
        await world.add_key(role, name)
        assert (await world.post(line(1, (8, 1, 1)), who=name)).status_code == (403 if name == "station-1" else 201)


async def test_what_another_process_assigned_holds_when_it_returns(world: World, database: str) -> None:
    assert (await world.post(line(1, (8, 1, 1)))).status_code == 201
    elsewhere = await open_database(database, intake=1, reading=1)
    await assign_sections(elsewhere, (COUNTY, "station-1"), ((7, 7),), now=datetime.now(UTC))
    assert (await world.post(line(2, (8, 1, 2)))).status_code == 403
    await elsewhere.close()


async def test_simultaneous_assignments_are_all_on_record_and_the_last_one_holds(
    world: World, connection: asyncpg.Connection
) -> None:
    answers = await asyncio.gather(*(assign(world, str(n)) for n in range(1, 9)))
    assert {answer.status_code for answer in answers} == {201}
    rows = await connection.fetch("SELECT * FROM section_assignment ORDER BY assignment_no")
    assert [row["assignment_no"] for row in rows] == list(range(1, 9))
    assert {row["assigned_by"] for row in rows} == {"admin-1"}
    last = rows[-1]["sections"][0].lower
    assert (await world.post(line(1, (last, 1, 1)))).status_code == 201
    assert (await world.post(line(2, (last % 8 + 1, 1, 1)))).status_code == 403


async def test_the_list_shows_each_stations_last_assignment(world: World) -> None:
    await assign(world, "9", "1-3", "4-6")
    await assign(world, "5", name="system-1")
    await assign(world, "8", name="system-1")
    headers = {"Authorization": f"Bearer {world.keys['admin']}"}
    answer = (await world.client.get("/v1/assignments", headers=headers)).json()["assignments"]
    assert [(one["principal"], one["sections"]) for one in answer] == [("station-1", ["1-6", "9"]), ("system-1", ["8"])]


@pytest.mark.parametrize("text", ["0", "40-1", "1-", "-1", "1,2", "01", "1-1000000000", "", "all", 7])
async def test_what_is_no_range_of_sections_is_refused(world: World, text: Any) -> None:  # noqa: ANN401  # JSON
    answer = await assign(world, "1", text)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "sections.1")


@pytest.mark.parametrize("name", ["station-9", "clerk-1"])
async def test_only_a_station_or_system_that_there_is_gets_sections(world: World, name: str) -> None:
    answer = await assign(world, "1", name=name)
    assert (answer.status_code, code_of(answer)) == (404, "unknown_station")


async def test_the_command_line_assigns_and_lists(world: World, database: str, tmp_path: Path) -> None:
    await app_command(database, tmp_path, "assignments", "set", "station-1", "1-40", "55")
    assert (await world.post(line(1, (41, 1, 1)))).status_code == 403
    (listed,) = await app_command(database, tmp_path, "assignments", "list")
    assert listed.startswith("station-1  1-40 55  assigned by command line on ")
    await app_command(database, tmp_path, "assignments", "set", "station-1", "all")
    assert (await world.post(line(1, (41, 1, 1)))).status_code == 201
