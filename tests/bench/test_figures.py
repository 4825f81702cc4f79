"""What is promised, and what is said of a run."""

import os
import subprocess
import sys

from bench.figures import TARGETS, Figures, judge
from bench.usage import memory, processes, processor_time, tree


def test_a_target_whose_figures_were_not_taken_is_not_judged() -> None:
    assert judge(Figures()) == []


def test_what_was_compared_in_a_round_is_judged_round_by_round() -> None:
    figures = Figures()
    for rate in (1_000, 3_000, 2_000):
        figures.add("service, batches", rate, "lines/s")
    for rate in (40, 100, 400):
        figures.add("naive, 64 clients", rate, "lines/s")

    (judged,) = judge(figures)

    assert (judged["target"], judged["measured"], judged["met"]) == ("batch HTTP / naive", 25, True)


def test_figures_of_different_rounds_are_compared_by_their_medians() -> None:
    figures = Figures()
    for rate in (1_000, 3_000, 2_000):
        figures.add("service, batches", rate, "lines/s")
    figures.add("naive, 64 clients", 100, "lines/s")

    (judged,) = judge(figures)

    assert judged["measured"] == 20


def test_the_floor_that_is_faster_is_the_floor() -> None:
    figures = Figures()
    figures.add("service, batches", 1_000, "lines/s")
    figures.add("floor", 5_000, "lines/s")
    figures.add("floor, indexes afterwards", 20_000, "lines/s")

    (judged,) = judge(figures)

    assert (judged["measured"], judged["met"]) == (0.05, False)


def test_bounds_hold_in_both_directions_and_have_names_of_their_own() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)
    for target in TARGETS:
        assert target.met(target.bound)
        assert target.met(target.bound * 2) == (target.kind == "at least")


def test_a_process_is_found_below_its_parent_with_its_time_and_memory() -> None:
    work = "x = sum(i * i for i in range(3_000_000)); print(x, flush=True); input()"
    command = [sys.executable, "-c", work]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603  # our own
        assert child.stdout
        child.stdout.readline()
        found = processes()
        below = {process.pid for process in tree(os.getpid(), found)}
        spent = processor_time(child.pid, found, database=False), processor_time(child.pid, found, database=True)
        held = memory(child.pid)
        child.communicate(b"\n")

    assert {os.getpid(), child.pid} <= below
    assert spent[0] > 0
    assert spent[1] == 0
    assert 1 < held < memory(os.getpid()) + 1000
