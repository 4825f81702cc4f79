"""A petition's ruleset changes by two people with a reason; its lines are decided again; a dry run said so before."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.count.line_queries import get_petition
from app.count.record import Count
from app.examination.actions import reexamine
from app.examination.closing import close_petition
from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle, make_checkpoint
from tests.closing import freeze
from tests.http.county import COUNTY, line, stranger
from tests.http.test_line_commands import run
from tests.http.test_rulesets import add, code_of
from tests.http.world import World
from tests.ledger.test_bundle import verify_bundle
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED

NOW = datetime(2022, 8, 1, tzinfo=UTC)
OPINION = {"status": "invalid", "reason": "signature_mismatch"}


async def propose(world: World, ruleset: str, *, who: str = "clerk", **more: Any) -> httpx.Response:  # noqa: ANN401  # any JSON values
    return await world.verb("/ruleset-changes", who=who, ruleset=ruleset, **{"reason": "counsel's opinion", **more})


async def confirm(world: World, change_no: int, *, who: str = "supervisor") -> httpx.Response:
    return await world.call("POST", f"/ruleset-changes/{change_no}/confirmation", who=who)


async def dry_run(world: World, ruleset: str, **query: str | int) -> dict[str, Any]:
    answer = await world.call("GET", "/dry-run", who="auditor", params={"ruleset": ruleset, **query})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def everything(world: World) -> list[tuple[Any, ...]]:
    """All that a dry run might have written."""
    tables = ("head", "line", "finding", "ledger", "slot", "ruleset_change")
    async with world.database.reading() as connection:
        return [tuple(await connection.fetch(f"SELECT * FROM {table} t ORDER BY t")) for table in tables]  # noqa: S608  # names of ours


async def change(world: World, ruleset: str) -> None:
    """Two people put a ruleset into force, and the lines are decided again as in the background."""
    proposed = await propose(world, ruleset)
    assert proposed.status_code == 201, proposed.text
    confirmed = await confirm(world, proposed.json()["change_no"])
    assert confirmed.status_code == 200, confirmed.text
    await reexamine(world.count, now=NOW)


@pytest.fixture
async def counted(world: World) -> World:
    """Lines of every kind that a ruleset may decide otherwise."""
    for name in ("clerk-2", "clerk-3", "clerk-4"):
        await world.add_key("clerk", name)
    lines = [line(n, (1, 1, n)) for n in range(1, 9)]
    await world.batch([*lines, line(1, (2, 1, 1)), line(2, (2, 1, 2)), stranger((3, 1, 1)), stranger((3, 1, 2))])
    await world.finding("3-1-1", status="invalid", reason="not_registered")
    for who in ("clerk", "clerk-2", "clerk-3"):  # enough for three people
        await world.finding("1-1-1", who=who, **OPINION)
    for who in ("clerk", "clerk-2"):  # enough for two
        await world.finding("1-1-2", who=who, **OPINION)
    await world.finding("1-1-3", who="clerk", **OPINION)
    for place, status in (("1-1-1", "invalid"), ("2-1-1", "valid"), ("1-1-2", "valid"), ("2-1-2", "invalid")):
        assert (await world.status(place))[0] == status
    return world


async def ruled(world: World) -> dict[str, tuple[str, str | None, bool]]:
    answer = await world.call("GET", "/signatures?limit=1000", who="auditor")
    shown = answer.json()["signatures"]
    return {one["place"]: (one["status"], one["reason"], one["settled"]) for one in shown}


CHANGES: list[dict[str, Any]] = [
    {"compare_signatures": True},
    {"confirmations": {"signature_mismatch": 2}},
    {"confirmations": {"signature_mismatch": 4}},
    {"confirmations": {"not_registered": 0}},
    {"confirmations": {"not_registered": 2, "duplicate": 1}, "compare_signatures": True},
    {"double_check_ppm": 0},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
async def test_a_dry_run_writes_nothing_and_says_what_the_change_then_makes(
    counted: World, changes: dict[str, Any]
) -> None:
    assert (await add(counted, **changes)).status_code == 201
    rows, before = await everything(counted), await ruled(counted)
    run = await dry_run(counted, "sample/1")
    assert await everything(counted) == rows
    await change(counted, "sample/1")
    after, tally = await ruled(counted), await counted.tally()
    expected = {place: (before[place], after[place]) for place in before if before[place] != after[place]}
    names = ("status", "reason", "settled")
    told = {
        one["place"]: tuple(tuple(one[side][name] for name in names) for side in ("before", "after"))
        for one in run["lines"]
    }
    assert told == expected
    assert run["changed"] == len(expected) == sum(kind["lines"] for kind in run["kinds"])
    for name in ("raw", "valid", "invalid", "review", "received", "unsettled", "invalid_by_code"):
        assert run["tally_after"][name] == tally[name], name
    assert (await dry_run(counted, "sample/1"))["changed"] == 0
    await counted.recount()


async def test_lines_that_are_decided_again_keep_every_rule_that_fails(world: World) -> None:
    """Rule 7: the first failing rule is the reason, and all others are kept as secondary."""
    await world.post({**stranger((1, 1, 1)), "signed": False})
    before = await world.detail("1-1-1")
    assert (before["reason"], before["settled"]) == ("no_signature", True)
    assert before["finding"]["secondary"], "a line on which two rules fail"
    await add(world, confirmations={"no_signature": 1})
    await change(world, "sample/1")
    after = await world.detail("1-1-1")
    assert (after["reason"], after["settled"]) == ("no_signature", False)
    assert after["finding"]["secondary"] == before["finding"]["secondary"]
    await world.recount()


async def test_a_presumed_signature_in_a_defective_section_makes_no_line_valid(counted: World) -> None:
    found = await counted.verb("/sections/1/defect", codes=["name_missing"], note="n")
    assert found.status_code == 201, found.text
    before = await counted.detail("1-1-1")
    assert (before["reason"], before["finding"]["secondary"]) == ("signature_mismatch", ["section_defect"])
    await add(counted, confirmations={"signature_mismatch": 4})
    run = {one["place"]: one["after"]["reason"] for one in (await dry_run(counted, "sample/1"))["lines"]}
    await change(counted, "sample/1")
    assert await counted.status("1-1-1") == ("invalid", "section_defect")
    assert run["1-1-1"] == "section_defect"
    await counted.recount()


async def test_fewer_people_make_opinions_a_mismatch_and_the_next_line_counts(counted: World) -> None:
    await add(counted, confirmations={"signature_mismatch": 2})
    await change(counted, "sample/1")
    assert await counted.status("1-1-2") == ("invalid", "signature_mismatch")
    assert await counted.status("2-1-2") == ("valid", None)
    await add(counted, name="sample/2", confirmations={"signature_mismatch": 4})
    await change(counted, "sample/2")
    assert [(await counted.status(place))[0] for place in ("1-1-1", "2-1-1", "1-1-2", "2-1-2")] == [
        "valid", "invalid", "valid", "invalid",
    ]  # fmt: skip
    assert (await counted.finding("1-1-1", who="clerk-4", **OPINION)).status_code == 201
    assert await counted.status("1-1-1") == ("invalid", "signature_mismatch")
    await counted.recount()


async def test_a_page_of_a_dry_run_goes_on_where_the_last_one_ended(counted: World) -> None:
    whole = (await dry_run(counted, CALIFORNIA_COMPARED.name))["lines"]
    cursor, pages = "", []
    while cursor is not None:
        page = await dry_run(counted, CALIFORNIA_COMPARED.name, limit=2, **({"cursor": cursor} if cursor else {}))
        pages += page["lines"]
        cursor = page["next_cursor"]
    assert pages == whole
    assert len(whole) > 4


async def test_only_an_auditor_is_shown_which_lines_have_opinions_about_their_signature(counted: World) -> None:
    await add(counted, confirmations={"signature_mismatch": 2})
    shown = {}
    for who in ("auditor", "supervisor", "clerk"):
        answer = await counted.call("GET", "/dry-run", who=who, params={"ruleset": "sample/1"})
        shown[who] = {one["place"] for one in answer.json()["lines"]}
        assert answer.json()["changed"] == 2
    assert shown == {"auditor": {"1-1-2", "2-1-2"}, "supervisor": set(), "clerk": set()}


async def test_one_person_cannot_change_the_ruleset_alone(world: World) -> None:
    name = CALIFORNIA_COMPARED.name
    assert code_of(await propose(world, "none")) == (404, "unknown_ruleset")
    assert code_of(await propose(world, CALIFORNIA.name)) == (409, "ruleset_change_refused")
    assert (await propose(world, name, reason="")).status_code == 422
    assert code_of(await confirm(world, 1)) == (404, "unknown_ruleset_change")
    assert (await propose(world, name, who="supervisor")).json()["change_no"] == 1
    assert code_of(await confirm(world, 1)) == (409, "ruleset_change_refused")
    assert (await confirm(world, 1, who="clerk")).status_code == 403
    assert (await propose(world, name)).json()["change_no"] == 2
    await world.add_key("supervisor", "supervisor-2")
    assert code_of(await confirm(world, 1, who="supervisor-2")) == (409, "ruleset_change_refused")
    assert (await world.tally())["version"] == 1
    assert (await confirm(world, 2)).json()["confirmed_by"] == "supervisor-1"
    assert code_of(await confirm(world, 2)) == (409, "ruleset_change_refused")
    listed = (await world.call("GET", "/ruleset-changes", who="auditor")).json()["changes"]
    assert [(one["change_no"], one["confirmed_by"]) for one in listed] == [(1, None), (2, "supervisor-1")]
    petition = (await world.call("GET", "", who="auditor")).json()
    assert (petition["ruleset"], petition["ruleset_in_force"]) == (CALIFORNIA.name, name)
    await world.recount()


async def test_the_database_itself_takes_no_confirmation_by_who_proposed(
    world: World, connection: asyncpg.Connection
) -> None:
    await propose(world, CALIFORNIA_COMPARED.name)
    insert = "INSERT INTO ruleset_confirmation VALUES ('sample', $1, 1, $2, $3, now())"
    for proposer, confirmer in (("clerk-1", "clerk-1"), ("made up", "clerk-1")):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)):
            async with world.database.reading() as reading:
                await reading.execute(insert, UUID(world.petition_id), proposer, confirmer)
    assert connection


async def test_a_process_that_knows_the_old_ruleset_decides_under_the_new_one_from_the_commit_on(world: World) -> None:
    other = Count(world.database)  # as another process, which has the petition in memory
    async with world.database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(world.petition_id)))
    assert petition
    assert petition.ruleset == CALIFORNIA
    await propose(world, CALIFORNIA_COMPARED.name)
    await confirm(world, 1)
    answer = await world.post(line(1))  # this process had it in memory as well
    assert (answer.json()["status"], answer.json()["settled"]) == ("valid", False)
    await freeze(world)
    closed = close_petition(other, petition, closed_by="supervisor-1", now=NOW)
    assert (await closed).state == "closed"
    await world.recount()


async def test_a_petition_is_not_closed_while_lines_are_to_be_decided_again(world: World) -> None:
    opened = await world.client.post(
        "/v1/petitions",
        json={
            "title": "t", "officer": "o", "required": 1, "ruleset": CALIFORNIA.name, "circulation_from": "2022-01-27",
            "circulation_to": "2022-07-06", "filed_on": "2022-07-06",
        },
        headers={"Authorization": f"Bearer {world.keys['clerk']}"},
    )  # fmt: skip
    world = replace(world, petition_id=opened.json()["petition_id"])
    await world.post(line(1))
    await add(world, confirmations={"duplicate": 1})  # which changes no line here
    await propose(world, "sample/1")
    await confirm(world, 1)
    async with world.database.reading() as connection:  # unless the background was there already
        await connection.execute(
            "UPDATE head SET redecide_from = version WHERE petition_id = $1", UUID(world.petition_id)
        )
    assert code_of(await world.call("POST", "/close", who="supervisor")) == (409, "undecided_lines")
    await reexamine(world.count, now=NOW)
    await freeze(world)
    assert (await world.call("POST", "/close", who="supervisor")).status_code == 200
    assert code_of(await propose(world, CALIFORNIA.name)) == (409, "petition_closed")
    run = await world.call("GET", "/dry-run", who="auditor", params={"ruleset": CALIFORNIA.name})
    assert code_of(run) == (409, "petition_closed")


async def test_the_change_is_in_the_ledger_and_a_verification_compares_it(counted: World) -> None:
    await change(counted, CALIFORNIA_COMPARED.name)
    entries = (await counted.call("GET", "/ledger/entries?limit=1000", who="auditor")).json()["entries"]
    [payload] = [json.loads(entry["payload"]) for entry in entries if entry["type"] == "ruleset"]
    assert (payload["ruleset"], payload["reason"]) == (CALIFORNIA_COMPARED.name, "counsel's opinion")
    assert (payload["proposed_by"], payload["confirmed_by"]) == ("clerk-1", "supervisor-1")
    await counted.recount()
    async with counted.database.reading() as connection, connection.transaction():
        await connection.execute("UPDATE head SET ruleset_in_force = $1", CALIFORNIA.name)
    answer = await counted.call("GET", "/tally/verification", who="auditor")
    assert "head" in {fault["code"] for fault in answer.json()["faults"]}


async def test_a_bundle_names_the_ruleset_in_force_and_its_verifier_reads_the_change(
    counted: World, app: FastAPI, tmp_path: Path
) -> None:
    await change(counted, CALIFORNIA_COMPARED.name)
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await make_checkpoint(counted.database, signer, PetitionKey(COUNTY, UUID(counted.petition_id)), now=NOW)
    await export_bundle(counted.database, PetitionKey(COUNTY, UUID(counted.petition_id)), signer, bundle)
    status, output = verify_bundle(bundle, signer.verifier_key)
    assert (status, output.splitlines()[-1]) == (0, "everything agrees"), output
    with ZipFile(bundle) as files:
        contents = {name: files.read(name) for name in files.namelist()}
    manifest = json.loads(contents["manifest.json"])
    assert manifest["ruleset"] == CALIFORNIA_COMPARED.name
    contents["manifest.json"] = json.dumps(manifest | {"ruleset": CALIFORNIA.name}).encode()
    with ZipFile(tmp_path / "changed.zip", "w") as files:
        for name, content in contents.items():
            files.writestr(name, content)
    status, output = verify_bundle(tmp_path / "changed.zip", signer.verifier_key)
    assert status == 1
    assert "another ruleset" in output


async def test_the_command_line_tries_proposes_and_confirms_a_ruleset(world: World, database: str) -> None:
    await world.batch([line(1), line(2)])
    name, petition = CALIFORNIA_COMPARED.name, world.petition_id
    status, out, errors = await run(database, "petition", "re-examine", petition, "--ruleset", name, "--dry-run")
    assert (status, errors) == (0, "")
    *lines, total = map(json.loads, out.splitlines())
    assert [one["place"] for one in lines] == ["1-1-1", "1-1-2"]
    assert (total["changed"], total["tally_after"]["unsettled"]) == (2, 2)
    to = ("ruleset", "change", petition, "--to", name)
    assert (await run(database, *to, key=world.keys["clerk"]))[0] == 1  # without a reason
    assert (await run(database, *to, "--reason", "r"))[0] == 1  # the command line is no person
    assert (await run(database, *to, "--reason", "r", key=world.keys["clerk"]))[0] == 0
    confirmation = ("ruleset", "change", petition, "--confirm", "1")
    assert (await run(database, *confirmation))[0] == 1
    assert (await run(database, *confirmation, key=world.keys["supervisor"]))[0] == 0
    assert (await world.call("GET", "", who="auditor")).json()["ruleset_in_force"] == name


async def four_people(world: World) -> World:
    """A mismatch that three people found, and a ruleset of which it takes four."""
    for name in ("clerk-2", "clerk-3", "clerk-4"):
        await world.add_key("clerk", name)
    confirmations = {**CALIFORNIA.confirmations, "signature_mismatch": 4}
    assert (await add(world, name="sample/four", confirmations=confirmations)).status_code == 201
    await world.post(line(1))
    for who in ("clerk", "clerk-2", "clerk-3"):
        await world.finding("1-1-1", who=who, **OPINION)
    assert await world.status("1-1-1") == ("invalid", "signature_mismatch")
    return world


async def test_a_line_of_a_defective_section_becomes_no_good_one_under_another_ruleset(world: World) -> None:
    """And once the defect ends, what people found before it is taken as the ruleset in force takes it."""
    await four_people(world)
    assert (await world.verb("/sections/1/defect", codes=["signature_missing"])).status_code == 201
    assert await world.status("1-1-1") == ("invalid", "signature_mismatch")
    then = (await dry_run(world, "sample/four"))["tally_after"]
    await change(world, "sample/four")
    assert await world.status("1-1-1") == ("invalid", "section_defect")
    assert {name: (await world.tally())[name] for name in ("valid", "invalid")} == {
        name: then[name] for name in ("valid", "invalid")
    }
    ended = await world.verb("/sections/1/defect/reversal", who="supervisor", note="it is signed overleaf")
    assert (ended.status_code, await world.status("1-1-1")) == (200, ("valid", None))
    decided = await world.finding("1-1-1", who="clerk-4", **OPINION)
    assert (decided.json()["reason"], decided.json()["settled"]) == ("signature_mismatch", True)
    await world.recount()


async def dates(world: World) -> httpx.Response:
    return await world.call(
        "PUT", "/sections/1", who="clerk", json={"signed_from": "2022-03-01", "signed_to": "2022-03-09"}
    )


async def defect(world: World) -> httpx.Response:
    return await world.verb("/sections/1/defect", codes=["signature_missing"])


async def end_of_defect(world: World) -> httpx.Response:
    return await world.verb("/sections/1/defect/reversal", who="supervisor", note="it is signed overleaf")


async def confirmation(world: World) -> httpx.Response:
    return await world.finding("1-1-1", who="supervisor", status="valid")


@pytest.mark.parametrize("act", [[dates], [defect], [defect, end_of_defect], [confirmation]])
async def test_what_is_done_before_the_lines_are_decided_again_is_done_under_the_new_ruleset(
    world: World, act: list[Callable[[World], Awaitable[httpx.Response]]]
) -> None:
    await four_people(world)
    *earlier, last = act
    for one in earlier:
        assert (await one(world)).status_code < 300
    proposed = await propose(world, "sample/four")
    assert (await confirm(world, proposed.json()["change_no"])).status_code == 200
    assert (await last(world)).status_code < 300
    expected = ("invalid", "section_defect") if last is defect else ("valid", None)
    assert await world.status("1-1-1") == expected
    await world.recount()
    await reexamine(world.count, now=NOW)
    assert await world.status("1-1-1") == expected
    await world.recount()
