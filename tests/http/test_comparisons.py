"""A page of pairs of signatures: what it shows, of which lines, and that it is on record."""

from typing import Any

import asyncpg
import pytest

from tests.http.county import line
from tests.http.test_duplicates import compared, say
from tests.http.world import World

__all__ = ["compared"]  # a fixture


def image(number: int) -> str:
    return f"{number:064x}"


async def claim(world: World, *, who: str = "clerk", limit: int = 10, queue: str = "to_compare") -> list[str]:
    answer = await world.call("POST", f"/queues/{queue}/claims", who=who, json={"limit": limit})
    assert answer.status_code == 201, answer.text
    return [one["place"] for one in answer.json()["lines"]]


async def pairs(world: World, *, who: str = "clerk", **query: int | str) -> list[dict[str, Any]]:
    answer = await world.call("GET", "/comparisons", who=who, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["pairs"]
    return found


@pytest.fixture
async def three(compared: World) -> World:
    """Three voters' lines with images, and the second one's duplicate; all are to be compared."""
    lines = [(5, (3, 1, 1)), (2, (3, 1, 2)), (3, (3, 1, 3)), (2, (3, 1, 4))]
    await compared.batch([line(n, place, image_sha256=image(place[2])) for n, place in lines])
    return compared


async def test_the_lines_that_a_person_holds_are_shown_and_no_others(three: World) -> None:
    assert await pairs(three) == []
    mine, others = await claim(three, limit=4), await claim(three, who="clerk-2")
    shown = [one["place"] for one in await pairs(three)]
    assert sorted(shown) == mine
    assert sorted(one["place"] for one in await pairs(three, who="clerk-2")) == others
    assert not {*mine} & {*others}
    assert [one["place"] for one in await pairs(three, limit=2)] == shown[:2]


async def test_a_pair_has_places_and_images_and_a_duplicate_has_the_counted_line_beside_it(three: World) -> None:
    await claim(three)
    found = {one["place"]: one for one in await pairs(three)}
    assert found["3-1-1"]["image_sha256"] == image(1)
    assert found["3-1-1"]["counted"] is None
    assert found["3-1-4"]["counted"] == {"place": "3-1-2", "image_sha256": image(2)}
    assert found["2-1-1"]["counted"] == {"place": "1-1-1", "image_sha256": None}


async def test_on_first_sight_nothing_identifies_who_signed(three: World) -> None:
    await claim(three)
    shown = (await three.call("GET", "/comparisons", who="clerk")).text
    for word in ("V1", "V2", "V5", "ABERNATHY", "JUNIPER", "90026", "voter", "name", "address", "party", "race"):
        assert word not in shown


async def test_a_line_that_was_compared_is_not_shown_any_more(three: World) -> None:
    await claim(three)
    await say(three, "3-1-1", status="valid")
    await say(three, "3-1-4", status="valid")
    assert not {"3-1-1", "3-1-4"} & {one["place"] for one in await pairs(three)}
    await three.recount()


async def test_lines_of_other_queues_are_no_pairs(three: World) -> None:
    await three.post({**line(9, (4, 1, 1)), "printed_name": "Q"})
    assert await claim(three, queue="to_decide") or await claim(three, queue="to_confirm")
    assert await pairs(three) == []


async def test_a_doubted_signature_looks_like_any_other(three: World) -> None:
    await say(three, "3-1-3", who="clerk-2", status="invalid", reason="signature_mismatch")
    await claim(three)
    found = {one["place"]: one for one in await pairs(three)}
    assert {**found["3-1-3"], "place": "", "image_sha256": ""} == {**found["3-1-1"], "place": "", "image_sha256": ""}


async def test_the_page_is_on_record_and_each_line_counts(three: World, connection: asyncpg.Connection) -> None:
    places = await claim(three)
    for _ in range(2):
        await pairs(three)
    rows = await connection.fetch("SELECT * FROM lookup_audit WHERE kind = 'comparison' ORDER BY lookup_id")
    assert [(row["principal"], sorted(row["places"]), row["counted"]) for row in rows] == [
        ("clerk-1", sorted(places), len(places)),
        ("clerk-1", sorted(places), 0),
    ]


@pytest.mark.parametrize("who", ["station", "monitor", "auditor", "admin"])
async def test_only_who_decides_compares(three: World, who: str) -> None:
    assert (await three.call("GET", "/comparisons", who=who)).status_code == 403
