"""The blind double check: who is drawn, what the person sees, what an answer does, what the answers add up to."""

import asyncio
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest

from app.law.line import Place
from app.law.quality import draw, is_drawn
from tests.closing import freeze
from tests.http.county import line, voter
from tests.http.world import World

SHARE = 10_000


async def seed_of(world: World) -> bytes:
    answer = await world.call("GET", "/quality", who="auditor")
    assert answer.status_code == 200, answer.text
    assert answer.json()["share"] == SHARE / 1_000_000
    return bytes.fromhex(answer.json()["seed"])


async def drawn_places(world: World, how_many: int) -> list[Place]:
    """The first places of the paper that the petition's seed draws."""
    seed = await seed_of(world)
    places = (Place(1, page, number) for page in count(1) for number in range(1, 21))
    return [next(place for place in places if is_drawn(seed, place, SHARE)) for _ in range(how_many)]


async def sample(world: World, *, who: str = "clerk", limit: int = 10) -> list[dict[str, Any]]:
    answer = await world.call("GET", "/quality/sample", who=who, params={"limit": limit})
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()["lines"]
    return lines


async def check(world: World, place: object, *, who: str = "clerk", **body: object) -> httpx.Response:
    return await world.call("POST", f"/quality/{place}", who=who, json=body)


async def rates(world: World) -> dict[str, dict[str, Any]]:
    """The error rates by the decision: valid, or the reason; '' for all."""
    answer = await world.call("GET", "/quality", who="auditor")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    by_kind = {rate["reason"] or rate["status"]: rate for rate in found["decisions"]}
    return {"": found["overall"], **by_kind}


def the_code(answer: httpx.Response) -> str:
    code: str = answer.json()["type"].rpartition(":")[2]
    return code


async def test_only_drawn_lines_are_shown_with_writing_and_candidates_and_without_the_decision(world: World) -> None:
    [place] = await drawn_places(world, 1)
    seed = await seed_of(world)
    beside = next(p for n in count(1) if not is_drawn(seed, p := Place(2, 1, n), SHARE))
    await world.batch([line(1, place), line(2, beside)])
    [shown] = await sample(world)
    assert (shown["place"], shown["writing"]["printed_name"]) == (str(place), voter(1)["printed_name"])
    assert shown["candidates"][0]["voter_id"] == "V1"
    assert not {"status", "reason", "finding", "decision", "settled", "version"} & shown.keys()


async def test_the_draw_can_be_repeated_from_the_ledgers_first_entry(
    world: World, connection: asyncpg.Connection
) -> None:
    first = await connection.fetchval("SELECT hash FROM ledger WHERE seq = 1")
    assert await seed_of(world) == first
    await world.batch([line(n, (1, 1, n)) for n in range(1, 301)])
    expected = sorted(
        str(Place(1, 1, n)) for n in range(1, 301) if draw(first, Place(1, 1, n)) < (SHARE << 64) // 10**6
    )
    assert sorted(shown["place"] for shown in await sample(world, limit=100)) == expected


async def test_the_same_answer_as_the_machines_changes_nothing_of_the_count(world: World) -> None:
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    before, version = await world.detail(str(place)), (await world.tally())["version"]
    answer = await check(world, place, status="valid", voter_id="V1")
    assert answer.status_code == 201
    assert (answer.json()["place"], answer.json()["checked_by"]) == (str(place), "clerk-1")
    assert await world.detail(str(place)) == before
    assert (await world.tally())["version"] == version
    assert await sample(world) == [], "it is checked"
    found = await rates(world)
    assert found["valid"]["confirmed"] == found["valid"]["checked"] == 1
    assert (found["valid"]["errors"], found["valid"]["lower"], found["valid"]["upper"]) == (0, 0.0, 0.975)
    await world.recount()


@pytest.mark.parametrize(
    "said",
    [
        {"status": "valid", "voter_id": "V2"},
        {"status": "invalid", "reason": "different_address"},
        {"status": "review", "note": "not legible to me"},
    ],
)
async def test_any_other_answer_sends_the_line_to_review(world: World, said: dict[str, Any]) -> None:
    [place] = await drawn_places(world, 1)
    await world.batch([line(1, place), line(1, (999, 1, 1))])
    answer = await check(world, place, **said)
    assert answer.status_code == 201
    assert await world.status(str(place)) == ("review", "quality_check")
    assert await world.status("999-1-1") == ("valid", None), "the voter's next line takes its place"
    detail = (await world.detail(str(place)))["finding"]
    assert (detail["decided_by"], detail["note"]) == ("clerk-1", said.get("note", ""))
    found = await rates(world)
    assert (found["valid"]["checked"], found["valid"]["open"], found["valid"]["errors"]) == (1, 1, 1)
    await world.recount()


