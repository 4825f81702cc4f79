"""Bad input and acts in the wrong order that no other file proves: they are refused and change nothing."""

from typing import Any

import pytest

from tests.http.county import line
from tests.http.test_rulesets import code_of
from tests.http.test_terms import REGISTERED, send
from tests.http.world import World

OTHER = {"status": "invalid", "reason": "other", "note": "another line says that this one is void"}


@pytest.mark.parametrize("registered", [0, -1, True, "5668569", 1.5])
async def test_a_registration_below_one_opens_no_petition(world: World, registered: Any) -> None:  # noqa: ANN401  # any JSON value
    answer = await send(world, "/v1/petitions", **{**REGISTERED, "registered_voters": registered})
    assert code_of(answer) == (422, "invalid")
    assert [error["path"] for error in answer.json()["errors"]] == ["registered_voters"]
    async with world.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM petition") == 1


async def test_a_reversal_is_not_confirmed_by_who_made_it(world: World) -> None:
    """The supervisor's word is one person's, however often it is said."""
    await world.post(line(1))
    await world.finding("1-1-1", status="valid")
    assert code_of(await world.finding("1-1-1", **OTHER)) == (403, "supervisor_needed"), "also of one's own finding"
    assert code_of(await world.finding("1-1-1", who="supervisor", **{**OTHER, "note": ""})) == (422, "finding_refused")
    reversal = (await world.finding("1-1-1", who="supervisor", **OTHER)).json()
    assert (reversal["reason"], reversal["settled"]) == ("other", False)
    version = (await world.tally())["version"]
    again = await world.finding("1-1-1", who="supervisor", **OTHER)
    assert (again.status_code, again.json()["settled"], (await world.tally())["version"]) == (200, False, version)
    assert (await world.finding("1-1-1", **OTHER)).json()["settled"], "the clerk agrees"
    await world.recount()
