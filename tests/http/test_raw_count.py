"""The raw count is frozen by two people, and corrected by two people."""

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from asyncpg import Connection
from fastapi import FastAPI

from app.examination import raw_count_queries as rows
from app.law.petition import PetitionKey
from app.law.raw_count import RawList
from app.ledger.evidence import export_bundle
from tests.http.county import COUNTY, line, stranger
from tests.http.test_registration import a_section, code, file, register
from tests.http.world import World
from tests.ledger.test_bundle import verify_bundle


async def propose(world: World, *, who: str = "clerk", kind: str = "freeze", **more: object) -> httpx.Response:
    return await world.call("POST", "/raw-count/proposals", who=who, json={"kind": kind, **more})


async def confirm(world: World, number: int, *, who: str = "supervisor") -> httpx.Response:
    return await world.call("POST", f"/raw-count/proposals/{number}/confirmation", who=who)


async def frozen(world: World) -> None:
    """Two written lines and a struck one of one section, filed and frozen."""
    await register(world, a_section(1, lines=3))
    await world.batch([line(1), line(2), line(3, kind="struck")])
    await file(world)
    assert (await propose(world)).status_code == 201
    assert (await confirm(world, 1)).status_code == 200


async def test_two_people_freeze_the_raw_count_and_its_list(world: World) -> None:
    await frozen(world)
    found = (await world.call("GET", "/raw-count", who="auditor")).json()
    digest = hashlib.sha256(b"1-1-1\n1-1-2\n").hexdigest()
    assert (found["raw_count"], found["raw"], found["list_hash"]) == ("frozen", 2, digest)
    assert (found["proposal"]["proposed_by"], found["proposal"]["confirmed_by"]) == ("clerk-1", "supervisor-1")
    tally = await world.tally()
    assert (tally["raw_count"], tally["outlook"]) == ("frozen", "insufficient"), "too few lines on its face (EC 11222)"
    await world.recount()


async def test_a_frozen_raw_count_takes_no_line_in_and_gives_none_up(world: World) -> None:
    await frozen(world)
    version = (await world.tally())["version"]
    assert code(await world.post(line(4))) == (409, "raw_count_frozen")
    assert (await world.batch([line(1), line(5)])).status_code == 409
    struck = {name: value for name, value in line(1).items() if name not in ("section", "page", "line")}
    answer = await world.call("POST", "/signatures/1-1-1/revisions", who="clerk", json=struck | {"kind": "struck"})
    assert code(answer) == (409, "raw_count_frozen")
    assert (await world.tally())["version"] == version
    assert (await world.post(line(1))).status_code == 200, "a line that is there is answered as before"
    said = {"status": "invalid", "reason": "illegible", "note": "smeared"}
    assert (await world.finding("1-1-1", **said)).status_code == 201, "what people find of the lines goes on"
    await world.recount()


async def test_nobody_freezes_alone_or_early_or_twice(world: World) -> None:
    assert code(await propose(world)) == (409, "raw_count_refused"), "the petition is not filed"
    await world.post(line(1))
    await file(world)
    assert code(await propose(world)) == (409, "raw_count_refused"), "its section was not registered"
    notes = [{"section": 1, "note": "it was handed over by hand"}]
    await propose(world, who="supervisor", notes=notes)
    assert code(await confirm(world, 1)) == (409, "raw_count_refused"), "the same person"
    await propose(world, notes=notes)
    assert code(await confirm(world, 1)) == (404, "unknown_proposal"), "another proposal replaced it"
    await world.post(line(2))
    assert code(await confirm(world, 2)) == (409, "raw_count_refused"), "a line came in since"
    await propose(world, notes=notes)
    assert (await confirm(world, 3)).json()["raw"] == 2
    assert code(await confirm(world, 3)) == (409, "raw_count_refused")
    assert code(await propose(world, notes=notes)) == (409, "raw_count_refused"), "it is frozen already"
    await world.recount()


async def test_no_section_differs_without_a_note_at_the_confirmation_either(world: World) -> None:
    """A struck line that came in since is not on the raw list, which is the same as when it was proposed."""
    await register(world, a_section(1, lines=2))
    await world.batch([line(1), line(2)])
    await file(world)
    assert (await propose(world)).status_code == 201
    assert (await world.post(line(3, kind="struck"))).status_code == 201
    assert code(await confirm(world, 1)) == (409, "raw_count_refused")
    await propose(world, notes=[{"section": 1, "note": "a struck line was not counted at receipt"}])
    assert (await confirm(world, 2)).status_code == 200


async def test_a_correction_takes_two_people_a_reason_and_a_new_freeze(
    world: World, app: FastAPI, tmp_path: Path
) -> None:
    assert code(await propose(world, kind="correction", reason="a page was missed")) == (409, "raw_count_refused")
    await frozen(world)
    assert code(await propose(world, kind="correction")) == (409, "raw_count_refused")
    await propose(world, kind="correction", reason="a page was missed")
    assert (await world.tally())["raw_count"] == "frozen", "one person alone changes nothing"
    assert (await confirm(world, 2)).json()["raw_count"] == "filed"
    assert (await world.post(line(4))).status_code == 201
    assert code(await register(world, a_section(2))) == (409, "section_void"), "the filing holds"
    await propose(world, notes=[{"section": 1, "note": "a line was missed at receipt"}])
    found = (await confirm(world, 3)).json()
    assert found["list_hash"] == hashlib.sha256(b"1-1-1\n1-1-2\n1-1-4\n").hexdigest()
    await world.recount()
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), signer, bundle)
    status, output = verify_bundle(bundle, signer.verifier_key)
    assert status == 0, output


