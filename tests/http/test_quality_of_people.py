"""The double check of what people decided: who is drawn and who checks, what an answer does, whose errors they are."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from tests.http.county import line, stranger
from tests.http.test_duplicates import MISMATCH, say
from tests.http.test_quality import check, drawn_places, rates, sample, the_code
from tests.http.test_rulesets import add, open_petition
from tests.http.world import World
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED, CALIFORNIA_DUPLICATES


@pytest.fixture
async def compared(world: World) -> World:
    """A petition under the ruleset that compares, and further clerks."""
    opened = await open_petition(world, ruleset=CALIFORNIA_DUPLICATES.name)
    for number in (2, 3, 4):
        await world.add_key("clerk", f"clerk-{number}")
    return replace(world, petition_id=opened.json()["petition_id"])


async def by_people(world: World) -> dict[str, dict[str, Any]]:
    """The error rates of people by decision; '' for all."""
    found = (await world.call("GET", "/quality", who="auditor")).json()["people"]
    return {"": found["overall"], **{rate["reason"] or rate["status"]: rate for rate in found["decisions"]}}


async def by_person(world: World) -> dict[str, dict[str, Any]]:
    answer = await world.call("GET", "/quality/people", who="supervisor")
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["overall"] for one in answer.json()["people"]}


@pytest.mark.parametrize("ruleset", [CALIFORNIA_COMPARED.name, CALIFORNIA_DUPLICATES.name])
async def test_a_match_that_a_person_compared_is_drawn_and_checks_machine_and_person(
    world: World, ruleset: str
) -> None:
    world = replace(world, petition_id=(await open_petition(world, ruleset=ruleset)).json()["petition_id"])
    await world.add_key("clerk", "clerk-2")
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    assert await sample(world, who="clerk-2") == [], "it is unsettled"
    await say(world, str(place), status="valid")
    [shown] = await sample(world, who="clerk-2")
    assert shown["place"] == str(place)
    answer = await check(world, place, who="clerk-2", status="valid", voter_id="V1")
    assert answer.status_code == 201, answer.text
    for found in (await rates(world), await by_people(world)):
        assert (found["valid"]["checked"], found["valid"]["confirmed"]) == (1, 1)
    assert await world.status(str(place)) == ("valid", None)
    await world.recount()


async def test_who_has_spoken_on_a_line_neither_gets_nor_checks_it(compared: World) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post(line(1, place))
    await say(compared, str(place), who="clerk-2", status="valid")
    await say(compared, str(place), who="clerk-2", status="review", note="once more")
    await say(compared, str(place), status="valid", voter_id="V1")
    for who in ("clerk", "clerk-2"):
        assert await sample(compared, who=who) == []
        refused = await check(compared, place, who=who, status="valid", voter_id="V1")
        assert (refused.status_code, the_code(refused)) == (409, "decided_before")
    assert len(await sample(compared, who="clerk-3")) == 1


ACCEPTED: dict[str, Any] = {"status": "valid", "voter_id": "V1"}
REJECTED: dict[str, Any] = {"status": "invalid", "reason": "not_registered"}


@pytest.mark.parametrize(
    ("said", "answer", "kind"),
    [
        (ACCEPTED, {**REJECTED}, "valid"),
        (ACCEPTED, {**MISMATCH, "voter_id": "V1"}, "valid"),
        (REJECTED, {"status": "invalid", "reason": "different_address"}, "not_registered"),
        (REJECTED, {"status": "review"}, "not_registered"),
    ],
)
async def test_another_answer_to_an_acceptance_or_a_rejection_sends_the_line_to_review(
    compared: World, said: dict[str, Any], answer: dict[str, Any], kind: str
) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post(line(1, place) if said is ACCEPTED else stranger(place))
    await say(compared, str(place), **said)
    assert (await check(compared, place, who="clerk-2", **answer)).status_code == 201
    assert await compared.status(str(place)) == ("review", "quality_check")
    assert (await compared.detail(str(place)))["finding"]["confirmed_by"] == []
    assert (await by_people(compared))[kind]["open"] == 1
    assert (await by_person(compared))["clerk-1"]["errors"] == 1
    await say(compared, str(place), who="clerk-3", **said)
    assert (await by_people(compared))[kind]["upheld"] == 1
    assert (await by_person(compared))["clerk-1"]["errors"] == 0
    await compared.recount()


async def test_a_mismatch_that_three_people_found_is_checked_and_each_of_them_answers_for_it(compared: World) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post(line(1, place))
    for who in ("clerk", "clerk-2", "clerk-3"):
        await say(compared, str(place), who=who, **MISMATCH)
    answer = await check(compared, place, who="clerk-4", **MISMATCH, voter_id="V1")
    assert answer.status_code == 201, answer.text
    assert await compared.status(str(place)) == ("invalid", "signature_mismatch")
    assert (await by_people(compared))["signature_mismatch"]["confirmed"] == 1
    assert (await rates(compared))["valid"]["confirmed"] == 1, "the machine found the voter"
    people = await by_person(compared)
    assert {name: rate["confirmed"] for name, rate in people.items()} == {"clerk-1": 1, "clerk-2": 1, "clerk-3": 1}


async def test_a_line_that_the_machine_left_to_people_says_nothing_of_the_machine(compared: World) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post({**line(1, place), "printed_name": "B ABERNATHY"})
    assert (await compared.status(str(place)))[0] == "review"
    await say(compared, str(place), status="valid", voter_id="V1", note="by the address")
    if not (await compared.detail(str(place)))["settled"]:
        await say(compared, str(place), who="clerk-3", status="valid", voter_id="V1", note="by the address")
    await check(compared, place, who="clerk-2", status="valid", voter_id="V1")
    assert (await rates(compared))[""]["checked"] == 0
    assert (await by_people(compared))["valid"]["confirmed"] == 1


async def test_what_people_overturned_shows_the_machine_wrong_and_not_them(compared: World) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post(line(1, place))
    await say(compared, str(place), status="valid", voter_id="V2", note="the other one")
    if not (await compared.detail(str(place)))["settled"]:
        await say(compared, str(place), who="clerk-3", status="valid", voter_id="V2", note="the other one")
    assert (await check(compared, place, who="clerk-2", status="valid", voter_id="V2")).status_code == 201
    assert (await rates(compared))["valid"]["wrong"] == 1
    assert (await by_people(compared))["valid"]["confirmed"] == 1
    assert await compared.status(str(place)) == ("valid", None)


async def test_peoples_share_is_the_rulesets(world: World) -> None:
    assert (await add(world, based_on=CALIFORNIA.name, double_check_ppm=0, people_check_ppm=1_000_000)).is_success
    world = replace(world, petition_id=(await open_petition(world, ruleset="sample/1")).json()["petition_id"])
    await world.add_key("clerk", "clerk-2")
    await world.batch([line(1), line(2)])
    await say(world, "1-1-1", status="valid")
    [shown] = await sample(world, who="clerk-2")
    assert shown["place"] == "1-1-1"
    found = (await world.call("GET", "/quality", who="auditor")).json()
    assert (found["share"], found["people_share"]) == (0, 1)
    assert (found["overall"]["drawn"], found["people"]["overall"]["drawn"]) == (0, 1)
    await check(world, "1-1-1", who="clerk-2", status="valid", voter_id="V1")
    assert (await rates(world))[""]["checked"] == 0, "the machine's share drew nothing"


async def test_the_officer_gets_a_held_line_back_that_a_check_doubts(
    compared: World, connection: asyncpg.Connection
) -> None:
    [place] = await drawn_places(compared, 1)
    await compared.post(stranger(place))
    mark = "INSERT INTO held_line SELECT county_id, petition_id, section, page, line FROM line WHERE status = 'invalid'"
    await connection.execute(mark)
    said = {"status": "invalid", "reason": "not_registered"}
    await compared.search(str(place))
    answer = await compared.call("POST", f"/confidential/{place}/findings", who="confidential", json=said)
    assert answer.status_code == 201, answer.text
    assert await connection.fetchval("SELECT decided_by FROM held_line") == "confidential-1"
    assert (await check(compared, place, status="review")).status_code == 201
    assert await connection.fetchval("SELECT decided_by FROM held_line") is None
    held = (await compared.call("GET", "/confidential", who="confidential")).json()["lines"]
    assert [one["place"] for one in held] == [str(place)]


async def test_the_rates_of_persons_are_for_supervisors_alone(world: World) -> None:
    for who in ("clerk", "auditor", "monitor", "admin", "station"):
        assert (await world.call("GET", "/quality/people", who=who)).status_code == 403
    shown = (await world.call("GET", "/quality", who="clerk")).text
    assert "clerk-1" not in shown
    assert (await world.call("GET", "/quality/people", who="supervisor")).json()["people"] == []
