"""Correcting what a station read of a line."""

from typing import Any

import httpx
import pytest

from tests.http.county import line, stranger, voter
from tests.http.world import World


async def revise(world: World, place: str, text: dict[str, Any], *, key: str | None = None) -> httpx.Response:
    return await world.verb(f"/signatures/{place}/revisions", key=key, **text)


async def test_a_corrected_line_is_examined_again_and_counts(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    answer = await revise(world, "1-1-1", {**voter(1), "note": "read again on paper"})
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["writing"]["printed_name"]) == ("valid", voter(1)["printed_name"])
    assert (await world.tally())["valid"] == 1
    await world.recount()


async def test_the_station_is_answered_as_before_whichever_reading_it_repeats(world: World) -> None:
    first = await world.post(stranger((1, 1, 1)), key="s-1")
    await revise(world, "1-1-1", voter(1))
    replay = await world.post(stranger((1, 1, 1)), key="s-1")
    assert (replay.status_code, replay.json()) == (201, first.json())
    for reading in (stranger((1, 1, 1)), line(1, (1, 1, 1))):
        again = await world.post(reading)
        assert (again.status_code, again.json()["status"]) == (200, "valid")
    assert (await world.post(line(2, (1, 1, 1)))).status_code == 409
    await world.recount()


async def test_a_correction_moves_the_line_from_one_voters_count_to_anothers(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), line(2, (1, 1, 3))])
    await revise(world, "1-1-1", voter(2))
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("valid", None),
        ("valid", None),
        ("invalid", "duplicate"),
    ]
    await world.recount()
    await revise(world, "1-1-1", voter(1))
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("valid", None),
        ("invalid", "duplicate"),
        ("valid", None),
    ]
    await world.recount()


async def test_a_correction_never_flips_a_persons_finding(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    await world.finding("1-1-1", status="invalid", reason="not_registered")
    await revise(world, "1-1-1", voter(1))
    assert await world.status("1-1-1") == ("review", "new_writing")
    await revise(world, "1-1-1", voter(2))
    assert await world.status("1-1-1") == ("review", "new_writing")
    assert (await world.finding("1-1-1", status="valid", voter_id="V2")).json()["status"] == "valid"
    await world.recount()


async def test_what_people_agreed_on_stands_while_the_correction_says_the_same(world: World) -> None:
    await world.post(line(1))
    await world.finding("1-1-1", status="valid")
    answer = await revise(world, "1-1-1", {**voter(1), "residence_address": voter(1)["residence_address"] + " APT 5"})
    finding = answer.json()["finding"]
    assert (finding["status"], finding["confirmed_by"], finding["finding_no"]) == ("valid", ["clerk-1"], 3)
    await world.recount()


async def test_the_writing_that_stands_there_already_changes_nothing(world: World) -> None:
    await world.post(line(1))
    assert (await revise(world, "1-1-1", voter(1))).status_code == 200
    assert (await world.tally())["version"] == 2


async def test_the_same_key_gets_the_same_answer(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    first = await revise(world, "1-1-1", voter(1), key="r-1")
    replay = await revise(world, "1-1-1", voter(1), key="r-1")
    assert (replay.status_code, replay.json(), replay.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert (await revise(world, "1-1-1", voter(2), key="r-1")).status_code == 422
    await world.recount()


@pytest.mark.parametrize(
    ("place", "changes", "status"),
    [
        ("1-1-2", {}, 404),
        ("1-1-1", {"printed_name": None}, 422),
        ("1-1-1", {"name": {"last": "X"}}, 422),
        ("1-1-1", {"zip": 90026}, 422),
        ("1-1-1", {"residence_address": "x" * 301}, 422),
        ("1-1-1", {"signed": 1}, 422),
        ("1-1-1", {"section": 1, "page": 1, "line": 2}, 422),
        ("1-1-1", {"voter_id": "V1"}, 422),
    ],
)
async def test_a_correction_that_cannot_be_is_refused_and_changes_nothing(
    world: World, place: str, changes: dict[str, Any], status: int
) -> None:
    await world.post(line(1))
    answer = await revise(world, place, {**voter(2), **changes})
    assert answer.status_code == status
    assert (await world.detail("1-1-1"))["writing"]["printed_name"] == voter(1)["printed_name"]
    assert (await world.tally())["version"] == 2


async def test_a_station_cannot_correct(world: World) -> None:
    await world.post(line(1))
    answer = await world.verb("/signatures/1-1-1/revisions", who="station", **voter(2))
    assert answer.status_code == 403
