"""A ruleset under which other registrations count: lines are looked up again, and a dry run said so before."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.count.intake import Intake, Submission
from app.count.line_queries import get_petition
from app.count.queries import Change, has_lines_to_redecide
from app.count.record import Count, check_in_force
from app.examination.actions import reexamine
from app.examination.rulesets import examine_under
from app.law.line import Place, Signature
from app.law.petition import PetitionKey
from app.matching.lookup import decide_lines
from tests.http.county import COUNTY, line, roll_csv, row, stranger
from tests.http.test_line_commands import run
from tests.http.test_rolls import admin, load
from tests.http.test_ruleset_changes import NOW, change, confirm, dry_run, everything, propose, ruled
from tests.http.test_rulesets import add
from tests.http.world import World

INACTIVE, CANCELED, YOUNG, LATE, PLAIN = 301, 302, 303, 304, 305


NAMES = {INACTIVE: "NEWCOMER", CANCELED: "OYELARAN", YOUNG: "PRZYBYLSKI", LATE: "QUATTLEBAUM", PLAIN: "RASMUSSEN"}
"""Surnames that no other voter has."""


def signed_by(number: int, place: tuple[int, int, int]) -> dict[str, object]:
    return line(number, place, printed_name=f"ZELDA {NAMES[number]}")


def registered(number: int, **changes: str) -> str:
    return row(number, first_name="ZELDA", last_name=NAMES[number], **changes)


@pytest.fixture
async def mixed(world: World) -> World:
    """Lines of voters whose registration counts by the ruleset, with a duplicate and a person's finding."""
    rows = (
        registered(INACTIVE, status="inactive"),
        registered(CANCELED, status="canceled"),
        registered(YOUNG, status="preregistered", birth_date="2004-07-01"),
        registered(LATE, affidavit_signed="2022-02-01", affidavit_received="2022-06-25"),
        registered(PLAIN),
    )
    roll = await load(world, roll_csv(*rows, without=frozenset(NAMES)))
    assert (await admin(world, "POST", f"/{roll['roll_version']}/activate", json={})).status_code == 200
    await world.add_key("clerk", "clerk-2")
    lines = [signed_by(number, (1, 1, number - 300)) for number in NAMES]
    await world.batch([*lines, signed_by(INACTIVE, (2, 1, 1)), signed_by(LATE, (2, 1, 2)), stranger((3, 1, 1))])
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3, 4, 5)] == [
        ("valid", None), ("review", "undated_cancellation"), ("valid", None), ("valid", None), ("valid", None),
    ]  # fmt: skip
    await world.finding("1-1-4", status="valid", looked_at="both")
    return world


def without(**registration: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON value
    return {"registration": registration}


CHANGES: list[tuple[dict[str, Any], dict[str, tuple[str, str | None]]]] = [
    (
        without(inactive_counts=False),
        {"1-1-1": ("invalid", "not_registered"), "2-1-1": ("invalid", "not_registered")},
    ),
    (without(undated_cancellation="registered"), {"1-1-2": ("valid", None)}),
    (without(age_reached_by="interval_start"), {"1-1-3": ("invalid", "under_age")}),
    (
        without(affidavit_days_before_filing=15),  # what a person found is for a person to look at again
        {"1-1-4": ("review", "new_ruleset"), "2-1-2": ("invalid", "registered_late")},
    ),
    (
        without(affidavit_signed_by="interval_start") | {"compare_signatures": True},
        {"1-1-4": ("review", "new_ruleset"), "2-1-2": ("invalid", "registered_late")},
    ),
    (without(voting_age=17), {}),
]


@pytest.mark.parametrize(("changes", "flips"), CHANGES, ids=str)
async def test_lines_are_looked_up_again_and_a_dry_run_says_so_before_and_writes_nothing(
    mixed: World, changes: dict[str, Any], flips: dict[str, tuple[str, str | None]]
) -> None:
    assert (await add(mixed, **changes)).status_code == 201
    rows, before = await everything(mixed), await ruled(mixed)
    run_of = await dry_run(mixed, "sample/1")
    assert await everything(mixed) == rows
    await change(mixed, "sample/1")
    after, tally = await ruled(mixed), await mixed.tally()
    assert {place: after[place][:2] for place in after if after[place][:2] != before[place][:2]} == flips
    said = {
        one["place"]: (one["after"]["status"], one["after"]["reason"], one["after"]["settled"])
        for one in run_of["lines"]
    }
    assert said == {place: after[place] for place in after if after[place] != before[place]}
    assert run_of["changed"] == len(said)
    for name in ("raw", "valid", "invalid", "review", "unsettled", "invalid_by_code"):
        assert run_of["tally_after"][name] == tally[name], name
    assert (await dry_run(mixed, "sample/1"))["changed"] == 0
    await mixed.recount()


async def test_back_under_the_old_ruleset_every_line_is_as_before(mixed: World) -> None:
    before = await ruled(mixed)
    await add(mixed, **without(inactive_counts=False))
    await change(mixed, "sample/1")
    assert await mixed.status("1-1-1") == ("invalid", "not_registered")
    await change(mixed, "california-local-recall/1")
    assert await ruled(mixed) == before
    await mixed.recount()


async def test_it_goes_on_where_it_was_interrupted_and_the_petition_is_not_closed_before(
    mixed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.examination.rulesets.BATCH", 2)
    await add(mixed, **without(inactive_counts=False))
    await propose(mixed, "sample/1")
    await confirm(mixed, 1)
    asked: list[int] = []

    async def failing(roll: Any, lines: Any) -> Any:  # noqa: ANN401  # as `Decide`
        asked.append(len(lines))
        if len(asked) == 3:
            raise ConnectionError
        return await decide_lines(roll, lines)

    async with mixed.database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(mixed.petition_id)))
    assert petition
    with pytest.raises(ConnectionError):
        await examine_under(mixed.count, petition, failing, now=NOW)
    assert await mixed.status("1-1-1") == ("invalid", "not_registered")
    assert await mixed.status("2-1-1") == ("valid", None), "the voter's next line counts until it is examined"
    async with mixed.database.intake() as connection:
        assert await has_lines_to_redecide(Change(connection, petition, NOW)), "so that it cannot be closed"
    others = Count(mixed.database)  # two processes at once
    done = await asyncio.gather(*(examine_under(one, petition, decide_lines, now=NOW) for one in (mixed.count, others)))
    assert sum(done) == 1
    assert await mixed.status("2-1-1") == ("invalid", "not_registered")
    await mixed.recount()


