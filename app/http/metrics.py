"""Metrics in Prometheus's format: of the process for anyone who may reach it, and with a key those of its county."""

import asyncio
import platform
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from app.access.principals import Principal, Role
from app.compiled import IN_USE
from app.count.line_queries import PetitionFigures, petition_figures
from app.database.backup import base_backups
from app.database.engine import DATABASE_ERRORS, is_unavailable
from app.database.migrate import head_revision
from app.database.queries import log_is_archived
from app.http.frame import AppState, State, allow, principal_of
from app.http.health import readiness
from app.http.openapi import DATA
from app.law.reasons import STATUSES
from app.roll.queries import get_roll

router = APIRouter(tags=["health"])
guarded = APIRouter()  # instead of the other, where metrics need a key
_MAY_SEE_COUNTS: Final[tuple[Role, ...]] = ("monitor", "clerk", "supervisor", "auditor", "admin")
_REFUSED: Final = ("unknown", "revoked", "expired")  # keys; each is there from the start, so that the first one shows

NewGauge = Callable[..., Gauge]
NewCounter = Callable[..., Counter]


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, state: AppState) -> Response:
    """The process's metrics, in Prometheus's format; with a key, its requests and the counts of the county as well."""
    own, county = CollectorRegistry(), CollectorRegistry()
    shown = [state.metrics.shown_to_all, own, county]
    ready = await readiness(state)
    try:
        principal = await principal_of(request)
        if principal and principal.role in _MAY_SEE_COUNTS:
            shown.append(state.metrics.requests)
            await _county(state, principal, partial(Gauge, registry=county), partial(Counter, registry=county))
    except DATABASE_ERRORS as error:  # the process's own measures are needed all the more
        state.notice(error)
        answers = ready.database and not is_unavailable(error)
        ready = ready.model_copy(update={"status": "not_ready", "database": answers, "undamaged": not state.damaged})
    gauge, counter = partial(Gauge, registry=own), partial(Counter, registry=own)  # no label holds personal data
    gauge("recall_ready", "1 if a signature could be decided and written now.").set(ready.status == "ready")
    gauge("recall_database_up", "1 if the database answered this request.").set(ready.database)
    gauge("recall_database_damaged", "1 if a page of the database is known to be damaged.").set(not ready.undamaged)
    if ready.database:
        failures = "Pages that failed their checksum, as the database counts them."
        counter("recall_database_checksum_failures", failures).inc(ready.checksum_failures)
    await _process(state, gauge, counter)
    text = b"".join(map(generate_latest, shown))
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@guarded.get("/metrics", response_class=Response, include_in_schema=False)
async def metrics_by_key(
    _: Annotated[Principal, allow(*_MAY_SEE_COUNTS)], request: Request, state: AppState
) -> Response:
    """The same, with a key only."""
    return await metrics(request, state)


async def _process(state: State, gauge: NewGauge, counter: NewCounter) -> None:
    build = {"version": DATA["info"]["version"], "schema": head_revision(), "python": platform.python_version()}
    gauge("recall_build_info", "The program that runs.", list(build)).labels(**build).set(1)
    connections = gauge("recall_database_connections", "Connections.", ["pool", "state"])
    for pool, (opened, used) in state.database.connections().items():
        connections.labels(pool, "used").set(used)
        connections.labels(pool, "idle").set(opened - used)
    waiting = gauge("recall_submissions_waiting", "Single signatures that wait for a transaction.")
    waiting.set(state.group_commit.waiting)
    matchers = gauge("recall_matchers", "Worker processes that look lines up.", ["state"])
    for how, count in state.matchers.states().items():
        matchers.labels(how).set(count)
    counter("recall_matchers_replaced", "Worker processes that hung and were replaced.").inc(state.matchers.replaced)
    decided_here = "Lines that the service looked up by itself, since no worker process answered."
    counter("recall_lines_without_matcher", decided_here).inc(state.matchers.without)
    gauge("recall_matching_compiled", "1 if the code that looks lines up is compiled.").set(IN_USE)
    _limited(state, gauge)
    refused = counter("recall_refused_keys", "Requests with a key that is not live.", ["state"])
    for name in _REFUSED:
        refused.labels(name).inc(state.keys.refused[name])
    refused_reads = "Reads of voter data that were refused: more than was left of a principal's budget of the day."
    counter("recall_reads_refused", refused_reads).inc(state.budget.refused)
    free = gauge("recall_disk_free_bytes", "Free space of a disk that the service writes to.", ["disk"])
    size = gauge("recall_disk_size_bytes", "Size of that disk.", ["disk"])
    usages, made = await asyncio.to_thread(_on_disk, state)  # a disk on a network may hang
    for name, (total, _, left) in usages.items():
        free.labels(name).set(left)
        size.labels(name).set(total)
    if state.history.restored_at:
        meaning = "When the service first saw the database after a restore."
        gauge("recall_database_restored_timestamp_seconds", meaning).set(state.history.restored_at.timestamp())
    if "backups" in state.folders:
        newest = gauge("recall_backup_timestamp_seconds", "When the newest base backup ended; 0: there is none.")
        newest.set(made)
        archived = gauge("recall_backup_log_archived", "1 if the log is being copied to the backups.")
        try:
            async with state.database.brief() as connection:
                archived.set(await log_is_archived(connection))
        except DATABASE_ERRORS:
            archived.set(0)


