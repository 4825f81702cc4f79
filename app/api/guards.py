"""No route without a declared role: the application refuses to start with one."""

from collections.abc import Iterator
from typing import Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from app.api.context import Guard

PUBLIC: Final = frozenset(
    {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/oauth2-redirect"}
)


def calls(dependant: Dependant) -> Iterator[object]:
    """Every dependency below a route."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from calls(dependency)


def guard_of(route: APIRoute) -> Guard | None:
    """The guard of a route."""
    return next((call for call in calls(route.dependant) if isinstance(call, Guard)), None)


def routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Every route of the application with its whole path."""
    return [(c.path or "", c.original_route) for c in iter_route_contexts(app.routes)]


def check_guards(app: FastAPI) -> None:
    """Refuse an application with an unguarded route.

    Raises:
        RuntimeError: it names the route.
    """
    for path, route in routes(app):
        if path not in PUBLIC and not (isinstance(route, APIRoute) and guard_of(route)):
            msg = f"the route {path} declares no role"
            raise RuntimeError(msg)
