"""The ledger over HTTP: checkpoints, entries, proofs, verification, and the end of a count."""

import asyncio
from base64 import b64decode
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.http.frame import utc_now
from app.law.petition import PetitionKey
from app.ledger.entries import log_leaf
from app.ledger.evidence import make_due_checkpoints
from app.ledger.notes import Checkpoint, Signer
from tests.closing import freeze
from tests.http.county import COUNTY, a_request, line, stranger
from tests.http.world import World
from tests.ledger.test_ledger import consistent, includes


async def the_checkpoint(world: World, *, size: int) -> Checkpoint:
    """The newest checkpoint, once the service has made one of this size."""
    async with asyncio.timeout(30):
        while True:
            answer = await world.call("GET", "/ledger/checkpoint", who="auditor")
            if answer.status_code == 200 and answer.text.split("\n")[1] == str(size):
                return Checkpoint.parse(answer.text.rpartition("\n\n")[0] + "\n")
            await asyncio.sleep(0.05)


async def test_the_service_makes_a_checkpoint_by_itself_and_serves_it_as_a_signed_note(
    world: World, tmp_path: Path
) -> None:
    checkpoint = await the_checkpoint(world, size=1)
    answer = await world.call("GET", "/ledger/checkpoint", who="monitor")
    assert answer.headers["content-type"].startswith("text/plain")
    key = (await world.call("GET", "/ledger/key", who="auditor")).text.strip()
    signer = Signer.from_file(tmp_path / "checkpoint.key", create=False)
    petition = PetitionKey(COUNTY, UUID(world.petition_id))
    assert (signer.verifier_key, signer.read(answer.text, petition)) == (key, checkpoint)
    assert checkpoint.origin == f"recall-petition-verifier/sample/{world.petition_id}"


async def test_a_checkpoint_is_due_after_a_hundred_entries_and_not_before(world: World, app: FastAPI) -> None:
    await the_checkpoint(world, size=1)
    for number in range(1, 100):
        await world.post(line(number))
    await make_due_checkpoints(world.database, app.state.recall.signer, now=utc_now())
    assert (await the_checkpoint(world, size=1)).number == 1
    await world.post(line(100))
    assert (await the_checkpoint(world, size=101)).number == 2


async def test_entries_come_in_pages_without_personal_data(world: World) -> None:
    for number in range(1, 4):
        await world.post(line(number))
    first = (await world.call("GET", "/ledger/entries?limit=3", who="auditor")).json()
    rest = (await world.call("GET", f"/ledger/entries?limit=3&cursor={first['next_cursor']}", who="auditor")).json()
    entries = first["entries"] + rest["entries"]
    assert [(entry["seq"], entry["type"], len(entry["leaves"])) for entry in entries] == [
        (1, "open", 0),
        (2, "intake", 1),
        (3, "intake", 1),
        (4, "intake", 1),
    ]
    assert rest["next_cursor"] is None
    assert "ADELINE" not in str(entries)


async def test_an_entry_is_proved_to_be_in_the_log_that_was_signed(world: World) -> None:
    for number in range(1, 6):
        await world.post(line(number))
    proof = (await world.call("GET", "/ledger/proofs/inclusion?seq=3&size=6", who="auditor")).json()
    entry = (await world.call("GET", "/ledger/entries?cursor=2&limit=1", who="auditor")).json()["entries"][0]
    leaf = log_leaf(bytes.fromhex(entry["hash"]))
    hashes = [b64decode(node) for node in proof["hashes"]]
    assert b64decode(proof["leaf"]) == leaf
    assert includes(leaf, proof["index"], proof["size"], hashes, b64decode(proof["root"]))


async def test_a_later_log_is_proved_to_continue_an_earlier_checkpoint(world: World) -> None:
    before = await the_checkpoint(world, size=1)
    for number in range(1, 6):
        await world.post(line(number))
    proof = (await world.call("GET", "/ledger/proofs/consistency?first=1&second=6", who="auditor")).json()
    hashes = [b64decode(node) for node in proof["hashes"]]
    assert b64decode(proof["first_root"]) == before.root
    assert consistent(1, before.root, 6, b64decode(proof["second_root"]), hashes)


@pytest.mark.parametrize(
    "path",
    [
        "/ledger/proofs/inclusion?seq=2&size=1",
        "/ledger/proofs/inclusion?seq=1&size=9",
        "/ledger/proofs/consistency?first=2&second=1",
        "/ledger/proofs/consistency?first=1&second=9",
    ],
)
async def test_nothing_is_proved_of_entries_that_do_not_exist(world: World, path: str) -> None:
    answer = await world.call("GET", path, who="auditor")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_entry")


