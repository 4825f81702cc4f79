"""Whether the process runs and can work, its metrics, and the page that documents the API."""

from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.access.principals import Principal
from app.count.line_queries import answers, petition_figures, roll_figures
from app.database.failures import UNAVAILABLE
from app.database.migrate import current_revision, head_revision
from app.http.body import ResponseModel
from app.http.frame import AppState, State, principal_of
from app.http.metrics import Gauges, county_gauges
from app.roll.queries import any_active_roll

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


def _process(state: State, *, database_up: bool) -> Gauges:
    gauges, connections = Gauges(), dict[tuple[str, ...], float]()
    for pool, (opened, used) in state.database.connections().items():
        connections |= {(pool, "used"): used, (pool, "idle"): opened - used}
    matchers = {(name,): count for name, count in state.matchers.states().items()}
    gauges.add("recall_database_up", "1 if the database answered this request.", database_up)
    gauges.add_by(["pool", "state"], "recall_database_connections", "Connections.", connections)
    waiting = state.group_commit.waiting
    gauges.add("recall_submissions_waiting", "Single signatures that wait for a transaction.", waiting)
    gauges.add_by(["state"], "recall_matchers", "Worker processes that look lines up.", matchers)
    gauges.add("recall_tally_listeners", "Streams of the tally.", state.count.tallies.listeners)
    return gauges


async def _county(state: State, principal: Principal) -> bytes:
    async with state.database.reading() as connection:
        petitions = await petition_figures(connection, principal.county_id)
        roll = await roll_figures(connection, principal.county_id)
    return county_gauges(petitions, roll).text()


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
