"""The OpenAPI document: what FastAPI derives from the routes, completed from `openapi_data.json`."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.errors import RecallError
from app.http.frame import body_of, guard_of, guarded_routes, routes
from app.http.problems import STATUS_OF, TITLES, ProblemOut
from app.http.signatures import SignatureIn

DATA: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_name("openapi_data.json").read_text("utf-8"))
EXAMPLES: Final[Mapping[str, Any]] = DATA["examples"]

_REF: Final = "#/components/schemas/{model}"
_STATUS_OF_CODE: Final = {error.code: STATUS_OF[error.kind] for error in RecallError.__subclasses__()}
_NAMES: Final = {status: title.title().replace(" ", "") for status, title in TITLES.items()}
# The errors that operations share: by status, their codes.
_EVERY: Final = {401: ("unauthorized",), 403: ("wrong_role",), 422: ("invalid",), 429: ("too_many_requests",)}
_OF_BODIES: Final = {413: ("content_too_large",), 415: ("unsupported_media_type",)}
_OF_JSON: Final = {400: ("malformed_json",)}
_LATER: Final = {503: ("busy", "damaged", "unavailable")}
_SHARED: Final = _EVERY | _OF_BODIES | _OF_JSON | _LATER
_POSTS: Final = ("post_signature", "post_signatures")
_RATES: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    result = get_openapi(title="", version="", tags=DATA["tags"], routes=app.routes)
    result |= {"info": DATA["info"], "servers": DATA["servers"]}
    components, guarded = result.setdefault("components", {}), guarded_routes(app)
    for path, route in routes(app):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(result["paths"][path][method.lower()], route)
    schemas = components["schemas"] | _schemas(body_of(route) for route in guarded.values())
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own errors, which are never answered
        schemas.pop(unused, None)
    shared = {_NAMES[status]: _problem(str(status), *codes) for status, codes in _SHARED.items()}
    any_other = _problem("default") | {"description": "A problem (RFC 9457); docs/errors.md lists the codes"}
    components |= {
        "securitySchemes": DATA["security"],
        "headers": DATA["headers"],
        "responses": shared | {"NotFound": _problem("404", limited=False), "Problem": any_other},
        "schemas": {name: _described(name, schema) for name, schema in schemas.items()},
    }
    for name, description in DATA["enums"].items():
        schemas[name]["description"] = description
    return result


def description_key(owner: str, name: str) -> str:
    """The key in the data file that describes a property of a schema, or a parameter of an operation."""
    return f"{owner}.{name}" if f"{owner}.{name}" in DATA["descriptions"] else name


def _schemas(bodies: Iterable[type[BaseModel] | None]) -> dict[str, Any]:
    """The schemas of what we read and write without FastAPI."""
    read = dict.fromkeys(model for model in (SignatureIn, *bodies) if model)
    models = [*((model, "validation") for model in read), (ProblemOut, "serialization")]
    _, definitions = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]  # a list of two kinds
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["BatchIn"]["properties"]["signatures"]["items"] = {"$ref": _REF.format(model="SignatureIn")}
    return schemas


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    for key, value in schema.get("properties", {}).items():
        value["description"] = DATA["descriptions"].get(description_key(name, key), "")
    return schema | {"examples": [EXAMPLES[name]]} if name in EXAMPLES else schema


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Add to an operation what FastAPI cannot derive: its texts, its body, its roles, its errors and its headers."""
    name, given, guard = route.name, deepcopy(DATA["operations"][route.name]), guard_of(route)
    operation |= {"operationId": name, "summary": given["summary"], "security": [{"key": []}] if guard else []}
    operation |= {"parameters": given["parameters"]} if "parameters" in given else {}
    parameters, responses = operation.get("parameters", ()), operation["responses"]
    for parameter in parameters:
        parameter["description"] = DATA["descriptions"].get(description_key(name, parameter["name"]), "")
    responses.pop("422", None)
    for status, response in given.get("responses", {}).items():
        same = responses["201"] if status == "200" and "201" in responses else {}  # it was there already
        responses[status] = {**same, **responses.get(status, {}), **response}
    replays = any(parameter["name"] == "idempotency-key" for parameter in parameters)
    for status, response in responses.items():
        response["headers"] = _headers(name, status, limited=bool(guard), replays=replays)
    if guard:
        operation["description"] += f"\n\nRoles: {', '.join(guard.roles)}."
        model, content = body_of(route), given.get("body")
        if model:
            content = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
        if content:
            operation["requestBody"] = {"required": True, "content": content}
        responses |= _problems(given.get("errors", ()), "json" if model else "file" if content else "")
    else:
        responses["404"] = _shared("NotFound")
    responses["default"] = _shared("Problem")


def _problems(own: Iterable[str], body: Literal["json", "file", ""]) -> dict[str, Any]:
    """The errors of an operation with a key, by status: those that it shares with others, and its own codes."""
    codes = _EVERY | _LATER | (_OF_BODIES if body else {}) | (_OF_JSON if body == "json" else {})
    for code in own:
        status = _STATUS_OF_CODE[code]
        codes[status] = (*codes.get(status, ()), code)
    return {
        str(status): _shared(_NAMES[status]) if listed == _SHARED.get(status) else _problem(str(status), *listed)
        for status, listed in sorted(codes.items())
    }


def _shared(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/{name}"}


def _problem(status: str, *codes: str, limited: bool = True) -> dict[str, Any]:
    """An answer that is a problem with one of these codes."""
    title = TITLES[int(status)] if status.isdigit() else ""
    return {
        "description": ", ".join([title, *(f"`{code}`" for code in codes)]),
        "headers": _headers("", status, limited=limited),
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemOut")}}},
    }


def _headers(name: str, status: str, *, limited: bool, replays: bool = False) -> dict[str, Any]:
    """The headers of an operation's answer: `limited` if it needs a key, `replays` if it takes an idempotency key."""
    names = ["X-Request-Id", "Cache-Control"]
    names += _RATES if limited and status != "401" else ()
    names += ["WWW-Authenticate"] if status == "401" else ()
    names += ["Retry-After"] if status in ("429", "503") else ()
    names += ["Idempotent-Replayed"] if replays and status.startswith("2") else ()
    names += ["Database-History"] if name in _POSTS and status.startswith("2") else ()
    names += ["ETag"] if name == "get_tally" and status in ("200", "304") else ()
    return {header: {"$ref": f"#/components/headers/{header}"} for header in names}
