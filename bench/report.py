"""Put a run's results into the documentation: the targets into docs/benchmarks.md, what follows into docs/scale.md.

    python bench/report.py RESULT.json

RESULT.json is what `bench/throughput.py --json` wrote. Only what stands between two comments of each page is replaced.
"""

import argparse
import json
import re
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.scale import Costs, Prices, table, walls

_DOCS = Path(__file__).parents[1] / "docs"
_SHOWN = (
    "service, batches",
    "floor",
    "floor, indexes afterwards",
    "naive, 64 clients",
    "service, 64 clients",
    "service, 64 clients, p99",
    "naive, 64 clients, p99",
    "service, 1 client, p50",
    "without group commit, 1 client, p50",
    "tally polls",
    "live polls",
    "service, batches: processor time, service",
    "service, batches: processor time, database",
    "service, batches: processor time, client",
    "pgbench: processor time, database",
    "pgbench: head locked, a batch",
    "commits on one head, 1 clients",
    "commits on one head, 8 clients",
    "batches, small roll",
    "batches, large roll",
    "roll load",
    "restart after a kill",
)
_BLOCK = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


def replaced(page: str, results: str) -> str:
    """A page with other results.

    Raises:
        ValueError: it has no place for them.
    """
    changed, times = _BLOCK.subn(lambda found: f"{found[1]}{results.rstrip()}\n\n{found[2]}", page)
    if times != 1:
        raise ValueError("the page has no single place for results")
    return changed


def where(result: Mapping[str, Any]) -> str:
    """What was measured, on what, and what else went on there."""
    machine, figures = result["machine"], result["figures"].values()
    load = statistics.median(load for figure in figures for load in figure["load"])
    others = statistics.median(busy for figure in figures for busy in figure["others"])
    taken = result.get("lines") or "all"
    partly = "" if result["scale"] == "1" and not result.get("lines") else " The targets are promised at scale 1."
    return (
        f"Measured on {result['date']} at scale {result['scale']}, {taken} lines of the petition, medians of"
        f" {result['options']['rounds']} rounds; {machine['processors']} processors ({machine['model']}),"
        f" {machine['memory_gb']:g} GB; the machine's load {load:.1f} in the median, {others:.1f} processors busy with"
        f" what was not the benchmark's.{partly}\n"
    )


def shown(value: float) -> str:
    """A figure with as many digits as matter."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004  # three


def targets(result: Mapping[str, Any]) -> str:
    """The targets as Markdown."""
    lines = ["| target | bound | stretch | measured | met |", "| --- | ---: | ---: | ---: | --- |"]
    for row in result["targets"]:
        bound = f"{'≥' if row['kind'] == 'at least' else '≤'} {shown(row['bound'])}"
        stretch = shown(row["stretch"]) if row["stretch"] else ""
        met = "yes" if row["met"] else "no"
        lines.append(f"| {row['target']} | {bound} | {stretch} | {shown(row['measured'])} | {met} |")
    return "\n".join(lines) + "\n"


def rates(result: Mapping[str, Any]) -> str:
    """The figures that the ratios are made of, with the machine's load beside each."""
    lines = ["| figure | median | rounds | load |", "| --- | ---: | --- | --- |"]
    for name in _SHOWN:
        if figure := result["figures"].get(name):
            values, load = ", ".join(map(shown, figure["values"])), ", ".join(map(shown, figure["load"]))
            lines.append(f"| {name} | {shown(figure['median'])} {figure['unit']} | {values} | {load} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """The steps."""
    usual = Prices()
    parser = argparse.ArgumentParser(description="Put a run's results into the documentation.")
    parser.add_argument("result", type=Path, help="what bench/throughput.py wrote with --json")
    result = json.loads(parser.parse_args().result.read_text("utf-8"))
    costs = Costs.of_result(result)
    pages = {
        "benchmarks.md": [where(result), targets(result), rates(result)],
        "scale.md": [where(result), table(costs, usual) + "\n", walls(costs)],
    }
    for name, results in pages.items():
        page = _DOCS / name
        page.write_text(replaced(page.read_text("utf-8"), "\n" + "\n".join(results)), "utf-8")


if __name__ == "__main__":
    main()
