"""What an opinion that a signature is not the voter's says, and to whom it is shown."""

from typing import Any

import pytest

from app.law.signatures import STANDARD
from tests.http.county import line
from tests.http.test_rulesets import code_of
from tests.http.world import COMPARISON, World

MISMATCH: dict[str, Any] = {"status": "invalid", "reason": "signature_mismatch"}


@pytest.mark.parametrize(
    ("comparison", "code"),
    [
        (None, "finding_refused"),
        (COMPARISON | {"characteristics": ["strokes"]}, "finding_refused"),
        (COMPARISON | {"characteristics": ["slant", "size"]}, "finding_refused"),
        (COMPARISON | {"references": []}, "finding_refused"),
        (COMPARISON | {"characteristics": ["strokes", "handwriting"]}, "invalid"),
        (COMPARISON | {"standard": "it looks different"}, "invalid"),
        ({name: value for name, value in COMPARISON.items() if name != "standard"}, "invalid"),
    ],
)
async def test_an_opinion_that_does_not_say_what_it_rests_on_is_refused(
    world: World, comparison: dict[str, Any] | None, code: str
) -> None:
    await world.post(line(1))
    answer = await world.finding("1-1-1", **MISMATCH, comparison=comparison)
    assert code_of(answer) == (422, code)
    assert (await world.tally())["version"] == 2


async def test_other_findings_have_no_comparison(world: World) -> None:
    await world.post(line(1))
    assert code_of(await world.finding("1-1-1", status="valid", comparison=COMPARISON)) == (422, "finding_refused")
    refused = await world.finding("1-1-1", **MISMATCH, looked_at="line")
    assert code_of(refused) == (422, "finding_refused")


async def test_each_opinion_keeps_what_it_rests_on(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.post(line(1))
    said = [COMPARISON | {"characteristics": ["strokes", one]} for one in ("slant", "speed", "endings")]
    for who, comparison in zip(("clerk", "clerk-2", "supervisor"), said, strict=True):
        await world.finding("1-1-1", who=who, **MISMATCH, looked_at="both", comparison=comparison)
        shown = [(await world.call("GET", "/signatures/1-1-1", who=reader)).json() for reader in ("auditor", who)]
        assert [one["finding"]["comparison"] for one in shown] == [comparison, comparison]
        if who == "clerk":
            blind = (await world.call("GET", "/signatures/1-1-1", who="clerk-2")).json()
            assert (blind["finding"]["comparison"], blind["finding"]["finding_no"]) == (None, 1)
    history = (await world.call("GET", "/signatures/1-1-1/history", who="auditor")).json()["findings"]
    assert [one["comparison"] for one in history] == [None, *said]
    assert history[-1]["comparison"]["standard"] == STANDARD
    await world.recount()


async def test_a_mismatch_is_not_moved_to_another_voter_by_one_person(world: World) -> None:
    """2 CCR 20960: for the other voter's signature no one else has said anything yet."""
    await world.add_key("clerk", "clerk-2")
    await world.post(line(1))
    for who in ("clerk", "clerk-2", "supervisor"):
        found = await world.finding("1-1-1", who=who, **MISMATCH)
    assert found.json()["reason"] == "signature_mismatch"
    answer = await world.finding("1-1-1", who="supervisor", **MISMATCH, voter_id="V2")
    assert code_of(answer) == (422, "finding_refused")
    assert (await world.detail("1-1-1"))["finding"]["voter_id"] == "V1"


async def test_a_page_of_opinions_follows_the_same_rules(world: World) -> None:
    await world.batch([line(1), line(2)])
    findings = [{"place": "1-1-1", **MISMATCH}, {"place": "1-1-2", **MISMATCH, "comparison": COMPARISON}]
    answer = await world.call("POST", "/findings", who="clerk", json={"findings": findings})
    refused, found = answer.json()["results"]
    assert (refused["error"]["code"], found["status"], found["settled"]) == ("finding_refused", "valid", False)
    assert (await world.tally())["unsettled"] == 1
