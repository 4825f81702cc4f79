"""Whether the process runs and can work, and the page that documents the API."""

import asyncio
import logging
import re
import shutil
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Final, Literal

from fastapi import APIRouter, HTTPException, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from app.compiled import IN_USE
from app.database.engine import DATABASE_ERRORS, NO_WRITES, UNAVAILABLE
from app.database.migrate import current_revision, head_revision
from app.database.queries import beat, checksum_failures, current_history
from app.http.frame import AppState, State
from app.http.wire import ResponseModel
from app.roll.queries import any_active_roll

logger = logging.getLogger("app.health")
router = APIRouter(tags=["health"])
pages = APIRouter()  # of the API's documentation, where it is not closed
_READINESS_LASTS: Final = 1.0  # seconds
_NO_WRITE_LASTS: Final = 5.0  # seconds: stations try again more often
_LEAST_ROOM: Final = 20 << 20  # bytes: the next file of the database's log, without which it stops, and some pages
_PATIENCE: Final = 5.0  # seconds for the database to take a write; a request would wait longer
_OFFLINE: Final = find_spec("fastapi_offline")  # found and not imported: its files are all that is needed
_ASSETS: Final = Path(str(_OFFLINE and _OFFLINE.origin)).with_name("static")  # Swagger UI, without a foreign host
_ASSET_NAMES: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
_INLINE: Final = re.compile("<script>(.*?)</script>", re.DOTALL)
# Nothing of another host, and no script but these: Swagger UI's file, and the lines that start it.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'sha256-{start}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LiveOut(ResponseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(ResponseModel):
    """What the service needs to work, each by name."""

    status: Literal["ready", "not_ready"] = "not_ready"
    reason: str | None = None
    database: bool = False
    undamaged: bool = True
    migrations: bool = False
    roll: bool = False
    writable: bool = False
    matchers: bool = False
    matchers_running: int = 0
    matching: Literal["compiled", "interpreted"] = "interpreted"
    checksum_failures: int = 0
    history: str | None = None
    restored_at: datetime | None = None


# In this order: where the first is missing, the others may be unknown.
_REASONS: Final = {
    "database": "The database does not answer. Look at its process and its log.",
    "undamaged": "A page of the database is damaged. Stop the service, keep a copy of the database's files, and "
    "restore the newest backup: docs/operations.md, section 'A damaged page'.",
    "migrations": "The database's schema is not this program's. Run `python -m app migrate`.",
    "roll": "No county has a roll in use. Run `python -m app roll load FILE --activate`.",
    "writable": "The database takes no write: its disk is full, or it is read-only. The database's log says which.",
    "matchers": "No matcher process answers. The service replaces them within seconds; if it goes on, look at the "
    "machine's memory and load.",
}


@router.get("/health/live")
async def live() -> LiveOut:
    """Always 200, without a query of the database."""
    return LiveOut()


@router.get("/health/ready")
async def ready(state: AppState, response: Response) -> ReadyOut:
    """200 if a signature could be decided and written now; otherwise 503.

    That is: the database answers and takes a write, its schema is this program's, none of its pages is known to be
    damaged, a county has an active roll, and the matchers answer. A roll that was loaded by a program with other search
    keys does not count until `roll rekey` has rebuilt them. `reason` names what is missing first, and what to do.
    `history` names what the database has lived through, and `restored_at` when a restore began it: what was posted
    before may have to be posted again.
    """
    found = await readiness(state)
    if found.status != "ready":
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return found


async def readiness(state: State) -> ReadyOut:
    """Try what a signature needs, once at a time. The result is used for a second, so that asking often costs little.

    The matchers are asked for a sign of life all the time, so the newest that is known of them is used.
    """
    if state.readiness is None or (state.readiness[0].done() and monotonic() - state.readiness[1] > _READINESS_LASTS):
        state.readiness = asyncio.create_task(_try_database(state)), monotonic()
    trying, began = state.readiness
    # It is not cancelled: a driver whose server hangs waits for that without end.
    done, _ = await asyncio.wait({trying}, timeout=max(0.0, began + _PATIENCE - monotonic()))
    found: ReadyOut = trying.result().model_copy() if done else ReadyOut()
    found.writable &= monotonic() - state.no_write_at > _NO_WRITE_LASTS
    found.undamaged, matchers = not (state.damaged or found.checksum_failures), state.matchers.states()
    found.matchers_running, found.matchers = matchers["running"], bool(matchers["running"] or not matchers["silent"])
    found.matching = "compiled" if IN_USE else "interpreted"
    found.reason = next((reason for name, reason in _REASONS.items() if not getattr(found, name)), None)
    found.status = "not_ready" if found.reason else "ready"
    return found


async def _try_database(state: State) -> ReadyOut:
    found = ReadyOut()
    try:
        async with state.database.brief() as connection:
            found.migrations = await current_revision(connection) == head_revision()
            found.database = True
            found.checksum_failures = await checksum_failures(connection)
            if found.migrations:
                found.roll = await any_active_roll(connection)
                state.history = await current_history(connection)
                found.history, found.restored_at = state.history
                await beat(connection)
                found.writable = await asyncio.to_thread(_has_room, state)
    except UNAVAILABLE as error:
        found.database = isinstance(error, NO_WRITES)
    except DATABASE_ERRORS as error:  # such as a database that is read-only
        state.notice(error)
        logger.warning("the database takes no write", extra={"error": type(error).__qualname__})
    return found


def _has_room(state: State) -> bool:
    """Whether there is room on the disk of the embedded database; a write of one row may still find some."""
    return not state.embedded or shutil.disk_usage(state.folders["data"]).free > _LEAST_ROOM


@pages.get("/docs", include_in_schema=False)
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
    (start,) = _INLINE.findall(bytes(page.body).decode())
    hashed = b64encode(sha256(start.encode()).digest()).decode()
    page.headers["Content-Security-Policy"] = _POLICY.format(start=hashed)
    return page


@pages.get("/docs/{asset}", include_in_schema=False)
async def docs_asset(asset: str) -> FileResponse:
    """A file of Swagger UI."""
    if asset not in _ASSET_NAMES:
        raise HTTPException(404)
    return FileResponse(_ASSETS / asset, headers={"Cache-Control": "public, max-age=86400"})
