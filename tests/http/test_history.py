"""The whole history of a line over HTTP."""

from tests.http.county import line, stranger
from tests.http.world import World


async def history(world: World, place: str, who: str = "clerk") -> dict[str, list[dict[str, object]]]:
    answer = await world.call("GET", f"/signatures/{place}/history", who=who)
    assert answer.status_code == 200
    found: dict[str, list[dict[str, object]]] = answer.json()
    return found


async def test_a_line_has_every_text_and_every_finding_with_who_made_it(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    await world.finding("1-1-1", status="invalid", reason="not_registered")
    corrected = {name: value for name, value in line(1).items() if name not in ("section", "page", "line")}
    revised = {"note": "one letter", **corrected}
    assert (await world.call("POST", "/signatures/1-1-1/revisions", who="clerk", json=revised)).status_code == 201
    await world.finding("1-1-1", who="supervisor", status="valid", voter_id="V1", note="looked again")
    found = await history(world, "1-1-1")
    assert [(one["entered_by"], one["note"]) for one in found["writings"]] == [
        ("station-1", ""),
        ("clerk-1", "one letter"),
    ]
    assert found["writings"][0]["printed_name"] == stranger((1, 1, 1))["printed_name"]
    assert found["writings"][1]["printed_name"] == line(1)["printed_name"]
    by = [(one["finding_no"], one["decided_by"], one["status"], one["reason"]) for one in found["findings"]]
    assert by == [
        (1, "machine", "invalid", "not_registered"),
        (2, "clerk-1", "invalid", "not_registered"),
        (3, "machine", "review", "new_writing"),
        (4, "supervisor-1", "valid", None),
    ]
    newest = (await world.detail("1-1-1"))["finding"]
    assert found["findings"][-1]["decided_at"] == newest["decided_at"]


async def test_an_earlier_doubt_of_a_signature_is_not_shown_to_those_who_may_compare_it(world: World) -> None:
    await world.add_key("clerk", "clerk-3")
    await world.post(line(1))
    await world.finding("1-1-1", who="clerk", status="invalid", reason="signature_mismatch")
    seen = {who: len((await history(world, "1-1-1", who))["findings"]) for who in ("clerk", "clerk-3", "auditor")}
    assert seen == {"clerk": 2, "clerk-3": 1, "auditor": 2}


async def test_the_history_is_for_those_who_may_see_evidence(world: World) -> None:
    await world.post(line(1))
    for who in ("station", "system", "monitor", "admin"):
        assert (await world.call("GET", "/signatures/1-1-1/history", who=who)).status_code == 403
    assert (await world.call("GET", "/signatures/7-1-1/history", who="clerk")).status_code == 404
