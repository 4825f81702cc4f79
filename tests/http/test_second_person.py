"""What one person cannot settle alone: findings that the data contradict, and signatures that no one compared."""

from datetime import date
from io import BytesIO
from typing import Any

import asyncpg
import pytest

from app.roll.loading import load_roll
from tests.http.county import COUNTY, line, roll_csv, row, stranger, voter
from tests.http.world import PETITION, World

OTHER = {"status": "invalid", "reason": "other", "note": "another line says that this one is void"}


def the_code(answer_json: dict[str, str]) -> str:
    return answer_json["type"].rpartition(":")[2]


@pytest.fixture
async def two(world: World) -> World:
    """A line that the data find good, a stranger's, and a second clerk."""
    await world.add_key("clerk", "clerk-2")
    await world.batch([line(1), stranger((1, 1, 2))])
    return world


async def test_one_person_does_not_settle_the_rejection_of_a_good_line(two: World) -> None:
    refused = await two.finding("1-1-1", status="invalid", reason="other", note=" ")
    assert (refused.status_code, the_code(refused.json())) == (422, "finding_refused")
    for status, settled in ((201, False), (200, False)):  # the same person's word again adds nothing
        answer = await two.finding("1-1-1", **OTHER)
        assert (answer.status_code, answer.json()["settled"]) == (status, settled)
    finding = answer.json()["finding"]
    assert (finding["against_data"], finding["confirmed_by"], finding["note"]) == (True, ["clerk-1"], OTHER["note"])
    tally = await two.tally()
    assert (tally["at_least"], tally["at_most"]) == (0, 2), "open until a second person agrees"
    confirmed = await two.finding("1-1-1", who="clerk-2", **OTHER)
    assert (confirmed.json()["settled"], confirmed.json()["finding"]["confirmed_by"]) == (True, ["clerk-1", "clerk-2"])
    await two.recount()


@pytest.mark.parametrize("reason", ["different_address", "canceled", "illegible", "section_defect"])
async def test_this_holds_for_every_reason(two: World, reason: str) -> None:
    assert (await two.finding("1-1-1", status="invalid", reason=reason, note="")).status_code == 422
    answer = await two.finding("1-1-1", status="invalid", reason=reason)
    assert (answer.status_code, answer.json()["settled"]) == (201, False)
    await two.recount()


async def test_a_voter_whom_the_evidence_does_not_name_takes_two_people(two: World) -> None:
    refused = await two.finding("1-1-2", status="valid", voter_id="V200", note="")
    assert (refused.status_code, the_code(refused.json())) == (422, "finding_refused")
    for who, settled in (("clerk", False), ("clerk-2", True)):
        answer = await two.finding("1-1-2", who=who, status="valid", voter_id="V200", note="signed with a nickname")
        assert (answer.json()["status"], answer.json()["settled"]) == ("valid", settled)
    await two.recount()


async def test_a_good_line_is_not_moved_to_another_voter_by_one_person(two: World) -> None:
    """Where the other voter's own line counts, this would make a good line a duplicate."""
    await two.post(line(2, (1, 1, 3)))
    answer = await two.finding("1-1-3", status="valid", voter_id="V1", note="the same hand")
    assert (answer.json()["reason"], answer.json()["settled"]) == ("duplicate", False)
    await two.recount()


async def test_neither_an_undo_nor_a_blind_answer_is_a_way_around_the_second_person(two: World) -> None:
    assert (await two.finding("1-1-1", who="supervisor", status="review", note="look again")).status_code == 201
    answer = await two.finding("1-1-1", **OTHER)
    assert (answer.json()["reason"], answer.json()["settled"]) == ("other", False)


CORRECTIONS: list[dict[str, Any]] = [
    {**voter(1), "signed": False},
    {**voter(1), "residence_address": "PO BOX 7"},
    {**voter(1), "residence_address": "9876 MAPLE AVE", "printed_name": "ADELINE QUACKENBUSH"},
    voter(2),
]


