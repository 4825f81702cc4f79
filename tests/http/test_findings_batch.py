"""A page of findings, put on record together."""

from app.http.signatures import FindingsIn
from tests.http.county import line, stranger
from tests.http.world import World


async def test_each_finding_has_its_result_in_order_and_what_is_refused_fails_no_other(world: World) -> None:
    await world.batch([stranger((1, 1, 1)), line(2), line(3)])
    findings = [
        {"place": "1-1-3", "status": "invalid", "reason": "illegible", "note": "smeared"},
        {"place": "9-9-9", "status": "review"},
        {"place": "1-1-1", "status": "valid", "voter_id": "nobody"},
        {"place": "1-1-1", "status": "valid", "voter_id": "V1"},
        {"place": "1-1-2", "status": "invalid", "reason": "duplicate"},
    ]
    answer = await world.call("POST", "/findings", who="clerk", json={"findings": findings})
    assert answer.status_code == 200, answer.text
    good, unknown, voter, twice, refused = answer.json()["results"]
    assert (good["status"], good["reason"], good["settled"]) == ("invalid", "illegible", False)
    codes = [one["error"]["code"] for one in (unknown, voter, twice, refused)]
    assert codes == ["unknown_place", "unknown_voter", "finding_refused", "finding_refused"]
    assert await world.status("1-1-2") == ("valid", None)
    assert (await world.tally())["version"] == 3


async def test_two_findings_on_lines_of_one_voter_leave_one_that_counts(world: World) -> None:
    await world.batch([stranger((5, 1, 1)), stranger((4, 1, 1)), line(7, (6, 1, 1))])
    found = {"status": "valid", "voter_id": "V7", "note": "a nickname"}
    findings = [{"place": place, **found} for place in ("5-1-1", "4-1-1")]
    answer = await world.call("POST", "/findings", who="clerk", json={"findings": findings})
    assert [one["status"] for one in answer.json()["results"]] == ["invalid", "valid"]
    assert await world.status("6-1-1") == ("invalid", "duplicate")
    assert (await world.tally())["valid"] == 1


def test_a_page_of_before_what_was_looked_at_was_asked_is_the_same_request() -> None:
    body = FindingsIn.model_validate({"findings": [{"place": "1-1-1", "status": "review"}]})
    assert body.meaning() == {
        "findings": [{"place": "1-1-1", "status": "review", "reason": None, "voter_id": None, "note": ""}]
    }


async def test_the_same_page_again_has_no_effect(world: World) -> None:
    await world.batch([stranger((1, 1, 1))])
    await world.search("1-1-1")
    page = {"findings": [{"place": "1-1-1", "status": "invalid", "reason": "not_registered"}]}
    first = await world.call("POST", "/findings", who="clerk", json=page)
    again = await world.call("POST", "/findings", who="clerk", json=page)
    assert first.json() == again.json()
    assert (await world.tally())["version"] == 3


async def test_a_station_may_not(world: World) -> None:
    page = {"findings": [{"place": "1-1-1", "status": "review"}]}
    assert (await world.call("POST", "/findings", who="station", json=page)).status_code == 403


async def test_an_empty_page_and_one_of_501_are_refused(world: World) -> None:
    for size in (0, 501):
        page = {"findings": [{"place": "1-1-1", "status": "review"}] * size}
        assert (await world.call("POST", "/findings", who="clerk", json=page)).status_code == 422
