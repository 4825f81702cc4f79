"""Whether an answer is one that the OpenAPI document declares, with its code and its headers."""

import json
import re
from pathlib import Path
from typing import Any

import httpx

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "openapi/openapi.json").read_text())
HEADERS = {name.lower() for name in DOCUMENT["components"]["headers"]}
# More exact patterns first: `/signatures/batch` is no place.
PATHS = sorted(DOCUMENT["paths"], key=lambda path: path.count("{"))
PATTERNS = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in PATHS}


def target(value: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that a reference names; the value itself where it is none."""
    found: dict[str, Any] = DOCUMENT if "$ref" in value else value
    for part in value.get("$ref", "").split("/")[1:]:
        found = found[part]
    return found


async def check_documented(response: httpx.Response) -> None:
    """Fail where the answer's status, its code or a header is not in the document."""
    path = next((path for path, pattern in PATTERNS.items() if pattern.fullmatch(response.request.url.path)), "")
    operation = DOCUMENT["paths"].get(path, {}).get(response.request.method.lower())
    if operation is None:
        return
    name, status = f"{operation['operationId']} {response.status_code}", str(response.status_code)
    assert status in operation["responses"], f"{name} is not documented"
    documented = target(operation["responses"][status])
    declared = {header.lower(): target(value)["required"] for header, value in documented["headers"].items()}
    assert response.headers.keys() & HEADERS <= declared.keys(), f"{name} has a header that is not documented"
    assert {header for header, required in declared.items() if required} <= response.headers.keys(), f"{name} lacks one"
    if response.headers.get("content-type") == "application/problem+json":
        await response.aread()
        code = response.json()["type"].rpartition(":")[2]
        assert f"`{code}`" in documented["description"], f"{name} with {code} is not documented"
