"""What a county, a state and a petition a hundred times larger need, computed from what a run measured.

    python bench/scale.py RESULT.json [--core-hour 0.05] [--gb-month 0.12] [--months 10]

RESULT.json is what `bench/throughput.py --json` wrote. Nothing here is measured: every row is a product, and
docs/scale.md says of what. Prices are in dollars, and assumptions.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.generate import LINES, REGISTERED

_PETITION = sum(LINES.values())
_CALIFORNIA = 22_000_000
_ROLLS = 2  # versions of a roll that are kept at once, while the next is being put into use
_MICRO, _GB, _HOUR = 1e-6, 1e9, 3600
_HOURS_OF_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Case:
    """Who counts what."""

    name: str
    counties: int
    registrations: int
    lines: int


CASES = (
    Case("Los Angeles County, 2022", 1, REGISTERED, _PETITION),
    Case("California, each county its share", 58, _CALIFORNIA, _PETITION * _CALIFORNIA // REGISTERED),
    Case("one petition, a hundred times larger", 1, 100 * REGISTERED, 100 * _PETITION),
)


@dataclass(frozen=True, slots=True)
class Prices:
    """What is assumed of money, in dollars, and of time."""

    core_hour: float = 0.05
    gb_month: float = 0.12
    months: float = 10  # the count, and eight months of retention (EC 17400)


@dataclass(frozen=True, slots=True)
class Costs:
    """What one line and one registration cost on the machine of the run."""

    service: float  # seconds of processor time a line
    database: float  # the same
    rate: float  # lines a second of one process, as batches come
    serial: float  # lines a second that one petition's head could let through
    loading: float  # registrations a second
    line_bytes: float
    registration_bytes: float
    cores: int  # of the machine

    @classmethod
    def of(cls, figures: Mapping[str, Mapping[str, float]], cores: int, batch: int) -> "Costs":
        """The medians of a run."""

        def known(name: str) -> float:
            return float(figures[name]["median"])

        return cls(
            service=known("service, batches: processor time, service") * _MICRO,
            database=known("service, batches: processor time, database") * _MICRO,
            rate=known("service, batches"),
            serial=batch / (known("pgbench: head locked, a batch") / 1000),
            loading=known("roll load"),
            line_bytes=known("disk of a line"),
            registration_bytes=known("disk of a registration"),
            cores=cores,
        )

    @classmethod
    def of_result(cls, result: Mapping[str, Any]) -> "Costs":
        """Of a run's file."""
        return cls.of(result["figures"], result["machine"]["processors"], result["options"]["batch"])


@dataclass(frozen=True, slots=True)
class Need:
    """What a case needs."""

    intake_core_hours: float
    loading_core_hours: float  # of one roll, with every core of the machine busy
    gigabytes: float
    machine_hours: float  # that one machine like the run's takes for all lines, without pause
    head_hours: float  # that the largest petition's head is locked in all: the least that any number of machines take
    machines: int  # one a county
    dollars: float

    @classmethod
    def of(cls, case: Case, costs: Costs, prices: Prices) -> "Need":
        """The products."""
        gigabytes = (case.registrations * costs.registration_bytes * _ROLLS + case.lines * costs.line_bytes) / _GB
        rent = case.counties * costs.cores * _HOURS_OF_A_MONTH * prices.core_hour
        return cls(
            intake_core_hours=case.lines * (costs.service + costs.database) / _HOUR,
            loading_core_hours=case.registrations / costs.loading * costs.cores / _HOUR,
            gigabytes=gigabytes,
            machine_hours=case.lines / costs.rate / _HOUR,
            head_hours=case.lines / case.counties / costs.serial / _HOUR,
            machines=case.counties,
            dollars=prices.months * (rent + gigabytes * prices.gb_month),
        )


_ROWS: tuple[tuple[str, Callable[[Case, Need], float]], ...] = (
    ("registrations", lambda case, _: case.registrations),
    ("lines", lambda case, _: case.lines),
    ("core-hours to take the lines in", lambda _, need: need.intake_core_hours),
    ("core-hours to load the roll once", lambda _, need: need.loading_core_hours),
    ("GB on disk, two versions of the roll", lambda _, need: need.gigabytes),
    ("hours of one machine for all lines", lambda _, need: need.machine_hours),
    ("hours that a petition's head is locked", lambda _, need: need.head_hours),
    ("machines, one a county", lambda _, need: need.machines),
    ("dollars in all", lambda _, need: need.dollars),
)


def table(costs: Costs, prices: Prices) -> str:
    """The needs of all cases, as Markdown."""
    needs = [(case, Need.of(case, costs, prices)) for case in CASES]
    lines = ["| | " + " | ".join(case.name for case in CASES) + " |", "| --- |" + " ---: |" * len(CASES)]
    for name, value in _ROWS:
        values = " | ".join(_shown(value(case, need)) for case, need in needs)
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004  # two figures that matter


def walls(costs: Costs) -> str:
    """What one petition meets as it grows, the nearest first."""
    rates = {
        "batches as they came, with the client and the database on the same machine": costs.rate,
        "the service with one processor for all of its own processes": 1 / costs.service,
        "one petition's head, locked batch after batch": costs.serial,
    }
    lines = [f"1. {name}: {rate:,.0f} lines/s" for name, rate in sorted(rates.items(), key=lambda wall: wall[1])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The steps."""
    usual = Prices()
    parser = argparse.ArgumentParser(description="Compute what larger counts need.")
    parser.add_argument("result", type=Path, help="what bench/throughput.py wrote with --json")
    parser.add_argument("--core-hour", type=float, default=usual.core_hour, help="dollars")
    parser.add_argument("--gb-month", type=float, default=usual.gb_month, help="dollars")
    parser.add_argument("--months", type=float, default=usual.months, help="that the machine and the disk are kept")
    arguments = parser.parse_args()
    costs = Costs.of_result(json.loads(arguments.result.read_text("utf-8")))
    print(table(costs, Prices(arguments.core_hour, arguments.gb_month, arguments.months)))
    print(f"\n{walls(costs)}", end="")


if __name__ == "__main__":
    main()
