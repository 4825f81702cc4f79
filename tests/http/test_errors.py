"""Every answer that is an error is a problem (RFC 9457), with a documented code and nothing of what was sent."""

import ast
import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

import app as package
from app.errors import Kind, RecallError
from app.http.frame import AppState, allow
from app.http.problems import MESSAGES, STATUS_OF, TITLES, problem_of
from tests.http.county import line
from tests.http.world import World

ROOT = Path(__file__).parents[2]
DOCUMENTED = (ROOT / "docs/errors.md").read_text()


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert body["type"] == f"urn:recall-petition:problem:{code}"
    assert (body["status"], body["title"]) == (status, TITLES[status])
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"]
    assert len(answer.content) <= 8192


def kinds_of(error: type[RecallError]) -> Iterator[type[RecallError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def every_error() -> list[type[RecallError]]:
    for module in pkgutil.walk_packages(package.__path__, "app."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [kind for kind in kinds_of(RecallError) if kind.__module__.startswith("app.")]


def codes_in_the_source() -> set[str]:
    """The second argument of every `Problem(status, "code", …)`."""
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                code = node.args[1]
                found |= {code.value} if isinstance(code, ast.Constant) and isinstance(code.value, str) else set()
    return found


def test_every_error_of_the_service_has_a_status() -> None:
    assert {kind.kind for kind in every_error()} == set(STATUS_OF) == set(get_args(Kind))
    for kind in every_error():
        assert problem_of(kind("why")).code == kind.code
        assert problem_of(kind("why")).status in TITLES


def test_every_code_is_documented() -> None:
    codes = {kind.code for kind in every_error()} | codes_in_the_source() | set(MESSAGES)
    codes |= {TITLES[status].lower().replace(" ", "_") for status in (404, 405)}
    assert [code for code in sorted(codes) if f"| `{code}` |" not in DOCUMENTED] == []


def test_every_documented_code_exists() -> None:
    documented = {row.split("`")[1] for row in DOCUMENTED.splitlines() if row.startswith("| `")}
    existing = {kind.code for kind in every_error()} | codes_in_the_source() | set(MESSAGES)
    assert documented - existing == {"not_found", "method_not_allowed"}


async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/canary-q7x/canary-q7x?canary-q7x=canary-q7x")
    assert_problem(answer, 404, "not_found")
    assert "canary" not in answer.text


async def test_another_method_is_not_allowed_and_the_answer_says_which_are(world: World) -> None:
    answer = await world.call("DELETE", "/tally", who="monitor")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_key_is_needed_and_the_answer_says_of_what_kind(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/petitions")
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_body_that_is_too_long_is_refused_whatever_length_it_declares(world: World) -> None:
    long = b'{"signatures": [' + b" " * 1_000_000 + b"]}"

    async def chunks() -> Iterator[bytes]:  # type: ignore[misc]  # an asynchronous generator
        for start in range(0, len(long), 65_536):
            yield long[start : start + 65_536]

    headers = {"content-type": "application/json"}
    for content in (long, chunks()):
        answer = await world.call("POST", "/signatures/batch", who="station", content=content, headers=headers)
        assert_problem(answer, 413, "content_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "multipart/form-data; boundary=x"},
    ],
)
async def test_another_media_type_is_refused(world: World, headers: dict[str, str]) -> None:
    answer = await world.call("POST", "/signatures", who="station", content=b"{}", headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


async def test_a_wrong_path_or_query_names_the_place_and_never_the_value(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    answer = await world.client.get(
        "/v1/petitions/canary-q7x/signatures?limit=canary-q7x&status=canary", headers=headers
    )
    assert_problem(answer, 422, "invalid")
    assert {(e["path"], e["code"]) for e in answer.json()["errors"]} == {
        ("path.petition_id", "wrong_format"),
        ("query.limit", "wrong_format"),
        ("query.status", "not_a_choice"),
    }
    assert "canary" not in answer.text


@pytest.mark.parametrize("body", [line(1), {"signatures": [line(1)]}])
async def test_a_wrong_petition_and_key_are_named_together_by_a_route_of_any_kind_and_the_body_comes_first(
    world: World, body: dict[str, object]
) -> None:
    path = "/v1/petitions/canary-q7x/signatures" + ("/batch" if "signatures" in body else "")
    headers = {"Authorization": f"Bearer {world.keys['station']}", "Idempotency-Key": "canary q7x"}
    answer = await world.client.post(path, headers=headers, json=body)
    assert_problem(answer, 422, "invalid")
    assert [(e["path"], e["code"]) for e in answer.json()["errors"]] == [
        ("path.petition_id", "wrong_format"),
        ("header.idempotency-key", "wrong_format"),
    ]
    assert "canary" not in answer.text
    answer = await world.client.post(path, headers=headers, json={})
    assert {e["code"] for e in answer.json()["errors"]} == {"missing"}
    answer = await world.client.post(path, headers={"Idempotency-Key": "canary q7x"}, json={})
    assert answer.status_code == 401


async def test_a_parameter_that_the_route_does_not_have_is_refused_instead_of_listing_everything(world: World) -> None:
    answer = await world.call("GET", "/signatures?stauts=valid", who="clerk")
    assert_problem(answer, 422, "invalid")
    message = MESSAGES["unknown_field"]
    assert answer.json()["errors"] == [{"path": "query.stauts", "code": "unknown_field", "message": message}]


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("zip_code", "zip_code"),
        ("ZIP4", "ZIP4"),
        ("x" * 40, "x" * 40),
        ("x" * 41, ""),
        ("Maria Garcia", ""),
        ("María", ""),
        ("a-b", ""),
        ("a\n", ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
async def test_an_unknown_field_is_named_only_if_its_name_can_be_an_identifier(
    world: World, field: str, path: str
) -> None:
    content = json.dumps({**line(1), field: "canary-q7x"}).encode()
    headers = {"content-type": "application/json"}
    answer = await world.call("POST", "/signatures", who="station", content=content, headers=headers)
    assert_problem(answer, 422, "invalid")
    assert [(e["path"], e["code"]) for e in answer.json()["errors"]] in (
        [(path, "unknown_field")],
        [("", "unsafe_text")],
    )
    assert answer.json()["errors"][0]["code"] == "unknown_field" or field == "\ud800"
    assert "canary" not in answer.text


async def test_a_messages_names_what_was_expected(world: World) -> None:
    wrong = {**line(1), "section": "1", "page": 0, "city": 5, "zip": "9" * 21, "signed": "yes"}
    answer = await world.post(wrong)
    assert {error["path"]: error["message"] for error in answer.json()["errors"]} == {
        "section": "Wrong type: expected a whole number.",
        "page": "Out of range: expected 1 or more.",
        "city": "Wrong type: expected text.",
        "zip": "Too long: expected at most 20 characters.",
        "signed": "Wrong type: expected true or false.",
    }
    answer = await world.finding("1-1-1", status="good", reason="none")
    assert {error["path"]: error["message"] for error in answer.json()["errors"]} == {
        "status": "Not an allowed value: expected one of valid, invalid or review.",
        "reason": MESSAGES["not_a_choice"],
    }


async def test_a_parameter_that_is_given_twice_is_refused(world: World) -> None:
    answer = await world.call("GET", "/signatures?limit=1&limit=2", who="clerk")
    assert answer.json()["errors"][0]["code"] == "repeated"


async def test_a_date_that_does_not_exist_is_not_repeated_in_the_answer(world: World) -> None:
    from tests.http.world import PETITION  # noqa: PLC0415  # only here

    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    bad = {**PETITION, "filed_on": "2022-02-30", "circulation_to": "canary-q7x", "circulation_from": "2022-W05-4"}
    answer = await world.client.post("/v1/petitions", json=bad, headers=headers)
    assert_problem(answer, 422, "invalid")
    assert {e["code"] for e in answer.json()["errors"]} == {"wrong_format"}
    assert "canary" not in answer.text
    assert "02-30" not in answer.text


async def test_a_lone_surrogate_in_one_line_of_a_batch_fails_that_line_alone(world: World) -> None:
    broken = b'{"section":1,"page":1,"line":9,"residence_address":"\\ud800","city":"","zip":"","\\udfff":1}'
    good = httpx.Request("POST", "http://x", json=line(1)).content
    for content in (broken, b"[" * 12 + b"]" * 12):
        answer = await world.call(
            "POST",
            "/signatures/batch",
            who="station",
            content=b'{"signatures":[' + good + b"," + content + b"]}",
            headers={"content-type": "application/json", "idempotency-key": f"k-{len(content)}"},
        )
        assert answer.status_code == 200
        assert [("error" in result) for result in answer.json()["results"]] == [False, True]


async def test_what_nobody_expected_is_a_bare_500_with_a_request_id(
    app: FastAPI, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def explode(_principal: object = allow("clerk")) -> None:
        raise LookupError("canary-q7x")

    app.add_api_route("/v1/explode", explode)
    answer = await world.client.get("/v1/explode", headers={"Authorization": f"Bearer {world.keys['clerk']}"})
    assert_problem(answer, 500, "internal")
    assert "canary" not in answer.text
    assert "canary" not in caplog.text
    assert answer.json()["request_id"] in [getattr(record, "request_id", "") for record in caplog.records]


async def test_a_database_that_is_away_is_a_503_that_asks_to_come_back(app: FastAPI, world: World) -> None:
    async def away(_state: AppState, _principal: object = allow("clerk")) -> None:
        raise asyncpg.CannotConnectNowError("canary-q7x")

    app.add_api_route("/v1/away", away)
    answer = await world.client.get("/v1/away", headers={"Authorization": f"Bearer {world.keys['clerk']}"})
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_head_is_answered_like_get_without_content(world: World) -> None:
    get = await world.call("GET", "/tally", who="monitor")
    head = await world.call("HEAD", "/tally", who="monitor")
    assert (head.status_code, head.headers["etag"], head.content) == (200, get.headers["etag"], b"")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to another state"),
        ConnectionRefusedError(),
    ],
)
def test_whatever_the_driver_says_of_a_lost_database_asks_to_come_back(error: Exception) -> None:
    assert problem_of(error).status == 503
