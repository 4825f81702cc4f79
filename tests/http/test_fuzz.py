"""Requests that schemathesis makes up from the OpenAPI document: no fault, and every answer as documented."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path

import httpx
from fastapi import FastAPI

from app.count.record import Count
from app.database.engine import open_database
from app.http.frame import guard_of, guarded_routes
from tests.commands import Running
from tests.http.county import line
from tests.http.world import World

DOCUMENT = Path(__file__).parents[2] / "openapi/openapi.json"
# How much is tried; `make fuzz` asks for more.
OPTIONS = os.environ.get("FUZZ") or "--seed=1 --max-examples=5 --phases=examples,fuzzing"
# That bad input is refused is the hostile corpus' affair: here a batch with bad lines would already count as taken.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)


def configuration(app: FastAPI, keys: Mapping[str, str], petition_id: str) -> str:
    """What schemathesis asks about, and with whose key it does so."""
    parts = [
        "max-stream-events = 1",
        "[checks]\nenabled = false",
        *(f"[checks.{check}]\nenabled = true" for check in CHECKS),
        "[generation]\nwith-security-parameters = false",  # the stories of the roles try other keys
        # Left to itself it takes the prefixes from the list of keys, and revokes those that it asks with.
        f'[parameters]\npetition_id = "{petition_id}"\nplace = "1-1-1"\nprefix = "{keys["to revoke"].split(".")[2]}"',
    ]
    for name, route in guarded_routes(app).items():
        guard = guard_of(route)
        if guard:
            role = "supervisor" if "supervisor" in guard.roles else guard.roles[0]
            # OpenAPI 3.1 has no words for the events of a stream: its answer is a text, and no event is one.
            shaped = "false" if name == "stream_tally" else "true"
            parts.append(
                f'[[operations]]\ninclude-operation-id = "{name}"\n'
                f'headers = {{ Authorization = "Bearer {keys[role]}" }}\n'
                f"checks.response_schema_conformance.enabled = {shaped}"
            )
    return "\n\n".join(parts)


async def test_no_request_made_up_from_the_document_finds_a_fault_or_an_answer_that_is_not_in_it(
    process: tuple[Running, int], database: str, app_without_database: FastAPI, tmp_path: Path
) -> None:
    url, pools = f"http://127.0.0.1:{process[1]}", await open_database(database)
    async with httpx.AsyncClient(base_url=url) as client:
        world = await World.make(client, Count(pools))
        await world.post(line(1))
        await world.add_key("station", "to revoke")
    await pools.close()
    config = tmp_path / "schemathesis.toml"
    config.write_text(configuration(app_without_database, world.keys, world.petition_id))
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(DOCUMENT)]
    options = [f"--url={url}", *OPTIONS.split()]
    running = await asyncio.create_subprocess_exec(*program, *options, cwd=tmp_path, stdout=PIPE, stderr=STDOUT)
    said, _ = await running.communicate()
    sys.stdout.write(said.decode())
    assert running.returncode == 0, said.decode()
    assert await keys_that_died(url, world.keys) == {"to revoke": 401}
    assert routes_never_reached(app_without_database, (tmp_path / "log").read_text()) == set()


async def keys_that_died(url: str, keys: Mapping[str, str]) -> dict[str, int]:
    """The roles whose key is not recognised any more, with the answer it got."""
    async with httpx.AsyncClient(base_url=url) as client:
        answers = {
            role: await client.get("/v1/keys", headers={"Authorization": f"Bearer {key}"}) for role, key in keys.items()
        }
    return {role: answer.status_code for role, answer in answers.items() if answer.status_code not in (200, 403)}


def routes_never_reached(app: FastAPI, log: str) -> set[tuple[str, str]]:
    """The routes whose every answer in the log was that the key is not good."""
    entries = [json.loads(text) for text in log.splitlines() if text.startswith("{")]
    reached = {(e["method"], e["route"]) for e in entries if e["event"] == "request" and e["status"] not in (401, 403)}
    every = {(method, route.path) for route in guarded_routes(app).values() for method in route.methods or ()}
    return every - reached
