"""Decisions remembered: what people decided of the same writing and voter elsewhere is offered, and never applied."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from app.examination.earlier import plain_writing
from app.law.line import Signature
from tests.http.county import line, stranger
from tests.http.test_duplicates import MISMATCH, say
from tests.http.test_rulesets import open_petition
from tests.http.world import World
from tests.rulesets import CALIFORNIA


async def earlier(world: World, place: str, *, who: str = "clerk") -> list[dict[str, Any]]:
    answer = await world.call("GET", f"/signatures/{place}/earlier-decisions", who=who)
    assert answer.status_code == 200, answer.text
    decisions: list[dict[str, Any]] = answer.json()["decisions"]
    return decisions


async def another_petition(world: World) -> World:
    opened = await open_petition(world, ruleset=CALIFORNIA.name)
    return replace(world, petition_id=opened.json()["petition_id"])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ({}, True),
        ({"printed_name": " jos\u00e9  garc\u00eda. "}, True),
        ({"residence_address": "12 OAK ST."}, True),
        ({"printed_name": "Jose L Garcia"}, False),
        ({"residence_address": "12 Oak Ave"}, False),
        ({"city": "Pasadena"}, False),
        ({"zip": "90027"}, False),
    ],
)
def test_the_same_writing_is_the_same_but_for_case_accents_and_spaces(text: dict[str, str], *, same: bool) -> None:
    written = Signature("Jose Garcia", "12 Oak St", "Los Angeles", "90026")
    assert (plain_writing(written._replace(**text)) == plain_writing(written)) is same  # type: ignore[arg-type]  # texts


async def test_what_people_decided_on_another_line_is_offered_and_changes_nothing(world: World) -> None:
    await world.post(line(1, (1, 1, 1)))
    await say(world, "1-1-1", status="invalid", reason="illegible", note="cannot be read")
    later = await another_petition(world)
    await later.batch([line(1, (5, 1, 1), printed_name=" bernard   ABERNATHY "), line(2, (5, 1, 2))])
    [found] = await earlier(later, "5-1-1")
    assert (found["petition_id"], found["place"]) == (world.petition_id, "1-1-1")
    assert (found["status"], found["reason"], found["voter_id"]) == ("invalid", "illegible", "V1")
    assert (found["people"], found["decided_by"]) == (1, None)
    assert await later.status("5-1-1") == ("valid", None)
    assert await earlier(later, "5-1-2") == []
    assert await earlier(world, "1-1-1") == [], "a line is not its own precedent"


async def test_the_names_of_who_decided_are_not_for_clerks(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await say(world, "1-1-1", status="valid")
    for who, named in (("clerk", None), ("supervisor", ["clerk-1"]), ("auditor", ["clerk-1"])):
        [found] = await earlier(world, "1-1-2", who=who)
        assert found["decided_by"] == named


@pytest.mark.parametrize("other", [{"printed_name": "B ABERNATHY"}, {"zip": "90027"}])
async def test_other_writing_of_the_same_voter_is_not_offered(world: World, other: dict[str, str]) -> None:
    await world.batch([line(1, (1, 1, 1), **other), line(1, (1, 1, 2))])
    await say(world, "1-1-1", status="valid", voter_id="V1", note="by the address")
    assert await earlier(world, "1-1-2") == []


async def test_what_the_machine_decided_and_pending_opinions_are_not_offered(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    assert await earlier(world, "1-1-2") == []
    await say(world, "1-1-1", **MISMATCH)
    assert await earlier(world, "1-1-2") == []


async def test_an_undone_decision_is_not_offered(world: World) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await say(world, "1-1-1", status="valid")
    await say(world, "1-1-1", status="review")
    assert await earlier(world, "1-1-2") == []


async def test_the_pseudonym_of_a_confidential_voter_is_not_offered(
    world: World, connection: asyncpg.Connection
) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await say(world, "1-1-1", status="valid")
    await connection.execute("INSERT INTO confidential_voter VALUES ('sample', 'V999', 'V1')")
    assert await earlier(world, "1-1-2") == []


@pytest.mark.parametrize(
    ("reason", "offered"), [("not_registered", True), ("out_of_county", True), ("illegible", False), ("other", False)]
)
async def test_without_a_voter_the_same_writing_is_offered_unless_only_the_paper_shows_the_reason(
    world: World, reason: str, *, offered: bool
) -> None:
    await world.post(stranger((1, 1, 1)))
    await say(world, "1-1-1", status="invalid", reason=reason)
    later = await another_petition(world)
    same = {**stranger((5, 1, 1)), "printed_name": f" {stranger((5, 1, 1))['printed_name']}. ".lower()}
    await later.batch([same, {**stranger((5, 1, 2)), "zip": "90099"}])
    found = [(one["place"], one["reason"], one["voter_id"], one["people"]) for one in await earlier(later, "5-1-1")]
    assert found == ([("1-1-1", reason, None, 1)] if offered else [])
    assert await earlier(later, "5-1-2") == []
    assert await earlier(world, "1-1-1") == []


async def test_a_decision_without_a_voter_that_was_undone_or_whose_text_was_corrected_is_not_offered(
    world: World,
) -> None:
    await world.batch([stranger((1, 1, n)) for n in (1, 2, 3)])
    for n in (1, 2):
        await say(world, f"1-1-{n}", status="invalid", reason="not_registered")
    assert {one["place"] for one in await earlier(world, "1-1-3")} == {"1-1-1", "1-1-2"}
    await say(world, "1-1-1", status="review")
    corrected: dict[str, Any] = {
        name: value for name, value in stranger((1, 1, 2)).items() if name not in ("section", "page", "line")
    }
    answer = await world.verb("/signatures/1-1-2/revisions", **{**corrected, "zip": "90099"})
    assert answer.status_code == 201, answer.text
    assert await earlier(world, "1-1-3") == []


async def test_the_read_is_on_record_and_each_line_counts(world: World, connection: asyncpg.Connection) -> None:
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2))])
    await say(world, "1-1-1", who="supervisor", status="valid")
    await earlier(world, "1-1-2")
    row = await connection.fetchrow("SELECT * FROM lookup_audit WHERE principal = 'clerk-1'")
    assert row
    assert (row["kind"], row["places"], row["counted"]) == ("line", ["1-1-2"], 2)
    missing = await world.call("GET", "/signatures/9-9-9/earlier-decisions", who="clerk")
    assert missing.status_code == 404


async def test_the_query_uses_its_index(world: World, connection: asyncpg.Connection) -> None:
    from app.examination.earlier_queries import _DECIDED  # noqa: PLC0415  # of this test alone

    await connection.execute("SET enable_seqscan = off")
    values = ("sample", ["V1"], world.petition_id, 1, 1, 1)
    plan = await connection.fetch(f"EXPLAIN {_DECIDED}", *values)
    assert any("line_decided_by_people" in row[0] for row in plan), plan
