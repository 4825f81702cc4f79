"""The verbs on lines from the command line, as real processes."""

import json
import os
from typing import Any

from tests.commands import command
from tests.http.county import line, voter
from tests.http.world import World


async def run(database: str, *arguments: str, text: str = "", key: str = "") -> tuple[int, str, str]:
    """A command's status, output and errors; `key` is of the person who runs it."""
    environment = {**os.environ, "DATABASE_URL": database, "RECALL_KEY": key}
    return await command(*arguments, environment=environment, text=text)


async def test_each_verb_has_a_command_that_answers_as_the_api_does(world: World, database: str) -> None:
    await world.batch([line(1, (1, 1, 1)), line(2, (1, 1, 2)), line(3, (2, 1, 3))])
    common = ("--petition", world.petition_id)

    async def verb(*arguments: str, text: str = "") -> dict[str, Any]:
        status, out, errors = await run(database, *arguments, *common, text=text, key=world.keys["supervisor"])
        assert (status, errors) == (0, "")
        result: dict[str, Any] = json.loads(out)
        return result

    illegible = ("finding", "1-1-1", "--status", "invalid", "--reason", "illegible", "--note", "smeared")
    assert (await verb(*illegible))["reason"] == "illegible"
    assert (await verb("revise", "1-1-2", "-", text=json.dumps(voter(4))))["finding"]["voter_id"] == "V4"
    request = ("withdraw", "--received", "2022-07-01", "--by-way-of", "fax")
    withdrawn = await verb(*request, "--voter", "V4", "--signature", "agrees")
    assert withdrawn["lines"][0]["reason"] == "withdrawn"
    revoked = await verb("withdraw", "--revoke", withdrawn["withdrawal_id"], "--note", "typed wrong")
    assert (revoked["revocation"]["revoked_by"], revoked["lines"][0]["status"]) == ("supervisor-1", "valid")
    assert (await verb("section", "2"))["examined"] == 1
    assert await world.status("2-1-3") == ("review", "section_dates")
    assert (await run(database, "reexamine"))[:2] == (0, "examined 0 lines again\n")
    await world.recount()


async def test_a_command_that_cannot_be_carried_out_says_why_in_one_line(world: World, database: str) -> None:
    await world.post(line(1))
    common = ("--petition", world.petition_id)
    no_one = "0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60"
    for arguments, text in (
        (("explain", "--petition", world.petition_id, "7-1-1"), ""),
        (("explain", "--petition", no_one, "1-1-1"), ""),
        (("tally", no_one), ""),
        (("reexamine", "--county", "nowhere"), ""),
        (("keys", "revoke", "0000", "--county", "nowhere"), ""),
        (("finding", "1-1-2", "--status", "valid", *common), ""),
        (("withdraw", "--voter", "V1", "--received", "2999-07-06", "--by-way-of", "fax", *common), ""),
        (("withdraw", "--voter", "V1", "--received", "2022-07-01", *common), ""),
        (("withdraw", "--name", "A NAME", "--received", "2022-07-01", "--by-way-of", "fax", *common), ""),
        (("withdraw", "--accept", no_one, *common), ""),
        (("revise", "1-1-1", "-", *common), '{"city": 1}'),
        (("revise", "1-1-1", "/", *common), ""),
        (("bundle", "--petition", world.petition_id, "--out", __file__), ""),
    ):
        status, out, errors = await run(database, *arguments, text=text)
        assert (status, out) == (1, "")
        assert errors.startswith("error: ")
        assert errors.count("\n") == 1
    assert (await world.tally())["version"] == 2


MISMATCH = (
    *("finding", "1-1-1", "--status", "invalid", "--reason", "signature_mismatch", "--agreed"),
    *("--reference", "affidavit", "--characteristic", "strokes", "--characteristic", "size"),
)


async def test_a_finding_at_a_prompt_is_the_persons_whose_key_it_is(world: World, database: str) -> None:
    await world.post(line(1))
    command = (*MISMATCH, "--petition", world.petition_id)
    await world.add_key("clerk", "clerk-2")
    for who in ("", "", "clerk", "clerk", "clerk-2", ""):  # twice the same, and without a key: two people of three
        status, out, errors = await run(database, *command, key=world.keys.get(who, ""))
        assert status == (0 if who else 1)
        assert json.loads(out)["status"] == "valid" if who else "needs that person's key" in errors
    refused = await run(database, *command, "--by", "clerk-3")
    assert (refused[0], refused[1], "RECALL_KEY" in refused[2]) == (2, "", True)
    assert (await world.finding("1-1-1", who="supervisor", status="valid", looked_at="both")).status_code == 201
    for who, why in (("clerk", "needs a supervisor"), ("monitor", "the role clerk or supervisor")):
        status, _, errors = await run(database, *command, "--note", "slant", key=world.keys[who])
        assert (status, why in errors) == (1, True), errors
    await world.recount()