async def test_a_raw_count_that_was_opened_in_the_database_is_found(world: World) -> None:
    await frozen(world)
    async with world.database.reading() as connection:
        await connection.execute("UPDATE head SET raw_count = 'filed'")
    found = (await world.call("GET", "/tally/verification", who="auditor")).json()
    assert [fault["where"] for fault in found["faults"]] == ["head"]


@dataclass
class Reading:
    """Lets other requests come in between after the raw list was read for the first time."""

    done: asyncio.Event
    go_on: asyncio.Event


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """The reading of the raw list, which stops once it has been read."""
    stop, read = Reading(asyncio.Event(), asyncio.Event()), rows.raw_list

    async def raw_list(connection: Connection, petition: PetitionKey) -> RawList:
        found = await read(connection, petition)
        stop.done.set()
        await stop.go_on.wait()
        return found

    monkeypatch.setattr(rows, "raw_list", raw_list)
    return stop


async def meanwhile(reading: Reading, act: Awaitable[httpx.Response], other: Awaitable[httpx.Response]) -> list[int]:
    """The statuses of an act and of another request that is answered after the act has read every line."""
    first = asyncio.ensure_future(act)
    await reading.done.wait()
    try:
        async with asyncio.timeout(8):  # until the act ends, if the request has to wait for it
            second = await other
    finally:
        reading.go_on.set()
    return [(await first).status_code, second.status_code]


async def filed(world: World) -> None:
    await register(world, a_section(1, lines=2))
    await world.batch([line(1), stranger((1, 1, 2))])
    await file(world)


async def proposed(world: World, reading: Reading) -> None:
    reading.go_on.set()
    await propose(world)
    reading.go_on.clear()
    reading.done.clear()


async def test_a_post_does_not_wait_while_a_proposal_reads_every_line(world: World, reading: Reading) -> None:
    await filed(world)
    proposal = propose(world, notes=[{"section": 1, "note": "a line was not counted at receipt"}])
    assert await meanwhile(reading, proposal, world.post(line(3))) == [201, 201]
    answer = await confirm(world, 1)
    assert code(answer) == (409, "raw_count_refused"), "a line came in since"


async def test_a_post_does_not_wait_for_a_confirmation_which_is_then_refused(world: World, reading: Reading) -> None:
    await filed(world)
    await proposed(world, reading)
    struck = world.post(line(3, kind="struck"))  # which is not on the list, but in the control totals
    assert await meanwhile(reading, confirm(world, 1), struck) == [409, 201]
    assert (await world.tally())["raw_count"] == "filed"
    await world.recount()


async def test_a_finding_meanwhile_does_not_stop_a_confirmation(world: World, reading: Reading) -> None:
    await filed(world)
    await proposed(world, reading)
    found = world.finding("1-1-2", status="invalid", reason="illegible", note="smeared")
    assert await meanwhile(reading, confirm(world, 1), found) == [200, 201]
    assert (await world.tally())["raw_count"] == "frozen"
    await world.recount()


async def test_one_note_is_about_several_sections(world: World, app: FastAPI, tmp_path: Path) -> None:
    """A petition can have more sections that differ than a proposal has notes."""
    for n in (1, 2, 3, 7):
        await register(world, a_section(n, lines=2))
    await world.batch([line(n, (n, 1, 1)) for n in (1, 2, 3, 7)])
    await file(world)
    notes = [{"section": 1, "through": 3, "note": "lines without writing were claimed"}]
    refused = await propose(world, notes=notes)
    assert code(refused) == (409, "raw_count_refused")
    assert "1 sections differ without a note: 7" in refused.json()["detail"]
    answer = await propose(world, notes=[*notes, {"section": 7, "note": "a line was cut off"}])
    shown = answer.json()["proposal"]["notes"]
    assert [(one["section"], one["through"]) for one in shown] == [(1, 3), (7, 7)]
    assert (await confirm(world, 1)).json()["raw_count"] == "frozen"
    await world.recount()
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), signer, bundle)
    assert verify_bundle(bundle, signer.verifier_key)[0] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "thaw"},
        {"kind": "freeze", "notes": [{"section": 1, "note": ""}]},
        {"kind": "freeze", "notes": [{"section": 1, "note": "x"}, {"section": 1, "note": "y"}]},
        {"kind": "freeze", "notes": {"1": "x"}},
        {"kind": "freeze", "notes": [{"section": 2, "through": 1, "note": "x"}]},
        {"kind": "freeze", "notes": [{"section": 1, "through": 5, "note": "x"}, {"section": 5, "note": "y"}]},
    ],
)
async def test_a_proposal_that_cannot_be_read_is_refused(world: World, body: dict[str, object]) -> None:
    await file(world)
    answer = await world.call("POST", "/raw-count/proposals", who="clerk", json=body)
    assert answer.status_code == 422
