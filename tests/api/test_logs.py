"""What is logged: every request under its id, and nothing personal, whatever goes wrong."""

import json
from asyncio.subprocess import Process
from pathlib import Path

import asyncpg
import httpx

from tests.api.county import line
from tests.api.test_hostile import JSON
from tests.api.world import World

CANARY = "ZEPHYRINE QUILLFEATHER"  # nobody else in the tests has this name
ROUTE = "/v1/petitions/{petition_id}/signatures"


async def go_wrong(world: World, connection: asyncpg.Connection, client: httpx.AsyncClient) -> list[httpx.Response]:
    """Send the name down every path of failure there is."""
    path = f"/v1/petitions/{world.petition_id}"
    station = {"Authorization": f"Bearer {world.keys['station']}", JSON[0].decode(): JSON[1].decode()}
    clerk = {**station, "Authorization": f"Bearer {world.keys['clerk']}"}
    named = {**line(1), "printed_name": CANARY, "residence_address": f"1 {CANARY} AVE"}
    text = json.dumps(named)
    good = {**station, "Idempotency-Key": "k"}
    answers = [
        await client.post(f"{path}/signatures", headers=good, content=text),
        await client.post(f"{path}/signatures", headers=good, content=text.replace('"page": 1', '"page": 2')),
        await client.post(f"{path}/signatures", headers=station, content=text.replace("1 Z", "2 Z")),
        await client.post(f"{path}/signatures", headers=station, content=text[:-1]),
        await client.post(f"{path}/signatures", headers=station, content=text.replace("ZE", "\\u0000")),
        await client.post(f"{path}/signatures", headers=station, content=text.replace('"zip"', f'"{CANARY}"')),
        await client.post(f"{path}/signatures/batch", headers=station, content=f'{{"signatures": ["{CANARY}"]}}'),
        await client.post(f"{path}/signatures/{CANARY}/findings", headers=clerk, content="{}"),
        await client.get(f"{path}/signatures", headers=clerk, params={"cursor": CANARY}),
        await client.get(f"{path}/signatures", headers=clerk, params={CANARY: CANARY}),
        await client.get(f"/v1/{CANARY}", headers=clerk),
        await client.get("/v1/petitions", headers={"Authorization": f"Bearer {CANARY}", "X-Name": CANARY}),
        await client.request(CANARY.split(maxsplit=1)[0], "/v1/petitions"),
        await client.post(
            f"{path}/signatures/1-1-1/findings",
            headers=clerk,
            json={"status": "valid", "voter_id": CANARY, "note": CANARY},
        ),
    ]
    # The database's own error would quote the row: in its text, in its detail, and in the server's log.
    await connection.execute("ALTER TABLE signature ADD CONSTRAINT fails CHECK (section < 50)")
    broken = json.dumps({**named, "section": 60})
    answers += [
        await client.post(f"{path}/signatures", headers=station, content=broken),
        await client.post(f"{path}/signatures/batch", headers=station, content=f'{{"signatures": [{broken}]}}'),
    ]
    return answers


async def test_nothing_personal_is_in_any_log_or_answer(
    process: tuple[Process, int], world: World, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    running, port = process
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answers = await go_wrong(world, connection, client)
        answers += [await client.get("/metrics"), await client.get("/health/ready")]
    assert {answer.status_code for answer in answers} == {200, 201, 400, 401, 404, 409, 422, 500}
    running.terminate()
    await running.wait()
    databases_log = Path(await connection.fetchval("SHOW data_directory")).parent / "log"
    logs = [(tmp_path / "log").read_text(), databases_log.read_text()]
    assert all(logs)
    for text in [*logs, *(f"{answer.headers} {answer.text}" for answer in answers)]:
        for part in (*CANARY.split(), world.keys["station"], world.keys["station"].rpartition(".")[2]):
            assert part.lower() not in text.lower()


async def test_every_request_is_one_line_of_the_log_under_the_id_of_its_answer(
    process: tuple[Process, int], world: World, tmp_path: Path
) -> None:
    running, port = process
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Authorization": f"Bearer {world.keys['station']}"}
        path = f"/v1/petitions/{world.petition_id}/signatures"
        answers = [await client.post(path, headers=headers, json=line(n)) for n in (1, 2)]
    running.terminate()
    await running.wait()
    lines = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines() if text.startswith("{")]
    requests = {entry["request_id"]: entry for entry in lines if entry["event"] == "request"}
    for answer in answers:
        entry = requests[answer.headers["x-request-id"]]
        assert (entry["method"], entry["route"], entry["status"]) == ("POST", ROUTE, 201)
        assert entry["ms"] >= 0