async def test_what_is_done_at_a_prompt_without_a_key_is_marked_as_no_persons(world: World, database: str) -> None:
    withdraw = ("withdraw", "--petition", world.petition_id, "--voter", "V1", "--received", "2022-07-01")
    recorded = json.loads((await run(database, *withdraw, "--by-way-of", "fax"))[1])
    assert (recorded["recorded_by"], recorded["state"]) == ("command line", "open")
    status, _, errors = await run(database, *withdraw, "--by-way-of", "fax", "--signature", "agrees")
    assert (status, "that person's key" in errors) == (1, True), errors
    made = await run(database, "keys", "create", "--county", "sample", "--role", "clerk", "--name", "clerk-9")
    world.keys["nine"] = made[1].splitlines()[-1]
    listed = (await run(database, "keys", "list", "--county", "sample"))[1].splitlines()
    assert [text.partition("issued by ")[2] for text in listed if "clerk-9" in text] == ["command line"]


async def test_a_key_for_a_county_that_nothing_else_knows_is_issued_with_a_note(database: str) -> None:
    for county, said in (("sample", ""), ("smaple", "note: county smaple is new"), ("smaple", "")):
        status, out, errors = await run(
            database, "keys", "create", "--county", county, "--role", "clerk", "--name", "clerk-9"
        )
        assert (status, len(out.splitlines()), errors.startswith(said), bool(errors)) == (0, 2, True, bool(said))


async def test_a_file_that_cannot_be_read_is_named_and_not_a_body(world: World, database: str) -> None:
    for text in ("{", "[" * 20, ",".join("1" * 50_000)):
        _, _, errors = await run(database, "revise", "1-1-1", "-", "--petition", world.petition_id, text=text)
        assert ("file" in errors, "body" in errors) == (True, False), errors


async def test_a_command_has_the_rights_of_its_key_and_no_others(world: World, database: str) -> None:
    new = ("keys", "create", "--county", "sample", "--role", "clerk", "--name")
    issued = await run(database, *new, "clerk-9", key=world.keys["admin"])
    assert issued[0] == 0
    listed = (await run(database, "keys", "list", "--county", "sample"))[1].splitlines()
    assert [text.partition("issued by ")[2] for text in listed if "clerk-9" in text] == ["admin-1"]
    await run(database, "keys", "revoke", "--county", "sample", issued[1].splitlines()[-1].split(".")[2])
    elsewhere = ("keys", "create", "--county", "elsewhere", "--role", "clerk", "--name", "clerk-9")
    refusals = (
        ((*new, "Admin-1"), "admin", "another administrator"),
        ((*new, "x"), "clerk", "the role admin"),
        ((*new, "system"), "", "reserved"),
        (elsewhere, "admin", "not accepted in county elsewhere"),
        (("petition", "close", world.petition_id), "clerk", "the role supervisor"),
        (("withdraw", "--petition", world.petition_id, "--revoke", world.petition_id), "clerk", "the role supervisor"),
    )
    for arguments, who, why in refusals:
        status, out, errors = await run(database, *arguments, key=world.keys.get(who, ""))
        assert (status, out, errors.count("\n"), why in errors) == (1, "", 1, True), errors
    revoked = issued[1].splitlines()[-1]
    for key in (revoked, revoked[:-1], "secret"):
        status, _, errors = await run(database, *new, "x", key=key)
        assert (status, "not accepted" in errors, key in errors) == (1, True, False)


async def test_every_command_that_changes_something_refuses_a_key_of_another_role(world: World, database: str) -> None:
    petition, county, days = ("--petition", world.petition_id), ("--county", "sample"), ("2022-01-27", "2022-07-06")
    terms = ("--title", "t", "--officer", "o", "--required", "1", "--circulation", *days, "--filed", days[1])
    for arguments in (
        ("finding", "1-1-1", "--status", "review", *petition),
        ("revise", "1-1-1", "-", *petition),
        ("withdraw", "--voter", "V1", "--received", "2022-07-01", *petition),
        ("section", "2", *petition),
        ("petition", "open", *terms, *county),
        ("petition", "close", world.petition_id),
        ("petition", "file", world.petition_id),
        ("petition", "freeze", world.petition_id),
        ("petition", "correct", world.petition_id, "--reason", "r"),
        ("petition", "confirm", world.petition_id, "--proposal", "1"),
        ("petition", "defect", world.petition_id, "1", "--confirm"),
        ("keys", "create", "--role", "clerk", "--name", "x", *county),
        ("keys", "revoke", "00000000", *county),
        ("assignments", "set", "station-1", "1-9", *county),
        ("roll", "load", "-", "--complete-through", days[1], *county),
        ("roll", "activate", "1", *county),
        ("roll", "rekey", *county),
        ("aliases", "load", "-", *county),
    ):
        said = await run(database, *arguments, text=json.dumps(voter(1)), key=world.keys["auditor"])
        assert (said[0], said[1], "RECALL_KEY: this needs a key of the role" in said[2]) == (1, "", True), said
    assert (await world.tally())["version"] == 1
