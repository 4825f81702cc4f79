"""Voters who withdraw before the petition is filed (EC 11303)."""

from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.http.county import a_request, line
from tests.http.world import World


async def withdraw(world: World, voter_id: str = "V1", *, who: str = "clerk", key: str | None = None) -> httpx.Response:
    return await world.verb("/withdrawals", who=who, key=key, **a_request(voter_id))


async def revoke(
    world: World, withdrawal_id: str, *, who: str = "supervisor", note: str = "V2 wrote"
) -> httpx.Response:
    return await world.verb(f"/withdrawals/{withdrawal_id}/revocation", who=who, note=note)


async def test_a_withdrawal_covers_every_line_of_the_voter_and_those_to_come(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), line(2, (1, 1, 3))])
    answer = await withdraw(world)
    assert answer.status_code == 201
    assert [(out["place"], out["reason"]) for out in answer.json()["lines"]] == [
        ("1-1-1", "withdrawn"),
        ("1-1-2", "withdrawn"),
    ]
    later = await world.post(line(1, (1, 1, 4)))
    assert (later.json()["status"], later.json()["reason"]) == ("invalid", "withdrawn")
    tally = await world.tally()
    assert (tally["valid"], tally["invalid_by_code"], tally["unsettled"]) == (1, {"withdrawn": 3}, 0)
    await world.recount()


async def test_a_withdrawal_may_come_before_any_line_of_the_voter(world: World) -> None:
    assert (await withdraw(world)).json()["lines"] == []
    assert (await world.post(line(1))).json()["reason"] == "withdrawn"
    await world.recount()


async def test_a_line_that_fails_another_rule_keeps_its_own_reason(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await world.finding("1-1-1", status="invalid", reason="illegible")
    await withdraw(world)
    assert await world.status("1-1-1") == ("invalid", "illegible")
    await world.finding("1-1-1", who="supervisor", status="valid", note="legible")
    assert await world.status("1-1-1") == ("invalid", "withdrawn")
    await world.recount()


async def test_withdrawing_twice_changes_nothing(world: World) -> None:
    await world.post(line(1))
    first = await withdraw(world)
    version = (await world.tally())["version"]
    again = await withdraw(world, who="supervisor")
    assert again.status_code == 200
    assert again.json()["withdrawal_id"] == first.json()["withdrawal_id"]
    assert (await world.tally())["version"] == version


async def test_the_same_key_gets_the_same_answer(world: World) -> None:
    await world.post(line(1))
    first = await withdraw(world, key="w-1")
    replay = await withdraw(world, key="w-1")
    assert (replay.status_code, replay.json(), replay.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert (await withdraw(world, "V2", key="w-1")).status_code == 422
    await world.recount()


async def test_a_withdrawal_by_mistake_is_taken_back_by_a_supervisor(world: World) -> None:
    await world.batch([line(1, (1, 1, 2)), line(1, (1, 1, 3))])
    withdrawal_id = (await withdraw(world)).json()["withdrawal_id"]
    assert (await revoke(world, withdrawal_id, who="clerk")).status_code == 403
    assert (await revoke(world, withdrawal_id, note="  ")).status_code == 422
    answer = await revoke(world, withdrawal_id)
    assert (answer.status_code, answer.json()["revocation"]["revoked_by"]) == (201, "supervisor-1")
    assert [await world.status(f"1-1-{n}") for n in (2, 3)] == [("valid", None), ("invalid", "duplicate")]
    again = await revoke(world, withdrawal_id, note="once more")
    assert (again.status_code, again.json()["revocation"]["note"]) == (200, "V2 wrote")
    assert (await withdraw(world)).status_code == 201, "the voter may withdraw after all"
    assert (await revoke(world, withdrawal_id)).status_code == 200, "and the old mistake says nothing of that"
    assert await world.status("1-1-2") == ("invalid", "withdrawn")
    await world.recount()


async def test_withdrawals_are_listed_with_what_was_taken_back(world: World) -> None:
    ids = [(await withdraw(world, f"V{n}")).json()["withdrawal_id"] for n in (1, 2, 3)]
    await revoke(world, ids[1])
    first = (await world.call("GET", "/withdrawals?limit=2", who="auditor")).json()
    assert [w["withdrawal_id"] for w in first["withdrawals"]] == ids[:2]
    assert [bool(w["revocation"]) for w in first["withdrawals"]] == [False, True]
    rest = (await world.call("GET", f"/withdrawals?cursor={first['next_cursor']}", who="auditor")).json()
    assert ([w["voter_id"] for w in rest["withdrawals"]], rest["next_cursor"]) == (["V3"], None)


REQUIREMENTS = a_request()["requirements"]
UNSIGNED = {**REQUIREMENTS, "signature": False}
WRITTEN = {"printed_name": "ADELINE ABERNATHY", "residence_address": "1 A ST", "city": "", "zip": ""}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"received_on": "2999-01-01"}, "withdrawal_refused"),
        ({"dated_on": "2022-07-06"}, "withdrawal_refused"),
        ({"received_by": None}, "withdrawal_refused"),
        ({"requirements": None, "signature_agrees": None}, "withdrawal_refused"),
        ({"voter_id": "V9999"}, "unknown_voter"),
        ({"received_on": "2022-02-30"}, "invalid"),
        ({"received_on": 20220705}, "invalid"),
        ({"voter_id": ""}, "invalid"),
        ({"voter_id": None}, "invalid"),
        ({"reason": "x"}, "invalid"),
        ({"received_by": "telephone"}, "invalid"),
        ({"requirements": {"signature": True}}, "invalid"),
        ({"requirements": UNSIGNED}, "invalid"),
        ({"written": WRITTEN}, "invalid"),
        ({"voter_id": None, "written": WRITTEN}, "invalid"),
        ({"voter_id": None, "written": WRITTEN | {"printed_name": ""}, "signature_agrees": None}, "invalid"),
    ],
)
async def test_a_request_that_cannot_be_is_refused_and_changes_nothing(
    world: World, body: dict[str, Any], code: str
) -> None:
    await world.post(line(1))
    answer = await world.verb("/withdrawals", key="k", **a_request() | body)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, code)
    assert "V1" not in answer.text
    assert "ADELINE" not in answer.text
    assert await world.status("1-1-1") == ("valid", None)
    assert (await world.call("GET", "/withdrawals", who="clerk")).json()["withdrawals"] == []
    assert (await world.tally())["version"] == 2


