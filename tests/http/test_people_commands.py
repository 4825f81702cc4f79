"""Bulk decisions, signatures on file and requests to withdraw, from the command line."""

import json
from typing import Any

import asyncpg

from tests.http.county import a_request, line
from tests.http.test_bulk import SAID, strangers
from tests.http.test_comparisons import image
from tests.http.test_line_commands import run
from tests.http.world import World


async def test_a_bulk_decision_is_previewed_carried_out_and_undone(world: World, database: str) -> None:
    places = await strangers(world)
    said = json.dumps({**SAID, "waiting": {"queue": "to_confirm"}})

    async def bulk(verb: str, *arguments: str, who: str = "clerk", text: str = "") -> Any:  # noqa: ANN401  # JSON values
        key = world.keys.get(who, "")
        status, out, errors = await run(database, "bulk", verb, world.petition_id, *arguments, key=key, text=text)
        assert bool(status) == bool(errors), errors
        return errors if status else json.loads(out)

    assert "RECALL_KEY" in await bulk("preview", "-", who="", text=said)
    assert "RECALL_KEY: this needs" in await bulk("preview", "-", who="auditor", text=said)
    previewed = await bulk("preview", "-", text=said)
    assert (previewed["places"], previewed["tally_after"]["invalid_by_code"]) == (places, {"different_address": 5})
    number = previewed["bulk_id"]
    assert await bulk("show", number, who="") == previewed
    assert "another person" in await bulk("execute", number, who="supervisor")
    assert (await bulk("execute", number))["execution"]["done"] == 5
    assert (await world.tally())["invalid_by_code"] == {"different_address": 5}
    for who, needed in (("clerk", "supervisor"), ("", "RECALL_KEY")):
        assert needed in await bulk("undo", number, "--note", "the list was wrong", who=who)
    assert (await bulk("undo", number, "--note", "the list was wrong", who="supervisor"))["undo"]["done"] == 5
    assert (await world.tally())["review"] == 5
    await world.recount()


async def test_signatures_on_file_are_loaded_from_a_file(
    world: World, database: str, connection: asyncpg.Connection
) -> None:
    def reference(number: int, **more: object) -> str:
        return json.dumps({"voter_id": "V1", "reference_id": f"r-{number}", "image_sha256": image(number), **more})

    async def load(*lines: str) -> tuple[int, str, str]:
        key = world.keys["admin"]
        return await run(database, "references", "load", "-", "--county", "sample", text="\n".join(lines), key=key)

    assert (await load(reference(1), reference(2)))[:2] == (0, "2 of 2 signatures were not on file before\n")
    assert (await load(reference(2), reference(3)))[1] == "1 of 2 signatures were not on file before\n"
    status, out, errors = await load(reference(4), reference(5, image_sha256="x"))
    assert (status, out, "line 2" in errors, "image_sha256" in errors) == (1, "", True, True)
    status, out, errors = await load(reference(4), reference(1, image_sha256=image(9)))
    assert (status, out, "another image" in errors) == (1, "", True)
    assert await connection.fetchval("SELECT count(*) FROM signature_reference") == 3


async def test_open_requests_to_withdraw_are_listed_and_the_read_is_on_record(
    world: World, database: str, connection: asyncpg.Connection
) -> None:
    await world.batch([line(n) for n in (1, 2, 3)])
    for n, agrees in ((1, True), (2, None), (3, None)):
        answer = await world.verb("/withdrawals", **a_request(voter_id=f"V{n}", signature_agrees=agrees))
        assert answer.status_code == 201, answer.text

    async def listed(*only: str, who: str = "clerk") -> list[str]:
        arguments = ("withdrawals", world.petition_id, *only)
        status, out, errors = await run(database, *arguments, key=world.keys.get(who, ""))
        assert (status, errors) == (0, "")
        return [json.loads(one)["voter_id"] for one in out.splitlines()]

    assert await listed() == ["V2", "V3"]
    assert await listed("--state", "accepted", who="") == ["V1"]
    rows = await connection.fetch("SELECT * FROM lookup_audit WHERE kind = 'withdrawals' ORDER BY lookup_id")
    shown = [(row["principal"], len(row["places"]), row["candidates"], row["counted"]) for row in rows]
    assert shown == [("clerk-1", 2, 2, 0), ("command line", 1, 1, 0)]
