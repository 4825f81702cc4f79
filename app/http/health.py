"""Whether the process lives and can work, and what it measures of itself."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from pydantic import BaseModel

from app.access.principals import Principal
from app.count.line_queries import PetitionFigures, RollFigures, answers, petition_figures, roll_figures
from app.database.migrate import current_revision, head_revision
from app.http.frame import AppState, State, principal_of
from app.http.problems import UNAVAILABLE
from app.roll.queries import any_active_roll

router = APIRouter(tags=["health"])


class LiveOut(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(BaseModel):
    """What the service needs to work, each by name."""

    status: Literal["ready", "not_ready"]
    database: bool
    migrations: bool
    roll: bool


@router.get("/health/live", operation_id="live", summary="Does the process answer?")
async def live() -> LiveOut:
    """Always 200; it asks nothing of the database."""
    return LiveOut()


@router.get(
    "/health/ready",
    operation_id="ready",
    summary="Can the service work?",
    responses={503: {"model": ReadyOut, "description": "Not ready: what is false says why"}},
)
async def ready(state: AppState, response: Response) -> ReadyOut:
    """200 where the database answers, its schema is this program's, and a county has an active roll.

    Else 503. A roll that was loaded by a program with other search keys is none until `roll rekey` has made it anew.
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


_MAY_SEE: Final = ("monitor", "clerk", "supervisor", "auditor", "admin")


class _Process(Collector):
    """What is looked up when it is asked for."""

    def __init__(self, state: State, *, database_up: bool) -> None:
        self._state = state
        self._database_up = database_up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        yield _gauge("recall_database_up", "1 where the database answered just now.", self._database_up)
        pools = GaugeMetricFamily("recall_database_connections", "Connections.", labels=["pool", "state"])
        for pool, (opened, used) in self._state.database.connections().items():
            pools.add_metric([pool, "used"], used)
            pools.add_metric([pool, "idle"], opened - used)
        yield pools
        waiting = self._state.group_commit.waiting
        yield _gauge("recall_submissions_waiting", "Single signatures that wait for a transaction.", waiting)
        matchers = GaugeMetricFamily("recall_matchers", "Processes that look lines up.", labels=["state"])
        for name, count in self._state.matchers.states().items():
            matchers.add_metric([name], count)
        yield matchers
        yield _gauge("recall_tally_listeners", "Streams of the tally.", self._state.watch.listeners)


class _County(Collector):
    """A county's figures."""

    def __init__(self, petitions: Iterable[PetitionFigures], roll: RollFigures | None) -> None:
        self._petitions = list(petitions)
        self._roll = roll

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        yield from self._petition_gauges()
        if self._roll:
            through = datetime.combine(self._roll.complete_through, time.min, UTC)
            yield _gauge("recall_roll_version", "Version of the roll in use.", self._roll.roll_version)
            yield _gauge(
                "recall_roll_complete_through_timestamp_seconds",
                "The last day whose registrations are in the roll in use.",
                through.timestamp(),
            )
            yield _gauge(
                "recall_roll_activated_timestamp_seconds",
                "Since when the roll is in use.",
                self._roll.activated_at.timestamp(),
            )

    def _petition_gauges(self) -> Iterator[GaugeMetricFamily]:
        by_petition = ["petition_id"]
        lines = GaugeMetricFamily("recall_petition_lines", "Lines.", labels=["petition_id", "status"])
        invalid = GaugeMetricFamily("recall_petition_invalid_lines", "Invalid lines.", labels=["petition_id", "reason"])
        unsettled = GaugeMetricFamily("recall_petition_unsettled_lines", "Lines to be confirmed.", labels=by_petition)
        required = GaugeMetricFamily("recall_petition_required_signatures", "The number required.", labels=by_petition)
        height = GaugeMetricFamily("recall_ledger_height", "Entries of the ledger.", labels=by_petition)
        waiting = GaugeMetricFamily(
            "recall_review_oldest_timestamp_seconds", "Since when a line waits for a person.", labels=by_petition
        )
        for figures in self._petitions:
            label, counts = [str(figures.petition_id)], figures.counts
            for status in ("received", "valid", "invalid", "review"):
                lines.add_metric([*label, status], getattr(counts, status))
            for reason, count in counts.by_reason.items():
                invalid.add_metric([*label, reason], count)
            unsettled.add_metric(label, counts.unsettled)
            required.add_metric(label, figures.required)
            height.add_metric(label, figures.version)
            if figures.waiting_since:
                waiting.add_metric(label, figures.waiting_since.timestamp())
        yield from (lines, invalid, unsettled, required, height, waiting)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _text(collector: Collector) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Read the measures",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, state: AppState) -> Response:
    """The process's measures, in Prometheus's format; with a key, its county's count as well."""
    parts = [generate_latest(state.measures.registry)]
    try:
        principal = await principal_of(request)
        county = await _county(state, principal) if principal and principal.role in _MAY_SEE else b""
        up = principal is not None or await _is_up(state)
    except UNAVAILABLE:
        county, up = b"", False
    parts += [_text(_Process(state, database_up=up)), county]
    return Response(b"".join(parts), media_type=CONTENT_TYPE_LATEST)


async def _county(state: State, principal: Principal) -> bytes:
    async with state.database.reading() as connection:
        petitions = await petition_figures(connection, principal.county_id)
        roll = await roll_figures(connection, principal.county_id)
    return _text(_County(petitions, roll))


async def _is_up(state: State) -> bool:
    async with state.database.brief() as connection:
        return await answers(connection)