async def test_what_was_looked_up_under_the_ruleset_before_is_not_written(mixed: World) -> None:
    """The lookup runs before any lock: a line whose lookup is older than the change is looked up again."""
    await add(mixed, **without(inactive_counts=False))
    await propose(mixed, "sample/1")
    other = Count(mixed.database)
    await confirm(mixed, 1)
    answer = await mixed.post(signed_by(INACTIVE, (4, 1, 1)))
    assert (answer.json()["status"], answer.json()["reason"]) == ("invalid", "not_registered")
    await reexamine(other, now=NOW)
    await mixed.recount()


async def test_what_waits_to_be_written_while_the_ruleset_changes_is_looked_up_again(mixed: World) -> None:
    await add(mixed, **without(inactive_counts=False))
    async with mixed.database.begin() as reading:
        petition = await get_petition(reading, PetitionKey(COUNTY, UUID(mixed.petition_id)))
    assert petition
    text = {name: str(value) for name, value in signed_by(INACTIVE, (4, 1, 1)).items()}
    written = Signature(text["printed_name"], text["residence_address"], text["city"], text["zip"])
    submission = Submission("station-1", [written.at(Place(4, 1, 1))])
    async with mixed.database.intake() as connection:
        intake = Intake(mixed.count, connection, petition)
        await intake.look_up([submission])
        await change(mixed, "sample/1")
        await mixed.count.attempt(petition, check_in_force, now=NOW)  # by which the process learns of it
        await intake.take_in_looked_up([submission], now=NOW)
    assert await mixed.status("4-1-1") == ("invalid", "not_registered")
    await mixed.recount()


async def test_a_lookup_shows_the_standing_by_the_ruleset_in_force(mixed: World) -> None:
    await add(mixed, **without(inactive_counts=False))
    await change(mixed, "sample/1")
    written = signed_by(INACTIVE, (1, 1, 1))
    asked = {name: written[name] for name in ("printed_name", "residence_address", "city", "zip")}
    asked["petition_id"] = mixed.petition_id
    headers = {"Authorization": f"Bearer {mixed.keys['clerk']}"}
    found = (await mixed.client.post("/v1/voters/lookup", headers=headers, json=asked)).json()
    assert found["candidates"][0]["standing"] == "inactive"
    assert found["decision"]["reason"] == "not_registered"


async def test_the_command_line_tries_a_ruleset_under_which_voters_are_looked_up_again(
    mixed: World, database: str
) -> None:
    await add(mixed, **without(inactive_counts=False))
    tried = ("petition", "re-examine", mixed.petition_id, "--ruleset", "sample/1", "--dry-run")
    status, out, errors = await run(database, *tried)
    assert (status, errors) == (0, "")
    assert '"place":"1-1-1"' in out