@pytest.mark.parametrize("text", CORRECTIONS)
async def test_one_person_does_not_strike_or_move_a_good_line_by_correcting_its_text(
    two: World, text: dict[str, Any]
) -> None:
    revised = await two.verb("/signatures/1-1-1/revisions", **text)
    assert (revised.status_code, revised.json()["settled"]) == (201, False)
    for again in ({**text, "zip": "90027"}, {**text, "zip": "90026"}):  # a second correction does not help
        await two.verb("/signatures/1-1-1/revisions", **again)
    found = await two.detail("1-1-1")
    said = {name: found[name] for name in ("status", "reason") if found[name]}
    for who, settled in (("clerk", False), ("clerk-2", True)):
        answer = await two.finding("1-1-1", who=who, **said)
        assert (answer.json()["settled"], answer.json()["finding"]["against_data"]) == (settled, True), answer.text
    await two.recount()


async def test_nor_under_another_reason_or_by_the_dates_of_its_section(two: World, database: str) -> None:
    await two.verb("/signatures/1-1-1/revisions", **CORRECTIONS[2])
    assert (await two.finding("1-1-1", **OTHER)).json()["settled"] is False
    late = {"voter_id": "V400", "affidavit_signed": "2022-03-05", "affidavit_received": "2022-03-06"}
    source = BytesIO(roll_csv(row(400, **late)))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)
    assert (await two.post(line(400, (2, 1, 1)))).json()["settled"] is True
    dates = {"signed_from": "2022-01-27", "signed_to": "2022-01-28"}
    assert (await two.call("PUT", "/sections/2", who="clerk", json=dates)).status_code == 200
    status, reason = await two.status("2-1-1")
    said: dict[str, Any] = {"status": status, "reason": reason}
    assert status == "invalid"
    for who, settled in (("clerk", False), ("clerk-2", True)):
        assert (await two.finding("2-1-1", who=who, **said)).json()["settled"] == settled
    await two.recount()


async def test_a_correction_that_is_taken_back_leaves_the_line_as_it_was(two: World) -> None:
    await two.verb("/signatures/1-1-1/revisions", **CORRECTIONS[0])
    back = await two.verb("/signatures/1-1-1/revisions", **voter(1))
    assert (back.json()["status"], back.json()["settled"]) == ("valid", True)


async def test_the_data_that_a_new_examination_leaves_aside_still_count(two: World) -> None:
    """What people found on paper stays when the section's dates change; the data find the line good all the same."""
    for who in ("clerk", "clerk-2"):
        await two.finding("1-1-1", who=who, **OTHER)
    dates = {"signed_from": "2022-03-01", "signed_to": "2022-03-09"}
    assert (await two.call("PUT", "/sections/1", who="clerk", json=dates)).status_code == 200
    assert await two.status("1-1-1") == ("invalid", "other")
    await two.finding("1-1-1", who="supervisor", status="review", note="look again")
    answer = await two.finding("1-1-1", **OTHER)
    assert (answer.json()["settled"], answer.json()["finding"]["against_data"]) == (False, True)
    await two.recount()


async def test_a_page_of_findings_follows_the_same_rules(two: World) -> None:
    findings = [
        {"place": "1-1-1", "status": "invalid", "reason": "canceled"},
        {"place": "1-1-2", "status": "invalid", "reason": "not_personally_affixed", "note": "a machine's print"},
    ]
    answer = await two.call("POST", "/findings", who="clerk", json={"findings": findings})
    refused, found = answer.json()["results"]
    assert (refused["error"]["code"], found["settled"]) == ("finding_refused", True)


