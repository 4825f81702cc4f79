"""The composition root: settings in, an application out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from app.actions.checkpoints import Signer, keep_checkpoints
from app.actions.reexamination import keep_examined
from app.api import (
    findings,
    health,
    ledger,
    lines,
    openapi,
    petitions,
    problems,
    quality,
    revisions,
    rolls,
    sections,
    signatures,
    stream,
    tally,
    voters,
    withdrawals,
)
from app.api.context import State, utc_now
from app.api.guards import check_guards
from app.api.observe import Observe
from app.db.engine import open_database
from app.settings import Settings

ROUTES = (
    petitions,
    signatures,
    lines,
    findings,
    revisions,
    withdrawals,
    sections,
    tally,
    stream,
    ledger,
    rolls,
    voters,
    quality,
    health,
)


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
        app.state.recall = State.over(database, now)
        app.state.signer = Signer.from_file(settings.checkpoint_key, create=settings.checkpoint_key_file is None)
        app.state.verifying = asyncio.Lock()
        try:
            async with _beside(keep_examined(database, now), keep_checkpoints(database, app.state.signer, now)):
                yield
        finally:
            app.state.recall.watch.end()
            await database.close()

    app = FastAPI(
        title="Recall petition verifier",
        version="1.0.0",
        summary="Verifies the signatures of a recall petition and keeps the running tally.",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
    )
    for module in ROUTES:
        app.include_router(module.router)
    problems.install(app)
    check_guards(app)
    openapi.install(app)
    app.add_middleware(Observe)
    return app


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run work beside the service, and end it with the service."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
