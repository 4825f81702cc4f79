"""The composition root: settings in, an application out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from app.database.engine import SESSION, connect_arguments, open_database
from app.examination.reexamination import keep_examined
from app.http import (
    aliases,
    findings,
    health,
    keys,
    ledger,
    lines,
    openapi,
    petitions,
    problems,
    quality,
    rolls,
    sections,
    signatures,
    tally,
    voters,
    withdrawals,
)
from app.http.direct import DirectRoute
from app.http.frame import Limit, Measures, State, check_guards, utc_now
from app.http.observe import Observe
from app.ledger.checkpoints import Signer, keep_checkpoints
from app.matching.workers import Matchers
from app.roll.uploads import RollUploads
from app.settings import Settings
from app.telemetry import Tracing

ROUTES = (
    petitions,
    signatures,
    lines,
    findings,
    withdrawals,
    sections,
    tally,
    ledger,
    rolls,
    aliases,
    keys,
    voters,
    quality,
    health,
)


def create_app(settings: Settings, database_url: str, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The service over one database.

    Raises:
        RuntimeError: a route declares no role.
    """
    measures, tracing = Measures(), Tracing.open() if settings.telemetry else None
    app = FastAPI(
        title="Recall petition verifier",
        version="1.0.0",
        summary="Verifies the signatures of a recall petition and keeps the running tally.",
        contact={"name": "Whoever runs this service"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lambda app: _working(app, settings, database_url, measures, tracing, now),
        redoc_url=None,
        redirect_slashes=False,
        # FastAPI's own spans and logs hold paths, queries and the texts of exceptions: ours are in `Observe`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for module in ROUTES:
        app.router.routes.extend(module.router.routes)  # not include_router, which looks for each route twice
    app.router.routes.sort(key=lambda route: not isinstance(route, DirectRoute))  # looked for one after the other
    problems.install(app)
    check_guards(app)
    openapi.install(app)
    app.add_middleware(Limit)
    app.add_middleware(Observe, measures=measures, tracer=tracing.tracer if tracing else None)
    return app


@asynccontextmanager
async def _working(
    app: FastAPI,
    settings: Settings,
    database_url: str,
    measures: Measures,
    tracing: Tracing | None,
    now: Callable[[], datetime],
) -> AsyncIterator[None]:
    """The connections, and the work beside the requests, from start to end."""
    database = await open_database(
        database_url, intake=settings.intake_connections, reading=settings.reading_connections
    )
    uploads = RollUploads(database_url, settings.data_dir / "uploads")
    matchers = Matchers(connect_arguments(database_url, **SESSION), settings.matchers)
    await matchers.start()
    app.state.recall = State.over(database, uploads, measures, now, settings.requests_per_second, matchers)
    app.state.signer = Signer.from_file(settings.checkpoint_key, create=settings.checkpoint_key_file is None)
    app.state.verifying = asyncio.Lock()
    try:
        async with _beside(
            keep_examined(database, now, matchers.decide_lines), keep_checkpoints(database, app.state.signer, now)
        ):
            yield
    finally:
        end_streams(app)
        await uploads.close()
        await matchers.close()
        await database.close()
        if tracing:
            await tracing.close()


def end_streams(app: FastAPI) -> None:
    """End what would otherwise hold up the end of the process."""
    if hasattr(app.state, "recall"):
        app.state.recall.watch.end()


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
