"""Learning the matcher's weights from what people judged, and measuring it by that."""

from uuid import UUID

import pytest

from app.count.line_queries import get_petition
from app.law.petition import Petition, PetitionKey
from app.matching.lookup import TERM_CACHE
from app.matching.model import model_from_json, model_to_json
from tests.http.county import COUNTY, line
from tests.http.world import World
from tools.model import learn_model, report_model

MOVED = "99 NOWHERE BLVD"


async def the_petition(world: World) -> Petition:
    async with world.database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(world.petition_id)))
    assert petition
    return petition


async def judged_lines(world: World) -> None:
    """Thirty good lines, ten of voters who moved, and one that no person judged."""
    await world.batch(
        [line(n) for n in range(1, 31)] + [line(n, residence_address=MOVED) for n in range(31, 41)] + [line(50)]
    )
    for n in range(1, 31):
        assert (await world.finding(f"1-1-{n}", status="valid", voter_id=f"V{n}")).status_code == 201
    for n in range(31, 41):
        said = {"status": "invalid", "reason": "different_address", "voter_id": f"V{n}"}
        assert (await world.finding(f"1-1-{n}", **said)).status_code == 201


async def test_a_model_is_learnt_from_the_lines_that_people_judged(world: World) -> None:
    await judged_lines(world)
    petition = await the_petition(world)
    model, lines = await learn_model(world.database, [petition], "model-test")
    assert (model.version, lines) == ("model-test", 40)
    assert model.priors["here"] > model.priors["moved"] > model.priors["stranger"]
    assert model.weights["house"]["same"] > model.weights["house"]["other"]
    assert model_from_json(model_to_json(model)).version == "model-test"
    assert await learn_model(world.database, [petition], "model-test") == (model, lines), "the same again"


async def test_who_lives_where_a_stranger_signed_is_looked_for_with_words_not_learnt_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await judged_lines(world)
    await world.batch([line(n, printed_name="ZELDA QUARTERMAINE") for n in (61, 62)])
    for n in (61, 62):
        said = {"status": "invalid", "reason": "not_registered"}
        assert (await world.finding(f"1-1-{n}", **said)).status_code == 201
    monkeypatch.setattr(TERM_CACHE, "_rolls", {})  # as a process that has decided nothing yet
    _, lines = await learn_model(world.database, [await the_petition(world)], "model-test")
    assert lines == 42


async def test_the_report_says_how_often_people_agree(world: World) -> None:
    await judged_lines(world)
    bands = await report_model(world.database, await the_petition(world))
    assert 30 <= sum(band.lines for band in bands) <= 40, "what is left to a person claims nothing"
    assert all(band.right == band.lines for band in bands)
