"""What larger counts need follows from what was measured."""

from dataclasses import astuple

import pytest

from bench.scale import CASES, Costs, Need, Prices, table

COSTS = Costs(
    service=300e-6,
    database=100e-6,
    rate=2_500,
    serial=25_000,
    loading=60_000,
    line_bytes=2_000,
    registration_bytes=700,
    cores=2,
)


def test_costs_are_the_medians_of_a_run() -> None:
    medians = {
        "service, batches: processor time, service": 300,
        "service, batches: processor time, database": 100,
        "service, batches": 2_500,
        "pgbench: head locked, a batch": 20,
        "roll load": 60_000,
        "disk of a line": 2_000,
        "disk of a registration": 700,
    }

    costs = Costs.of({name: {"median": median} for name, median in medians.items()}, cores=2, batch=500)

    assert astuple(costs) == pytest.approx(astuple(COSTS))


def test_a_hundred_times_larger_petition_needs_a_hundred_times_as_much_of_the_one_head() -> None:
    county, state, hundred = (Need.of(case, COSTS, Prices()) for case in CASES)

    assert county.intake_core_hours == pytest.approx(715_833 * 400e-6 / 3600)
    assert hundred.intake_core_hours == pytest.approx(100 * county.intake_core_hours)
    assert hundred.head_hours == pytest.approx(100 * county.head_hours)
    assert hundred.gigabytes == pytest.approx(100 * county.gigabytes)
    assert state.head_hours < county.head_hours  # each county's petition has a head of its own


def test_dear_machines_and_long_retention_cost_more() -> None:
    (case, *_) = CASES

    cheap = Need.of(case, COSTS, Prices(core_hour=0.01, months=1)).dollars

    assert cheap == pytest.approx(2 * 730 * 0.01 + Need.of(case, COSTS, Prices()).gigabytes * 0.12)
    assert Need.of(case, COSTS, Prices(core_hour=0.02, months=1)).dollars > cheap
    assert Need.of(case, COSTS, Prices(core_hour=0.01, months=2)).dollars == pytest.approx(2 * cheap)


def test_the_table_has_a_column_for_each_case() -> None:
    lines = table(COSTS, Prices()).splitlines()

    assert {line.count("|") for line in lines} == {len(CASES) + 2}
