"""What one process measures of itself as it works."""

from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counters and gauges of a process. No label holds a name, an address, a voter, a path or a query."""

    def __init__(self) -> None:
        """Begin at nothing."""
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
        self._verified = Gauge(
            "recall_verification_agrees",
            "1 where the last verification by this process found the count as recorded, 0 where it did not.",
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
        """Count one request; `route` is the pattern."""
        known = self._of_route.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._of_route[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def verified(self, petition_id: UUID, *, agrees: bool, now: datetime) -> None:
        """Remember a verification's result."""
        self._verified.labels(str(petition_id)).set(agrees)
        self._verified_at.labels(str(petition_id)).set(now.timestamp())
