"""A person's findings: confirmation, reversal, undo, and the look of a signature."""

import json
from typing import Any

import asyncpg
import pytest

from tests.http.county import line, stranger
from tests.http.world import World


def the_type(answer_json: dict[str, str]) -> str:
    return answer_json["type"].rpartition(":")[2]


async def test_a_clerk_settles_what_a_machine_found(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    answer = await world.finding("1-1-1", status="invalid", reason="not_registered")
    assert answer.status_code == 201
    assert (answer.json()["settled"], answer.json()["finding"]["confirmed_by"]) == (True, ["clerk-1"])
    tally = await world.tally()
    assert (tally["unsettled"], tally["invalid_by_code"]) == (0, {"not_registered": 1})
    await world.recount()


async def test_saying_the_same_again_changes_nothing(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    await world.finding("1-1-1", status="invalid", reason="not_registered")
    version = (await world.tally())["version"]
    again = await world.finding("1-1-1", status="invalid", reason="not_registered")
    assert again.status_code == 200
    assert (await world.tally())["version"] == version


async def test_the_same_key_gets_the_same_answer_and_other_content_is_refused(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    await world.search("1-1-1")
    body = {"status": "invalid", "reason": "not_registered", "note": "nobody of that name"}
    first = await world.verb("/signatures/1-1-1/findings", key="f-1", **body)
    await world.verb("/signatures/1-1-1/findings", who="supervisor", status="review", note="look again")
    replay = await world.verb("/signatures/1-1-1/findings", key="f-1", **body)
    assert (replay.status_code, replay.json()) == (first.status_code, first.json())
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert await world.status("1-1-1") == ("review", "undone")
    other = await world.verb("/signatures/1-1-1/findings", key="f-1", status="review")
    assert (other.status_code, the_type(other.json())) == (422, "idempotency_key_reused")
    await world.recount()


async def test_an_answer_that_was_stored_in_the_earlier_form_is_given_again(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.post(stranger((1, 1, 1)))
    await world.search("1-1-1")
    body = {"status": "invalid", "reason": "not_registered", "note": "nobody of that name"}
    first = await world.verb("/signatures/1-1-1/findings", key="f-1", **body)
    stored = await connection.fetchval("SELECT answer FROM idempotency WHERE key = 'f-1'")
    assert json.loads(stored) == {"status": 201, "body": first.json()}
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute("UPDATE idempotency SET answer = $1 WHERE key = 'f-1'", f"201 {first.text}")
    replay = await world.verb("/signatures/1-1-1/findings", key="f-1", **body)
    assert (replay.status_code, replay.json(), replay.headers["Idempotent-Replayed"]) == (201, first.json(), "true")


async def test_the_next_line_takes_the_place_of_a_counted_one_that_falls(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), line(1, (1, 1, 3))])
    await world.finding("1-1-1", status="invalid", reason="not_personally_affixed")
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("invalid", "not_personally_affixed"),
        ("valid", None),
        ("invalid", "duplicate"),
    ]
    await world.recount()
    await world.finding("1-1-1", who="supervisor", status="valid", note="the circulator was present")
    assert [(await world.status(f"1-1-{n}"))[0] for n in (1, 2, 3)] == ["valid", "invalid", "invalid"]
    await world.recount()


async def test_a_bad_duplicate_leaves_the_counted_line_alone(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await world.finding("1-1-2", status="invalid", reason="different_address")
    assert await world.status("1-1-1") == ("valid", None)
    assert await world.status("1-1-2") == ("invalid", "different_address")
    await world.recount()


async def test_a_duplicate_is_confirmed_as_a_good_line_that_does_not_count(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    answer = await world.finding("1-1-2", status="valid")
    assert (answer.status_code, answer.json()["reason"]) == (201, "duplicate")
    await world.recount()


async def test_a_line_moves_to_another_voter_and_both_voters_count_right(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), line(2, (1, 1, 3))])
    answer = await world.finding("1-1-1", status="valid", voter_id="V2", note="the father signed")
    assert answer.json()["finding"]["voter_id"] == "V2"
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("valid", None),
        ("valid", None),
        ("invalid", "duplicate"),
    ]
    await world.recount()


async def test_undo_returns_a_line_to_review_and_never_flips_it(world: World) -> None:
    await world.post(line(1))
    await world.finding("1-1-1", status="invalid", reason="illegible")
    assert (await world.finding("1-1-1", status="review")).status_code == 201
    assert await world.status("1-1-1") == ("review", "undone")
    await world.recount()


