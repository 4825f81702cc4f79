"""Wires the settings, the database and the routes into one application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cache, partial
from typing import Final

from fastapi import FastAPI

from app.access.keys import keep_expired
from app.database.engine import SESSION, connect_arguments, open_database
from app.database.queries import current_history
from app.examination.actions import keep_examined
from app.examination.reads import ReadBudget, keep_seen_short
from app.http import (
    administration,
    assignments,
    attempts,
    bulk,
    comparisons,
    confidential,
    defects,
    earlier,
    health,
    history,
    line_notes,
    metrics,
    openapi,
    petitions,
    problems,
    quality,
    queues,
    raw_count,
    reads,
    references,
    ruleset_changes,
    rulesets,
    sections,
    signatures,
    voters,
    withdrawals,
)
from app.http.frame import InFlightLimit, Metrics, Observe, RateLimit, State, check_guards, guarded_routes, utc_now
from app.http.limits import Limits
from app.ledger.evidence import keep_checkpoints
from app.ledger.notes import Signer
from app.matching.workers import Matchers
from app.roll.loading import RollUploads
from app.settings import Settings
from app.telemetry import NAME, close_tracing, open_tracing

# Routes are tried in order: those that are asked for most come first.
_ROUTERS = (
    signatures.direct,
    petitions.direct,
    petitions.router,
    attempts.router,
    rulesets.router,
    ruleset_changes.router,
    signatures.router,
    history.router,
    queues.router,
    line_notes.router,
    comparisons.router,
    earlier.router,
    withdrawals.router,
    bulk.router,
    sections.router,
    defects.router,
    raw_count.router,
    petitions.tallies,
    petitions.ledger,
    administration.rolls,
    administration.aliases,
    administration.keys,
    assignments.router,
    voters.router,
    reads.router,
    references.router,
    quality.router,
    confidential.router,
    health.router,
)
_CLOSING: Final = 5.0  # seconds for the connections in use at the end
_METRICS: Final = {"open": [metrics.router], "key": [metrics.guarded], "off": []}


def create_app(settings: Settings, database_url: str, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The service over one database. A route that declares no role is a RuntimeError."""
    counted, spans = Metrics(), open_tracing() if settings.telemetry else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(settings, database_url, counted, limits, now) as app.state.recall:
            yield
        if spans:
            await close_tracing(spans)

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,  # ours needs no foreign host
        openapi_url="/openapi.json" if settings.docs else None,
        redoc_url=None,
        redirect_slashes=False,
        # FastAPI's own spans and logs hold paths, queries and the texts of exceptions: ours are in `Observe`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    routers = *_ROUTERS, *([health.pages] if settings.docs else ()), *_METRICS[settings.metrics]
    # Not by include_router, which matches each route twice.
    app.router.routes[:0] = [route for router in routers for route in router.routes]
    problems.install(app)
    check_guards(app)
    limits = Limits(guarded_routes(app), settings.streams)
    app.openapi = cache(partial(openapi.document, app))  # type: ignore[method-assign]  # FastAPI's documented way
    app.add_middleware(InFlightLimit, limits=limits)
    app.add_middleware(Observe, metrics=counted, tracer=spans.get_tracer(NAME) if spans else None)
    return app


@asynccontextmanager
async def _running(
    settings: Settings, url: str, counted: Metrics, limits: Limits, now: Callable[[], datetime]
) -> AsyncIterator[State]:
    """The process's state, and the tasks beside the requests, from start to end."""
    database = await open_database(url, intake=settings.intake_connections, reading=settings.reading_connections)
    uploads = RollUploads(url, settings.data_dir / "uploads")
    matchers = Matchers(connect_arguments(url, **SESSION), settings.matchers)
    await matchers.start()
    signer = Signer.from_file(settings.checkpoint_key, create=settings.checkpoint_key_file is None)
    async with database.brief() as connection:
        history = await current_history(connection)
    rate, folders = RateLimit(settings.requests_per_second), {"data": settings.data_dir}
    if settings.backup_dir and not settings.database_url:
        folders["backups"] = settings.backup_dir
    budget = ReadBudget(settings.reads_per_day, settings.time_zone)
    state = State(database, uploads, matchers, counted, rate, signer, history, budget, limits, now, folders)
    state.embedded = not settings.database_url
    state.lease_seconds = settings.lease_seconds
    works = (
        keep_examined(state.count, now, matchers.decide_lines),
        keep_checkpoints(database, signer, now),
        keep_expired(database, now),
        keep_seen_short(database, budget, now),
        matchers.watch(),
    )
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield state
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        state.count.tallies.end()
        await uploads.close()
        await matchers.close()
        with suppress(TimeoutError):  # a connection that something holds for good must not keep the process
            async with asyncio.timeout(_CLOSING):
                await database.close()


def end_streams(app: FastAPI) -> None:
    """End the streams: they would delay the end of the process until it is killed."""
    if hasattr(app.state, "recall"):
        app.state.recall.count.tallies.end()
