"""A station posts over a bad network."""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from app.station.client import Control, post_file, post_signatures
from app.station.outcome import GaveUpError, Refusal, RefusedError, Summary
from tests.station.builders import a_file, a_line, a_target, places, quick, some_lines
from tests.station.network import Answer, Fate, Service, bad_network, problem, random_disruption


@pytest.mark.parametrize("seed", range(4))
async def test_every_line_arrives_exactly_once_under_one_key_whatever_breaks(
    service: Service, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  repeatable bad luck
    lines = some_lines(1_500)
    faulty: dict[int, Answer] = {
        number: dice.choice([problem(503, "busy", Retry_After="0"), problem(429, "slowly"), problem(502, "gateway")])
        for number in range(200)
        if dice.random() < 0.2
    }
    service.fault = faulty.get
    async with bad_network(service.url, lambda: random_disruption(dice)) as url:
        file = str(a_file(tmp_path, lines))
        summary = await post_file(file, a_target(url), options=quick(), spool=tmp_path / "spool")
    assert sorted(service.entries) == sorted(places(lines))
    assert all(len(keys) == 1 for keys in service.keys.values())
    assert (summary.lines, summary.accepted, summary.valid, summary.batches) == (1_500, 1_500, 1_500, 30)
    assert summary.retries > 0


async def test_a_reply_that_was_lost_after_the_commit_is_asked_for_again(service: Service, tmp_path: Path) -> None:
    disruptions = iter([Fate(down=0)])
    async with bad_network(service.url, lambda: next(disruptions, Fate())) as url:
        file = str(a_file(tmp_path, some_lines(10)))
        summary = await post_file(file, a_target(url), options=quick(), spool=tmp_path / "spool")
    assert (summary.accepted, summary.replayed, summary.retries) == (10, 1, 1)
    assert len(service.entries) == 10


async def test_batches_leave_in_the_order_of_the_file(service: Service) -> None:
    lines = some_lines(500)
    await post_signatures(lines, a_target(service.url), options=quick(batch=20, in_flight=1))
    assert service.entries == places(lines)


async def test_a_server_that_asks_for_silence_gets_it_from_every_batch(service: Service) -> None:
    arrivals: list[float] = []

    def busy_once(number: int) -> Answer | None:
        arrivals.append(monotonic())
        if number == 1:  # the batch beside it is answered when the station has read that it shall be silent
            sleep(0.1)
        return problem(503, "busy", Retry_After="1") if number == 0 else None

    service.fault = busy_once
    summary = await post_signatures(some_lines(60), a_target(service.url), options=quick(batch=10, in_flight=2))
    assert (summary.accepted, summary.retries) == (60, 1)
    assert arrivals[2] - arrivals[0] >= 1.0


async def test_an_answer_that_is_not_the_services_is_no_answer(service: Service) -> None:
    wrong: list[Any] = [
        b"<html>log in</html>",
        {"results": []},
        {"results": [{"place": "9-9-9", "status": "valid"}]},
        [],
    ]
    service.fault = lambda number: (200, {}, wrong[number]) if number < len(wrong) else None
    summary = await post_signatures([a_line(1)], a_target(service.url), options=quick())
    assert (summary.accepted, summary.retries) == (1, 4)


async def test_a_batch_that_is_too_large_goes_in_halves(service: Service) -> None:
    service.largest_body = 1_000
    lines = some_lines(50)
    summary = await post_signatures(lines, a_target(service.url), options=quick())
    assert sorted(service.entries) == sorted(places(lines))
    assert (summary.batches, summary.accepted) == (1, 50)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 415, 422])
async def test_a_refusal_of_a_whole_batch_ends_the_posting(service: Service, status: int) -> None:
    service.fault = lambda _: problem(status, "not like this")
    with pytest.raises(RefusedError, match=f"HTTP {status}: not like this"):
        await post_signatures(some_lines(100), a_target(service.url), options=quick(batch=10, in_flight=1))
    assert service.requests == 1


async def test_a_server_that_never_answers_well_is_given_up_and_taken_up_again(
    service: Service, tmp_path: Path
) -> None:
    file, spool, target = str(a_file(tmp_path, some_lines(200))), tmp_path / "spool", a_target(service.url)
    service.fault = lambda number: problem(500, "broken") if number > 1 else None
    hasty = quick(in_flight=1, timeout=1, give_up_after=0.1, first_wait=0.01, longest_wait=0.02)
    with pytest.raises(GaveUpError, match="HTTP 500"):
        await post_file(file, target, options=hasty, spool=spool)
    assert len(service.entries) == 100
    service.fault = lambda _: None
    summary = await post_file(file, target, options=quick(), spool=spool)
    assert len(service.entries) == 200
    assert (summary.accepted, summary.batches) == (200, 4)


async def test_a_line_that_is_refused_does_not_stop_the_others(service: Service) -> None:
    lines = [a_line(1), a_line(2), a_line(1, city="Elsewhere"), a_line(3, printed_name="\x00"), a_line(2)]
    refused: list[Refusal] = []
    control = Control(refused=refused.append)
    summary = await post_signatures(lines, a_target(service.url), options=quick(batch=2), control=control)
    assert (summary.lines, summary.accepted, summary.conflicts, summary.errors) == (5, 3, 1, 1)
    assert sorted(refused) == [
        Refusal("1-1-2", "place_conflict", "other writing stands at 1-1-2"),
        Refusal("1-1-4", "bad_text", "Not as documented. printed_name: a control character"),
    ]


async def test_no_more_lines_are_taken_than_are_under_way(service: Service) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for number in count():
            taken += 1
            yield a_line(number)

    def refuse_the_tenth(number: int) -> Answer | None:
        return problem(409, "closed") if number == 9 else None

    service.fault = refuse_the_tenth
    with pytest.raises(RefusedError):
        await post_signatures(endless(), a_target(service.url), options=quick(batch=5, in_flight=4))
    assert taken <= 5 * (10 + 4)


async def test_progress_is_reported_after_every_batch(service: Service) -> None:
    reported: list[int] = []

    def note(summary: Summary) -> None:
        reported.append(summary.answered)

    await post_signatures(
        some_lines(30), a_target(service.url), options=quick(batch=10), control=Control(progress=note)
    )
    assert reported == [0, 10, 20, 30]
