"""Requests to withdraw as they come in: complete or not, of known and unknown people (EC 11303, 2 CCR 20970)."""

from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest

from tests.http.county import a_request, line, voter
from tests.http.test_reexamination import again, use_roll
from tests.http.test_rulesets import code_of, open_petition
from tests.http.test_withdrawals import REQUIREMENTS, verification
from tests.http.world import World

UNKNOWN = {"voter_id": None, "signature_agrees": None}


async def send(world: World, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON values
    answer = await world.verb("/withdrawals", **a_request(**changes))
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def decide(world: World, number: str, *, who: str = "clerk", **body: Any) -> httpx.Response:  # noqa: ANN401  # JSON values
    return await world.verb(f"/withdrawals/{number}/decision", who=who, **body)


async def listed(world: World, state: str = "") -> list[dict[str, Any]]:
    found = await world.call("GET", f"/withdrawals?state={state}" if state else "/withdrawals", who="auditor")
    result: list[dict[str, Any]] = found.json()["withdrawals"]
    return result


def by_name(number: int) -> dict[str, Any]:
    """A request without a voter's number, of this voter's name and residence."""
    return UNKNOWN | {"written": voter(number)}


async def test_by_default_another_person_accepts_what_one_recorded(world: World) -> None:
    world = replace(world, petition_id=(await open_petition(world)).json()["petition_id"])
    await world.post(line(1))
    done = await send(world)
    assert (done["state"], done["reason"], done["lines"]) == ("open", "not_confirmed", [])
    refused = await decide(world, done["withdrawal_id"], accepted=True)
    assert code_of(refused) == (422, "withdrawal_refused")
    accepted = (await decide(world, done["withdrawal_id"], who="supervisor", accepted=True)).json()
    assert (accepted["state"], accepted["lines"][0]["reason"]) == ("accepted", "withdrawn")
    await world.recount()


async def test_a_complete_request_says_what_was_received_and_who_compared_it(world: World) -> None:
    await world.post(line(1))
    done = await send(world, received_by="email", dated_on="2021-12-01", note="from her own address")
    expected: dict[str, Any] = {
        "state": "accepted",
        "reason": None,
        "received_by": "email",
        "dated_on": "2021-12-01",
        "missing": [],
    }
    assert {name: done[name] for name in expected} == expected
    assert (done["compared_by"], done["lines"][0]["reason"]) == ("clerk-1", "withdrawn")
    (shown,) = await listed(world)
    assert shown | {"lines": done["lines"]} == done | {
        "written": None,
        "found_voter_id": None,
        "searched_roll_version": None,
    }
    await world.recount()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"received_on": "2022-07-06"}, "late"),
        ({"received_on": "2022-07-07"}, "late"),
        ({"requirements": {**REQUIREMENTS, "intent": False}}, "incomplete"),
        ({"signature_agrees": False}, "signature_differs"),
        (by_name(1) | {"received_on": "2022-07-06"}, "late"),
    ],
)
async def test_a_refused_request_stays_on_record_and_takes_nothing_away(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    await world.post(line(1))
    done = await send(world, **changes)
    assert (done["state"], done["reason"], done["lines"]) == ("refused", reason, [])
    assert await world.status("1-1-1") == ("valid", None)
    assert [one["withdrawal_id"] for one in await listed(world, "refused")] == [done["withdrawal_id"]]
    assert await listed(world, "open") == await listed(world, "accepted") == []
    refused = await world.verb(f"/withdrawals/{done['withdrawal_id']}/revocation", who="supervisor", note="why")
    assert refused.status_code == 422, "there is nothing to revoke"
    await world.recount()
    assert (await send(world))["state"] == "accepted", "a complete one may follow"
    await world.recount()


async def test_a_request_waits_until_its_signature_is_compared(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    done = await send(world, signature_agrees=None)
    number = done["withdrawal_id"]
    assert (done["state"], done["reason"], done["compared_by"]) == ("open", "not_compared", None)
    assert await world.status("1-1-1") == ("valid", None)
    answer = await decide(world, number, who="supervisor", accepted=True)
    assert (answer.status_code, [one["reason"] for one in answer.json()["lines"]]) == (201, ["withdrawn"] * 2)
    assert (answer.json()["state"], answer.json()["compared_by"]) == ("accepted", "supervisor-1")
    again_ = await decide(world, number, who="supervisor", accepted=True)
    assert (again_.status_code, again_.json()["lines"]) == (200, [])
    assert (await decide(world, number, accepted=False, reason="other", note="x")).status_code == 422
    assert (await world.post(line(1, (1, 1, 3)))).json()["reason"] == "withdrawn"
    await world.verb(f"/withdrawals/{number}/revocation", who="supervisor", note="another voter's signature")
    assert await world.status("1-1-1") == ("valid", None)
    await world.recount()


async def test_a_request_of_an_unknown_person_is_looked_for_in_each_newer_roll(
    world: World, database: str, connection: asyncpg.Connection
) -> None:
    await use_roll(database, without=frozenset({1}))
    done = await send(world, **by_name(1))
    assert (done["state"], done["reason"], done["voter_id"]) == ("open", "unknown_voter", None)
    assert "ADELINE" not in str(done), "the name is shown in recorded reads alone"
    await again(world)
    await again(world)
    (shown,) = await listed(world, "open")
    assert (shown["written"], shown["found_voter_id"]) == (voter(1), None)
    assert await connection.fetchval("SELECT count(*) FROM withdrawal_search") == 1
    await use_roll(database)
    await again(world)
    (shown,) = await listed(world, "open")
    assert (shown["found_voter_id"], shown["voter_id"], shown["state"]) == ("V1", None, "open"), "offered, not applied"
    assert shown["searched_roll_version"] == 3
    await world.post(line(1))
    assert await world.status("1-1-1") == ("valid", None)
    assert (await decide(world, done["withdrawal_id"], accepted=True)).status_code == 422, "whose is it?"
    answer = await decide(world, done["withdrawal_id"], accepted=True, voter_id="V1")
    assert (answer.json()["voter_id"], answer.json()["lines"][0]["reason"]) == ("V1", "withdrawn")
    await use_roll(database)
    await again(world)
    assert await connection.fetchval("SELECT count(*) FROM withdrawal_search") == 2, "it is not open any more"
    await world.recount()


async def test_a_request_of_a_person_who_is_never_found_is_refused_with_a_reason(world: World) -> None:
    number = (await send(world, **by_name(1) | {"written": {**voter(1), "printed_name": "NU BO"}}))["withdrawal_id"]
    assert (await decide(world, number, accepted=False)).status_code == 422
    assert (await decide(world, number, accepted=False, reason="unknown_voter")).status_code == 422, "a note says why"
    answer = await decide(world, number, accepted=False, reason="unknown_voter", note="searched by name and by address")
    assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (201, "refused", "unknown_voter")
    (shown,) = await listed(world)
    assert (shown["decision"]["decided_by"], shown["decision"]["note"]) == (
        "clerk-1",
        "searched by name and by address",
    )
    await world.recount()


async def test_a_second_request_of_a_voter_who_withdrew_is_refused_as_such(world: World) -> None:
    await world.post(line(1))
    number = (await send(world, **by_name(1)))["withdrawal_id"]
    assert (await send(world))["state"] == "accepted"
    answer = await decide(world, number, accepted=True, voter_id="V1")
    assert (answer.json()["state"], answer.json()["reason"]) == ("refused", "already_withdrawn")
    await world.recount()


async def test_reads_of_open_requests_are_on_record(world: World, connection: asyncpg.Connection) -> None:
    done = await send(world, **by_name(1))
    await again(world)
    await listed(world, "open")
    (row,) = await connection.fetch("SELECT kind, places, candidates, principal FROM lookup_audit")
    assert tuple(row) == ("withdrawals", [done["withdrawal_id"]], 1, "auditor-1")


async def test_an_unknown_request_and_an_unknown_voter_are_refused(world: World) -> None:
    number = (await send(world, **by_name(1)))["withdrawal_id"]
    answer = await decide(world, number, accepted=True, voter_id="V9999")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "unknown_voter")
    nowhere = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert (await decide(world, nowhere, accepted=True, voter_id="V1")).status_code == 404
    assert (await decide(world, number, who="auditor", accepted=True, voter_id="V1")).status_code == 403


async def test_nothing_is_recorded_or_decided_once_the_count_has_ended(
    world: World, connection: asyncpg.Connection
) -> None:
    number = (await send(world, **by_name(1)))["withdrawal_id"]
    await connection.execute("UPDATE head SET state = 'closed'")
    assert (await decide(world, number, accepted=True, voter_id="V1")).status_code == 409
    assert (await world.verb("/withdrawals", **a_request())).status_code == 409


TAMPERINGS = {
    "a refusal made an acceptance": "UPDATE withdrawal SET state = 'accepted' WHERE voter_id = 'V1'",
    "an open request that is gone": "DELETE FROM withdrawal WHERE voter_id IS NULL",
    "another decision": "UPDATE withdrawal_decision SET state = 'refused'",
    "a decision for another voter": "UPDATE withdrawal_decision SET voter_id = 'V2'",
    "a decision that is gone": "DELETE FROM withdrawal_decision",
    "another reason": "UPDATE withdrawal SET content = replace(content, 'late', 'incomplete')",
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_with_requests_is_found(name: str, world: World, connection: asyncpg.Connection) -> None:
    await world.batch([line(1), line(2), line(3)])
    await send(world, received_on="2022-07-06")
    await send(world, **by_name(2))
    number = (await send(world, voter_id="V3", signature_agrees=None))["withdrawal_id"]
    await decide(world, number, accepted=True)
    assert (await verification(world))["agrees"] is True
    await connection.execute("SET session_replication_role = 'replica'")  # a person with the owner's means
    await connection.execute(TAMPERINGS[name])
    assert "withdrawal" in {fault["code"] for fault in (await verification(world))["faults"]}
