"""The whole process as a user sees it: real processes, a database of its own, HTTP."""

import os
import subprocess
import sys
from pathlib import Path

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
        "The control totals of 1 sections differed, each with a note; two people froze the raw count",
        "insufficient",
        "The service came to the expected result.",
    ):
        assert sentence in said, done.stdout
