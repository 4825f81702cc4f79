"""The OpenAPI document: what FastAPI derives, with the bodies that we read ourselves and the errors every route has."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.body import BodyReader
from app.api.examples import EXAMPLES
from app.api.guards import calls, guard_of, routes
from app.api.problems import ProblemOut
from app.api.signatures import SignatureIn

_REF = "#/components/schemas/{model}"


def body_of(route: APIRoute) -> type[BaseModel] | None:
    """The model of a route's body."""
    return next((call.model for call in calls(route.dependant) if isinstance(call, BodyReader)), None)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    result = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    documented = [(path, route) for path, route in routes(app) if isinstance(route, APIRoute)]
    bodies = [body_of(route) for _, route in documented]
    used: dict[type[BaseModel], None] = dict.fromkeys([SignatureIn, ProblemOut, *(model for model in bodies if model)])
    _, definitions = models_json_schema([(model, "validation") for model in used], ref_template=_REF)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    schemas["BatchIn"]["properties"]["signatures"]["items"] = {"$ref": _REF.format(model="SignatureIn")}
    for name in schemas.keys() & EXAMPLES.keys():
        schemas[name]["examples"] = [EXAMPLES[name]]
    result["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, route in documented:
        for method in route.methods or ():
            _complete(result["paths"].get(path, {}).get(method.lower(), {}), route)
    return result


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Add the body, the guard and the errors of one operation."""
    model, guard = body_of(route), guard_of(route)
    if model:
        schema = {"$ref": _REF.format(model=model.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    problem = {"schema": {"$ref": _REF.format(model="ProblemOut")}}
    responses["default"] = {"description": "A problem (RFC 9457)", "content": {"application/problem+json": problem}}
    if guard:
        operation["security"] = [{"key": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {', '.join(guard.roles)}."


def install(app: FastAPI) -> None:
    """Serve this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
