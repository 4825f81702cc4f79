"""The whole process as a user sees it: real processes, a database of its own, HTTP."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from app.database.server import EmbeddedServer

ROOT = Path(__file__).parents[1]


def test_the_demo_comes_to_the_expected_result_and_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PG_BIN": os.environ.get("TEST_PG_BIN", "")}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--scale", "0.001", "--exit", "--port", "0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())  # lines are wrapped
    for sentence in (
        "18 sections were received",
        "made 40 lines invalid; a supervisor took that back",
        "1 sections had dates partly outside the circulation, which a person confirmed; 1 dates that contradict",
        "The control totals of 1 sections differed, each with a note; two people froze the raw count",
        "After people: 520 valid, 0 unsettled valid, 196 invalid, 0 unsettled invalid, 0 review",
        "Checked blindly: of the machine's",
        "insufficient",
        "The service came to the expected result.",
    ):
        assert sentence in said, done.stdout


async def test_the_service_ends_with_the_demo_that_started_it(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PG_BIN": os.environ.get("TEST_PG_BIN", "")}
    environment.pop("DATABASE_URL", None)
    arguments = ("-m", "app", "demo", "--scale", "0.0001", "--port", "0")
    demo = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert demo.stdout
    while b"The service runs at" not in (said := await demo.stdout.readline()):
        assert said, "it ended before"
    demo.terminate()
    await demo.stdout.read()
    assert await demo.wait() == 130
    with EmbeddedServer.start(tmp_path / "demo", join=False):
        pass  # no other process uses the folder
