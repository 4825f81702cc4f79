"""The composition root: settings in, an application out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from app.actions.group_commit import GroupCommit
from app.api import health, lines, openapi, petitions, problems, rolls, signatures, tally, voters
from app.api.context import State, utc_now
from app.api.guards import check_guards
from app.api.observe import Observe
from app.db.engine import open_database
from app.settings import Settings


def create_app(settings: Settings, database_url: str, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The service over one database.

    Raises:
        RuntimeError: a route declares no role.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = await open_database(
            database_url, intake=settings.intake_connections, reading=settings.reading_connections
        )
        app.state.recall = State(database, GroupCommit(database, now), now)
        try:
            yield
        finally:
            await database.close()

    app = FastAPI(
        title="Recall petition verifier",
        version="1.0.0",
        summary="Verifies the signatures of a recall petition and keeps the running tally.",
        lifespan=lifespan,
        redoc_url=None,
    )
    for module in (petitions, signatures, lines, tally, rolls, voters, health):
        app.include_router(module.router)
    problems.install(app)
    check_guards(app)
    openapi.install(app)
    app.add_middleware(Observe)
    return app
