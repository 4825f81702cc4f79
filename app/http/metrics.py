"""The metrics of a process and of a county, in Prometheus's format, without personal data in any label."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any, Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.count.line_queries import PetitionFigures, RollFigures

_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What a process counts while it runs. No label holds a name, an address, a voter, a path or a query."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "recall_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "recall_http_request_duration_seconds",
            "Time until a request was answered.",
            ["method", "route"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}  # looked up at each request
        self._agrees = Gauge(
            "recall_verification_agrees",
            "1 if the last verification by this process found the count as recorded, otherwise 0.",
            ["petition_id"],
            registry=self.registry,
        )
        self._verified_at = Gauge(
            "recall_verification_timestamp_seconds",
            "When this process last verified the count.",
            ["petition_id"],
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            method: the HTTP method.
            route: the route's pattern, not the path.
            status: the HTTP status.
            seconds: the time until the answer was sent.
        """
        known = self._of_route.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._of_route[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def verified(self, petition_id: UUID, *, agrees: bool, now: datetime) -> None:
        """Remember a verification's result."""
        self._agrees.labels(str(petition_id)).set(agrees)
        self._verified_at.labels(str(petition_id)).set(now.timestamp())

    def text(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self.registry)


class Gauges(Collector):
    """Gauges whose values are read when they are asked for."""

    def __init__(self) -> None:
        """Begin with none."""
        self._families: list[GaugeMetricFamily] = []

    def add(self, name: str, meaning: str, value: float) -> None:
        """Add a gauge with one value."""
        self._families.append(GaugeMetricFamily(name, meaning, value=float(value)))

    def add_by(self, labels: Iterable[str], name: str, meaning: str, values: Mapping[Any, float]) -> None:
        """Add a gauge with a value for each combination of labels.

        Args:
            labels: the labels' names.
            name: the gauge's name.
            meaning: one sentence.
            values: by a tuple of the labels' values.
        """
        family = GaugeMetricFamily(name, meaning, labels=list(labels))
        for key, value in values.items():
            family.add_metric(list(key), value)
        self._families.append(family)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges."""
        return self._families

    def text(self) -> bytes:
        """The gauges as Prometheus reads them."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)


def county_gauges(petitions: Iterable[PetitionFigures], roll: RollFigures | None) -> Gauges:
    """A county's counts, and its roll in use."""
    gauges, by_id = Gauges(), {str(figures.petition_id): figures for figures in petitions}
    statuses, label = ("received", "valid", "invalid", "review"), ["petition_id"]
    lines = {(p, status): getattr(f.counts, status) for p, f in by_id.items() for status in statuses}
    invalid = {(p, reason): count for p, f in by_id.items() for reason, count in f.counts.by_reason.items()}
    unsettled = {(p,): f.counts.unsettled for p, f in by_id.items()}
    required = {(p,): f.required for p, f in by_id.items()}
    height = {(p,): f.version for p, f in by_id.items()}
    waiting = {(p,): f.waiting_since.timestamp() for p, f in by_id.items() if f.waiting_since}
    waiting_since = "When the line that has waited longest for a person was sent to review."
    gauges.add_by([*label, "status"], "recall_petition_lines", "Lines.", lines)
    gauges.add_by([*label, "reason"], "recall_petition_invalid_lines", "Invalid lines.", invalid)
    gauges.add_by(label, "recall_petition_unsettled_lines", "Lines to be confirmed.", unsettled)
    gauges.add_by(label, "recall_petition_required_signatures", "The number required.", required)
    gauges.add_by(label, "recall_ledger_height", "Entries of the ledger.", height)
    gauges.add_by(label, "recall_review_oldest_timestamp_seconds", waiting_since, waiting)
    if roll:
        _add_roll(gauges, roll)
    return gauges


def _add_roll(gauges: Gauges, roll: RollFigures) -> None:
    through = datetime.combine(roll.complete_through, time.min, UTC)
    gauges.add("recall_roll_version", "Version of the roll in use.", roll.roll_version)
    meaning = "The last day whose registrations are in the roll in use."
    gauges.add("recall_roll_complete_through_timestamp_seconds", meaning, through.timestamp())
    meaning = "When the roll in use was activated."
    gauges.add("recall_roll_activated_timestamp_seconds", meaning, roll.activated_at.timestamp())
