"""A section's defect is one act for all its lines, also those to come, and is taken back as one (EC 104)."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle
from tests.http.county import COUNTY, line, stranger
from tests.http.test_quality import check
from tests.http.test_registration import a_section, code, register, section
from tests.http.test_rulesets import add, open_petition
from tests.http.world import World
from tests.ledger.test_bundle import verify_bundle

DEFECT = ("invalid", "section_defect")


async def find(world: World, number: int = 1, *, who: str = "clerk", code: str = "signature_missing") -> httpx.Response:
    return await world.verb(f"/sections/{number}/defect", who=who, codes=[code])


async def confirm(world: World, number: int = 1, *, who: str = "supervisor") -> httpx.Response:
    return await world.call("POST", f"/sections/{number}/defect/confirmation", who=who)


async def take_back(world: World, number: int = 1, *, who: str = "supervisor", note: str = "found") -> httpx.Response:
    return await world.verb(f"/sections/{number}/defect/reversal", who=who, note=note)


@pytest.fixture
async def by_two(world: World) -> World:
    """A petition whose ruleset has two people confirm a defect."""
    added = await add(world, confirmations={"section_defect": 2})
    assert added.status_code == 201, added.text
    opened = await open_petition(world, ruleset=added.json()["name"])
    assert opened.status_code == 201, opened.text
    return replace(world, petition_id=opened.json()["petition_id"])


async def test_one_act_makes_all_lines_of_a_section_invalid_also_those_to_come(world: World) -> None:
    await register(world, a_section(1, lines=4))
    await world.batch([line(1), line(2, (1, 1, 2)), line(3, (1, 1, 3), kind="struck"), line(1, (2, 1, 1))])
    assert await world.status("2-1-1") == ("invalid", "duplicate")
    found = await find(world)
    assert (found.status_code, found.json()["in_force"], found.json()["people"]) == (201, True, ["clerk-1"])
    assert [await world.status(place) for place in ("1-1-1", "1-1-2")] == [DEFECT, DEFECT]
    assert await world.status("1-1-3") == ("struck", None)
    assert await world.status("2-1-1") == ("valid", None), "the voter's next line takes the place"
    later = (await world.post(line(4, (1, 1, 4)))).json()
    assert (later["status"], later["reason"], later["settled"]) == (*DEFECT, True)
    last = (await world.detail("1-1-4"))["finding"]
    assert (last["note"], last["decided_by"]) == ("section 1 is defective, act 1: signature_missing", "clerk-1")
    tally = await world.tally()
    assert (tally["raw"], tally["valid"], tally["invalid_by_reason"]["other"]) == (4, 1, 3)
    await world.recount()


async def test_as_many_people_confirm_it_as_the_ruleset_says(by_two: World) -> None:
    await register(by_two, a_section(1, lines=1))
    await by_two.post(line(1))
    assert (await find(by_two)).json()["in_force"] is False
    assert await by_two.status("1-1-1") == ("valid", None), "one person alone changes no line"
    listed = (await by_two.call("GET", "/sections?only=defect", who="clerk")).json()["sections"]
    assert [one["section"] for one in listed] == [1]
    assert code(await find(by_two, who="supervisor")) == (409, "section_defect_refused")
    assert code(await confirm(by_two, who="clerk")) == (409, "section_defect_refused"), "the same person"
    assert (await confirm(by_two)).json()["in_force"] is True
    assert await by_two.status("1-1-1") == DEFECT
    assert (await by_two.detail("1-1-1"))["settled"] is True
    await by_two.add_key("clerk", "clerk-2")
    assert code(await confirm(by_two, who="clerk-2")) == (409, "section_defect_refused"), "enough people agree"
    acts = (await section(by_two, 1))["defect_acts"]
    assert [(act["kind"], act["in_force"]) for act in acts] == [("found", False), ("confirmed", True)]
    assert (await by_two.call("GET", "/sections?only=defect", who="clerk")).json()["sections"] == []
    await by_two.recount()


async def test_it_is_taken_back_as_one_and_the_lines_are_as_if_it_had_never_been(world: World) -> None:
    await register(world, a_section(1, lines=9))
    await world.batch([line(1), line(2, (1, 1, 2)), stranger((1, 1, 3)), line(1, (2, 1, 1)), line(5, (1, 1, 5))])
    await world.finding("1-1-2", status="review")
    await world.finding("1-1-5", status="valid", voter_id="V6")  # as a person corrected the machine
    before = {place: await world.status(place) for place in ("1-1-1", "1-1-2", "1-1-3", "2-1-1")}
    await find(world)
    await world.post(line(7, (1, 1, 7)))
    assert code(await take_back(world, who="clerk")) == (403, "wrong_role")
    assert (await take_back(world, note="")).status_code == 422
    ended = await take_back(world)
    assert (ended.status_code, ended.json()["kind"], ended.json()["in_force"]) == (200, "taken_back", False)
    assert {place: await world.status(place) for place in before} == before
    assert await world.status("1-1-7") == ("valid", None)
    line_5 = await world.detail("1-1-5")
    assert (line_5["status"], line_5["reason"]) == ("review", "defect_taken_back"), "no machine reverses a person"
    assert code(await take_back(world)) == (409, "section_defect_refused")
    assert (await find(world)).json()["act_no"] == 3
    await world.recount()


async def test_a_line_that_a_person_rejected_keeps_that_reason_with_the_defect_beside_it(world: World) -> None:
    await register(world, a_section(1, lines=2))
    await world.batch([line(1), line(2)])
    await world.finding("1-1-1", status="invalid", reason="illegible")
    await find(world)
    assert await world.status("1-1-1") == ("invalid", "illegible")
    assert (await world.detail("1-1-1"))["finding"]["secondary"] == ["section_defect"]
    said = {"status": "valid", "note": "it can be read"}
    assert (await world.finding("1-1-1", who="supervisor", **said)).status_code == 201
    assert await world.status("1-1-1") == DEFECT, "what a person finds valid is still of a defective section"
    refused = await world.finding("1-1-2", who="supervisor", **said)
    assert code(refused) == (409, "section_defective")
    await world.recount()


async def test_the_defect_ends_without_a_trace_on_what_a_person_rejected(world: World) -> None:
    await register(world, a_section(1, lines=1))
    await world.post(line(1))
    for who in ("clerk", "supervisor"):
        await world.finding("1-1-1", who=who, status="invalid", reason="illegible")
    await find(world)
    await take_back(world)
    detail = await world.detail("1-1-1")
    assert (detail["reason"], detail["settled"], detail["finding"]["secondary"]) == ("illegible", True, [])
    await world.recount()


async def test_corrections_new_dates_and_other_acts_leave_the_lines_of_a_defective_section_invalid(
    world: World,
) -> None:
    await register(world, a_section(1, lines=2))
    await world.batch([line(1), line(2)])
    await world.finding("1-1-2", status="valid")
    await find(world)
    text = {name: value for name, value in line(3).items() if name not in ("section", "page", "line")}
    assert (await world.call("POST", "/signatures/1-1-1/revisions", who="clerk", json=text)).status_code == 201
    await world.verb("/sections/1", method="PUT", signed_from=None, signed_to=None)
    await world.verb("/sections/1", method="PUT", signed_from="2022-03-02", signed_to="2022-03-03")
    assert [await world.status(place) for place in ("1-1-1", "1-1-2")] == [DEFECT, DEFECT]
    await take_back(world)
    assert [await world.status(place) for place in ("1-1-1", "1-1-2")] == [("valid", None), ("valid", None)]
    assert (await world.detail("1-1-1"))["finding"]["voter_id"] == "V3"
    await world.recount()


async def test_a_pending_defect_blocks_the_end_of_the_count_and_one_in_force_stands_for_its_dates(
    by_two: World,
) -> None:
    await register(by_two, {"section": 1, "pages": 1, "lines": 1})
    await by_two.post(line(1))
    await by_two.call("POST", "/filing", who="supervisor")
    await by_two.verb("/raw-count/proposals", kind="freeze")
    await by_two.call("POST", "/raw-count/proposals/1/confirmation", who="supervisor")
    await find(by_two)
    refused = await by_two.call("POST", "/close", who="supervisor")
    assert (code(refused), "too few people" in refused.json()["detail"]) == ((409, "open_sections"), True)
    await confirm(by_two)
    assert (await by_two.call("POST", "/close", who="supervisor")).status_code == 200
    assert code(await find(by_two)) == (409, "section_defect_refused")
    assert code(await take_back(by_two)) == (409, "petition_closed")
    await by_two.recount()


async def test_a_defect_is_in_the_bundle_and_the_verifier_follows_it(
    world: World, app: FastAPI, tmp_path: Path
) -> None:
    await register(world, a_section(1, lines=2))
    await world.batch([line(1), line(2), line(1, (2, 1, 1))])
    await find(world)
    await take_back(world)
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), signer, bundle)
    status, output = verify_bundle(bundle, signer.verifier_key)
    assert status == 0, output


@pytest.mark.parametrize(
    "body", [{}, {"codes": []}, {"codes": ["ugly"]}, {"codes": "name_missing"}, {"codes": ["other"], "note": 1}]
)
async def test_a_defect_that_cannot_be_read_is_refused(world: World, body: dict[str, object]) -> None:
    await register(world, a_section(1))
    assert (await world.call("POST", "/sections/1/defect", who="clerk", json=body)).status_code == 422
    assert code(await find(world, 9)) == (404, "unknown_section")
    assert code(await find(world, code="other")) == (409, "section_defect_refused")
    assert code(await confirm(world)) == (409, "section_defect_refused")


async def test_a_defect_is_no_decision_on_a_line_that_a_blind_check_could_undo(world: World) -> None:
    added = await add(world, people_check_ppm=1_000_000, double_check_ppm=1_000_000)
    opened = await open_petition(world, ruleset=added.json()["name"])
    world = replace(world, petition_id=opened.json()["petition_id"])
    await register(world, a_section(1, lines=1))
    await world.post(line(1))
    await find(world, who="supervisor")
    assert code(await check(world, "1-1-1", status="valid", voter_id="V1")) == (409, "not_drawn")
    assert await world.status("1-1-1") == DEFECT
    await world.recount()
