"""Queues and claims: counted lines, each held by one person at a time, who has said nothing of it yet."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.http.conftest import a_client
from tests.http.county import line, stranger
from tests.http.test_findings import the_type
from tests.http.test_line_commands import run
from tests.http.test_quality import drawn_places
from tests.http.world import PETITION, World

COMPARING = {**PETITION, "ruleset": "california-local-recall/2"}


async def compared(world: World) -> World:
    """The same county with a petition whose signatures people compare."""
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    opened = await world.client.post("/v1/petitions", json=COMPARING, headers=headers)
    return World(world.client, world.count, world.keys, opened.json()["petition_id"])


async def queues(world: World, *, who: str = "clerk", **params: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401  # httpx's own
    answer = await world.call("GET", "/queues", who=who, params=params)
    assert answer.status_code == 200, answer.text
    return {queue["queue"]: queue for queue in answer.json()["queues"]}


async def claim(world: World, queue: str, *, who: str = "clerk", **wanted: object) -> dict[str, Any]:
    answer = await world.call("POST", f"/queues/{queue}/claims", who=who, json=wanted)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def places(claimed: dict[str, Any]) -> list[str]:
    return [one["place"] for one in claimed["lines"]]


async def expire(connection: asyncpg.Connection) -> None:
    """Let every lease run out."""
    await connection.execute("UPDATE lease SET expires_at = now() - interval '1 second'")


async def a_line_of_each_queue(world: World) -> None:
    """In section 1 a line to compare, in 2 two to confirm, in 3 one to decide."""
    await world.verb("/sections/3", method="PUT", signed_from=None, signed_to=None)
    await world.batch([line(1, (1, 1, 1)), stranger((2, 1, 1)), stranger((2, 1, 2)), line(2, (3, 1, 1))])


async def test_every_open_line_is_counted_in_one_queue_with_its_cause_and_age(world: World) -> None:
    world = await compared(world)
    await a_line_of_each_queue(world)
    found = await queues(world)
    assert {name: (one["lines"], [part["reason"] for part in one["by_reason"]]) for name, one in found.items()} == {
        "to_decide": (1, ["section_dates"]),
        "to_confirm": (2, ["not_registered"]),
        "to_compare": (1, [None]),
        "escalated": (0, []),
    }
    tally = await world.tally()
    assert sum(one["lines"] for one in found.values()) == tally["unsettled"]
    assert found["to_decide"]["waiting_since"] == tally["as_of"]
    assert found["to_decide"]["seconds_waiting"] >= 0
    assert found["escalated"]["waiting_since"] is None


async def test_queues_are_filtered_by_section_and_cause(world: World) -> None:
    world = await compared(world)
    await a_line_of_each_queue(world)
    assert [one["lines"] for one in (await queues(world, section=2)).values()] == [0, 2, 0, 0]
    assert [one["lines"] for one in (await queues(world, reason="section_dates")).values()] == [1, 0, 0, 0]
    assert places(await claim(world, "to_confirm", section=1)) == []
    assert places(await claim(world, "to_confirm", reason="canceled")) == []
    assert places(await claim(world, "to_confirm", reason="not_registered", section=2)) == ["2-1-1", "2-1-2"]


async def test_lists_are_filtered_by_whether_lines_are_settled(world: World) -> None:
    world = await compared(world)
    await a_line_of_each_queue(world)
    await world.finding("1-1-1", status="valid", looked_at="both")

    async def listed(settled: str) -> list[str]:
        answer = await world.call("GET", "/signatures", who="clerk", params={"settled": settled})
        return [one["place"] for one in answer.json()["signatures"]]

    assert await listed("true") == ["1-1-1"]
    assert await listed("false") == ["2-1-1", "2-1-2", "3-1-1"]
    assert (await world.call("GET", "/signatures", who="clerk", params={"settled": "yes"})).status_code == 422


async def test_a_doubted_signature_is_listed_as_if_there_were_no_doubt(world: World) -> None:
    await world.post(line(1))
    await world.finding("1-1-1", who="supervisor", status="invalid", reason="signature_mismatch", note="slant")
    for who, settled in (("clerk", "true"), ("auditor", "false")):
        answer = await world.call("GET", "/signatures", who=who, params={"settled": settled})
        assert [one["place"] for one in answer.json()["signatures"]] == ["1-1-1"]


async def test_a_claimed_line_is_shown_on_record_and_no_other_person_gets_it(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.batch([stranger((1, 1, n)) for n in range(1, 6)])
    first = await claim(world, "to_confirm", limit=3)
    second = await claim(world, "to_confirm", who="clerk-2", limit=3)
    assert places(first) == ["1-1-1", "1-1-2", "1-1-3"]
    assert places(second) == ["1-1-4", "1-1-5"]
    assert first["lines"][0]["detail"]["finding"]["reason"] == "not_registered"
    row = await connection.fetchrow("SELECT * FROM lookup_audit WHERE principal = 'clerk-1'")
    assert (row["kind"], row["places"], row["counted"]) == ("lines", places(first), 3)
    assert (await queues(world))["to_confirm"]["claimed"] == 5


async def test_a_claim_beyond_the_budget_of_the_day_holds_nothing(world: World, app: FastAPI) -> None:
    app.state.recall.budget.lines = 2
    await world.batch([stranger((1, 1, n)) for n in range(1, 6)])
    refused = await world.call("POST", "/queues/to_confirm/claims", who="clerk", json={"limit": 3})
    assert (refused.status_code, the_type(refused.json())) == (429, "lookup_budget")
    assert (await world.call("GET", "/claims", who="clerk")).json() == {"claims": []}


async def test_lines_to_compare_are_given_by_place_alone_with_and_without_opinions(
    world: World, connection: asyncpg.Connection
) -> None:
    world = await compared(world)
    await world.batch([line(n) for n in (1, 2)])
    await world.finding("1-1-1", who="supervisor", status="invalid", reason="signature_mismatch", note="slant")
    claimed = await claim(world, "to_compare")
    assert claimed["lines"] == [{"place": f"1-1-{n}", "detail": None} for n in (1, 2)]
    assert not await connection.fetchval("SELECT count(*) FROM lookup_audit WHERE principal = 'clerk-1'")
    assert (await queues(world))["to_compare"]["by_reason"][0]["lines"] == 2


async def test_only_the_holder_decides_a_claimed_line_and_that_ends_the_lease(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    await claim(world, "to_confirm", limit=1)
    said = {"status": "invalid", "reason": "not_registered"}
    for who in ("clerk-2", "supervisor"):
        refused = await world.finding("1-1-1", who=who, **said)
        assert (refused.status_code, the_type(refused.json())) == (409, "line_held")
    await world.search("1-1-2")
    both = {"findings": [{"place": f"1-1-{n}", **said} for n in (1, 2)]}
    results = (await world.call("POST", "/findings", who="clerk-2", json=both)).json()["results"]
    assert [one.get("error", {}).get("code") for one in results] == ["line_held", None]
    assert (await world.finding("1-1-1", **said)).status_code == 201
    assert (await world.call("GET", "/claims", who="clerk")).json() == {"claims": []}
    assert (await world.finding("1-1-1", who="supervisor", status="review", note="look again")).status_code == 201


async def test_after_the_lease_its_holder_claims_again_and_others_may_decide(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    claimed = await claim(world, "to_confirm", limit=2)
    await expire(connection)
    late = await world.finding("1-1-1", status="invalid", reason="not_registered")
    assert (late.status_code, the_type(late.json())) == (409, "lease_over")
    renewed = await world.call("POST", f"/claims/{claimed['claim_id']}/renewal", who="clerk")
    assert (renewed.status_code, the_type(renewed.json())) == (404, "unknown_claim")
    assert (await world.finding("1-1-1", who="clerk-2", status="invalid", reason="not_registered")).status_code == 201
    assert places(await claim(world, "to_confirm", limit=2)) == ["1-1-2"]
    assert (await world.finding("1-1-2", status="invalid", reason="not_registered")).status_code == 201


async def test_a_claim_is_renewed_listed_and_released_by_its_holder_alone(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.add_key("clerk", "clerk-2")
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    claimed = await claim(world, "to_confirm")
    await connection.execute("UPDATE lease SET expires_at = now() + interval '1 minute'")
    renewed = (await world.call("POST", f"/claims/{claimed['claim_id']}/renewal", who="clerk")).json()
    assert renewed["expires_at"] > claimed["expires_at"]
    (listed,) = (await world.call("GET", "/claims", who="clerk")).json()["claims"]
    assert listed == renewed
    assert (places(listed), listed["lines"][0]["detail"]) == (["1-1-1", "1-1-2"], None)
    for method, path in (
        ("POST", f"/claims/{claimed['claim_id']}/renewal"),
        ("DELETE", f"/claims/{claimed['claim_id']}"),
    ):
        assert (await world.call(method, path, who="clerk-2")).status_code == 404
    assert (await world.call("DELETE", f"/claims/{claimed['claim_id']}", who="clerk")).status_code == 204
    assert (await world.call("DELETE", f"/claims/{claimed['claim_id']}", who="clerk")).status_code == 404
    assert places(await claim(world, "to_confirm", who="clerk-2")) == ["1-1-1", "1-1-2"]


async def test_one_person_holds_no_more_than_the_limit(world: World) -> None:
    await world.batch([stranger((1, n, m)) for n in range(1, 12) for m in range(1, 21)])
    held = [len((await claim(world, "to_confirm", limit=50))["lines"]) for _ in range(4)]
    assert held == [50] * 4
    refused = await world.call("POST", "/queues/to_confirm/claims", who="clerk", json={})
    assert (refused.status_code, the_type(refused.json())) == (409, "claim_limit")


@pytest.mark.parametrize("opinion", ["confirmed", "undone", "doubted", "checked"])
async def test_no_person_gets_a_line_of_which_the_person_said_anything(
    world: World, connection: asyncpg.Connection, opinion: str
) -> None:
    if opinion == "checked":
        place, *_ = await drawn_places(world, 1)
        await world.post(line(1, place))
        text = "-".join(map(str, place))
        await world.verb(f"/quality/{text}", status="invalid", reason="illegible")
        queue, where = "to_decide", text
    else:
        world = await compared(world)
        await world.post(line(1) if opinion == "doubted" else stranger((1, 1, 1)))
        queue, where = "to_compare" if opinion == "doubted" else "to_confirm", "1-1-1"
    if opinion == "doubted":
        await world.finding("1-1-1", status="invalid", reason="signature_mismatch", note="slant")
    elif opinion == "confirmed":
        await world.finding("1-1-1", status="invalid", reason="not_registered")
        await connection.execute("UPDATE line SET settled = false, people_needed = 2")
    elif opinion == "undone":
        await world.finding("1-1-1", status="invalid", reason="not_registered")
        await world.finding("1-1-1", status="review", note="my mistake")
        queue = "to_decide"
    assert places(await claim(world, queue)) == []
    assert places(await claim(world, queue, who="supervisor")) == [where]


async def test_names_that_look_alike_are_one_person(world: World, connection: asyncpg.Connection) -> None:
    """As earlier programs allowed them."""
    await world.post(stranger((1, 1, 1)))
    await world.finding("1-1-1", who="supervisor", status="invalid", reason="not_registered")
    await connection.execute("UPDATE line SET settled = false, confirmed_by = '{C1ERK-1}'")
    assert places(await claim(world, "to_confirm", section=1)) == ["1-1-1"]
    await connection.execute("DELETE FROM lease")
    await connection.execute("UPDATE api_key SET principal = 'C1ERK-1' WHERE principal = 'clerk-1'")
    assert places(await claim(world, "to_confirm")) == []


async def test_claims_survive_the_process_that_gave_them(world: World, database: str, tmp_path: Any) -> None:  # noqa: ANN401  # pytest's own
    await world.add_key("clerk", "clerk-2")
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    path = f"/v1/petitions/{world.petition_id}/queues/to_confirm/claims"
    async with a_client(database, tmp_path) as killed:
        answer = await killed.post(path, headers=headers, json={"limit": 1})
    assert (await world.call("GET", "/claims", who="clerk")).json()["claims"][0]["claim_id"] == answer.json()[
        "claim_id"
    ]
    assert places(await claim(world, "to_confirm", who="clerk-2")) == ["1-1-2"]


async def test_claims_of_a_closed_petition_are_refused(world: World, connection: asyncpg.Connection) -> None:
    await world.post(stranger((1, 1, 1)))
    await connection.execute("UPDATE head SET state = 'closed'")
    refused = await world.call("POST", "/queues/to_confirm/claims", who="clerk", json={})
    assert (refused.status_code, the_type(refused.json())) == (409, "petition_closed")


async def test_many_claims_at_once_give_each_line_to_one_person(world: World) -> None:
    people = [f"clerk-{n}" for n in range(2, 10)]
    for name in people:
        await world.add_key("clerk", name)
    await world.batch([stranger((n, 1, m)) for n in range(1, 21) for m in range(1, 11)])

    async def work(name: str) -> list[str]:
        got = []
        while some := places(await claim(world, "to_confirm", who=name, limit=7)):
            got += some
        return got

    found = [place for got in await asyncio.gather(*map(work, people)) for place in got]
    assert len(found) == len(set(found))
    left: list[str] = []
    while some := places(await claim(world, "to_confirm", limit=50)):
        left += some
    assert len({*found, *left}) == len(found) + len(left) == 200


async def test_an_escalated_line_is_the_supervisors_until_one_decides_or_returns_it(world: World) -> None:
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    await claim(world, "to_confirm", limit=2)
    for n in (1, 2):
        done = await world.verb(f"/signatures/1-1-{n}/escalation", note="two houses of this number")
        assert (done.status_code, done.json()["kind"]) == (201, "escalation")
    assert [one["lines"] for one in (await queues(world, section=1)).values()] == [0, 0, 0, 2]
    again = await world.verb("/signatures/1-1-1/escalation", note="again")
    refused = await world.finding("1-1-1", status="invalid", reason="not_registered")
    for answer in (again, refused):
        assert (answer.status_code, the_type(answer.json())) == (409, "line_escalated")
    assert (await world.call("POST", "/queues/escalated/claims", who="clerk", json={})).status_code == 403
    assert places(await claim(world, "escalated", who="supervisor")) == ["1-1-1", "1-1-2"]
    decided = await world.finding("1-1-1", who="supervisor", status="invalid", reason="not_registered")
    assert decided.status_code == 201
    returned = await world.verb("/signatures/1-1-2/escalation/return", who="supervisor", note="only one exists")
    assert returned.status_code == 201
    twice = await world.verb("/signatures/1-1-2/escalation/return", who="supervisor", note="again")
    assert (twice.status_code, the_type(twice.json())) == (409, "not_escalated")
    settled = await world.verb("/signatures/1-1-1/escalation", note="too late")
    assert (settled.status_code, the_type(settled.json())) == (409, "not_escalated")
    assert [one["lines"] for one in (await queues(world, section=1)).values()] == [0, 1, 0, 0]
    history = (await world.call("GET", "/signatures/1-1-2/history", who="clerk")).json()["notes"]
    assert [(one["kind"], one["noted_by"]) for one in history] == [
        ("escalation", "clerk-1"),
        ("return", "supervisor-1"),
    ]


async def test_a_note_is_on_record_once_and_in_the_lines_history(world: World) -> None:
    await world.post(stranger((1, 1, 1)))
    first = await world.verb("/signatures/1-1-1/notes", key="n", note="see the image")
    again = await world.verb("/signatures/1-1-1/notes", key="n", note="see the image")
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    await world.verb("/signatures/1-1-1/notes", who="supervisor", note="seen")
    notes = (await world.call("GET", "/signatures/1-1-1/history", who="auditor")).json()["notes"]
    assert [(one["note_no"], one["note"], one["noted_by"]) for one in notes] == [
        (1, "see the image", "clerk-1"),
        (2, "seen", "supervisor-1"),
    ]
    assert (await world.verb("/signatures/7-7-7/notes", note="where")).status_code == 404
    assert (await world.verb("/signatures/1-1-1/notes", note="")).status_code == 422


async def test_who_compares_a_signature_sees_no_note_of_a_person_who_doubts_it(world: World) -> None:
    world = await compared(world)
    await world.post(line(1))
    await world.verb("/signatures/1-1-1/notes", who="supervisor", note="not the same hand")
    await world.finding("1-1-1", who="supervisor", status="invalid", reason="signature_mismatch", note="slant")
    for who, notes in (("clerk", 0), ("supervisor", 1), ("auditor", 1)):
        answer = await world.call("GET", "/signatures/1-1-1/history", who=who)
        assert len(answer.json()["notes"]) == notes


async def test_the_officers_queue_is_the_officers_alone_and_no_clerk_meets_its_claims(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.batch([stranger((1, 1, n)) for n in (1, 2)])
    await connection.execute(
        "INSERT INTO held_line SELECT county_id, petition_id, section, page, line FROM line WHERE line = 1"
    )
    found = await queues(world, who="confidential")
    assert {name: one["lines"] for name, one in found.items()} == {"confidential": 1}
    assert places(await claim(world, "confidential", who="confidential")) == ["1-1-1"]
    row = await connection.fetchrow("SELECT * FROM lookup_audit WHERE principal = 'confidential-1'")
    assert (row["places"], row["counted"]) == ([], 1)
    assert places(await claim(world, "to_confirm")) == ["1-1-1", "1-1-2"]
    assert (await world.call("POST", "/queues/confidential/claims", who="clerk", json={})).status_code == 403
    assert (await world.call("POST", "/queues/to_confirm/claims", who="confidential", json={})).status_code == 403
    said = {"status": "invalid", "reason": "not_registered"}
    await world.search("1-1-1", who="confidential")
    officer: httpx.Response = await world.verb("/confidential/1-1-1/findings", who="confidential", **said)
    assert officer.status_code == 201
    assert [len(claims["lines"]) for claims in (await world.call("GET", "/claims", who="clerk")).json()["claims"]] == [
        2
    ]


async def test_the_command_counts_as_the_api_does(world: World, database: str) -> None:
    world = await compared(world)
    await a_line_of_each_queue(world)
    status, out, errors = await run(database, "queue", world.petition_id, "--section", "2")
    assert (status, errors) == (0, "")
    assert [(one["queue"], one["lines"]) for one in json.loads(out)["queues"]] == [
        ("to_decide", 0),
        ("to_confirm", 2),
        ("to_compare", 0),
        ("escalated", 0),
    ]
    status, out, _ = await run(database, "queue", world.petition_id, "--reason", "section_dates")
    assert [one["lines"] for one in json.loads(out)["queues"]] == [1, 0, 0, 0]
    assert (await run(database, "queue", world.petition_id, "--reason", "no_such"))[0] == 2
