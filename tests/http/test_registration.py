"""Sections are registered at receipt, with their circulators' declarations; control totals; the filing ends it."""

import asyncio
from itertools import product
from typing import Any

import httpx
import pytest

from tests.http.county import line
from tests.http.world import World

DECLARATION: dict[str, Any] = {
    "circulator_name": "Robert Smith",
    "circulator_address": "12 Oak St",
    "signed_from": "2022-03-01",
    "signed_to": "2022-03-14",
    "executed_on": "2022-03-14",
    "executed_at": "Los Angeles",
    "circulator_signed": True,
    "circulator_of_age": True,
}


def a_section(number: int, pages: int = 1, lines: int = 2, **changes: object) -> dict[str, Any]:
    return {"section": number, "pages": pages, "lines": lines, "declaration": DECLARATION | changes}


async def register(world: World, section: dict[str, Any]) -> httpx.Response:
    return await world.call("POST", "/sections", who="clerk", json=section)


async def section(world: World, number: int) -> dict[str, Any]:
    found: dict[str, Any] = (await world.call("GET", f"/sections/{number}", who="clerk")).json()
    return found


async def file(world: World) -> httpx.Response:
    return await world.call("POST", "/filing", who="supervisor")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_a_section_is_registered_once_and_read_with_its_declaration(world: World) -> None:
    first, again = await register(world, a_section(1)), await register(world, a_section(1))
    assert (first.status_code, first.json()["created"], first.json()["faults"]) == (201, True, [])
    assert (again.status_code, again.json()["created"]) == (200, False)
    read = await section(world, 1)
    assert {name: read[name] for name in DECLARATION} == DECLARATION
    assert (read["registered_by"], read["claimed"], read["missing"]) == ("clerk-1", 2, 2)
    assert code(await register(world, a_section(1, lines=3))) == (409, "section_conflict")
    assert code(await register(world, a_section(1, circulator_name="Another"))) == (409, "section_conflict")
    assert (await section(world, 1))["claimed"] == 2
    await world.recount()


async def test_a_declaration_may_be_entered_after_the_totals(world: World) -> None:
    totals = {"section": 1, "pages": 1, "lines": 2}
    assert (await register(world, totals)).json()["faults"] == ["undeclared"]
    await world.post(line(1))
    assert await world.status("1-1-1") == ("valid", None), "with the window's dates meanwhile"
    answer = await register(world, a_section(1, signed_to=None))
    assert (answer.status_code, answer.json()["faults"]) == (201, ["dates_incomplete"])
    assert await world.status("1-1-1") == ("review", "section_dates")
    assert code(await register(world, totals)) == (409, "section_conflict")
    tally = await world.tally()
    assert (tally["unscanned"], tally["at_most"]) == (1, 2)
    await world.recount()


async def test_five_hundred_sections_are_registered_in_one_request_and_one_refusal_fails_no_other(world: World) -> None:
    await register(world, a_section(7))
    sections = [a_section(number) for number in range(1, 500)] + [a_section(7, lines=9)]
    answer = await world.verb("/sections/batch", sections=sections)
    results = answer.json()["results"]
    assert [result.get("created") for result in results] == [n != 7 for n in range(1, 500)] + [None]
    assert (results[-1]["section"], results[-1]["code"]) == (7, "section_conflict")
    totals = (await world.call("GET", "/control-totals", who="auditor")).json()
    assert (totals["sections"], totals["claimed"], totals["missing"]) == (499, 998, 998)
    await world.recount()


async def test_the_control_totals_say_what_is_missing_or_too_many_and_where(world: World) -> None:
    for registered in (a_section(1, lines=3), a_section(2, pages=3, lines=2), a_section(3)):
        await register(world, registered)
    places = [(1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 4, 1), (2, 4, 2), (3, 1, 1), (3, 1, 2), (9, 1, 1)]
    empty = {"printed_name": "", "residence_address": "", "city": "", "zip": "", "kind": "blank"}
    await world.batch([line(number, place) for number, place in enumerate(places, 1)])
    await world.batch([line(11, (1, 1, 3), kind="struck"), line(12, (9, 1, 2), **empty)])
    total = (await world.call("GET", "/control-totals", who="clerk")).json()
    listed = {one["section"]: one for one in total.pop("listed")}
    assert {number: one["differences"] for number, one in listed.items()} == {
        2: ["too_many", "beyond_pages"],
        9: ["unregistered"],
    }
    assert (listed[2]["too_many"], listed[2]["beyond_pages"], listed[9]["unregistered"]) == (1, 2, 2)
    shown = {name: total[name] for name in ("claimed", "seen", "blank", "struck", "missing", "too_many")}
    assert shown == {"claimed": 7, "seen": 10, "blank": 1, "struck": 1, "missing": 0, "too_many": 1}
    read = await section(world, 2)
    assert (read["missing_pages"], read["pages_beyond"]) == ([2, 3], [4])
    assert listed[9]["faults"] == ["undeclared"]
    page = (await world.call("GET", "/sections?only=open&limit=1", who="clerk")).json()
    assert ([one["section"] for one in page["sections"]], page["next_cursor"]) == ([2], "2")
    page = (await world.call("GET", "/sections?cursor=2", who="clerk")).json()
    assert [one["section"] for one in page["sections"]] == [3, 9]
    assert (await world.call("GET", "/sections/77", who="clerk")).status_code == 404