async def test_a_second_undo_is_no_finding_that_only_a_supervisor_could_reverse(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.add_key("clerk", "clerk-3")
    await world.post(line(1))
    await world.finding("1-1-1", status="review")
    assert (await world.finding("1-1-1", who="clerk-2", status="review")).status_code == 200
    assert (await world.finding("1-1-1", who="clerk-3", status="valid", voter_id="V1")).status_code == 201
    await world.recount()


async def test_a_persons_finding_is_reversed_by_a_supervisor_with_a_note_alone(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.post(line(1))
    await world.finding("1-1-1", status="invalid", reason="illegible")
    for who in ("clerk", "clerk-2"):
        refused = await world.finding("1-1-1", who=who, status="valid", note="legible to me")
        assert (refused.status_code, the_type(refused.json())) == (403, "supervisor_needed")
    assert (await world.finding("1-1-1", who="clerk-2", status="review")).status_code == 403
    assert (await world.finding("1-1-1", who="supervisor", status="valid", note=" ")).status_code == 422
    assert await world.status("1-1-1") == ("invalid", "illegible")
    assert (await world.finding("1-1-1", who="supervisor", status="valid", note="read it")).status_code == 201
    await world.recount()


async def test_three_different_people_reject_a_signature_by_its_look(world: World) -> None:
    for name in ("clerk-2", "clerk-3"):
        await world.add_key("clerk", name)
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    for who in ("clerk", "clerk", "clerk-2", "clerk-2"):
        answer = await world.finding("1-1-1", who=who, status="invalid", reason="signature_mismatch")
        assert answer.json()["status"] == "valid", "presumed the voter's until enough people say otherwise"
    assert (await world.tally())["unsettled"] == 1
    answer = await world.finding("1-1-1", who="clerk-3", status="invalid", reason="signature_mismatch")
    assert (answer.json()["reason"], answer.json()["settled"]) == ("signature_mismatch", True)
    assert await world.status("1-1-2") == ("valid", None)
    await world.recount()


async def test_one_person_who_sees_the_voters_hand_ends_the_doubt(world: World) -> None:
    for name in ("clerk-2", "clerk-3"):
        await world.add_key("clerk", name)
    await world.post(line(1))
    await world.finding("1-1-1", who="clerk", status="invalid", reason="signature_mismatch")
    assert (await world.finding("1-1-1", who="clerk-2", status="valid", looked_at="both")).json()["settled"] is True
    refused = await world.finding("1-1-1", who="clerk-3", status="invalid", reason="signature_mismatch")
    assert refused.status_code == 403, "it would reverse a person's finding"
    doubt = {"status": "invalid", "reason": "signature_mismatch", "note": "compared with the affidavit of 2014"}
    await world.finding("1-1-1", who="supervisor", **doubt)
    await world.finding("1-1-1", who="clerk-2", **doubt)
    assert (await world.finding("1-1-1", who="clerk-3", **doubt)).json()["reason"] == "signature_mismatch"
    await world.recount()


@pytest.fixture
async def doubted(world: World) -> World:
    """Voter 1 signed twice; the clerk doubts the signature that counts, and says why."""
    await world.add_key("clerk", "clerk-2")
    await world.batch([line(1, (1, 1, 2)), line(1, (2, 1, 1))])
    await world.finding("1-1-2", status="invalid", reason="signature_mismatch", note="another slant")
    return world


async def test_who_may_still_compare_sees_nothing_of_a_doubt(world: World, doubted: World) -> None:
    for who in ("clerk-2", "supervisor"):
        seen = (await doubted.call("GET", "/signatures/1-1-2", who=who)).json()
        assert (seen["status"], seen["settled"], seen["finding"]["settled"]) == ("valid", True, True)
        assert (seen["finding"]["decided_by"], seen["finding"]["note"]) == ("machine", "")
        assert (seen["finding"]["finding_no"], seen["finding"]["evidence_of"]) == (1, 1)
        listed = (await doubted.call("GET", "/signatures", who=who)).json()["signatures"]
        assert [one["settled"] for one in listed] == [True, True]
    assert (await world.tally())["unsettled"] == 1


async def test_who_doubted_and_an_auditor_see_the_doubt(doubted: World) -> None:
    for who in ("clerk", "auditor"):
        seen = (await doubted.call("GET", "/signatures/1-1-2", who=who)).json()
        assert (seen["settled"], seen["finding"]["decided_by"]) == (False, "clerk-1")
    listed = (await doubted.call("GET", "/signatures", who="auditor")).json()["signatures"]
    assert [one["settled"] for one in listed] == [False, True]


async def test_a_doubted_line_that_is_displaced_still_says_nothing_of_the_doubt(doubted: World) -> None:
    await doubted.post(line(1, (1, 1, 1)))
    seen = (await doubted.call("GET", "/signatures/1-1-2", who="clerk-2")).json()
    assert (seen["reason"], seen["settled"], seen["finding"]["settled"]) == ("duplicate", True, True)
    assert (seen["finding"]["decided_by"], seen["finding"]["counted_place"]) == ("machine", "1-1-1")
    await doubted.recount()


async def test_a_decided_mismatch_says_who_found_it(doubted: World) -> None:
    for who in ("clerk-2", "supervisor"):
        await doubted.finding("1-1-2", who=who, status="invalid", reason="signature_mismatch")
    seen = (await doubted.detail("1-1-2"))["finding"]
    assert seen["confirmed_by"] == ["clerk-1", "clerk-2", "supervisor-1"]


async def test_a_finding_without_evidence_of_its_own_shows_the_newest_there_is(world: World) -> None:
    await world.post(line(1, (1, 1, 2)))
    examined = (await world.detail("1-1-2"))["finding"]
    assert (examined["finding_no"], examined["evidence_of"]) == (1, 1)
    await world.post(line(1, (1, 1, 1)))
    await world.finding("1-1-2", status="invalid", reason="illegible")
    seen = (await world.detail("1-1-2"))["finding"]
    assert (seen["finding_no"], seen["evidence_of"], seen["evidence"]) == (3, 1, examined["evidence"])


async def test_no_signature_is_compared_before_it_is_known_whose_it_is(world: World) -> None:
    await world.batch([stranger((1, 1, 1)), line(2, (1, 1, 2))])
    for place, more in (("1-1-1", {}), ("1-1-1", {"voter_id": "V1"}), ("1-1-2", {"voter_id": "V1"})):
        answer = await world.finding(place, status="invalid", reason="signature_mismatch", **more)
        assert (answer.status_code, the_type(answer.json())) == (422, "finding_refused")
    await world.recount()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "invalid", "reason": "duplicate"}, 422, "finding_refused"),
        ({"status": "invalid", "reason": "withdrawn"}, 422, "finding_refused"),
        ({"status": "invalid", "reason": "ambiguous"}, 422, "finding_refused"),
        ({"status": "invalid"}, 422, "finding_refused"),
        ({"status": "valid", "reason": "illegible"}, 422, "finding_refused"),
        ({"status": "review", "reason": "illegible"}, 422, "finding_refused"),
        ({"status": "valid", "voter_id": "V9999"}, 422, "unknown_voter"),
        ({"status": "invalid", "reason": "canceled", "voter_id": "V9999"}, 422, "unknown_voter"),
        ({"status": "received"}, 422, "invalid"),
        ({"status": "valid", "voter_id": ""}, 422, "invalid"),
        ({"status": "valid", "voter_id": "V\u0000"}, 422, "invalid"),
        ({"status": "invalid", "reason": "illegible", "note": "x" * 2001}, 422, "invalid"),
        ({"status": "invalid", "reason": "because"}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
async def test_a_finding_that_cannot_be_is_refused_and_changes_nothing(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    await world.post(line(1))
    before = await world.detail("1-1-1")
    answer = await world.verb("/signatures/1-1-1/findings", key="k", **body)
    assert (answer.status_code, the_type(answer.json())) == (status, code)
    assert await world.detail("1-1-1") == before
    assert (await world.tally())["version"] == 2
    corrected = await world.verb("/signatures/1-1-1/findings", key="k", status="valid")
    assert corrected.status_code == 201, "a refused request does not use its key up"


async def test_a_stranger_cannot_be_found_valid_without_a_voter(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    answer = await world.finding("1-1-1", status="valid")
    assert (answer.status_code, the_type(answer.json())) == (422, "finding_refused")


@pytest.mark.parametrize("place", ["1-1-2", "9-9-9", "999999999-1-1", "123456789-1-1"])
async def test_a_finding_where_no_signature_stands_is_unknown(world: World, place: str) -> None:
    await world.post(line(1))
    answer = await world.finding(place, status="valid", voter_id="V1")
    assert (answer.status_code, the_type(answer.json())) == (404, "unknown_place")


@pytest.mark.parametrize("who", ["station", "system", "auditor", "monitor", "admin"])
async def test_only_clerks_and_supervisors_find(world: World, who: str) -> None:
    await world.post(line(1))
    assert (await world.finding("1-1-1", who=who, status="valid")).status_code == 403