async def test_checkpoints_are_listed_in_order(world: World) -> None:
    await the_checkpoint(world, size=1)
    listed = (await world.call("GET", "/ledger/checkpoints?limit=1", who="auditor")).json()
    assert (len(listed["checkpoints"]), listed["next_cursor"]) == (1, None)
    rest = (await world.call("GET", "/ledger/checkpoints?cursor=1", who="auditor")).json()
    assert rest == {"checkpoints": [], "next_cursor": None}


async def test_a_count_of_every_kind_of_change_agrees_with_its_ledger(world: World) -> None:
    await world.batch([line(1, (9, 1, 1)), line(1, (5, 1, 1)), line(2), stranger((2, 1, 1)), line(1, (7, 1, 1))])
    await world.post(line(1, (3, 1, 1)))
    await world.finding("2-1-1", status="invalid", reason="not_registered")
    await world.finding("3-1-1", status="invalid", reason="illegible")
    await world.finding("3-1-1", who="supervisor", status="review", note="look again")
    await world.finding("1-1-2", status="invalid", reason="signature_mismatch")
    answer = await world.call("GET", "/tally/verification", who="auditor")
    verdict = answer.json()
    assert (answer.status_code, verdict["agrees"], verdict["faults"]) == (200, True, [])
    assert (verdict["version"], verdict["lines"]) == ((await world.tally())["version"], 6)


async def test_a_verification_names_the_place_that_was_tampered_with(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.post(line(1))
    await connection.execute("UPDATE line SET voter_id = 'V2'")
    verdict = (await world.call("GET", "/tally/verification", who="supervisor")).json()
    assert verdict["agrees"] is False
    assert {fault["where"] for fault in verdict["faults"]} == {"line 1-1-1"}
    assert "V2" not in str(verdict)


WITHDRAWALS = {
    "an edited withdrawal": ("UPDATE withdrawal SET content = replace(content, 'V1', 'V2')", "withdrawal"),
    "a withdrawal of another voter": ("UPDATE withdrawal SET voter_id = 'V2' WHERE voter_id = 'V1'", "withdrawal"),
    "a deleted revocation": ("DELETE FROM withdrawal_revocation", "entry 5"),
    "a slot that was given back": ("UPDATE slot SET withdrawn_on = NULL", "slots"),
}


@pytest.mark.parametrize("name", WITHDRAWALS)
async def test_tampering_with_withdrawals_is_found(world: World, connection: asyncpg.Connection, name: str) -> None:
    await world.batch([line(1), line(2)])
    for voter in ("V1", "V3"):
        await world.verb("/withdrawals", **a_request(voter))
    listed = (await world.call("GET", "/withdrawals", who="clerk")).json()["withdrawals"]
    revoked = next(w["withdrawal_id"] for w in listed if w["voter_id"] == "V3")
    await world.verb(f"/withdrawals/{revoked}/revocation", who="supervisor", note="the form was another petition's")
    before = (await world.call("GET", "/tally/verification", who="auditor")).json()
    assert before["faults"] == []
    statement, where = WITHDRAWALS[name]
    await connection.execute(statement)
    after = (await world.call("GET", "/tally/verification", who="auditor")).json()
    assert any(fault["where"].startswith(where) for fault in after["faults"])


@pytest.mark.parametrize("who", ["station", "system", "clerk", "monitor", "admin"])
async def test_only_auditors_and_supervisors_start_a_verification(world: World, who: str) -> None:
    assert (await world.call("GET", "/tally/verification", who=who)).status_code == 403


async def closing(world: World, *, who: str = "supervisor") -> httpx.Response:
    return await world.call("POST", "/close", who=who)


async def test_a_closed_petition_changes_no_more_and_has_a_checkpoint_over_its_end(world: World) -> None:
    await world.post(line(1), key="k-1")
    await freeze(world)
    version = (await world.tally())["version"]
    answer = await closing(world)
    assert (answer.status_code, answer.json()["state"]) == (200, "closed")
    assert (await the_checkpoint(world, size=version + 1)).size == version + 1
    for refused in (await world.post(line(2)), await world.finding("1-1-1", status="invalid", reason="other")):
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "petition_closed")
    assert (await closing(world)).status_code == 409
    assert (await world.post(line(1), key="k-1")).status_code == 201  # the stored answer to a retry stands
    verdict = (await world.call("GET", "/tally/verification", who="auditor")).json()
    assert (verdict["agrees"], verdict["uncovered"]) == (True, 0)


async def test_a_petition_with_enough_lines_is_not_closed_while_any_is_to_be_decided(world: World) -> None:
    await world.batch([line(number) for number in range(1, 100)])
    await world.post(stranger((2, 1, 1)))
    refused = await closing(world)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "undecided_lines")
    await world.finding("2-1-1", status="invalid", reason="not_registered")
    await freeze(world)
    assert (await closing(world)).status_code == 200


async def test_only_a_supervisor_closes_a_petition(world: World) -> None:
    assert (await closing(world, who="clerk")).status_code == 403
