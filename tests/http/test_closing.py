"""What stands in the way of ending a count: too few lines, and sections that a person must still look at."""

from dataclasses import replace

import httpx
import pytest

from tests.closing import freeze
from tests.http.county import line
from tests.http.test_raw_count import confirm, propose
from tests.http.test_registration import a_section, code, file, register
from tests.http.world import PETITION, World


@pytest.fixture
async def enough(world: World) -> World:
    """A petition that needs one line."""
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    opened = await world.client.post("/v1/petitions", json=PETITION | {"required": 1}, headers=headers)
    return replace(world, petition_id=opened.json()["petition_id"])


async def closing(world: World) -> httpx.Response:
    return await world.call("POST", "/close", who="supervisor")


async def open_sections(world: World, task: str) -> list[int]:
    found = (await world.call("GET", f"/sections?only={task}", who="clerk")).json()
    return [one["section"] for one in found["sections"]]


async def test_one_supervisor_cannot_end_a_count_after_its_first_line(world: World) -> None:
    await register(world, a_section(1, lines=1))
    await world.post(line(1))
    assert code(await closing(world)) == (409, "raw_count_refused")
    await file(world)
    assert code(await closing(world)) == (409, "raw_count_refused")
    await propose(world)
    assert code(await closing(world)) == (409, "raw_count_refused"), "one person alone froze nothing"
    await confirm(world, 1)
    assert (await closing(world)).json()["state"] == "closed", "insufficient on its face (EC 11222)"
    assert (await world.tally())["outlook"] == "insufficient"
    await world.recount()


async def test_a_section_without_a_declaration_blocks_the_end_of_the_count(enough: World) -> None:
    await register(enough, {"section": 1, "pages": 1, "lines": 1})
    await enough.post(line(1))
    answer = await closing(enough)
    assert (code(answer), "1 with lines" in answer.json()["detail"]) == ((409, "open_sections"), True)
    assert await open_sections(enough, "undeclared") == [1]
    await register(enough, a_section(1, lines=1))
    assert await open_sections(enough, "undeclared") == []
    assert (await closing(enough)).status_code == 200


@pytest.mark.parametrize("signed_from", ["2022-01-01", "2022-03-15", None])
async def test_dates_that_no_person_confirmed_block_the_end_of_the_count(
    enough: World, signed_from: str | None
) -> None:
    await register(enough, a_section(1, lines=1, signed_from=signed_from))
    await enough.post(line(1))
    for who in ("clerk", "supervisor"):  # who looked at the paper: there is no evidence that names the voter
        await enough.finding("1-1-1", who=who, status="valid", voter_id="V1")
    assert (code(await closing(enough)), await open_sections(enough, "dates")) == ((409, "open_sections"), [1])
    assert (await enough.call("POST", "/sections/1/confirmation", who="clerk")).status_code == 200
    assert (await open_sections(enough, "dates"), (await closing(enough)).status_code) == ([], 200)


async def test_control_totals_that_differ_block_the_end_of_the_count_until_each_has_a_note(enough: World) -> None:
    await register(enough, a_section(1, lines=3))
    await enough.post(line(1))
    assert (code(await closing(enough)), await open_sections(enough, "totals")) == ((409, "open_sections"), [1])
    await file(enough)
    await propose(enough, notes=[{"section": 1, "note": "two lines were cut off"}])
    await confirm(enough, 1)
    assert (await closing(enough)).status_code == 200


async def test_a_petition_of_unregistered_sections_can_be_put_in_order_and_closed(enough: World) -> None:
    await enough.batch([line(1), line(2, (2, 1, 1))])
    assert code(await closing(enough)) == (409, "open_sections")
    await freeze(enough)
    assert (await closing(enough)).status_code == 200
    await enough.recount()
