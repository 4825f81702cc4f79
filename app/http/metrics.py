"""The metrics of a process and of a county, in Prometheus's format, without personal data in any label."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.count.line_queries import PetitionFigures, RollFigures


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
