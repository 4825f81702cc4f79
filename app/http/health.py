"""Whether the process runs and can work, its metrics and its counties', and the page that documents the API."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.access.principals import Principal
from app.count.line_queries import PetitionFigures, answers, petition_figures
from app.database.engine import UNAVAILABLE
from app.database.migrate import current_revision, head_revision
from app.http.body import ResponseModel
from app.http.frame import AppState, State, principal_of
from app.roll.queries import any_active_roll, get_roll

router = APIRouter(tags=["health"])


class LiveOut(ResponseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(ResponseModel):
    """What the service needs to work, each by name."""

    status: Literal["ready", "not_ready"]
    database: bool
    migrations: bool
    roll: bool


@router.get("/health/live")
async def live() -> LiveOut:
    """Always 200, without a query of the database."""
    return LiveOut()


@router.get("/health/ready")
async def ready(state: AppState, response: Response) -> ReadyOut:
    """200 if the database answers, its schema is this program's, and a county has an active roll; otherwise 503.

    A roll that was loaded by a program with other search keys does not count until `roll rekey` has rebuilt them.
    """
    database = migrations = roll = False
    try:
        async with state.database.brief() as connection:
            migrations = await current_revision(connection) == head_revision()
            database = True
            roll = migrations and await any_active_roll(connection)
    except UNAVAILABLE:
        database = False
    good = database and migrations and roll
    if not good:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return ReadyOut(status="ready" if good else "not_ready", database=database, migrations=migrations, roll=roll)


_MAY_SEE_COUNTS: Final = ("monitor", "clerk", "supervisor", "auditor", "admin")


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, state: AppState) -> Response:
    """The process's metrics, in Prometheus's format; with a key, the counts of its county as well."""
    county = b""
    try:
        principal = await principal_of(request)
        if principal and principal.role in _MAY_SEE_COUNTS:
            county = await _county(state, principal)
        up = principal is not None or await _is_up(state)
    except UNAVAILABLE:
        up = False
    text = state.metrics.text() + _process(state, database_up=up).text() + county
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Gauges:
    """Gauges whose values are read when they are asked for. No label holds personal data."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

    def add(self, name: str, meaning: str, value: float) -> None:
        """Add a gauge with one value."""
        Gauge(name, meaning, registry=self._registry).set(value)

    def add_by(self, labels: Iterable[str], name: str, meaning: str, values: Mapping[Any, float]) -> None:
        """Add a gauge with a value for each combination of the labels' values.

        Args:
            labels: the names of the labels.
            name: of the gauge.
            meaning: the help text that Prometheus shows.
            values: by the labels' values, in the order of `labels`.
        """
        gauge = Gauge(name, meaning, labels, registry=self._registry)
        for key, value in values.items():
            gauge.labels(*key).set(value)

    def text(self) -> bytes:
        """The gauges as Prometheus reads them."""
        return generate_latest(self._registry)


def _process(state: State, *, database_up: bool) -> _Gauges:
    gauges, connections = _Gauges(), dict[tuple[str, ...], float]()
    for pool, (opened, used) in state.database.connections().items():
        connections |= {(pool, "used"): used, (pool, "idle"): opened - used}
    matchers = {(name,): count for name, count in state.matchers.states().items()}
    waiting = state.group_commit.waiting
    gauges.add("recall_database_up", "1 if the database answered this request.", database_up)
    gauges.add_by(["pool", "state"], "recall_database_connections", "Connections.", connections)
    gauges.add("recall_submissions_waiting", "Single signatures that wait for a transaction.", waiting)
    gauges.add_by(["state"], "recall_matchers", "Worker processes that look lines up.", matchers)
    gauges.add("recall_tally_listeners", "Streams of the tally.", state.count.tallies.listeners)
    return gauges


async def _county(state: State, principal: Principal) -> bytes:
    """A county's counts, and its roll in use."""
    async with state.database.reading() as connection:
        petitions = await petition_figures(connection, principal.county_id)
        roll = await get_roll(connection, principal.county_id)
    gauges = _Gauges()
    _add_petitions(gauges, {str(figures.petition_id): figures for figures in petitions})
    if roll and roll.activated_at:
        through, in_use = datetime.combine(roll.complete_through, time.min, UTC), roll.activated_at
        meaning = "The last day whose registrations are in the roll in use."
        gauges.add("recall_roll_version", "Version of the roll in use.", roll.roll_version)
        gauges.add("recall_roll_complete_through_timestamp_seconds", meaning, through.timestamp())
        meaning = "When the roll in use was activated."
        gauges.add("recall_roll_activated_timestamp_seconds", meaning, in_use.timestamp())
    return gauges.text()


def _add_petitions(gauges: _Gauges, by_id: Mapping[str, PetitionFigures]) -> None:
    statuses, label = ("received", "valid", "invalid", "review"), ["petition_id"]
    lines = {(p, status): getattr(f.tally.counts, status) for p, f in by_id.items() for status in statuses}
    invalid = {(p, reason): count for p, f in by_id.items() for reason, count in f.tally.counts.by_reason.items()}
    unsettled = {(p,): f.tally.counts.unsettled for p, f in by_id.items()}
    required = {(p,): f.required for p, f in by_id.items()}
    height = {(p,): f.tally.version for p, f in by_id.items()}
    waiting = {(p,): f.waiting_since.timestamp() for p, f in by_id.items() if f.waiting_since}
    waiting_since = "When the line that has waited longest for a person was sent to review."
    gauges.add_by([*label, "status"], "recall_petition_lines", "Lines.", lines)
    gauges.add_by([*label, "reason"], "recall_petition_invalid_lines", "Invalid lines.", invalid)
    gauges.add_by(label, "recall_petition_unsettled_lines", "Lines to be confirmed.", unsettled)
    gauges.add_by(label, "recall_petition_required_signatures", "The number required.", required)
    gauges.add_by(label, "recall_ledger_height", "Entries of the ledger.", height)
    gauges.add_by(label, "recall_review_oldest_timestamp_seconds", waiting_since, waiting)


async def _is_up(state: State) -> bool:
    async with state.database.brief() as connection:
        return await answers(connection)


_ASSETS: Final = Path(str(files("fastapi_offline"))) / "static"  # Swagger UI, without a foreign host
_ASSET_NAMES: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
_SAME_ORIGIN: Final = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


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
