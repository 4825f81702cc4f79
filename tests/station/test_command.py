"""`station post` on the command line, as a real process."""

import argparse
import asyncio
import json
import os
import pty
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import pytest

from app.station.cli import add_parser
from tests.station.builders import PETITION, a_file, a_line, places, some_lines
from tests.station.network import KEY, Answer, Fate, Service, bad_network, problem, random_disruption

ROOT = Path(__file__).parents[2]
COMMAND = """
import argparse, sys
from app.station.cli import add_parser
parser = argparse.ArgumentParser()
add_parser(parser.add_subparsers())
args = parser.parse_args()
sys.exit(args.run(args))
"""
FIELDS = ["lines", "accepted", "valid", "invalid", "review", "received", "conflicts", "errors", "batches"]
FIELDS += ["replayed", "retries", "seconds", "lines_per_second"]
WAITS = ["--timeout", "0.5", "--first-wait", "0.01", "--longest-wait", "0.05", "--give-up-after", "30"]


async def started(
    folder: Path,
    url: str,
    *options: str,
    key: str = KEY,
    stdin: int | TextIO | None = None,
    stderr: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    arguments = ["station", "post", "--url", url, "--petition", PETITION, "--batch", "20", *WAITS, *options]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND, *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STATION_KEY": key},
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, dict[str, Any], str]:
    """Exit code, summary, what stood on stderr."""
    out, err = await process.communicate()
    return process.returncode, json.loads(out.splitlines()[-1]) if out else {}, (err or b"").decode()


async def posted(folder: Path, url: str, *options: str) -> tuple[int | None, dict[str, Any], str]:
    return await ended(await started(folder, url, *options))


async def seen(service: Service, requests: int, process: asyncio.subprocess.Process) -> None:
    while service.requests < requests and process.returncode is None:  # noqa: ASYNC110  it counts in another thread
        await asyncio.sleep(0.002)


def a_short_pause(_: int) -> Answer | None:
    time.sleep(0.004)  # long enough that a signal can come in between
    return None


async def test_a_file_that_is_all_accepted_ends_with_its_summary(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, some_lines(100))
    code, summary, err = await posted(tmp_path, service.url, "signatures.ndjson")
    assert code == 0
    assert list(summary) == FIELDS
    assert (summary["lines"], summary["accepted"], summary["valid"], summary["batches"]) == (100, 100, 100, 5)
    assert "100 of 100 lines" in err
    assert not (tmp_path / "signatures.ndjson.conflicts.ndjson").exists()


async def test_lines_that_were_not_accepted_are_left_to_a_person(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, [a_line(1), a_line(1, city="Elsewhere"), a_line(2, printed_name="\x00")])
    for _ in range(2):  # the second time nothing is sent, and the file is the same
        code, summary, err = await posted(tmp_path, service.url, "signatures.ndjson")
        left = (tmp_path / "signatures.ndjson.conflicts.ndjson").read_text().splitlines()
        assert code == 3
        assert (summary["accepted"], summary["conflicts"], summary["errors"]) == (1, 1, 1)
        assert [json.loads(line) for line in left] == [
            {"place": "1-1-2", "code": "place_conflict", "message": "other writing stands at 1-1-2"},
            {"place": "1-1-3", "code": "bad_text", "message": "Not as documented. printed_name: a control character"},
        ]
        assert "2 lines were not accepted" in err
    assert service.requests == 1


