"""Every answer has the headers that keep browsers and caches from misusing it; what is closed is not there."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.http.frame import allow, routes
from app.main import create_app
from app.settings import Settings
from tests.commands import Running
from tests.http.conftest import SETTINGS, a_client
from tests.http.county import line
from tests.http.slow import until_cut
from tests.http.test_errors import assert_problem
from tests.http.test_hostile import places
from tests.http.wire import send
from tests.http.world import World

# Answers that hold no voter: a cache may keep a file of the documentation, a client the counts to compare them.
KEPT = {
    "/docs/{asset}": "public, max-age=86400",
    "/v1/petitions/{petition_id}/tally": "private, no-cache",
    "/v1/petitions/{petition_id}/ledger/checkpoint": "private, no-cache",
    "/v1/petitions/{petition_id}/ledger/key": "private, no-cache",
}
PAGES = ("/docs", "/docs/favicon.png", "/openapi.json")


def assert_harmless(headers: Mapping[str, str], *, kept: str | None = None) -> None:
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"]
    assert kept == headers["cache-control"] or "no-store" in headers["cache-control"]
    assert not headers.get("content-type", "").startswith("text/html") or headers["content-security-policy"]


async def test_every_route_answers_with_them(app: FastAPI, world: World) -> None:
    statuses = set()
    for path, route in routes(app):
        for method in sorted({*(getattr(route, "methods", None) or ["GET"]), "PATCH"} - {"HEAD"}):
            for role in (None, "station", "clerk", "admin"):
                if path.endswith("/stream") and role == "clerk":
                    continue  # it would not end
                headers = [(b"authorization", f"Bearer {world.keys[role]}".encode())] if role else []
                answer = await send(app, method, path.format(**places(world)), headers=headers)
                assert_harmless(answer.headers, kept=KEPT.get(path) if answer.status == 200 else None)
                statuses.add(answer.status)
    assert statuses >= {200, 401, 403, 404, 405, 415, 422}


async def test_a_tally_stream_has_them(process: tuple[Running, int], world: World) -> None:
    headers = {"Authorization": f"Bearer {world.keys['monitor']}"}
    path = f"http://127.0.0.1:{process[1]}/v1/petitions/{world.petition_id}/tally/stream"
    async with httpx.AsyncClient() as client, client.stream("GET", path, headers=headers) as stream:
        assert_harmless(stream.headers)


async def test_refusals_of_every_kind_have_them(app: FastAPI, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def explode(_principal: object = allow("clerk")) -> None:
        raise LookupError

    app.add_api_route("/v1/explode", explode)
    clerk = {"Authorization": f"Bearer {world.keys['clerk']}"}
    answers = [
        await world.client.get("/v1/explode", headers=clerk),
        await world.client.get("/nowhere"),
        await world.call("POST", "/signatures", who="station", json={**line(1), "note": "x" * 70_000}),
    ]
    monkeypatch.setattr(app.state.recall.rate, "_size", 0)
    answers.append(await world.call("GET", "/tally", who="monitor"))
    monkeypatch.setattr(app.state.recall.limits, "most", 0)
    answers.append(await world.client.get("/v1/rolls"))
    assert [answer.status_code for answer in answers] == [500, 404, 413, 429, 503]
    for answer in answers:
        assert_harmless(answer.headers)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    ],
)
async def test_what_the_protocol_itself_answers_has_them(
    process: tuple[Running, int], sent: bytes, status: int
) -> None:
    answer = await asyncio.wait_for(until_cut(process[1], sent), 30)
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert first.split()[1] == str(status)
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    assert_harmless(headers)
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(content)["request_id"] == headers["x-request-id"]


async def test_the_documentation_runs_no_script_but_its_own(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    (inline,) = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    own = b64encode(sha256(inline.encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{own}'"
    assert (policy["default-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'", "'none'")


async def test_documentation_and_metrics_can_be_closed(database: str, tmp_path: Path) -> None:
    async with a_client(database, tmp_path, DOCS="off", METRICS="off") as client:
        for path in (*PAGES, "/metrics", "/redoc"):
            answer = await client.get(path)
            assert_problem(answer, 404, "not_found")
            assert_harmless(answer.headers)
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/v1/rolls")).status_code == 401


async def test_metrics_can_be_read_with_a_key_only(database: str, world: World, tmp_path: Path) -> None:
    async with a_client(database, tmp_path, METRICS="key") as client:
        assert_problem(await client.get("/metrics"), 401, "unauthorized")
        for role, status in (("station", 403), ("monitor", 200)):
            answer = await client.get("/metrics", headers={"Authorization": f"Bearer {world.keys[role]}"})
            assert answer.status_code == status
        assert "recall_roll_activated_timestamp_seconds" in answer.text
        assert (await client.get("/docs")).status_code == 200


def test_without_settings_they_are_open() -> None:
    settings = Settings.from_environment({})
    assert (settings.docs, settings.metrics) == (True, "open")
    open_paths = {path for path, _ in routes(create_app(SETTINGS, "postgresql+asyncpg://"))}
    assert {"/docs", "/metrics", "/openapi.json"} <= open_paths
    closed = create_app(replace(SETTINGS, docs=False, metrics="off"), "postgresql+asyncpg://")
    assert {path for path, route in routes(closed) if not isinstance(route, APIRoute)} == set()
