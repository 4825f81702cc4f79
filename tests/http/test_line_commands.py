"""The verbs on lines from the command line, as real processes."""

import asyncio
import json
import os
import sys
from typing import Any

from tests.http.county import line, voter
from tests.http.world import World


async def run(database: str, *arguments: str, text: str = "") -> tuple[int, str, str]:
    """A command's status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments),
        env={**os.environ, "DATABASE_URL": database},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate(text.encode())
    return process.returncode or 0, out.decode(), errors.decode()


async def test_each_verb_has_a_command_that_answers_as_the_api_does(world: World, database: str) -> None:
    await world.batch([line(1, (1, 1, 1)), line(2, (1, 1, 2)), line(3, (2, 1, 3))])
    common = ("--petition", world.petition_id, "--by", "the registrar")

    async def verb(*arguments: str, text: str = "") -> dict[str, Any]:
        status, out, errors = await run(database, *arguments, *common, text=text)
        assert (status, errors) == (0, "")
        result: dict[str, Any] = json.loads(out)
        return result

    assert (await verb("finding", "1-1-1", "--status", "invalid", "--reason", "illegible"))["reason"] == "illegible"
    assert (await verb("revise", "1-1-2", "-", text=json.dumps(voter(4))))["finding"]["voter_id"] == "V4"
    withdrawn = await verb("withdraw", "--voter", "V4", "--received", "2022-07-01")
    assert withdrawn["lines"][0]["reason"] == "withdrawn"
    revoked = await verb("withdraw", "--revoke", withdrawn["withdrawal_id"], "--note", "typed wrong")
    assert (revoked["revocation"]["revoked_by"], revoked["lines"][0]["status"]) == ("the registrar", "valid")
    assert (await verb("section", "2"))["examined"] == 1
    assert await world.status("2-1-3") == ("review", "section_dates")
    assert (await run(database, "reexamine"))[:2] == (0, "examined 0 lines again\n")
    await world.recount()


async def test_a_command_that_cannot_be_carried_out_says_why_in_one_line(world: World, database: str) -> None:
    await world.post(line(1))
    common = ("--petition", world.petition_id, "--by", "the registrar")
    no_one = "0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60"
    for arguments, text in (
        (("explain", "--petition", world.petition_id, "7-1-1"), ""),
        (("explain", "--petition", no_one, "1-1-1"), ""),
        (("tally", no_one), ""),
        (("reexamine", "--county", "nowhere"), ""),
        (("keys", "revoke", "0000", "--county", "nowhere"), ""),
        (("finding", "1-1-2", "--status", "valid", *common), ""),
        (("withdraw", "--voter", "V1", "--received", "2022-07-06", *common), ""),
        (("revise", "1-1-1", "-", *common), '{"city": 1}'),
        (("revise", "1-1-1", "/", *common), ""),
        (("bundle", "--petition", world.petition_id, "--out", __file__), ""),
    ):
        status, out, errors = await run(database, *arguments, text=text)
        assert (status, out) == (1, "")
        assert errors.startswith("error: ")
        assert errors.count("\n") == 1
    assert (await world.tally())["version"] == 2
