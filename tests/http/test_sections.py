"""The dates of a section, and what they make of its lines (EC 104)."""

from typing import Any

import httpx
import pytest

from tests.http.county import line
from tests.http.world import World


async def declare(world: World, signed_from: str | None, signed_to: str | None, section: int = 1) -> httpx.Response:
    dates: dict[str, Any] = {"signed_from": signed_from, "signed_to": signed_to}
    return await world.verb(f"/sections/{section}", method="PUT", **dates)


async def test_missing_or_contradictory_dates_send_a_section_to_a_person(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (2, 1, 1))])
    for dates in (
        (None, "2022-03-01"),
        ("2022-03-01", None),
        ("2022-03-01", "2022-02-01"),
        ("2023-01-01", "2023-02-01"),
    ):
        answer = await declare(world, *dates)
        assert answer.status_code == 200
        assert await world.status("1-1-1") == ("review", "section_dates")
        assert await world.status("2-1-1") == ("valid", None), "the next line takes its place"
    assert (await world.post(line(2, (1, 1, 2)))).json()["reason"] == "section_dates"
    await world.recount()


async def test_better_dates_bring_the_lines_back(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (2, 1, 1))])
    await declare(world, None, None)
    answer = await declare(world, "2022-03-01", "2022-03-05")
    assert (answer.json()["examined"], answer.json()["declared_by"]) == (1, "clerk-1")
    assert await world.status("1-1-1") == ("valid", None)
    assert await world.status("2-1-1") == ("invalid", "duplicate")
    await world.recount()


async def test_narrower_dates_keep_a_line_of_a_voter_registered_all_along(world: World) -> None:
    await world.post(line(1))
    await declare(world, "2022-03-01", "2022-03-02")
    assert await world.status("1-1-1") == ("valid", None)
    await world.recount()


async def test_dates_that_mean_the_same_interval_leave_the_lines_alone(world: World) -> None:
    await world.post(line(1))
    answer = await declare(world, "2022-01-01", "2022-12-31")
    assert answer.json()["examined"] == 0
    version = (await world.tally())["version"]
    again = await declare(world, "2022-01-01", "2022-12-31")
    assert again.json() == answer.json()
    assert (await world.tally())["version"] == version
    assert (await world.detail("1-1-1"))["finding"]["finding_no"] == 1
    await world.recount()


async def test_new_dates_never_flip_a_persons_finding_nor_end_a_review_that_a_person_asked_for(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(2, (1, 1, 2)), line(3, (1, 1, 3))])
    await world.finding("1-1-1", status="invalid", reason="illegible")
    await world.finding("1-1-2", status="review")
    await world.finding("1-1-3", status="valid")
    await declare(world, "2022-03-01", "2022-03-05")
    assert await world.status("1-1-1") == ("review", "new_dates")
    assert await world.status("1-1-2") == ("review", "undone")
    assert await world.status("1-1-3") == ("valid", None)
    await world.recount()


async def test_what_is_seen_on_paper_no_dates_can_refute(world: World) -> None:
    for name in ("clerk-2", "clerk-3"):
        await world.add_key("clerk", name)
    await world.post(line(1))
    for who in ("clerk", "clerk-2", "clerk-3"):
        await world.finding("1-1-1", who=who, status="invalid", reason="signature_mismatch")
    await declare(world, "2022-03-01", "2022-03-05")
    assert await world.status("1-1-1") == ("invalid", "signature_mismatch")
    await world.recount()


@pytest.mark.parametrize(
    ("section", "body"),
    [
        (1, {"signed_from": "2022-03-01"}),
        (1, {"signed_from": "2022-03-01", "signed_to": "2022-3-5"}),
        (1, {"signed_from": "2022-03-01T00:00:00", "signed_to": None}),
        (1, {"signed_from": 1, "signed_to": None}),
        (1, {"signed_from": None, "signed_to": None, "circulator": "X"}),
        (0, {"signed_from": None, "signed_to": None}),
        (2147483648, {"signed_from": None, "signed_to": None}),
    ],
)
async def test_dates_that_cannot_be_read_are_refused_and_change_nothing(
    world: World, section: int, body: dict[str, Any]
) -> None:
    await world.post(line(1))
    answer = await world.verb(f"/sections/{section}", method="PUT", **body)
    assert answer.status_code == 422
    assert (await world.tally())["version"] == 2


async def test_a_station_cannot_declare_dates(world: World) -> None:
    answer = await world.verb("/sections/1", method="PUT", who="station", signed_from=None, signed_to=None)
    assert answer.status_code == 403