async def test_a_doubt_that_a_second_look_does_not_share_is_no_error(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    wrong, right = await drawn_places(world, 2)
    await world.batch([line(1, wrong), line(2, right)])
    for place in (wrong, right):
        assert (await check(world, place, status="review")).status_code == 201
    await world.finding(str(wrong), who="clerk-2", status="invalid", reason="illegible")
    await world.finding(str(right), who="clerk-2", status="valid", voter_id="V2")
    found = (await rates(world))["valid"]
    assert (found["wrong"], found["upheld"], found["open"], found["errors"], found["rate"]) == (1, 1, 0, 1, 0.5)
    await world.recount()


async def test_a_duplicate_is_confirmed_by_who_finds_its_voter(world: World) -> None:
    [place] = await drawn_places(world, 1)
    if place == Place(1, 1, 1):
        [_, place] = await drawn_places(world, 2)
    await world.batch([line(1, (1, 1, 1)), line(1, place)])
    assert await world.status(str(place)) == ("invalid", "duplicate")
    await check(world, place, status="valid", voter_id="V1")
    found = await rates(world)
    assert (found["duplicate"]["checked"], found["duplicate"]["confirmed"]) == (1, 1)
    assert await world.status(str(place)) == ("invalid", "duplicate")


async def test_a_line_without_signature_is_checked_by_its_reason(world: World) -> None:
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place, signed=False))
    assert (await check(world, place, status="invalid", reason="no_signature")).status_code == 201
    found = await rates(world)
    assert (found["no_signature"]["confirmed"], found[""]["checked"], found[""]["lines"]) == (1, 1, 1)


async def test_each_line_has_one_answer_and_the_same_again_is_the_same(world: World) -> None:
    await world.add_key("clerk", "clerk-2")
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    said = {"status": "valid", "voter_id": "V1"}
    first, again = await check(world, place, **said), await check(world, place, **said)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    for who, other in (("clerk-2", said), ("clerk", {"status": "review"})):
        refused = await check(world, place, who=who, **other)
        assert (refused.status_code, the_code(refused)) == (409, "already_checked")
    assert await world.status(str(place)) == ("valid", None)


async def test_what_is_not_drawn_or_not_settled_is_not_checked(world: World) -> None:
    [place] = await drawn_places(world, 1)
    seed = await seed_of(world)
    beside = next(p for n in count(1) if not is_drawn(seed, p := Place(2, 1, n), SHARE))
    await world.batch([line(1, place), line(2, beside)])
    await world.finding(str(place), status="review")
    assert await sample(world) == []
    for where, voter_id in ((place, "V1"), (beside, "V2")):
        refused = await check(world, where, status="valid", voter_id=voter_id)
        assert (refused.status_code, the_code(refused)) == (409, "not_drawn")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid"),
        ({"status": "received"}, "invalid"),
        ({"status": "valid", "voter_id": "QXCANARY\u0000"}, "invalid"),
        ({"status": "valid", "voter_id": 1}, "invalid"),
        ({"status": "valid", "voter_id": "V1", "decision": "QXCANARY"}, "invalid"),
        ({"status": "invalid", "reason": "QXCANARY"}, "invalid"),
        ({"status": "valid"}, "finding_refused"),
        ({"status": "valid", "voter_id": "V1", "reason": "illegible"}, "finding_refused"),
        ({"status": "review", "reason": "illegible"}, "finding_refused"),
        ({"status": "invalid"}, "finding_refused"),
        ({"status": "invalid", "reason": "duplicate"}, "finding_refused"),
        ({"status": "invalid", "reason": "withdrawn"}, "finding_refused"),
        ({"status": "invalid", "reason": "signature_mismatch"}, "finding_refused"),  # of which voter's?
        ({"status": "valid", "voter_id": "QXCANARY"}, "unknown_voter"),
    ],
)
async def test_an_answer_that_cannot_be_is_refused_and_not_stored(
    world: World, connection: asyncpg.Connection, body: dict[str, Any], code: str
) -> None:
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    refused = await check(world, place, **body)
    assert (refused.status_code, the_code(refused)) == (422, code)
    assert "QXCANARY" not in refused.text
    assert await connection.fetchval("SELECT count(*) FROM quality_check") == 0
    assert await world.status(str(place)) == ("valid", None)


async def test_a_place_without_signature_is_unknown(world: World) -> None:
    refused = await check(world, "9-9-9", status="valid", voter_id="V1")
    assert (refused.status_code, the_code(refused)) == (404, "unknown_place")


async def test_a_closed_petition_takes_no_answers(world: World, connection: asyncpg.Connection) -> None:
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    await freeze(world)
    assert (await world.verb("/close", who="supervisor")).status_code == 200
    for said in ({"status": "valid", "voter_id": "V1"}, {"status": "review"}):
        refused = await check(world, place, **said)
        assert (refused.status_code, the_code(refused)) == (409, "petition_closed")
    assert await connection.fetchval("SELECT count(*) FROM quality_check") == 0


@pytest.mark.parametrize("who", ["station", "system", "monitor", "admin"])
async def test_strangers_see_and_answer_nothing(world: World, who: str) -> None:
    assert (await world.call("GET", "/quality", who=who)).status_code == 403
    assert (await world.call("GET", "/quality/sample", who=who)).status_code == 403
    assert (await check(world, "1-1-1", who=who, status="review")).status_code == 403


async def test_an_answer_once_given_cannot_be_changed_by_the_service(connection: asyncpg.Connection) -> None:
    await connection.execute("SET ROLE recall_service")
    for table in ("quality_check", "lookup_audit"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET county_id = 'x'"):  # noqa: S608  # names of ours
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_of_two_people_at_the_same_time_one_answers(world: World, connection: asyncpg.Connection) -> None:
    await world.add_key("clerk", "clerk-2")
    [place] = await drawn_places(world, 1)
    await world.post(line(1, place))
    answers = await asyncio.gather(
        check(world, place, status="review"), check(world, place, who="clerk-2", status="invalid", reason="illegible")
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await connection.fetchval("SELECT count(*) FROM quality_check") == 1
    assert await world.status(str(place)) == ("review", "quality_check")
    assert (await world.tally())["version"] == 3
    await world.recount()
