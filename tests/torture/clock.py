"""The program with another clock: off by the number of days in the file that the variable CLOCK names."""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from app import __main__ as program
from app.cli import serve

_FILE = Path(os.environ["CLOCK"])


def now() -> datetime:
    """The time on this clock."""
    return datetime.now(UTC) + timedelta(days=int(_FILE.read_text() or 0))


def main() -> int:
    """Run a command with it."""
    serve.create_app = partial(serve.create_app, now=now)  # type: ignore[attr-defined]  # it is imported there
    return program.main()
