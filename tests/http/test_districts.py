"""A petition whose officer is elected in a district: only the district's voters may sign (EC 11045)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import httpx
import pytest

from app.examination.actions import reexamine
from app.roll.loading import load_roll
from tests.http.county import COUNTY, HEADER, VOTERS, line, row, stranger, voter
from tests.http.test_explain import explained
from tests.http.world import PETITION, World

EAST = frozenset(range(2, VOTERS, 64)) | frozenset(range(3, VOTERS, 64))  # voters of the other district: of two names


async def use_roll(database: str, *, districts: bool = True, without: frozenset[int] = frozenset()) -> None:
    """Use a roll with or without the column; these voters have no code."""
    rows = [HEADER + ",districts" * districts]
    for number in range(1, VOTERS + 1):
        code = "" if number in without else "CD-28;SD-4" if number in EAST else "CD-28;SD-3"
        rows.append(row(number) + f",{code}" * districts)
    source = BytesIO("\n".join([*rows, ""]).encode())
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)


async def open_petition(world: World, district: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    return await world.client.post("/v1/petitions", json=PETITION | {"district": district}, headers=headers)


async def of_district(world: World, district: str = "SD-3") -> World:
    """The same county with an open petition of the district."""
    answer = await open_petition(world, district)
    assert (answer.status_code, answer.json()["district"]) == (201, district)
    return replace(world, petition_id=answer.json()["petition_id"])


async def again(world: World) -> int:
    return await reexamine(world.count, COUNTY, now=datetime.now(UTC))


async def test_a_line_of_another_districts_voter_is_found_and_explained(world: World, database: str) -> None:
    await use_roll(database)
    district = await of_district(world)
    await district.batch([line(1, (1, 1, 1)), line(2, (1, 1, 2)), line(3, (1, 1, 3), signed=False)])
    assert await district.status("1-1-1") == ("valid", None)
    finding = (await district.detail("1-1-2"))["finding"]
    assert (finding["status"], finding["reason"], finding["voter_id"]) == ("invalid", "out_of_district", "V2")
    assert not finding["settled"], "a person confirms it"
    assert (await district.detail("1-1-3"))["finding"]["secondary"] == ["out_of_district"]
    text = await explained(district, 1, 1, 2)
    for words in ("invalid, out_of_district", "(EC 11045)", "district: SD-3", "districts: CD-28;SD-4"):
        assert words in text
    await world.post(line(2))
    assert await world.status("1-1-2") == ("valid", None), "an office of the whole county"
    await district.recount()
    await world.recount()


async def test_what_else_fails_is_kept_when_a_person_confirms_or_finds_another_reason(
    world: World, database: str
) -> None:
    await use_roll(database)
    district = await of_district(world)
    await district.batch([line(2, (1, 1, 1), signed=False), line(3, (1, 1, 2))])
    for place, reason, kept in (
        ("1-1-1", "no_signature", ["out_of_district"]),
        ("1-1-2", "out_of_district", []),
        ("1-1-1", "illegible", ["no_signature", "out_of_district"]),
    ):
        who = "supervisor" if reason == "illegible" else "clerk"
        answer = await district.finding(place, who=who, status="invalid", reason=reason, note="the ink has run")
        assert (answer.status_code, answer.json()["finding"]["secondary"]) == (201, kept), answer.text
    await district.recount()


async def test_a_lookup_for_the_petition_shows_the_districts_and_decides_by_them(world: World, database: str) -> None:
    await use_roll(database)
    district = await of_district(world)
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    for petition_id, decided in ((district.petition_id, "out_of_district"), (world.petition_id, None)):
        body = voter(2) | {"petition_id": petition_id}
        found = (await world.client.post("/v1/voters/lookup", json=body, headers=headers)).json()
        assert found["decision"]["reason"] == decided
        assert found["candidates"][0]["districts"] == "CD-28;SD-4"


async def test_without_the_districts_code_lines_wait_and_are_examined_once_a_roll_has_it(
    world: World, database: str
) -> None:
    await use_roll(database, districts=False)
    district = await of_district(world)
    lines = [line(1, (1, 1, 1)), line(2, (1, 1, 2)), stranger((1, 1, 3)), line(4, (1, 1, 4), signed=False)]
    await district.batch([*lines, line(5, (1, 1, 5))])
    places = [f"1-1-{number}" for number in range(1, 6)]
    assert {await district.status(place) for place in places} == {("review", "no_district")}
    assert "a roll with its code is needed" in await explained(district, 1, 1, 1)
    assert (await district.tally())["review"] == 5
    await use_roll(database, districts=False)
    assert await again(district) == 5
    assert {await district.status(place) for place in places} == {("review", "no_district")}
    await use_roll(database, without=frozenset({5}))
    assert await again(district) == 5
    assert [await district.status(place) for place in places] == [
        ("valid", None),
        ("invalid", "out_of_district"),
        ("invalid", "not_registered"),
        ("invalid", "no_signature"),
        ("review", "no_district"),
    ]
    assert await again(district) == 0
    await use_roll(database)
    assert await again(district) == 2, "the stranger, and the voter without codes"
    assert await district.status("1-1-5") == ("valid", None)
    await district.recount()


async def test_what_a_person_decided_meanwhile_stays_with_people(world: World, database: str) -> None:
    await use_roll(database, districts=False)
    district = await of_district(world)
    await district.batch([line(1, (1, 1, 1)), line(2, (1, 1, 2))])
    for place, voter_id in (("1-1-1", "V1"), ("1-1-2", "V2")):
        await district.finding(place, status="valid", voter_id=voter_id)
    await use_roll(database)
    assert await again(district) == 0
    assert {await district.status(f"1-1-{number}") for number in (1, 2)} == {("valid", None)}


@pytest.mark.parametrize("district", [";", "SD-3;SD-4", " ", "SD-5"])
async def test_a_petition_names_one_district_that_the_roll_in_use_has(
    world: World, database: str, district: str
) -> None:
    await use_roll(database)
    answer = await open_petition(world, district)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid_petition")
    assert "SD-" not in answer.text


async def test_the_code_may_be_written_in_lower_case(world: World, database: str) -> None:
    await use_roll(database)
    district = await of_district(world, " sd-3")
    await district.batch([line(1), line(2)])
    assert (await district.tally())["invalid_by_code"] == {"out_of_district": 1}
