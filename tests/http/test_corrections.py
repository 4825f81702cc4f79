"""No correction of a text lets one person turn a good line into a bad one."""

from typing import Any

import pytest

from tests.http.county import line, stranger, voter
from tests.http.test_defects import find as find_defect
from tests.http.test_queues import claim
from tests.http.test_revisions import revise
from tests.http.world import World

PLACE = "1-1-1"
NO_ADDRESS = {**voter(1), "residence_address": ""}
UNREADABLE = {"status": "invalid", "reason": "different_address", "note": "the number is another one"}


def unknown() -> dict[str, Any]:
    """A text of which the roll knows no one."""
    return {name: text for name, text in stranger((1, 1, 1)).items() if name not in ("section", "page", "line")}


@pytest.fixture
async def good(world: World) -> World:
    """A line that the data find good and settled, and a second clerk."""
    await world.add_key("clerk", "clerk-2")
    await world.post(line(1))
    assert (await world.detail(PLACE))["settled"]
    return world


@pytest.mark.parametrize(("text", "reason"), [(NO_ADDRESS, "no_address"), (unknown(), "not_registered")])
async def test_a_correction_that_makes_a_good_line_bad_is_settled_by_a_second_person(
    good: World, text: dict[str, Any], reason: str
) -> None:
    answer = (await revise(good, PLACE, text)).json()
    assert (answer["reason"], answer["settled"]) == (reason, False)
    tally = await good.tally()
    assert (tally["unsettled"], tally["at_least"], tally["at_most"]) == (1, 0, 1)
    same = {"status": "invalid", "reason": reason}
    assert not (await good.finding(PLACE, **same)).json()["settled"]
    assert (await claim(good, "to_confirm", who="clerk"))["lines"] == []
    assert [one["place"] for one in (await claim(good, "to_confirm", who="clerk-2"))["lines"]] == [PLACE]
    confirmed = (await good.finding(PLACE, who="clerk-2", **same)).json()
    assert (confirmed["settled"], confirmed["finding"]["confirmed_by"]) == (True, ["clerk-1", "clerk-2"])
    await good.recount()


async def test_a_line_that_people_found_good_is_rejected_by_two_after_a_correction(world: World) -> None:
    """Where the data do not name the voter, people's word was all that the line had."""
    await world.add_key("clerk", "clerk-2")
    await world.post(stranger((1, 1, 1)))
    for who in ("clerk-2", "supervisor"):
        await world.finding(PLACE, who=who, status="valid", voter_id="V3", note="her married name")
    assert (await world.detail(PLACE))["settled"]
    await revise(world, PLACE, {**unknown(), "zip": "90099"})
    assert await world.status(PLACE) == ("review", "new_writing")
    refused = await world.finding(PLACE, status="invalid", reason="different_address", note="")
    assert refused.status_code == 422, "against what was found this needs a note"
    assert not (await world.finding(PLACE, **UNREADABLE)).json()["settled"]
    assert (await world.finding(PLACE, who="clerk-2", **UNREADABLE)).json()["settled"]
    await world.recount()


async def test_neither_an_undo_nor_other_dates_nor_another_correction_is_a_way_around(good: World) -> None:
    await revise(good, PLACE, NO_ADDRESS)
    dates = {"signed_from": "2022-03-01", "signed_to": "2022-03-09"}
    assert (await good.call("PUT", "/sections/1", who="clerk", json=dates)).status_code == 200
    assert (await good.detail(PLACE))["settled"] is False
    await revise(good, PLACE, {**NO_ADDRESS, "zip": "90099"})
    assert (await good.detail(PLACE))["settled"] is False
    await good.finding(PLACE, status="review")
    assert not (await good.finding(PLACE, **UNREADABLE)).json()["settled"]
    await good.recount()


async def test_a_correction_to_another_voter_waits_for_a_second_person(good: World) -> None:
    """Where the other voter's own line counts, this makes a good line a duplicate."""
    await good.post(line(2, (1, 1, 2)))
    answer = (await revise(good, "1-1-2", voter(1))).json()
    assert (answer["reason"], answer["settled"]) == ("duplicate", False)
    assert not (await good.finding("1-1-2", status="valid", looked_at="both")).json()["settled"]
    assert (await good.finding("1-1-2", who="clerk-2", status="valid", looked_at="both")).json()["settled"]
    await good.recount()


async def test_a_correction_back_to_the_good_text_is_as_good_as_before(good: World) -> None:
    await revise(good, PLACE, NO_ADDRESS)
    answer = (await revise(good, PLACE, voter(1))).json()
    assert (answer["status"], answer["settled"]) == ("valid", True)
    await good.recount()