async def test_a_station_killed_again_and_again_loses_nothing_and_repeats_nothing(
    service: Service, tmp_path: Path
) -> None:
    dice = random.Random(7)  # noqa: S311  repeatable bad luck
    lines = some_lines(2_000)
    a_file(tmp_path, lines)
    service.fault = a_short_pause
    kills, code = 0, None
    async with bad_network(service.url, lambda: random_disruption(dice)) as url:
        while code != 0:
            process = await started(tmp_path, url, "signatures.ndjson")
            if kills < 12:
                await seen(service, service.requests + dice.randrange(12), process)
                await asyncio.sleep(dice.uniform(0, 0.02))
                process.kill()
            code, summary, _ = await ended(process)
            kills += 1
    assert summary["accepted"] == 2_000
    assert sorted(service.entries) == sorted(places(lines))
    assert all(len(keys) == 1 for keys in service.keys.values())


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_station_that_is_stopped_says_how_to_go_on(
    service: Service, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    a_file(tmp_path, some_lines(400))
    service.fault = lambda request: problem(503, "busy") if request > 4 else None
    process = await started(tmp_path, service.url, "signatures.ndjson")
    await seen(service, 8, process)
    process.send_signal(number)
    code, summary, err = await ended(process)
    assert (code, summary["accepted"]) == (expected, 100)
    assert "run the same command again to resume" in err
    service.fault = lambda _: None
    code, summary, _ = await posted(tmp_path, service.url, "signatures.ndjson")
    assert (code, summary["accepted"], summary["batches"]) == (0, 400, 20)
    assert all(len(keys) == 1 for keys in service.keys.values())


async def test_what_is_under_way_at_the_stop_is_still_answered(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, some_lines(200))
    async with bad_network(service.url, lambda: Fate(delay=0.3)) as url:
        process = await started(tmp_path, url, "signatures.ndjson", "--in-flight", "2", "--timeout", "9")
        await seen(service, 2, process)
        process.terminate()
        code, summary, _ = await ended(process)
    assert (code, summary["accepted"]) == (143, 40)
    assert service.requests == 2


async def test_what_is_under_way_at_the_stop_is_not_waited_for_without_end(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, some_lines(200))
    async with bad_network(service.url, lambda: Fate(delay=600)) as url:
        process = await started(tmp_path, url, "signatures.ndjson", "--timeout", "500", "--grace", "0.1")
        await seen(service, 1, process)
        process.terminate()
        async with asyncio.timeout(30):
            code, summary, _ = await ended(process)
    assert (code, summary["accepted"]) == (143, 0)


@pytest.mark.parametrize(
    ("fault", "expected", "words"),
    [
        (problem(401, "unknown key"), 1, "HTTP 401: unknown key"),
        (problem(500, "broken"), 4, "gave up on batch 1"),
    ],
)
async def test_the_exit_code_tells_a_refusal_from_a_failure(
    service: Service, tmp_path: Path, fault: Answer, expected: int, words: str
) -> None:
    a_file(tmp_path, some_lines(10))
    service.fault = lambda _: fault
    code, summary, err = await posted(tmp_path, service.url, "signatures.ndjson", "--give-up-after", "0.2")
    assert (code, summary["lines"], summary["accepted"]) == (expected, 10, 0)
    assert words in err
    assert "Traceback" not in err


async def test_a_malformed_file_is_refused_with_one_line(service: Service, tmp_path: Path) -> None:
    (tmp_path / "signatures.ndjson").write_text("Maria Garcia\n")
    code, _, err = await posted(tmp_path, service.url, "signatures.ndjson")
    assert code == 2
    assert err.splitlines() == [
        "signatures.ndjson: line 1: not one JSON object in UTF-8 with each field once; nothing was sent"
    ]


async def test_standard_input_goes_on_where_it_ended(service: Service, tmp_path: Path) -> None:
    file = a_file(tmp_path, some_lines(100))
    service.fault = lambda number: problem(401, "revoked") if number > 1 else None
    for expected in (1, 0):
        with file.open() as stream:
            process = await started(tmp_path, service.url, "-", "--in-flight", "1", stdin=stream)
            code, summary, _ = await ended(process)
        assert code == expected
        service.fault = lambda _: None
    assert summary["accepted"] == 100
    assert all(len(keys) == 1 for keys in service.keys.values())


async def test_the_key_may_stand_in_a_file(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, some_lines(10))
    (tmp_path / "key").write_text(f"{KEY}\n")
    process = await started(tmp_path, service.url, "signatures.ndjson", "--key-file", "key", key="")
    await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--batch", "1001"],
        ["--batch", "0"],
        ["--in-flight", "x"],
        ["--timeout", "nan"],
        ["--url", "ftp://somewhere"],
        ["--url", "http://key@somewhere"],
        ["--url", "http://somewhere:99999"],
    ],
)
def test_a_bad_argument_is_refused(options: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = [
        "station",
        "post",
        "FILE",
        "--url",
        "http://127.0.0.1:9",
        "--petition",
        PETITION,
        "--key",
        KEY,
        *options,
    ]
    with pytest.raises(SystemExit) as end:
        parser.parse_args(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize("options", [["--key-file", "nowhere"], ["--key", " "]])
async def test_a_missing_key_is_named(tmp_path: Path, options: list[str]) -> None:
    process = await started(tmp_path, "http://127.0.0.1:9", "FILE", *options, key="")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert "key" in err.decode()


async def test_a_terminal_shows_a_bar(service: Service, tmp_path: Path) -> None:
    a_file(tmp_path, some_lines(100))
    ours, theirs = pty.openpty()
    try:
        code, _, _ = await ended(await started(tmp_path, service.url, "signatures.ndjson", stderr=theirs))
        shown = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert code == 0
    assert "100 of 100 lines" in shown
