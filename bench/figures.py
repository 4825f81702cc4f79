"""Figures with the load beside them, their medians, and what was promised of them."""

import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.usage import Spent


@dataclass(slots=True)
class Figure:
    """One figure, of each round, with the machine's load while it was taken."""

    unit: str
    values: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)  # load average of the last minute
    others: list[float] = field(default_factory=list)  # processors kept busy by what is not ours

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.values)


@dataclass(slots=True)
class Figures:
    """All figures of a run."""

    by_name: dict[str, Figure] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, spent: Spent | None = None) -> None:
        """Keep and print the figure of one round."""
        figure = self.by_name.setdefault(name, Figure(unit))
        figure.values.append(value)
        load = spent.load if spent else os.getloadavg()[0]
        figure.load.append(round(load, 2))
        figure.others.append(round(spent.others, 2) if spent else 0.0)
        beside = f"load {load:5.2f}" + (f", others {spent.others:4.2f} cores" if spent else "")
        print(f"{name:<62}{value:>12,.{_digits(value)}f} {unit:<10} {beside}", flush=True)

    def median(self, name: str) -> float | None:
        """The median of a figure over its rounds; None where it was not taken."""
        return self.by_name[name].median if name in self.by_name else None

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {
            name: {"unit": f.unit, "median": f.median, "values": f.values, "load": f.load, "others": f.others}
            for name, f in self.by_name.items()
        }


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 3  # noqa: PLR2004  # three figures that matter


Known = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised: a value computed from figures, and the bound it has to keep."""

    name: str
    value: Callable[[Known], float]
    bound: float
    kind: Literal["at least", "at most"]
    stretch: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value >= self.bound if self.kind == "at least" else value <= self.bound


def _over(one: str, other: str) -> Callable[[Known], float]:
    return lambda known: known(one) / known(other)


def _of(name: str) -> Callable[[Known], float]:
    return lambda known: known(name)


TARGETS = (
    Target(
        "batch HTTP / the faster floor",
        lambda known: known("service, batches") / max(known("floor"), known("floor, indexes afterwards")),
        0.10,
        "at least",
        0.25,
    ),
    Target("batch HTTP / naive", _over("service, batches", "naive, 64 clients"), 20, "at least", 60),
    Target("single posts / naive, 64 clients", _over("service, 64 clients", "naive, 64 clients"), 8, "at least"),
    Target(
        "p99 of single posts / naive's, 64 clients",
        _over("service, 64 clients, p99", "naive, 64 clients, p99"),
        0.2,
        "at most",
    ),
    Target(
        "p50 of a single post / without group commit, 1 client",
        _over("service, 1 client, p50", "without group commit, 1 client, p50"),
        1.05,
        "at most",
    ),
    Target("tally polls / live", _over("tally polls", "live polls"), 0.9, "at least"),
    Target(
        "tally polls / live, during intake",
        _over("tally polls during intake", "live polls during intake"),
        0.9,
        "at least",
    ),
    Target(
        "tally queries a second",
        lambda known: max(known("tally queries"), known("tally queries during intake")),
        20,
        "at most",
    ),
    Target(
        "batches at the petition's end / at its beginning",
        _over("batches at the end", "batches at first"),
        0.8,
        "at least",
    ),
    Target(
        "batches with the large roll / the small", _over("batches, large roll", "batches, small roll"), 0.75, "at least"
    ),
    Target("memory of the service, MB", _of("memory of the service"), 300, "at most"),
    Target("memory of the service with the large roll, MB", _of("memory of the service, large roll"), 300, "at most"),
    Target("registrations loaded a second", _of("roll load"), 60_000, "at least"),
    Target("restart to the first answer, s", _of("restart after a kill"), 2, "at most"),
)


def judge(figures: Figures) -> list[dict[str, Any]]:
    """Every target whose figures were taken, with what was measured and whether it is met."""
    judged = []
    for target in TARGETS:
        try:
            value = _measured(target, figures)
        except KeyError:
            continue
        row = {"target": target.name, "bound": target.bound, "kind": target.kind, "stretch": target.stretch}
        judged.append(row | {"measured": value, "met": target.met(value)})
    return judged


def _measured(target: Target, figures: Figures) -> float:
    """The median of what the rounds make of the target, since what is compared was measured within a round.

    Figures that were not taken once a round are compared by their medians.

    Raises:
        KeyError: a figure was not taken.
    """
    taken: dict[str, list[float]] = {}

    def median(name: str) -> float:
        taken[name] = figures.by_name[name].values
        return figures.by_name[name].median

    of_medians = target.value(median)
    if len({len(values) for values in taken.values()}) > 1:
        return of_medians
    rounds = zip(*taken.values(), strict=True)
    return statistics.median(target.value(dict(zip(taken, values, strict=True)).__getitem__) for values in rounds)


def print_judged(judged: list[dict[str, Any]]) -> None:
    """The table: target, measured, met."""
    print(f"\n{'target':<56}{'bound':>18}{'measured':>12}  met")
    for row in judged:
        stretch = f" ({row['stretch']:g})" if row["stretch"] else ""
        bound = f"{'>=' if row['kind'] == 'at least' else '<='} {row['bound']:,g}{stretch}"
        print(f"{row['target']:<56}{bound:>18}{row['measured']:>12,.3f}  {'yes' if row['met'] else 'NO'}")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    memory = Path("/proc/meminfo").read_text().partition("MemTotal:")[2].split()[0]
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition(":")[2].splitlines()
    return {
        "processors": os.cpu_count(),
        "model": model[0].strip() if model else platform.machine(),
        "memory_gb": round(int(memory) / 2**20, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def write(path: Path, figures: Figures, judged: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """Everything as JSON."""
    result = {"machine": machine(), **facts, "targets": judged, "figures": figures.as_json()}
    path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
