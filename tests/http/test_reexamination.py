"""A newer roll version asks again about everybody that an older one did not know."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import asyncpg
from fastapi import FastAPI

from app.examination.actions import reexamine
from app.main import create_app
from app.roll.loading import load_roll, rekey_roll
from tests.http.conftest import SETTINGS
from tests.http.county import COUNTY, line, roll_csv
from tests.http.world import World
from tests.waiting import until

OLD = frozenset({1, 2, 3})  # voters whom the older roll lacks


async def use_roll(database: str, *, without: frozenset[int] = frozenset()) -> None:
    source = BytesIO(roll_csv(without=without))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)


async def again(world: World) -> int:
    return await reexamine(world.count, COUNTY, now=datetime.now(UTC))


async def test_who_was_not_registered_counts_once_a_newer_roll_knows_them(world: World, database: str) -> None:
    await use_roll(database, without=OLD)
    await world.batch([line(1, (1, 1, 1)), line(1, (1, 1, 2)), line(4, (1, 1, 3))])
    assert await world.status("1-1-1") == ("invalid", "not_registered")
    await use_roll(database)
    assert await again(world) == 2
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("valid", None),
        ("invalid", "duplicate"),
        ("valid", None),
    ]
    assert await again(world) == 0
    await world.recount()


async def test_a_roll_that_an_older_program_loaded_is_no_roll_until_it_is_made_anew(
    world: World, database: str, connection: asyncpg.Connection
) -> None:
    await use_roll(database)
    await connection.execute("UPDATE roll SET keys_version = keys_version - 1")

    async def has_roll() -> bool:
        return bool((await world.client.get("/health/ready")).json()["roll"])

    assert not await has_roll()
    await world.post(line(4))
    assert await world.status("1-1-4") == ("review", "no_roll")
    assert await again(world) == 0
    await rekey_roll(database, county_id=COUNTY)
    await until(has_roll)  # what was found is answered for a second
    assert await again(world) == 1
    assert await world.status("1-1-4") == ("valid", None)
    await world.recount()


async def test_where_a_person_agreed_that_nobody_fits_a_person_looks_again(world: World, database: str) -> None:
    await use_roll(database, without=OLD)
    await world.post(line(1))
    await world.finding("1-1-1", status="invalid", reason="not_registered")
    await use_roll(database)
    await again(world)
    assert await world.status("1-1-1") == ("review", "new_roll")
    assert (await world.finding("1-1-1", status="valid", voter_id="V1")).json()["status"] == "valid"
    await world.recount()


async def test_a_confirmed_stranger_stays_settled_under_a_roll_that_does_not_know_them_either(
    world: World, database: str
) -> None:
    await use_roll(database, without=OLD)
    await world.post(line(1))
    await world.finding("1-1-1", status="invalid", reason="not_registered")
    await use_roll(database, without=OLD)
    assert await again(world) == 1
    line_now = await world.detail("1-1-1")
    assert (line_now["reason"], line_now["settled"], line_now["finding"]["roll_version"]) == ("not_registered", True, 3)
    await world.recount()


async def test_the_service_examines_by_itself_what_a_crash_left_behind(
    world: World, database: str, app: FastAPI, tmp_path: Path
) -> None:
    await use_roll(database, without=OLD)
    await world.batch([line(1), line(2), line(3)])
    await use_roll(database)
    other = create_app(replace(SETTINGS, data_dir=tmp_path), database)
    async with other.router.lifespan_context(other):

        async def all_count() -> bool:
            return bool((await world.tally())["valid"] == 3)

        await until(all_count)
    await world.recount()
    assert await reexamine(app.state.recall.count, now=datetime.now(UTC)) == 0


async def test_lines_that_came_before_any_roll_are_examined_with_the_first(world: World, database: str) -> None:
    async with world.database.intake() as connection:
        await connection.execute("UPDATE roll SET state = 'retired'")
    await world.batch([line(1), line(2)])
    assert await world.status("1-1-1") == ("review", "no_roll")
    await use_roll(database)
    assert await again(world) == 2
    assert (await world.tally())["valid"] == 2
    await world.recount()
