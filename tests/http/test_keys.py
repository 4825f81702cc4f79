"""Keys: issued, listed, revoked over HTTP by the county's administrator."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.keys import revoke_key
from app.database.engine import open_database
from tests.commands import command
from tests.http.world import World


async def admin(world: World, method: str, path: str = "", **more: Any) -> httpx.Response:  # noqa: ANN401  # as httpx
    headers = {"Authorization": f"Bearer {world.keys['admin']}"}
    return await world.client.request(method, f"/v1/keys{path}", headers=headers, **more)


async def test_a_new_key_opens_what_its_role_may_and_nothing_once_it_is_revoked(world: World) -> None:
    new = await admin(world, "POST", json={"principal": "station-7", "role": "station"})
    assert new.status_code == 201
    assert new.headers["cache-control"] == "no-store"
    world.keys["seven"] = new.json()["key"]
    assert (await world.call("GET", "/signatures/9-9-9", who="seven")).status_code == 404
    for _ in range(2):
        assert (await admin(world, "DELETE", f"/{new.json()['prefix']}")).status_code == 204
    assert (await world.call("GET", "/signatures/9-9-9", who="seven")).status_code == 401


async def test_once_another_process_has_revoked_a_key_no_request_gets_through_with_it(
    world: World, database: str
) -> None:
    async def poll() -> None:
        while not revoked.is_set():
            statuses.append((await world.call("GET", "/tally", who="monitor")).status_code)
            polled.set()

    prefix, statuses = world.keys["monitor"].split(".")[2], list[int]()
    polled, revoked = asyncio.Event(), asyncio.Event()
    elsewhere = await open_database(database, intake=1, reading=1)
    async with elsewhere.begin():  # connected, so that the revocation is quick
        polling = asyncio.create_task(poll())
    await polled.wait()
    await revoke_key(elsewhere, "sample", prefix, now=datetime.now(UTC))
    after = await world.call("GET", "/tally", who="monitor")
    revoked.set()
    await polling
    await elsewhere.close()
    assert after.status_code == 401
    assert set(statuses) == {200, 401}


async def test_the_list_shows_every_key_and_no_secret(world: World) -> None:
    new = (await admin(world, "POST", json={"principal": "station-7", "role": "station"})).json()
    await admin(world, "DELETE", f"/{new['prefix']}")
    answer = await admin(world, "GET")
    listed = {key["prefix"]: key for key in answer.json()["keys"]}
    assert listed[new["prefix"]]["principal"] == "station-7"
    assert listed[new["prefix"]]["revoked_at"]
    assert (listed[new["prefix"]]["issued_by"], listed[new["prefix"]]["revoked_by"]) == ("admin-1", "admin-1")
    assert listed[world.keys["clerk"].split(".")[2]]["issued_by"] == "command line"
    assert len(listed) == len(world.keys) + 1
    assert not any(key.rpartition(".")[2] in answer.text for key in [new["key"], *world.keys.values()])


async def app_command(database: str, folder: Path, *arguments: str, county: bool = True) -> list[str]:
    """What a command prints, one of the county or of a petition."""
    of_county = ("--county", "sample") if county else ()
    environment = {**os.environ, "DATABASE_URL": database, "DATA_DIR": str(folder)}
    status, said, _ = await command(*arguments, *of_county, environment=environment)
    assert status == 0
    return said.splitlines()


async def test_the_command_line_issues_lists_and_revokes_and_both_ways_are_on_one_record(
    world: World, database: str, tmp_path: Path
) -> None:
    made = await app_command(database, tmp_path, "keys", "create", "--role", "monitor", "--name", "wall", "--days", "2")
    world.keys["wall"] = made[-1]
    prefix = made[-1].split(".")[2]
    assert (await world.call("GET", "/tally", who="wall")).status_code == 200
    (listed,) = [text for text in await app_command(database, tmp_path, "keys", "list") if text.startswith(prefix)]
    assert "monitor" in listed
    assert "live" in listed
    assert made[-1].rpartition(".")[2] not in listed
    await app_command(database, tmp_path, "keys", "revoke", prefix)
    assert (await world.call("GET", "/tally", who="wall")).status_code == 401
    assert (await admin(world, "DELETE", f"/{prefix}")).status_code == 204
    (key,) = [key for key in (await admin(world, "GET")).json()["keys"] if key["prefix"] == prefix]
    assert (key["issued_by"], key["revoked_by"]) == ("command line", "command line"), "who was first"


async def test_a_principal_has_two_live_keys_while_it_changes_over_and_no_third(world: World) -> None:
    answers = [await admin(world, "POST", json={"principal": "x", "role": "station"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]


async def test_a_key_of_another_county_cannot_be_revoked_or_seen(world: World, connection: asyncpg.Connection) -> None:
    await connection.execute("INSERT INTO county (county_id, name) VALUES ('elsewhere', 'elsewhere')")
    await connection.execute("INSERT INTO person VALUES ('elsewhere', 'theirs', 'theirs', now(), 'command line')")
    await connection.execute(
        "INSERT INTO api_key (county_id, prefix, principal, look, role, secret_sha256, created_at)"
        " VALUES ('elsewhere', '0123abcd', 'theirs', 'theirs', 'admin', $1, now())",
        bytes(32),
    )
    assert (await admin(world, "DELETE", "/0123abcd")).status_code == 404
    assert "theirs" not in (await admin(world, "GET")).text


@pytest.mark.parametrize("bad", [{"principal": "a,b"}, {"role": "root"}, {"expires_at": "2001-01-01T00:00:00Z"}])
async def test_a_key_that_would_never_work_is_not_issued(world: World, bad: dict[str, str]) -> None:
    answer = await admin(world, "POST", json={"principal": "x", "role": "station", **bad})
    assert answer.status_code == 422


async def test_a_key_expires_when_it_says(world: World, app: FastAPI) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    body = {"principal": "brief", "role": "monitor", "expires_at": soon.isoformat()}
    world.keys["brief"] = (await admin(world, "POST", json=body)).json()["key"]
    for now, status in ((soon - timedelta(seconds=1), 200), (soon, 401)):
        app.state.recall.now = lambda now=now: now
        assert (await world.call("GET", "/tally", who="brief")).status_code == status


async def test_when_a_key_was_last_used_is_known_to_the_minute(world: World) -> None:
    for _ in range(3):
        await world.call("GET", "/tally", who="monitor")
    prefix, seen = world.keys["monitor"].split(".")[2], None
    while seen is None:  # it is noted beside the request
        keys = (await admin(world, "GET")).json()["keys"]
        seen = next(key["last_used_at"] for key in keys if key["prefix"] == prefix)
    await world.call("GET", "/tally", who="monitor")
    keys = (await admin(world, "GET")).json()["keys"]
    assert next(key["last_used_at"] for key in keys if key["prefix"] == prefix) == seen
