"""Duplicates are compared like counted lines: what a person says of one, and what the count makes of it."""

from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import httpx
import pytest

from app.roll.loading import load_roll
from tests.closing import freeze
from tests.http.county import COUNTY, line, roll_csv, row, voter
from tests.http.test_rulesets import code_of, open_petition
from tests.http.world import World
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED, CALIFORNIA_DUPLICATES

MISMATCH: dict[str, Any] = {"status": "invalid", "reason": "signature_mismatch"}
FIRST, SECOND = "1-1-1", "2-1-1"  # of the first voter


async def petition_under(world: World, ruleset: str, **terms: Any) -> World:  # noqa: ANN401  # any JSON values
    """A petition under a ruleset, with two lines of one voter, and further clerks."""
    opened = await open_petition(world, ruleset=ruleset, required=1, **terms)
    world = replace(world, petition_id=opened.json()["petition_id"])
    for number in (2, 3):
        await world.add_key("clerk", f"clerk-{number}")
    await world.batch([line(1, (1, 1, 1)), line(1, (2, 1, 1))])
    return world


@pytest.fixture
async def compared(world: World) -> World:
    return await petition_under(world, CALIFORNIA_DUPLICATES.name)


async def say(world: World, place: str, *, who: str = "clerk", **said: Any) -> httpx.Response:  # noqa: ANN401  # any JSON values
    answer = await world.finding(place, who=who, looked_at="both", **said)
    assert answer.status_code == 201, answer.text
    return answer


@pytest.mark.parametrize(
    ("ruleset", "unsettled"), [(CALIFORNIA.name, 0), (CALIFORNIA_COMPARED.name, 1), (CALIFORNIA_DUPLICATES.name, 2)]
)
async def test_a_duplicate_is_unsettled_where_the_ruleset_has_it_compared(
    world: World, ruleset: str, unsettled: int
) -> None:
    world = await petition_under(world, ruleset)
    assert await world.status(SECOND) == ("invalid", "duplicate")
    tally = await world.tally()
    assert (tally["unsettled"], tally["unsettled_valid"]) == (unsettled, min(1, unsettled))
    assert (tally["at_least"], tally["at_most"]) == (int(not unsettled), 1 + bool(unsettled))
    await world.recount()


async def test_the_same_hand_settles_a_duplicate_and_only_then_can_the_count_end(compared: World) -> None:
    await say(compared, FIRST, status="valid")
    assert code_of(await compared.call("POST", "/close", who="supervisor")) == (409, "undecided_lines")
    found = (await say(compared, SECOND, status="valid")).json()
    assert (found["status"], found["reason"], found["settled"]) == ("invalid", "duplicate", True)
    assert (await compared.detail(SECOND))["finding"]["counted_place"] == FIRST
    assert (await compared.tally())["unsettled"] == 0
    await freeze(compared)
    assert (await compared.call("POST", "/close", who="supervisor")).status_code == 200
    await compared.recount()


async def test_another_hand_takes_as_many_people_as_on_a_counted_line(compared: World) -> None:
    for who in ("clerk", "clerk-2"):
        assert (await say(compared, SECOND, who=who, **MISMATCH)).json()["settled"] is False
        assert await compared.status(SECOND) == ("invalid", "duplicate")
    found = (await say(compared, SECOND, who="clerk-3", **MISMATCH)).json()
    assert (found["reason"], found["settled"]) == ("signature_mismatch", True)
    assert await compared.status(FIRST) == ("valid", None)
    await compared.recount()


async def test_another_voters_hand_makes_the_line_count_for_that_voter(compared: World) -> None:
    for who, settled in (("clerk", False), ("clerk-2", True)):  # the data say otherwise
        found = (await say(compared, SECOND, who=who, status="valid", voter_id="V2")).json()
        assert (found["status"], found["settled"]) == ("valid", settled)
    assert (await compared.tally())["valid"] == 2
    await compared.recount()


async def test_a_duplicate_that_was_compared_stays_settled_when_it_takes_the_place_of_the_counted_line(
    compared: World,
) -> None:
    await say(compared, SECOND, status="valid")
    await say(compared, FIRST, status="invalid", reason="illegible", note="cannot be read")
    found = await compared.detail(SECOND)
    assert (found["status"], found["settled"]) == ("valid", True)
    await compared.recount()


async def test_a_line_that_was_compared_stays_settled_when_a_lower_one_makes_it_a_duplicate(compared: World) -> None:
    await compared.post(line(2, (3, 1, 1)))
    await say(compared, "3-1-1", status="valid")
    await compared.post(line(2, (1, 1, 2)))
    shown = await compared.detail("3-1-1")
    assert (shown["reason"], shown["settled"]) == ("duplicate", True)
    assert (await compared.detail("1-1-2"))["settled"] is False
    await compared.recount()


@pytest.mark.parametrize(("ruleset", "settled"), [(CALIFORNIA.name, True), (CALIFORNIA_DUPLICATES.name, False)])
async def test_of_two_namesakes_at_one_address_the_second_ones_line_is_not_lost(
    world: World,
    database: str,
    ruleset: str,
    settled: bool,  # noqa: FBT001
) -> None:
    """Two of one name at one address sign. The roll knows the middle name of one of them alone; the other one writes a
    middle initial, and it is the same. So arise the two lines of the made-up petition of full size that come out wrong.
    """
    namesake = row(1, voter_id="V901", middle_name="DENNIS", birth_date="1996-02-14")
    source = BytesIO(roll_csv(namesake))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)
    opened = await open_petition(world, ruleset=ruleset, required=1)
    world = replace(world, petition_id=opened.json()["petition_id"])
    given, surname = voter(1)["printed_name"].split()
    by_other = line(1, (1, 1, 1), printed_name=f"{given} D {surname}")
    await world.batch([by_other, line(1, (2, 1, 1), printed_name=f"{given} DENNIS {surname}")])
    first, second = await world.detail(FIRST), await world.detail(SECOND)
    assert (first["finding"]["voter_id"], second["finding"]["voter_id"]) == ("V901", "V901")
    assert (second["reason"], second["settled"], first["settled"]) == ("duplicate", settled, settled)
    if not settled:  # the signatures on file show whose hand the counted line is
        for who in ("clerk", "supervisor"):  # the data say otherwise
            await say(world, FIRST, who=who, status="valid", voter_id="V1")
        await say(world, SECOND, status="valid")
        assert (await world.tally())["valid"] == 2
        assert (await world.tally())["unsettled"] == 0
    await world.recount()


async def test_a_duplicate_of_an_open_line_is_within_the_bounds(world: World) -> None:
    """Where the counted line proves another voter's, both lines are valid."""
    await world.batch([line(1, (1, 1, 1)), line(1, (2, 1, 1)), line(3, (3, 1, 1))])
    await world.finding("1-1-1", status="valid", voter_id="V3")  # against the data, so that it is open
    tally = await world.tally()
    assert (await world.status("3-1-1"), tally["valid"]) == (("invalid", "duplicate"), 2)
    assert (tally["at_least"], tally["at_most"]) == (1, 3)
    await world.finding("1-1-1", who="supervisor", status="valid", voter_id="V5")
    assert (await world.tally())["valid"] == 3
