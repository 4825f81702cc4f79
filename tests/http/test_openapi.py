"""The API's document: complete, valid, and the one that is kept in the repository."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.cli.openapi import text
from app.http.openapi import DATA, EXAMPLES, description_key
from tests.http.documented import target

KEPT = Path(__file__).parents[2] / "openapi/openapi.json"
DOCUMENT: dict[str, Any] = json.loads(text())
METHODS = ("get", "put", "post", "delete", "patch")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation by its method and path, with the responses that it shares with others in their places."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                responses = {status: target(response) for status, response in item[method]["responses"].items()}
                yield f"{method} {path}", {**item[method], "responses": responses}


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
def test_every_answer_in_json_has_an_example(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        content = answer.get("content", {}).get("application/json")
        for option in content["schema"].get("anyOf", [content["schema"]]) if content else ():
            assert schema_of({"schema": option}).get("examples"), f"{status} {option}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_what_its_schema_says(name: str) -> None:
    assert name in DOCUMENT["components"]["schemas"], "an example of nothing"
    whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(whole, format_checker=checker).validate(EXAMPLES[name])


def test_it_says_where_by_whom_and_under_which_licence() -> None:
    assert DOCUMENT["servers"]
    assert DOCUMENT["info"]["contact"]
    assert DOCUMENT["info"]["license"]["identifier"] == "Apache-2.0"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_whether_it_needs_a_key_and_how_it_refuses(name: str) -> None:
    assert OPERATIONS[name]["security"] == ([{"key": []}] if " /v1/" in name else [])
    assert any(status.startswith("4") for status in OPERATIONS[name]["responses"])
    for status in ("429", "503") if " /v1/" in name else ():
        assert target(OPERATIONS[name]["responses"][status]["headers"]["Retry-After"])["required"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_under_v1_needs_a_key(name: str) -> None:
    secured = OPERATIONS[name].get("security") == [{"key": []}]
    assert secured == (" /v1/" in name)
    assert not secured or "\n\nRoles: " in OPERATIONS[name]["description"]


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every property and parameter, with the schema or operation that it belongs to."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            yield name, key, value
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", []):
            yield operation["operationId"], parameter["name"], parameter


def test_every_property_and_parameter_is_described() -> None:
    assert [(owner, name) for owner, name, value in described() if not value.get("description")] == []


def test_no_description_example_or_operation_is_unused() -> None:
    assert set(DATA["descriptions"]) == {description_key(owner, name) for owner, name, _ in described()}
    assert set(EXAMPLES) <= set(DOCUMENT["components"]["schemas"])
    assert set(DATA["operations"]) == {operation["operationId"] for operation in OPERATIONS.values()}


def test_values_that_several_schemas_share_have_one_named_schema() -> None:
    enums = [json.dumps(v["enum"]) for v in walk(DOCUMENT) if isinstance(v.get("enum"), list)]
    shared = {values for values in enums if enums.count(values) > 1}
    assert shared <= {json.dumps(["valid", "invalid", "review"]), json.dumps(["open", "closed"])}


def walk(value: object) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(part)


def test_operation_ids_are_distinct() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


async def test_the_page_of_the_document_needs_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r"(?:https?:)?//[\w.-]+", page.text) == []
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) == 3
    for asset in assets:
        answer = await client.get(str(page.url.join(asset)))
        assert answer.status_code == 200, asset
        assert len(answer.content) > 1000
    (document,) = re.findall(r"url: '([^']+)'", page.text)
    assert (await client.get(str(page.url.join(document)))).json() == DOCUMENT


async def test_the_page_serves_no_other_file(client: httpx.AsyncClient) -> None:
    for name in ("__init__.py", "..%2fcore.py", "redoc.standalone.js"):
        assert (await client.get(f"/docs/{name}")).status_code == 404
