"""Bulk decisions: one finding for many lines, previewed, carried out if nothing moved, undone as one."""

from typing import Any

import asyncpg
import pytest

from app.examination import bulk
from app.examination.actions import decide_by_person
from tests.http.county import line, stranger
from tests.http.test_findings import the_type
from tests.http.test_queues import claim
from tests.http.world import World

SAID = {"status": "invalid", "reason": "different_address", "note": "the block was renumbered"}


async def a_preview(world: World, *, who: str = "clerk", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON values
    answer = await world.verb("/bulk-decisions", who=who, **{**SAID, **more})
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def run(world: World, previewed: dict[str, Any], kind: str = "execution", *, who: str = "clerk") -> Any:  # noqa: ANN401  # httpx's own
    body = {"json": {"note": "the list was wrong"}} if kind == "undo" else {}
    return await world.call("POST", f"/bulk-decisions/{previewed['bulk_id']}/{kind}", who=who, **body)


async def strangers(world: World, lines: int = 5) -> list[str]:
    await world.batch([stranger((1, 1, n)) for n in range(1, lines + 1)])
    return [f"1-1-{n}" for n in range(1, lines + 1)]


async def test_a_preview_says_how_many_which_and_the_tally_after_and_changes_nothing(world: World) -> None:
    places = await strangers(world)
    before = await world.tally()
    previewed = await a_preview(world, waiting={"queue": "to_confirm", "reason": "not_registered"})
    assert (previewed["lines"], previewed["places"], previewed["refused"]) == (5, places, 0)
    assert (previewed["tally"]["invalid_by_code"], previewed["tally"]["unsettled"]) == ({"not_registered": 5}, 5)
    assert previewed["tally_after"]["invalid_by_code"] == {"different_address": 5}
    assert previewed["version"] == before["version"]
    assert await world.tally() == before


async def test_the_tally_afterwards_is_the_one_of_the_preview(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where voters' other lines take the place of lines that fall, in parts."""
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    await world.batch(
        [line(1, (1, 1, 1)), line(2, (1, 1, 2)), line(1, (2, 1, 1)), line(2, (2, 1, 2)), line(3, (3, 1, 1))]
    )
    places = ["1-1-1", "1-1-2", "2-1-1", "3-1-1"]
    previewed = await a_preview(world, places=places, reason="illegible", who="supervisor")
    assert (previewed["tally"]["valid"], previewed["tally_after"]["valid"]) == (3, 1)
    done = await run(world, previewed, who="supervisor")
    assert done.status_code == 200, done.text
    assert (done.json()["execution"]["done"], done.json()["execution"]["finished_at"] is not None) == (4, True)
    tally = await world.tally()
    after = previewed["tally_after"]
    assert {name: tally[name] for name in ("valid", "invalid", "review", "unsettled")} == {
        name: after[name] for name in ("valid", "invalid", "review", "unsettled")
    }
    assert tally["invalid_by_code"] == after["invalid_by_code"]
    assert (await world.detail("1-1-1"))["finding"]["note"] == SAID["note"]
    assert (await world.call("GET", "/claims", who="supervisor")).json() == {"claims": []}
    again = await run(world, previewed, who="supervisor")
    assert (again.status_code, (await world.tally())["version"]) == (200, tally["version"])
    await world.recount()


async def test_it_is_refused_whole_if_one_of_its_lines_moved(world: World) -> None:
    places = await strangers(world)
    previewed = await a_preview(world, places=places)
    await world.finding("1-1-3", who="supervisor", status="invalid", reason="not_registered")
    version = (await world.tally())["version"]
    refused = await run(world, previewed)
    assert (refused.status_code, the_type(refused.json())) == (409, "lines_moved")
    assert (await world.tally())["version"] == version
    assert (await world.call("GET", f"/bulk-decisions/{previewed['bulk_id']}", who="auditor")).json()[
        "execution"
    ] is None


async def test_lines_on_which_the_finding_is_not_allowed_are_named_and_left_out(world: World) -> None:
    await strangers(world, 3)
    await world.add_key("clerk", "clerk-2")
    await world.finding("1-1-1", who="supervisor", status="invalid", reason="not_registered")
    await claim(world, "to_confirm", who="clerk-2", limit=1)
    previewed = await a_preview(world, places=["1-1-1", "1-1-2", "1-1-3", "7-7-7"])
    assert previewed["places"] == ["1-1-3"]
    assert {one["place"]: one["code"] for one in previewed["refusals"]} == {
        "1-1-1": "supervisor_needed",
        "1-1-2": "line_held",
        "7-7-7": "unknown_place",
    }
    await claim(world, "to_confirm", who="clerk-2", limit=1)
    held = await run(world, previewed)
    assert (held.status_code, the_type(held.json())) == (409, "line_held")


async def test_only_the_person_who_previewed_carries_it_out(world: World) -> None:
    previewed = await a_preview(world, places=await strangers(world))
    for who in ("supervisor",):
        refused = await run(world, previewed, who=who)
        assert (refused.status_code, the_type(refused.json())) == (404, "unknown_bulk_decision")


async def test_it_is_undone_as_one_and_lines_that_moved_since_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    previewed = await a_preview(world, places=await strangers(world))
    assert (await run(world, previewed, "undo", who="supervisor")).status_code == 404, "nothing is done yet"
    await run(world, previewed)
    assert (await run(world, previewed, "undo")).status_code == 403, "a clerk"
    await world.finding("1-1-2", who="supervisor", status="invalid", reason="not_registered", note="no such house")
    undone = await run(world, previewed, "undo", who="supervisor")
    assert (undone.status_code, undone.json()["undo"]["left_out"]) == (200, 1)
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 5)] == [
        ("review", "undone"),
        ("invalid", "not_registered"),
        ("review", "undone"),
    ]
    assert (await world.detail("1-1-1"))["finding"]["note"] == "the list was wrong"
    again = await run(world, previewed)
    assert (again.status_code, the_type(again.json())) == (409, "lines_moved")
    await world.recount()


