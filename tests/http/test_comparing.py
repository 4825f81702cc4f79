"""From unsettled to settled: counted lines and duplicates are compared, and what people decided is checked blindly."""

from dataclasses import replace
from typing import Any

from tests.closing import freeze
from tests.http.county import line
from tests.http.test_comparisons import claim, pairs
from tests.http.test_duplicates import MISMATCH, say
from tests.http.test_quality import check, sample
from tests.http.test_quality_of_people import by_people, by_person
from tests.http.test_rulesets import add, code_of, open_petition
from tests.http.world import World
from tests.rulesets import CALIFORNIA_DUPLICATES

CLERKS = ("clerk", "clerk-2", "clerk-3", "clerk-4")
FORGED, OF_ANOTHER, DUPLICATE = "1-1-3", "2-1-2", "2-1-1"
OTHER_VOTER: dict[str, Any] = {"status": "valid", "voter_id": "V9", "note": "the hand of the namesake"}


async def the_petition(world: World) -> World:
    """A petition that needs five lines and compares; every decision of people is drawn to be checked."""
    whole = {"double_check_ppm": 1_000_000, "people_check_ppm": 1_000_000}
    assert (await add(world, based_on=CALIFORNIA_DUPLICATES.name, **whole)).status_code == 201
    opened = await open_petition(world, ruleset="sample/1", required=5)
    for name in CLERKS[1:]:
        await world.add_key("clerk", name)
    return replace(world, petition_id=opened.json()["petition_id"])


async def compare_all(world: World) -> None:
    """Clerks claim, look at the pairs, and say of each what the hand is, until no line is left to compare."""
    for who in (*CLERKS, *CLERKS):
        while await claim(world, who=who, limit=3):
            for pair in await pairs(world, who=who):
                assert pair["counted"] is None or pair["place"] in (DUPLICATE, OF_ANOTHER)
                said = {FORGED: MISMATCH, OF_ANOTHER: OTHER_VOTER}.get(pair["place"], {"status": "valid"})
                await say(world, pair["place"], who=who, **said)


async def test_a_petition_goes_from_unsettled_to_settled_and_its_people_are_checked(world: World) -> None:
    world = await the_petition(world)
    lines = [line(n, (1, 1, n)) for n in range(1, 7)]
    await world.batch([*lines, line(1, (2, 1, 1)), line(2, (2, 1, 2))])
    tally = await world.tally()
    assert (tally["valid"], tally["unsettled"], tally["at_least"], tally["at_most"]) == (6, 8, 0, 8)
    assert await sample(world) == [], "nothing is settled"

    await compare_all(world)
    tally = await world.tally()
    assert (tally["valid"], tally["unsettled"]) == (6, 0)
    assert await world.status(FORGED) == ("invalid", "signature_mismatch")
    assert await world.status(OF_ANOTHER) == ("valid", None), "it counts for the voter whose hand it is"
    assert await world.status(DUPLICATE) == ("invalid", "duplicate")
    await world.recount()

    shown = [one["place"] for one in await sample(world, who="supervisor", limit=100)]
    assert len(shown) == 8, "the supervisor has said nothing yet"
    wrong = "1-1-5"
    for place in shown:
        voter_id = {OF_ANOTHER: "V9", DUPLICATE: "V1"}.get(place, f"V{place.rpartition('-')[2]}")
        answer = {"status": "valid", "voter_id": voter_id} if place != FORGED else {**MISMATCH, "voter_id": "V3"}
        if place == wrong:
            answer = {"status": "invalid", "reason": "different_address"}
        assert (await check(world, place, who="supervisor", **answer)).status_code == 201
    assert await world.status(wrong) == ("review", "quality_check")
    found = await by_people(world)
    assert (found[""]["checked"], found[""]["confirmed"], found[""]["open"]) == (8, 7, 1)
    assert found["duplicate"]["confirmed"] == found["signature_mismatch"]["confirmed"] == 1
    assert sum(one["errors"] for one in (await by_person(world)).values()) == 1

    await freeze(world)
    assert code_of(await world.call("POST", "/close", who="supervisor")) == (409, "undecided_lines")
    await say(world, wrong, who="clerk-4", status="valid", voter_id="V5", note="the address is the voter's")
    assert (await by_people(world))[""]["upheld"] == 1
    assert (await world.tally())["outlook"] == "sufficient"
    assert (await world.call("POST", "/close", who="supervisor")).status_code == 200
    await world.recount()