def _limited(state: State, gauge: NewGauge) -> None:
    gauge("recall_tally_listeners", "Streams of the tally.").set(state.count.tallies.listeners)
    requests = gauge("recall_limited_requests", "Requests of a kind that has a limit of its own.", ["kind", "state"])
    for kind, bulkhead in state.limits.bulkheads.items():
        requests.labels(kind, "running").set(bulkhead.running)
        requests.labels(kind, "waiting").set(bulkhead.waiting)


def _on_disk(state: State) -> tuple[dict[str, tuple[int, int, int]], float]:
    """The usage of each disk that can be read, and when the newest base backup of this history ended; 0: none."""
    usages, made = dict[str, tuple[int, int, int]](), 0.0
    with suppress(OSError):
        for name, folder in state.folders.items():
            usages[name] = shutil.disk_usage(folder)
        for one in base_backups(state.folders["backups"]) if "backups" in state.folders else ():
            if one.history == state.history.name:
                made = one.ended_at.timestamp()
    return usages, made


async def _county(state: State, principal: Principal, gauge: NewGauge, counter: NewCounter) -> None:
    """A county's counts, its stations, and its roll in use."""
    async with state.database.reading() as connection:
        petitions = await petition_figures(connection, principal.county_id)
        roll = await get_roll(connection, principal.county_id)
    in_use = roll if roll and roll.activated_at else None
    _petitions(petitions, in_use.complete_through if in_use else None, gauge, state.now().date())
    posted = gauge("recall_station_last_batch_timestamp_seconds", "When a station last posted here.", ["station"])
    meaning = "New lines that a station posted here, by reason or else status; and lines that were refused."
    lines = counter("recall_station_lines", meaning, ["station", "outcome"])
    for station, (at, outcomes) in state.posted.of_county(principal.county_id).items():
        posted.labels(station).set(at)
        for outcome, count in outcomes.items():
            lines.labels(station, outcome).inc(count)
    if in_use and in_use.activated_at:
        meaning = "The last day whose registrations are in the roll in use."
        gauge("recall_roll_version", "Version of the roll in use.").set(in_use.roll_version)
        gauge("recall_roll_complete_through_timestamp_seconds", meaning).set(_beginning_of(in_use.complete_through))
        meaning = "When the roll in use was activated."
        gauge("recall_roll_activated_timestamp_seconds", meaning).set(in_use.activated_at.timestamp())


def _petitions(petitions: list[PetitionFigures], complete_through: date | None, gauge: NewGauge, today: date) -> None:
    label = ["petition_id"]
    lines = gauge("recall_petition_lines", "Lines.", [*label, "status"])
    invalid = gauge("recall_petition_invalid_lines", "Invalid lines.", [*label, "reason"])
    meanings: dict[str, str] = {
        "recall_petition_unsettled_lines": "Lines to be confirmed.",
        "recall_petition_required_signatures": "The number required.",
        "recall_petition_open": "1 if the count is open.",
        "recall_petition_opened_timestamp_seconds": "When the petition was opened here.",
        "recall_petition_deadline_timestamp_seconds": "The end of thirty business days (EC 11224, GC 6700).",
        "recall_petition_roll_gap_days": "Days before the filing, or before today, that the roll in use ends.",
        "recall_ledger_height": "Entries of the ledger.",
        "recall_checkpoint_entries": "Entries of the ledger that the newest checkpoint covers.",
        "recall_checkpoint_timestamp_seconds": "When the newest checkpoint was made; 0: there is none.",
        "recall_review_oldest_timestamp_seconds": "When the line that waits longest for a person was sent to review.",
    }
    gauges = {name: gauge(name, meaning, label) for name, meaning in meanings.items()}
    for one in petitions:
        counts = one.tally.counts
        for status in STATUSES:
            lines.labels(one.petition_id, status).set(getattr(counts, status))
        for reason, count in counts.by_reason.items():
            invalid.labels(one.petition_id, reason).set(count)
        gap = (min(one.filed_on, today) - complete_through).days if complete_through else None
        values: tuple[Any, ...] = (
            counts.unsettled,
            one.required,
            one.tally.state == "open",
            one.opened_at.timestamp(),
            _beginning_of(one.ruleset.last_day_to_examine(one.filed_on)) + 86_400,
            None if gap is None else max(gap, 0),
            one.tally.version,
            one.checkpoint_size or 0,
            one.checkpoint_at.timestamp() if one.checkpoint_at else 0,
            one.waiting_since.timestamp() if one.waiting_since else None,
        )
        for name, value in zip(gauges, values, strict=True):
            if value is not None:
                gauges[name].labels(one.petition_id).set(value)


def _beginning_of(day: date) -> float:
    """The beginning of a day, in UTC, as Prometheus counts time."""
    return datetime.combine(day, time.min, UTC).timestamp()