async def test_a_run_that_is_interrupted_goes_on_where_it_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    previewed = await a_preview(world, places=await strangers(world))
    parts = []

    async def dies(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401  # as it is called
        parts.append(arguments)
        if len(parts) == 2:
            raise TimeoutError
        return await decide_by_person(*arguments, **more)

    monkeypatch.setattr(bulk, "decide_by_person", dies)
    assert (await run(world, previewed)).status_code == 503
    found = (await world.call("GET", f"/bulk-decisions/{previewed['bulk_id']}", who="clerk")).json()
    assert (found["execution"]["done"], found["execution"]["finished_at"]) == (2, None)
    other = await world.finding("1-1-5", who="supervisor", status="invalid", reason="not_registered")
    assert the_type(other.json()) == "line_held", "the person holds the lines meanwhile"
    held = await world.call("GET", "/claims", who="clerk")
    renewed = await world.call("POST", f"/claims/{previewed['bulk_id']}/renewal", who="clerk")
    assert (held.status_code, held.json(), renewed.status_code) == (200, {"claims": []}, 404), "it is no claim"
    assert (await run(world, previewed)).json()["execution"]["done"] == 5
    assert (await world.tally())["invalid_by_code"] == {"different_address": 5}
    await world.recount()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"places": ["1-1-1"], "status": "valid"}, 422),
        ({"places": ["1-1-1"], "reason": "signature_mismatch"}, 422),
        ({"places": ["1-1-1"], "note": ""}, 422),
        ({"places": ["1-1-1"], "waiting": {"queue": "to_confirm"}}, 422),
        ({"waiting": {"queue": "confidential"}}, 422),
        ({"waiting": {"queue": "to_decide"}}, 422),  # there is none
        ({}, 422),
    ],
)
async def test_what_no_bulk_decision_may_be_is_refused(world: World, changes: dict[str, Any], status: int) -> None:
    await strangers(world, 1)
    assert (await world.verb("/bulk-decisions", **{**SAID, **changes})).status_code == status


async def test_a_closed_petition_has_no_bulk_decisions(world: World, connection: asyncpg.Connection) -> None:
    previewed = await a_preview(world, places=await strangers(world))
    await connection.execute("UPDATE head SET state = 'closed'")
    for answer in (await run(world, previewed), await world.verb("/bulk-decisions", **SAID, places=["1-1-1"])):
        assert (answer.status_code, the_type(answer.json())) == (409, "petition_closed")
