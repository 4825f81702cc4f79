"""A person exists once, whatever the spelling of the name; keys and roles for oneself are another administrator's."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.keys import VALID_FOR, issue_key
from app.access.principals import Principal
from app.main import create_app
from tests.http.conftest import SETTINGS
from tests.http.county import line
from tests.http.test_keys import admin
from tests.http.wire import send
from tests.http.world import World

CLERK = {"role": "clerk"}


async def ask(world: World, name: str, who: str = "admin", **more: str) -> httpx.Response:
    """An administrator asks for a key of this name."""
    headers = {"Authorization": f"Bearer {world.keys[who]}"}
    return await world.client.post("/v1/keys", headers=headers, json={"principal": name, **CLERK, **more})


async def listed(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin(world, "GET")).json()["keys"]
    return found


async def test_one_administrator_cannot_make_several_people_of_one_name(world: World) -> None:
    await world.post(line(1))
    spellings = ("clerk-4", "clerk-4 ", "Clerk-4", "c1erk-4", "\u0441lerk-4", "clerk\u200b-4", "\uff43lerk-4")
    answers = {name: await ask(world, name) for name in spellings}
    assert [answer.status_code for answer in answers.values()] == [201, 201, 409, 409, 422, 422, 409]
    assert answers["Clerk-4"].json()["type"].endswith(":name_taken")
    assert answers["\uff43lerk-4"].json()["type"].endswith(":key_limit"), "the same name, for which there are two keys"
    world.keys.update({name: answer.json()["key"] for name, answer in answers.items() if answer.status_code == 201})
    for who in ("clerk-4", "clerk-4 ", "clerk"):
        answer = await world.finding("1-1-1", who=who, status="invalid", reason="signature_mismatch")
        assert answer.json()["status"] == "valid", "two people of the three that 2 CCR 20960 and the ruleset ask for"
    assert {key["principal"] for key in await listed(world)} >= {"clerk-4"}
    assert not {key["principal"] for key in await listed(world)} & set(spellings[1:])


async def test_a_key_or_role_for_oneself_needs_another_administrator(world: World) -> None:
    await world.add_key("admin", "admin-2")
    for name in ("admin-1", "Admin-1", "adrnin-1", "ADMIN-1 "):
        for role in ("clerk", "admin"):
            answer = await ask(world, name, role=role)
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "own_key")
    assert (await ask(world, "admin-1", who="admin-2", role="clerk")).status_code == 201
    (key,) = [key for key in await listed(world) if (key["principal"], key["role"]) == ("admin-1", "clerk")]
    assert key["issued_by"] == "admin-2"


async def test_a_person_in_two_roles_is_one_person(world: World) -> None:
    await world.post(line(1))
    world.keys["both"] = (await ask(world, "clerk-1", role="supervisor")).json()["key"]
    for who in ("clerk", "both", "both", "supervisor"):
        answer = await world.finding("1-1-1", who=who, status="invalid", reason="signature_mismatch", note="slant")
        assert answer.json()["status"] == "valid"


@pytest.mark.parametrize("name", ["machine", "Machine", "command line", "system", "admin", "rnachine", "\u0430nn"])
async def test_a_name_of_the_programs_own_or_of_other_letters_is_refused(world: World, name: str) -> None:
    answer = await ask(world, name)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid_key")


async def test_of_simultaneous_requests_for_names_that_look_alike_one_makes_the_person(world: World) -> None:
    answers = await asyncio.gather(*(ask(world, name) for name in ("Bo Lind", "B0 Lind", "bo lind", "BO LIND")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_a_key_without_an_end_ends_in_half_a_year(world: World) -> None:
    await ask(world, "brief")
    for key in await listed(world):
        ends, made = (datetime.fromisoformat(key[name]) for name in ("expires_at", "created_at"))
        assert ends - made == VALID_FOR == timedelta(days=180)


async def poll(app: FastAPI, world: World, who: str) -> int:
    key = f"Bearer {world.keys[who]}".encode()
    return (
        await send(app, "GET", f"/v1/petitions/{world.petition_id}/tally", headers=[(b"authorization", key)])
    ).status


async def test_an_expired_key_stays_expired_when_the_clock_goes_back(
    app: FastAPI, world: World, database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    for name in ("used", "unused"):
        owner = Principal("sample", name, "monitor")
        world.keys[name] = await issue_key(world.database, owner, now=now, expires_at=now + timedelta(hours=1))
    assert await poll(app, world, "used") == 200
    app.state.recall.now = lambda: now + timedelta(hours=2)
    assert await poll(app, world, "used") == 401
    app.state.recall.now = lambda: now
    assert [await poll(app, world, who) for who in ("used", "unused")] == [401, 401]
    again = create_app(
        replace(SETTINGS, data_dir=tmp_path), database, now=lambda: now
    )  # another process, and after a restart
    async with again.router.lifespan_context(again):
        assert [await poll(again, world, who) for who in ("used", "unused", "monitor")] == [401, 401, 200]
    (key,) = [key for key in await listed(world) if key["principal"] == "unused"]
    assert datetime.fromisoformat(key["expired_at"]) == now + timedelta(hours=2)
    assert (await ask(world, "unused", role="monitor")).status_code == 201, "a new key for the person"
    assert await connection.fetchval("SELECT count(*) FROM api_key WHERE expired_at IS NOT NULL") == 2


async def test_a_service_that_runs_marks_expired_keys_that_are_never_used(
    world: World, database: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    owner = Principal("sample", "unused", "monitor")
    world.keys["unused"] = await issue_key(world.database, owner, now=now, expires_at=now + timedelta(hours=1))
    later = create_app(replace(SETTINGS, data_dir=tmp_path), database, now=lambda: now + timedelta(hours=2))
    async with later.router.lifespan_context(later):
        while not [key for key in await listed(world) if key["expired_at"]]:
            pass
    assert (await world.call("GET", "/tally", who="unused")).status_code == 401