async def test_a_second_person_who_finds_the_line_good_ends_it(good: World) -> None:
    await revise(good, PLACE, NO_ADDRESS)
    said = {"status": "valid", "voter_id": "V1", "note": "the address is there"}
    assert (await good.finding(PLACE, who="supervisor", **said)).json()["status"] == "valid"
    await good.recount()


async def test_a_line_that_was_never_good_is_corrected_by_one_person(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    answer = (await revise(world, PLACE, {**unknown(), "residence_address": ""})).json()
    assert (answer["reason"], answer["settled"]) == ("no_address", True)
    assert (await revise(world, PLACE, voter(1))).json()["settled"]
    await world.recount()


STRUCK = {**voter(1), "kind": "struck"}
BLANK = {"printed_name": "", "residence_address": "", "city": "", "zip": "", "kind": "blank"}


@pytest.mark.parametrize("text", [STRUCK, BLANK])
async def test_a_line_leaves_the_raw_count_once_two_people_correct_it_so(good: World, text: dict[str, Any]) -> None:
    answer = (await revise(good, PLACE, text)).json()
    assert (answer["status"], answer["reason"]) == ("review", "new_writing")
    assert (await revise(good, PLACE, text)).status_code == 200, "the same person twice is one"
    tally = await good.tally()
    assert (tally["raw"], tally["review"], tally["at_most"]) == (1, 1, 1)
    await good.recount()
    answer = await good.call("POST", f"/signatures/{PLACE}/revisions", who="clerk-2", json=text)
    assert (answer.status_code, answer.json()["status"], answer.json()["settled"]) == (201, text["kind"], True)
    assert (await good.tally())["raw"] == 0
    entered = (await good.call("GET", f"/signatures/{PLACE}/history", who="auditor")).json()["writings"]
    assert [one["entered_by"] for one in entered] == ["station-1", "clerk-1", "clerk-2"]
    await good.recount()


async def test_one_person_neither_rejects_a_line_instead_nor_strikes_it_after_an_undo(good: World) -> None:
    await good.finding(PLACE, status="review")
    await revise(good, PLACE, STRUCK)
    assert await good.status(PLACE) == ("review", "new_writing")
    assert not (await good.finding(PLACE, **UNREADABLE)).json()["settled"]
    await revise(good, PLACE, {**STRUCK, "zip": "90099"})
    dates = {"signed_from": "2022-03-01", "signed_to": "2022-03-09"}
    assert (await good.call("PUT", "/sections/1", who="clerk", json=dates)).status_code == 200
    assert await good.status(PLACE) == ("review", "new_writing")
    await good.recount()


async def test_a_second_person_may_find_that_the_line_is_good_and_not_struck(good: World) -> None:
    await revise(good, PLACE, STRUCK)
    said = {"status": "valid", "voter_id": "V1", "note": "the stroke is the next line's"}
    assert (await good.finding(PLACE, who="clerk-2", **said)).json()["status"] == "valid"
    again = {**STRUCK, "zip": "90099"}
    answer = await good.call("POST", f"/signatures/{PLACE}/revisions", who="supervisor", json=again)
    assert answer.json()["status"] == "review", "what a person found since is not overruled by one other"
    await good.recount()


async def test_a_line_of_a_defective_section_leaves_the_raw_count_by_two_as_well(good: World) -> None:
    await find_defect(good)
    assert (await revise(good, PLACE, STRUCK)).json()["reason"] == "section_defect"
    answer = await good.call("POST", f"/signatures/{PLACE}/revisions", who="clerk-2", json=STRUCK)
    assert answer.json()["status"] == "struck"
    await good.recount()


async def test_a_good_line_that_one_person_reopens_and_corrects_is_rejected_by_two(good: World) -> None:
    await good.finding(PLACE, status="review")
    dates = {"signed_from": "2022-03-01", "signed_to": "2022-03-09"}
    assert (await good.call("PUT", "/sections/1", who="clerk", json=dates)).status_code == 200
    await revise(good, PLACE, NO_ADDRESS)
    assert await good.status(PLACE) == ("review", "undone")
    said = {"status": "invalid", "reason": "no_address", "note": "there is none"}
    assert not (await good.finding(PLACE, **said)).json()["settled"]
    assert (await good.finding(PLACE, who="clerk-2", **said)).json()["settled"]
    await good.recount()


async def test_a_good_line_that_one_person_reopens_is_found_good_by_one(good: World) -> None:
    await good.finding(PLACE, status="review")
    said = {"status": "valid", "voter_id": "V1", "looked_at": "both"}
    assert (await good.finding(PLACE, **said)).json()["settled"]
    await good.recount()
