"""What stands on a line: writing, writing without a signature, a struck line, or nothing (2 CCR 20520, 20931)."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle
from tests.http.county import COUNTY, line, stranger
from tests.http.world import World
from tests.ledger.test_bundle import verify_bundle

EMPTY: dict[str, Any] = {"printed_name": "", "residence_address": "", "city": "", "zip": ""}


async def correct(
    world: World, place: str, text: dict[str, object], *, who: str = "clerk", **more: str
) -> httpx.Response:
    written = {name: value for name, value in text.items() if name not in ("section", "page", "line")}
    return await world.call("POST", f"/signatures/{place}/revisions", who=who, json=written | more)


async def test_an_empty_line_holds_its_place_and_is_not_in_the_raw_count(world: World) -> None:
    answer = await world.batch([line(1), line(2, **EMPTY, signed=False), line(3, signed=False)])
    kinds = [(result["status"], result["reason"], result["settled"]) for result in answer.json()["results"]]
    assert kinds == [("valid", None, True), ("blank", None, True), ("invalid", "no_signature", True)]
    tally = await world.tally()
    assert (tally["raw"], tally["blank"], tally["struck"]) == (2, 1, 0)
    assert tally["raw"] == tally["received"] + tally["valid"] + tally["invalid"] + tally["review"]
    other = await world.post(line(4, (1, 1, 2)))
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "place_conflict"), "it holds its place"
    await world.recount()


async def test_a_struck_line_is_counted_apart_and_never_uses_its_voter_up(world: World) -> None:
    answer = await world.batch([line(1, (1, 1, 1), kind="struck"), line(1, (1, 1, 2))])
    assert [result["status"] for result in answer.json()["results"]] == ["struck", "valid"]
    tally = await world.tally()
    assert (tally["raw"], tally["valid"], tally["struck"]) == (1, 1, 1)
    assert (await world.detail("1-1-1"))["writing"]["kind"] == "struck"
    again = await world.batch([line(1, (1, 1, 1), kind="struck"), line(1, (1, 1, 1))])
    assert [result.get("status") for result in again.json()["results"]] == ["struck", None]
    history = (await world.call("GET", "/tally/history", who="monitor")).json()["history"]
    assert [(past["raw"], past["struck"]) for past in history] == [(0, 0), (1, 1)]
    await world.recount()


async def test_the_independent_verifier_reads_struck_and_blank_lines(
    world: World, app: FastAPI, tmp_path: Path
) -> None:
    await world.batch([line(1), line(2, kind="struck"), line(3, **EMPTY, kind="blank")])
    for who in ("clerk", "supervisor"):
        await correct(world, "1-1-1", line(1), who=who, kind="struck", note="struck by hand")
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), signer, bundle)
    status, output = verify_bundle(bundle, signer.verifier_key)
    assert status == 0, output
    assert "5. result: ok (0 lines, 0 valid, 100 required, open)" in output


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "written"),
        ({"kind": "written"}, "written"),
        ({"kind": "unsigned"}, "unsigned"),
        ({"kind": "unsigned", "signed": False}, "unsigned"),
        ({"signed": False}, "unsigned"),
        ({**EMPTY, "kind": "blank"}, "blank"),
        ({**EMPTY, "signed": False}, "blank"),
        ({**EMPTY, "printed_name": " ", "signed": False}, "blank"),
        ({**EMPTY, "kind": "struck", "signed": False}, "struck"),
        (EMPTY, "written"),
    ],
)
async def test_a_station_may_say_what_stands_on_a_line(world: World, said: dict[str, Any], kind: str) -> None:
    await world.post(line(1, **said))
    assert (await world.detail("1-1-1"))["writing"]["kind"] == kind


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "blank"},
        {"kind": "written", "signed": False},
        {"kind": "unsigned", "signed": True},
        {**EMPTY, "kind": "unsigned"},
        {**EMPTY, "kind": "blank", "signed": True},
    ],
)
async def test_a_kind_that_contradicts_the_text_is_refused(world: World, said: dict[str, Any]) -> None:
    answer = await world.post(line(1, **said))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "contradiction")
    assert (await world.tally())["version"] == 1


async def test_corrections_by_two_take_a_line_out_of_the_raw_count_and_one_takes_it_back(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), stranger((1, 1, 3))])
    await world.finding("1-1-3", status="invalid", reason="illegible")
    for place, text in (("1-1-1", line(1)), ("1-1-3", stranger((1, 1, 3)))):
        await correct(world, place, text, kind="struck", note="struck by hand")
        answer = await correct(world, place, text, who="supervisor", kind="struck")
        assert answer.json()["status"] == "struck", answer.text
    assert await world.status("1-1-2") == ("valid", None), "the next line takes its place"
    refused = await world.finding("1-1-1", status="valid")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "finding_refused")
    await world.recount()
    await correct(world, "1-1-1", line(1), note="not struck")
    assert await world.status("1-1-1") == ("valid", None)
    assert (await world.tally())["raw"] == 2
    await world.recount()
