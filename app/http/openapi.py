"""The OpenAPI document: what FastAPI derives from the routes, completed from `openapi_data.json`."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache, partial
from importlib.resources import files
from inspect import getdoc
from typing import Any, Final, Literal, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.access.principals import ROLES
from app.http.frame import DirectRoute, body_of, guard_of, guarded_routes, routes
from app.http.problems import STATUS_OF, TITLES, ProblemOut
from app.http.rolls import RollFormat
from app.http.signatures import LineOut, SignatureIn
from app.http.tally import TallyOut
from app.law.line import Outlook
from app.law.reasons import REASONS, REVIEW_CAUSES, STATUSES
from app.law.registration import RegistrationStatus
from app.ledger.entries import EntryType
from app.roll.queries import RollState

DATA: Final[Mapping[str, Any]] = json.loads(files("app.http").joinpath("openapi_data.json").read_text("utf-8"))
EXAMPLES: Final[Mapping[str, Any]] = DATA["examples"]

_REF: Final = "#/components/schemas/{model}"
# Values that several schemas share have one schema with a name, for which a generator makes one type.
_ENUMS: Final = {
    "Status": STATUSES,
    "LineReason": (*REASONS, *REVIEW_CAUSES),
    "Reason": REASONS,
    "Role": ROLES,
    "RollState": get_args(RollState),
    "RollFormat": get_args(RollFormat),
    "RegistrationStatus": get_args(RegistrationStatus),
    "EntryType": get_args(EntryType),
    "Outlook": get_args(Outlook),
}
_STATUS_OF_CODE: Final = {error.code: status for error, status in STATUS_OF.items()} | {"place_conflict": 409}
_RATES: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    result = get_openapi(title="", version="", tags=DATA["tags"], routes=app.routes)
    result |= {"info": DATA["info"], "servers": DATA["servers"]}
    components, guarded = result.setdefault("components", {}), guarded_routes(app)
    for path, route in routes(app):
        if isinstance(route, APIRoute | DirectRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = result["paths"].setdefault(path, {}).setdefault(method.lower(), {})
                _complete(operation, route)
    schemas = components["schemas"] | _schemas(body_of(route) for route in guarded.values())
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own errors, which are never answered
        schemas.pop(unused, None)
    components |= {
        "securitySchemes": DATA["security"],
        "headers": DATA["headers"],
        "responses": _shared_problems(),
        "schemas": {name: _described(name, schema) for name, schema in schemas.items()},
    }
    named: dict[str, Any] = _named_enums(result)
    for name, values in _ENUMS.items():
        schema = {"type": "string", "enum": list(values), "description": DATA["enums"][name]}
        named["components"]["schemas"][name] = schema
    return named


def description_key(owner: str, name: str) -> str:
    """The key in the data file that describes a property of a schema, or a parameter of an operation."""
    return f"{owner}.{name}" if f"{owner}.{name}" in DATA["descriptions"] else name


def _schemas(bodies: Iterable[type[BaseModel] | None]) -> dict[str, Any]:
    """The schemas of what we read and write without FastAPI."""
    read = dict.fromkeys(model for model in (SignatureIn, *bodies) if model)
    models = [(model, "validation") for model in read] + [(m, "serialization") for m in (LineOut, TallyOut, ProblemOut)]
    _, definitions = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]  # a list of two kinds
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["BatchIn"]["properties"]["signatures"]["items"] = {"$ref": _REF.format(model="SignatureIn")}
    return schemas


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    for key, value in schema.get("properties", {}).items():
        value["description"] = DATA["descriptions"].get(description_key(name, key), "")
    return schema | {"examples": [EXAMPLES[name]]} if name in EXAMPLES else schema


def _complete(operation: dict[str, Any], route: APIRoute | DirectRoute) -> None:
    """Add to an operation what FastAPI cannot derive: its texts, its body, its roles, its errors and its headers."""
    name, given, guard = route.name, deepcopy(DATA["operations"][route.name]), guard_of(route)
    operation |= {"operationId": name, "summary": given["summary"], "security": [{"key": []}] if guard else []}
    if isinstance(route, DirectRoute):
        operation |= {key: given[key] for key in ("tags", "parameters")}
        operation |= {"description": getdoc(route.endpoint), "responses": {}}
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
        responses |= _problems(given.get("errors", ()), _add_body(operation, route))
    else:
        responses["404"] = _shared("NotFound")
    responses["default"] = _shared("Problem")


def _add_body(operation: dict[str, Any], route: APIRoute | DirectRoute) -> Literal["json", "file", ""]:
    """Describe an operation's body, and return its kind."""
    model, content = body_of(route), DATA["operations"][route.name].get("body")
    if model:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    return "json" if model else "file" if content else ""


