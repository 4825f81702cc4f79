"""The API's document: complete, valid, and the one that is kept in the repository."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.cli.openapi import text

KEPT = Path(__file__).parents[2] / "openapi/openapi.json"
DOCUMENT: dict[str, Any] = json.loads(text())
METHODS = ("get", "put", "post", "delete", "patch")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {path}", item[method]


OPERATIONS = dict(operations())


def schema_of(content: dict[str, Any]) -> dict[str, Any]:
    """The named schema behind a body or an answer; the schema itself where it has no name."""
    schema: dict[str, Any] = content["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def test_the_kept_document_is_the_one_that_is_served() -> None:
    assert KEPT.read_text() == text(), "run `python -m app openapi > openapi/openapi.json` and review the change"


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


async def test_it_is_served_as_it_is_kept(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_is(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["operationId"].isidentifier()
    assert operation["operationId"].islower()
    assert 0 < len(operation["summary"]) <= 80
    assert not operation["summary"].endswith(".")
    assert len(operation["description"]) > 20
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    assert len(operation["tags"]) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_documents_its_answers(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    assert "application/problem+json" in responses["default"]["content"]
    good = [status for status in responses if status.startswith("2")]
    assert good
    assert all(answer["description"] for answer in responses.values())
    for status in good:
        for content in responses[status].get("content", {}).values():
            assert content["schema"], f"{name} {status} says nothing of its content"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_has_an_example(name: str) -> None:
    for kind, content in OPERATIONS[name].get("requestBody", {"content": {}})["content"].items():
        assert kind != "application/json" or schema_of(content)["examples"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_under_v1_needs_a_key(name: str) -> None:
    secured = OPERATIONS[name].get("security") == [{"key": []}]
    assert secured == (" /v1/" in name)
    assert not secured or "\n\nRoles: " in OPERATIONS[name]["description"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_is_described_or_named_by_what_it_filters(name: str) -> None:
    for parameter in OPERATIONS[name].get("parameters", []):
        assert parameter["in"] != "path" or parameter["description"], parameter["name"]
        assert parameter["schema"]


def test_operation_ids_are_distinct() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))
