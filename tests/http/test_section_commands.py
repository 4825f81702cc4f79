"""From the receipt of sections to the frozen raw count, and the attempts, from the command line."""

import json
from typing import Any

from tests.http.county import line
from tests.http.test_line_commands import run
from tests.http.test_registration import DECLARATION, a_section
from tests.http.world import World

LAPSED = {
    "officer": "The assessor",
    "title": "First attempt",
    "circulation_from": "2021-01-27",
    "circulation_to": "2021-07-06",
    "note": "no petition was filed",
}


async def command(database: str, key: str, *arguments: str, text: str = "") -> list[dict[str, Any]]:
    """The JSON that a command prints: one object, or one a line."""
    status, out, errors = await run(database, "petition", *arguments, key=key, text=text)
    assert (status, errors) == (0, ""), errors
    return [json.loads(out)] if out.startswith("{\n") else [json.loads(one) for one in out.splitlines()]


async def test_sections_are_registered_listed_filed_and_frozen_by_two_people(world: World, database: str) -> None:
    clerk, supervisor, petition = world.keys["clerk"], world.keys["supervisor"], world.petition_id
    text = json.dumps({"sections": [a_section(1, lines=2), {"section": 2, "pages": 1, "lines": 1}]})
    [done] = await command(database, clerk, "register", petition, "-", text=text)
    assert [one["faults"] for one in done["results"]] == [[], ["undeclared"]]
    await world.batch([line(1), line(2, (2, 1, 1))])
    assert [one["section"] for one in await command(database, "", "sections", petition)] == [1, 2]
    listed = await command(database, "", "sections", petition, "--only", "totals")
    assert [(one["section"], one["missing"]) for one in listed] == [(1, 1)]
    assert [one["section"] for one in await command(database, "", "sections", petition, "--only", "undeclared")] == [2]
    [totals] = await command(database, supervisor, "file", petition)
    assert (totals["claimed"], totals["missing"]) == (3, 1)
    refused = await run(database, "petition", "freeze", petition, key=clerk)
    assert (refused[0], "differ without a note: 1" in refused[2]) == (1, True)
    [proposed] = await command(database, clerk, "freeze", petition, "--note", "1-2=a line was cut off")
    assert proposed["proposal"]["notes"] == [{"section": 1, "through": 2, "note": "a line was cut off"}]
    [frozen] = await command(database, supervisor, "confirm", petition, "--proposal", "1")
    assert (frozen["raw_count"], frozen["raw"]) == ("frozen", 2)
    [corrected] = await command(database, clerk, "correct", petition, "--reason", "a page was missed")
    assert (corrected["proposal"]["kind"], corrected["proposal"]["proposal_no"]) == ("correction", 2)
    [opened] = await command(database, supervisor, "confirm", petition, "--proposal", "2")
    assert [opened] == await command(database, "", "raw-count", petition)
    assert opened["raw_count"] == "filed"
    await world.recount()


async def test_a_defect_is_found_and_taken_back(world: World, database: str) -> None:
    clerk, supervisor, where = world.keys["clerk"], world.keys["supervisor"], (world.petition_id, "1")
    await world.call("POST", "/sections", who="clerk", json={**a_section(1, lines=1), "declaration": DECLARATION})
    await world.post(line(1))
    [found] = await command(database, clerk, "defect", *where, "--find", "name_missing", "age_missing", "--note", "n")
    assert (found["in_force"], found["codes"]) == (True, ["name_missing", "age_missing"])
    assert await world.status("1-1-1") == ("invalid", "section_defect")
    refusals = (
        (supervisor, ("--confirm",), "enough people"),
        (clerk, ("--take-back", "--note", "n"), "the role supervisor"),
        (supervisor, ("--take-back",), "say in the note"),
        ("", ("--take-back", "--note", "n"), "a key of their own"),
    )
    for key, arguments, why in refusals:
        status, _, errors = await run(database, "petition", "defect", *where, *arguments, key=key)
        assert (status, errors.count("\n"), why in errors) == (1, 1, True), errors
    [ended] = await command(database, supervisor, "defect", *where, "--take-back", "--note", "the page was found")
    assert (ended["kind"], ended["in_force"]) == ("taken_back", False)
    assert await world.status("1-1-1") == ("valid", None)


async def test_an_attempt_that_lapsed_stands_with_the_petitions(world: World, database: str) -> None:
    county = ("--county", "sample")
    [lapsed] = await command(database, world.keys["clerk"], "lapsed", "-", *county, text=json.dumps(LAPSED))
    assert (lapsed["outcome"], lapsed["number"]) == ("lapsed", 1)
    found = await command(database, "", "attempts", *county)
    assert [(one["number"], one["outcome"]) for one in found] == [(1, "lapsed"), (2, "open")]
    again = await run(database, "petition", "lapsed", "-", *county, key=world.keys["clerk"], text=json.dumps(LAPSED))
    assert (again[0], "on record already" in again[2]) == (1, True)
    wrong = await run(database, "petition", "lapsed", "-", *county, key=world.keys["clerk"], text='{"officer": 1}')
    assert (wrong[0], "officer" in wrong[2]) == (1, True)
