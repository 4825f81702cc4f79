"""A run's results find their way into the documentation, and nothing else there changes."""

from pathlib import Path
from typing import Any

import pytest

from bench.report import rates, replaced, targets, where

DOCS = Path(__file__).parents[2] / "docs"
RESULT: dict[str, Any] = {
    "date": "2026-11-24",
    "scale": "0.02",
    "lines": None,
    "options": {"rounds": 3},
    "machine": {"processors": 2, "model": "M", "memory_gb": 8},
    "targets": [
        {"target": "fast", "bound": 0.1, "kind": "at least", "stretch": 0.25, "measured": 0.2, "met": True},
        {"target": "small", "bound": 60_000, "kind": "at most", "stretch": None, "measured": 61_234.5, "met": False},
    ],
    "figures": {
        "floor": {
            "unit": "lines/s",
            "median": 12_000,
            "values": [11_000, 12_000, 13_000],
            "load": [1, 2, 3],
            "others": [0, 0, 1],
        }
    },
}


@pytest.mark.parametrize("page", ["benchmarks.md", "scale.md"])
def test_only_the_results_of_a_page_are_replaced(page: str) -> None:
    before = (DOCS / page).read_text("utf-8")

    after = replaced(before, "\nOther results.\n")

    start, end = "<!-- results -->", "<!-- end of results -->"
    assert after.partition(start)[0] == before.partition(start)[0]
    assert after.partition(end)[2] == before.partition(end)[2]
    assert after.partition(start)[2].partition(end)[0].strip() == "Other results."


def test_a_page_without_a_place_for_results_is_refused() -> None:
    with pytest.raises(ValueError, match="no single place"):
        replaced("# A page\n", "results")


def test_what_was_promised_and_measured_stands_side_by_side() -> None:
    assert targets(RESULT).splitlines()[2:] == [
        "| fast | ≥ 0.1 | 0.25 | 0.2 | yes |",
        "| small | ≤ 60,000 |  | 61,234 | no |",
    ]
    assert rates(RESULT).splitlines()[2:] == ["| floor | 12,000 lines/s | 11,000, 12,000, 13,000 | 1, 2, 3 |"]


def test_a_run_at_a_small_scale_says_so() -> None:
    assert "The targets are promised at scale 1" in where(RESULT)
    assert "The targets are promised at scale 1" not in where({**RESULT, "scale": "1"})