async def test_dates_partly_outside_the_window_are_flagged_until_a_person_confirms_them(world: World) -> None:
    await world.post(line(1))
    await register(world, a_section(1, signed_from="2022-01-01"))
    assert (await section(world, 1))["faults"] == ["dates_clipped"]
    answer = await world.call("POST", "/sections/1/confirmation", who="supervisor")
    assert (answer.json()["faults"], answer.json()["dates_confirmed_by"]) == ([], "supervisor-1")
    version = (await world.tally())["version"]
    await world.call("POST", "/sections/1/confirmation", who="clerk")
    assert (await world.tally())["version"] == version, "the second confirmation changes nothing"
    await world.verb("/sections/1", method="PUT", signed_from="2022-01-02", signed_to="2022-03-14")
    assert (await section(world, 1))["faults"] == ["dates_clipped"], "other dates are not confirmed"
    await world.verb("/sections/1", method="PUT", signed_from="2022-03-01", signed_to="2022-03-14")
    assert code(await world.call("POST", "/sections/1/confirmation", who="clerk")) == (422, "section_refused")
    assert code(await world.call("POST", "/sections/8/confirmation", who="clerk")) == (404, "unknown_section")
    await world.recount()


async def test_the_filing_ends_the_registration_and_lines_of_an_unregistered_section_are_accepted(world: World) -> None:
    await register(world, a_section(1))
    totals = await file(world)
    assert (totals.status_code, totals.json()["claimed"]) == (200, 2)
    assert (await file(world)).json() == totals.json()
    assert (await world.tally())["raw_count"] == "filed"
    assert code(await register(world, a_section(2))) == (409, "section_void")
    assert (await register(world, a_section(1))).status_code == 200
    results = (await world.verb("/sections/batch", sections=[a_section(1), a_section(2)])).json()["results"]
    assert [result.get("code") for result in results] == [None, "section_void"]
    assert (await world.post(line(1, (2, 1, 1)))).status_code == 201
    assert (await section(world, 2))["differences"] == ["unregistered"]
    await world.recount()


async def test_lines_that_were_claimed_and_not_scanned_are_open(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(2, (3, 1, 1))])
    for registered in (a_section(1, lines=3), a_section(2, lines=4), a_section(3, lines=1)):
        await register(world, registered)
    assert (await world.tally())["unscanned"] == 6, "a section's surplus never hides another's gap"
    await world.batch([line(3, (1, 1, 2)), line(4, (1, 1, 3)), line(5, (1, 1, 4)), line(6, (2, 1, 1))])
    tally = await world.tally()
    assert (tally["unscanned"], tally["valid"], tally["at_least"], tally["at_most"]) == (3, 6, 6, 9)
    await world.batch([line(3, (1, 1, 2)), line(7, (2, 1, 2), kind="struck")])
    assert (await world.tally())["unscanned"] == 2
    await world.recount()


async def test_sections_registered_while_their_lines_come_in_are_counted_exactly(world: World) -> None:
    lines = [
        world.batch([line(9 * s + n, (s, 1, n)) for n in half]) for s, half in product(range(1, 7), ((1, 2), (3, 4)))
    ]
    sections = [register(world, a_section(s, lines=5)) for s in range(1, 7)]
    await asyncio.gather(*lines, *sections)
    assert (await world.tally())["unscanned"] == 6
    await world.recount()


@pytest.mark.parametrize(
    "changes",
    [
        {"pages": 0},
        {"section": 0},
        {"lines": 0},
        {"lines": True},
        {"pages": "4"},
        {"declaration": {"circulator_name": "a\u0000b"}},
        {"declaration": {"signed_from": "2022-3-1"}},
        {"declaration": {"circulator": "X"}},
        {"declaration": []},
    ],
)
async def test_a_registration_that_cannot_be_read_is_refused_and_changes_nothing(
    world: World, changes: dict[str, Any]
) -> None:
    assert (await register(world, a_section(1) | changes)).status_code == 422
    assert (await world.tally())["version"] == 1