async def test_an_unknown_withdrawal_cannot_be_taken_back(world: World) -> None:
    assert (await revoke(world, str(uuid4()))).status_code == 404


@pytest.mark.parametrize("who", ["station", "system", "auditor", "monitor", "admin"])
async def test_only_clerks_and_supervisors_record_withdrawals(world: World, who: str) -> None:
    assert (await withdraw(world, who=who)).status_code == 403


TAMPERINGS = {
    "another voter": "UPDATE withdrawal SET voter_id = 'V2'",
    "another voter in the sealed content": "UPDATE withdrawal SET content = replace(content, '\"V1\"', '\"V2\"')",
    "another day": "UPDATE withdrawal SET received_on = '2022-07-06'",
    "a deleted withdrawal": "DELETE FROM withdrawal",
    "a revocation that nobody made": (
        "INSERT INTO withdrawal_revocation"
        " SELECT county_id, petition_id, withdrawal_id, recorded_by, recorded_at, 'no', salt, content FROM withdrawal"
    ),
    "a slot that was cleared": "UPDATE slot SET withdrawn_on = NULL",
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_a_tampered_withdrawal_is_found(name: str, world: World, connection: asyncpg.Connection) -> None:
    await world.batch([line(1), line(2)])
    await withdraw(world)
    assert (await verification(world))["agrees"] is True
    await connection.execute("SET session_replication_role = 'replica'")  # whoever tampers has the owner's means
    await connection.execute(TAMPERINGS[name])
    assert "withdrawal" in {fault["code"] for fault in (await verification(world))["faults"]}


async def test_a_revocation_that_disappears_is_found(world: World, connection: asyncpg.Connection) -> None:
    await world.post(line(1))
    await revoke(world, (await withdraw(world)).json()["withdrawal_id"])
    assert (await verification(world))["agrees"] is True
    await connection.execute("DELETE FROM withdrawal_revocation")
    assert "withdrawal" in {fault["code"] for fault in (await verification(world))["faults"]}


async def verification(world: World) -> dict[str, Any]:
    answer = await world.call("GET", "/tally/verification", who="auditor")
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result