_EVERY: Final = {401: ("unauthorized",), 403: ("wrong_role",), 422: ("invalid",), 429: ("too_many_requests",)}
_OF_BODIES: Final = {413: ("content_too_large",), 415: ("unsupported_media_type",)}
_OF_JSON: Final = {400: ("malformed_json",)}
_LATER: Final = {503: ("busy", "unavailable")}
_SHARED: Final = _EVERY | _OF_BODIES | _OF_JSON | _LATER


def _problems(own: Iterable[str], body: Literal["json", "file", ""]) -> dict[str, Any]:
    """The errors of an operation with a key, by status: those that it shares with others, and its own codes."""
    codes = _EVERY | _LATER | (_OF_BODIES if body else {}) | (_OF_JSON if body == "json" else {})
    for code in own:
        status = _STATUS_OF_CODE[code]
        codes[status] = (*codes.get(status, ()), code)
    return {
        str(status): _shared(_name(status)) if listed == _SHARED.get(status) else _problem(str(status), *listed)
        for status, listed in sorted(codes.items())
    }


def _name(status: int) -> str:
    return TITLES[status].title().replace(" ", "")


def _shared(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/{name}"}


def _shared_problems() -> dict[str, Any]:
    """The errors that many operations share."""
    problems = {_name(status): _problem(str(status), *codes) for status, codes in _SHARED.items()}
    any_other = _problem("default") | {"description": "A problem (RFC 9457); docs/errors.md lists the codes"}
    return problems | {"NotFound": _problem("404", limited=False), "Problem": any_other}


def _problem(status: str, *codes: str, limited: bool = True) -> dict[str, Any]:
    """An answer that is a problem with one of these codes."""
    title = TITLES[int(status)] if status.isdigit() else ""
    return {
        "description": ", ".join([title, *(f"`{code}`" for code in codes)]),
        "headers": _headers("", status, limited=limited),
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemOut")}}},
    }


def _headers(name: str, status: str, *, limited: bool, replays: bool = False) -> dict[str, Any]:
    """The headers of an answer.

    Args:
        name: the operation's id.
        status: the answer's HTTP status.
        limited: whether the operation needs a key, whose requests are counted.
        replays: whether the operation takes an `Idempotency-Key`.
    """
    names = ["X-Request-Id", "Cache-Control"]
    names += _RATES if limited and status != "401" else ()
    names += ["WWW-Authenticate"] if status == "401" else ()
    names += ["Retry-After"] if status in ("429", "503") else ()
    names += ["Idempotent-Replayed"] if replays and status.startswith("2") else ()
    names += ["ETag"] if name == "get_tally" and status in ("200", "304") else ()
    return {header: {"$ref": f"#/components/headers/{header}"} for header in names}


_NAME_OF_ENUM: Final = {values: name for name, values in _ENUMS.items()}


def _named_enums(part: Any) -> Any:  # noqa: ANN401  # any JSON value
    """A part of the document with references to the enums that have a name."""
    if isinstance(part, list):
        return [_named_enums(item) for item in part]
    if not isinstance(part, dict):
        return part
    name = _NAME_OF_ENUM.get(tuple(part["enum"])) if isinstance(part.get("enum"), list) else None
    if name:
        return {"$ref": _REF.format(model=name)} | {k: v for k, v in part.items() if k not in ("enum", "type", "title")}
    return {key: _named_enums(value) for key, value in part.items()}


def install(app: FastAPI) -> None:
    """Serve this document."""
    app.openapi = cache(partial(document, app))  # type: ignore[method-assign]  # FastAPI's documented way