async def test_to_find_the_voter_does_not_settle_a_signature_that_must_be_compared(world: World) -> None:
    opened = await world.client.post(
        "/v1/petitions",
        json=PETITION | {"ruleset": "california-local-recall/2"},
        headers={"Authorization": f"Bearer {world.keys['clerk']}"},
    )
    compared = World(world.client, world.count, world.keys, opened.json()["petition_id"])
    await compared.post(line(1))
    for looked_at, settled in (("line", False), ("both", True)):
        answer = await compared.finding("1-1-1", status="valid", looked_at=looked_at)
        assert (answer.status_code, answer.json()["settled"]) == (201, settled)
        assert (await compared.detail("1-1-1"))["finding"]["looked_at"] == looked_at
    history = (await compared.call("GET", "/signatures/1-1-1/history", who="clerk")).json()["findings"]
    assert [one["looked_at"] for one in history] == [None, "line", "both"]
    await compared.recount()


@pytest.mark.parametrize("kinds", [(), ("name",), ("address",)])
async def test_not_registered_takes_a_search_by_name_and_one_by_address(two: World, kinds: tuple[str, ...]) -> None:
    """Rule 9: also where it confirms the machine's finding."""
    said = {"status": "invalid", "reason": "not_registered"}
    await two.search("1-1-2", kinds=kinds)
    await two.search("1-1-1")  # another line's
    refused = await two.verb("/signatures/1-1-2/findings", **said)
    assert (refused.status_code, the_code(refused.json())) == (422, "finding_refused")
    await two.search("1-1-2", who="supervisor", kinds=tuple({"name", "address"} - {*kinds}))
    found = await two.verb("/signatures/1-1-2/findings", **said)  # any person's search for the line counts
    assert (found.status_code, found.json()["settled"]) == (201, True)
    finding = found.json()["finding"]
    reads = (
        await two.client.get("/v1/voters/reads", headers={"Authorization": f"Bearer {two.keys['auditor']}"})
    ).json()
    on_record = {one["read_id"] for one in reads["reads"] if one["places"] == ["1-1-2"] and one["kind"] != "line"}
    assert (len(finding["searches"]), set(finding["searches"]), finding["roll_version"]) == (2, on_record, 1)
    await two.recount()


async def test_searches_of_a_program_or_in_an_earlier_roll_do_not_count(two: World, database: str) -> None:
    said = {"status": "invalid", "reason": "not_registered"}
    await two.search("1-1-2", who="system")
    assert (await two.verb("/signatures/1-1-2/findings", **said)).status_code == 422
    await two.search("1-1-2")
    source = BytesIO(roll_csv(row(901, voter_id="V901")))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)
    assert (await two.verb("/signatures/1-1-2/findings", **said)).status_code == 422
    await two.search("1-1-2")
    assert (await two.verb("/signatures/1-1-2/findings", **said)).status_code == 201


async def test_a_page_of_not_registered_rests_on_the_searches_for_each_line(two: World) -> None:
    await two.post(stranger((1, 1, 3)))
    await two.search("1-1-3")
    said = {"status": "invalid", "reason": "not_registered"}
    page = {"findings": [{"place": place, **said} for place in ("1-1-2", "1-1-3")]}
    refused, found = (await two.call("POST", "/findings", who="clerk", json=page)).json()["results"]
    assert (refused["error"]["code"], found["settled"]) == ("finding_refused", True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"place": "1-1-1"}, 422),
        ({"place": "x", "petition_id": "here"}, 422),
        ({"place": "9-9-9", "petition_id": "here"}, 404),
    ],
)
async def test_a_search_for_a_line_names_one_that_there_is(two: World, asked: dict[str, str], status: int) -> None:
    body = {"printed_name": "ADELINE", **asked} | ({"petition_id": two.petition_id} if "petition_id" in asked else {})
    headers = {"Authorization": f"Bearer {two.keys['clerk']}"}
    assert (await two.client.post("/v1/voters/lookup", headers=headers, json=body)).status_code == status


async def test_the_database_settles_nothing_against_the_data_with_one_person(
    two: World, connection: asyncpg.Connection
) -> None:
    await two.finding("1-1-1", **OTHER)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE line SET settled = true, people_needed = 1 WHERE against_data")
