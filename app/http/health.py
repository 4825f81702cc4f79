"""Whether the process runs and can work, its metrics and its counties', and the page that documents the API."""

from datetime import UTC, datetime, time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.access.principals import Principal
from app.count.line_queries import answers, petition_figures
from app.database.engine import UNAVAILABLE
from app.database.migrate import current_revision, head_revision
from app.database.queries import current_history
from app.http.frame import AppState, State, principal_of
from app.http.wire import ResponseModel
from app.law.reasons import STATUSES
from app.roll.queries import any_active_roll, get_roll

router = APIRouter(tags=["health"])
_MAY_SEE_COUNTS: Final = ("monitor", "clerk", "supervisor", "auditor", "admin")
_OFFLINE: Final = find_spec("fastapi_offline")  # found and not imported: its files are all that is needed
_ASSETS: Final = Path(str(_OFFLINE and _OFFLINE.origin)).with_name("static")  # Swagger UI, without a foreign host
_ASSET_NAMES: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
_SAME_ORIGIN: Final = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


class LiveOut(ResponseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(ResponseModel):
    """What the service needs to work, each by name."""

    status: Literal["ready", "not_ready"]
    database: bool
    migrations: bool
    roll: bool
    history: str | None
    restored_at: datetime | None


@router.get("/health/live")
async def live() -> LiveOut:
    """Always 200, without a query of the database."""
    return LiveOut()


@router.get("/health/ready")
async def ready(state: AppState, response: Response) -> ReadyOut:
    """200 if the database answers, its schema is this program's, and a county has an active roll; otherwise 503.

    `history` names what the database has lived through, and `restored_at` when a restore began it: what was posted
    before may have to be posted again. A roll that was loaded by a program with other search keys does not count until
    `roll rekey` has rebuilt them.
    """
    found = ReadyOut(status="not_ready", database=False, migrations=False, roll=False, history=None, restored_at=None)
    try:
        async with state.database.brief() as connection:
            found.migrations = await current_revision(connection) == head_revision()
            found.database = True
            if found.migrations:
                found.roll = await any_active_roll(connection)
                state.history = await current_history(connection)
                found.history, found.restored_at = state.history
    except UNAVAILABLE:
        found.database = False
    if found.database and found.migrations and found.roll:
        found.status = "ready"
    else:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return found


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, state: AppState) -> Response:
    """The process's metrics, in Prometheus's format; with a key, the counts of its county as well."""
    county, up = b"", True
    try:
        principal = await principal_of(request)
        if principal and principal.role in _MAY_SEE_COUNTS:
            county = await _county(state, principal)
        if principal is None:
            async with state.database.brief() as connection:
                await answers(connection)
    except UNAVAILABLE:
        up = False
    registry = CollectorRegistry()
    gauge = partial(Gauge, registry=registry)  # no label holds personal data
    gauge("recall_database_up", "1 if the database answered this request.").set(up)
    connections = gauge("recall_database_connections", "Connections.", ["pool", "state"])
    for pool, (opened, used) in state.database.connections().items():
        connections.labels(pool, "used").set(used)
        connections.labels(pool, "idle").set(opened - used)
    waiting = state.group_commit.waiting
    gauge("recall_submissions_waiting", "Single signatures that wait for a transaction.").set(waiting)
    matchers = gauge("recall_matchers", "Worker processes that look lines up.", ["state"])
    for name, count in state.matchers.states().items():
        matchers.labels(name).set(count)
    gauge("recall_tally_listeners", "Streams of the tally.").set(state.count.tallies.listeners)
    text = generate_latest(state.metrics.registry) + generate_latest(registry) + county
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _county(state: State, principal: Principal) -> bytes:
    """A county's counts, and its roll in use."""
    async with state.database.reading() as connection:
        petitions = await petition_figures(connection, principal.county_id)
        roll = await get_roll(connection, principal.county_id)
    registry, label = CollectorRegistry(), ["petition_id"]
    gauge = partial(Gauge, registry=registry)
    lines = gauge("recall_petition_lines", "Lines.", [*label, "status"])
    invalid = gauge("recall_petition_invalid_lines", "Invalid lines.", [*label, "reason"])
    unsettled = gauge("recall_petition_unsettled_lines", "Lines to be confirmed.", label)
    required = gauge("recall_petition_required_signatures", "The number required.", label)
    height = gauge("recall_ledger_height", "Entries of the ledger.", label)
    meaning = "When the line that has waited longest for a person was sent to review."
    waiting_since = gauge("recall_review_oldest_timestamp_seconds", meaning, label)
    for figures in petitions:
        petition_id, counts = figures.petition_id, figures.tally.counts
        for status in STATUSES:
            lines.labels(petition_id, status).set(getattr(counts, status))
        for reason, count in counts.by_reason.items():
            invalid.labels(petition_id, reason).set(count)
        unsettled.labels(petition_id).set(counts.unsettled)
        required.labels(petition_id).set(figures.required)
        height.labels(petition_id).set(figures.tally.version)
        if figures.waiting_since:
            waiting_since.labels(petition_id).set(figures.waiting_since.timestamp())
    if roll and roll.activated_at:
        through = datetime.combine(roll.complete_through, time.min, UTC).timestamp()
        meaning = "The last day whose registrations are in the roll in use."
        gauge("recall_roll_version", "Version of the roll in use.").set(roll.roll_version)
        gauge("recall_roll_complete_through_timestamp_seconds", meaning).set(through)
        meaning = "When the roll in use was activated."
        gauge("recall_roll_activated_timestamp_seconds", meaning).set(roll.activated_at.timestamp())
    return generate_latest(registry)


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The OpenAPI document as a page, whose policy forbids the browser to ask any other host."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Recall petition verifier: API",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # otherwise the page sends the document to a public validator
    )
    page.headers["Content-Security-Policy"] = _SAME_ORIGIN
    return page


@router.get("/docs/{asset}", include_in_schema=False)
async def docs_asset(asset: str) -> FileResponse:
    """A file of Swagger UI."""
    if asset not in _ASSET_NAMES:
        raise HTTPException(404)
    return FileResponse(_ASSETS / asset, headers={"Cache-Control": "public, max-age=86400"})
