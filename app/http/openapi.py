"""The OpenAPI document: what FastAPI derives, with the bodies that we read ourselves and the errors every route has."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.http.body import BodyReader
from app.http.examples import EXAMPLES
from app.http.frame import calls, guard_of, routes
from app.http.problems import TITLES, ProblemOut
from app.http.signatures import SignatureIn

_REF = "#/components/schemas/{model}"
_LATER = ("429", "503")
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
_KEY = "A key of `python -m app keys create`. It has a role and belongs to a county; a revocation holds at once."

DESCRIPTION = """
Scanning stations hand in the lines of a petition; each is looked up in the voter roll, every voter counts once,
and the tally runs against the number required.

* **Keys.** Every route under `/v1` needs a bearer key; the routes name the roles. What belongs to another county is as
  unknown as what does not exist.
* **Once.** A line's place is its identity, so handing it in again changes nothing. `Idempotency-Key` makes the retry of
  any request that changes the count safe: the same key and content get the same answer, with
  `Idempotent-Replayed: true`.
* **Errors** are problems (RFC 9457), and nothing that was sent is in them.
* **Strict input.** UTF-8 JSON, no unknown field or parameter, no number or boolean as text, no key twice.
* **Pages.** Follow `next_cursor` (or `next_after`) until it is null. What comes in meanwhile moves nothing.
* **Limits.** `RateLimit-*` headers say what a key may still ask; 429 and 503 say in `Retry-After` when to come again.
* **Change.** Within `/v1` only additions: pass over fields, reasons and events that you do not know. `docs/api.md` has
  the policy.
"""

TAGS = [
    {"name": "petitions", "description": "Opening, reading and closing petitions."},
    {"name": "signatures", "description": "Handing lines in, reading where they stand, deciding and correcting them."},
    {
        "name": "quality",
        "description": "Deciding lines a second time, blind, to know how good the first decisions are.",
    },
    {"name": "withdrawals", "description": "Voters who took their signature back."},
    {"name": "sections", "description": "The dates of the booklets."},
    {"name": "tally", "description": "The running count, for monitors."},
    {"name": "ledger", "description": "The record of everything that changed the count, with proofs."},
    {"name": "rolls", "description": "The county's voter roll, in versions."},
    {"name": "aliases", "description": "Other names of the county's streets and cities, in versions."},
    {"name": "keys", "description": "Who may speak to the service."},
    {"name": "voters", "description": "Looking voters up."},
    {"name": "health", "description": "Whether the service lives and can work."},
]


def body_of(route: APIRoute) -> type[BaseModel] | None:
    """The model of a route's body."""
    return next((call.model for call in calls(route.dependant) if isinstance(call, BodyReader)), None)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    result = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        tags=TAGS,
        routes=app.routes,
        contact=app.contact,
        license_info=app.license_info,
    )
    documented = [(path, route) for path, route in routes(app) if isinstance(route, APIRoute)]
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_schemas([model for _, route in documented if (model := body_of(route))]))
    result["servers"] = [{"url": "/", "description": "The service that answers this document."}]
    result["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": _KEY}}
    for path, route in documented:
        for method in route.methods or ():
            _complete(result["paths"].get(path, {}).get(method.lower(), {}), route)
    for unused in schemas.keys() & {"HTTPValidationError", "ValidationError"}:  # FastAPI's own errors, never answered
        del schemas[unused]
    for name in schemas.keys() & EXAMPLES.keys():
        schemas[name]["examples"] = [EXAMPLES[name]]
    return result


def _schemas(bodies: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """The schemas of what we read ourselves, and of the problems."""
    used: dict[type[BaseModel], None] = dict.fromkeys([SignatureIn, ProblemOut, *bodies])
    _, definitions = models_json_schema([(model, "validation") for model in used], ref_template=_REF)
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["BatchIn"]["properties"]["signatures"]["items"] = {"$ref": _REF.format(model="SignatureIn")}
    return schemas


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Add the body, the guard and the errors of one operation."""
    model, guard = body_of(route), guard_of(route)
    if model:
        schema = {"$ref": _REF.format(model=model.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    if not guard:
        operation["security"] = []
        responses["4XX"] = _problem("What was asked for is not there")
    else:
        operation["security"] = [{"key": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {', '.join(guard.roles)}."
        refused = ("401", "403", "422") if model or operation.get("parameters") else ("401", "403")
        body = ("400", "413", "415") if model else ()
        for status in (*refused, *body):
            responses.setdefault(status, _problem(TITLES[int(status)]))
        for status in _LATER:
            responses.setdefault(status, {**_problem(TITLES[int(status)]), "headers": _RETRY_AFTER})
    responses["default"] = _problem("A problem (RFC 9457); docs/errors.md lists the codes")


def _problem(description: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": _REF.format(model="ProblemOut")}}
    return {"description": description, "content": {"application/problem+json": schema}}


def install(app: FastAPI) -> None:
    """Serve this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
