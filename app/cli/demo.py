"""`python -m app demo`: watch the whole process, on made-up data."""

import asyncio
import signal
from fractions import Fraction

from rich.console import Console

from app.cli import common as cli
from app.demo.run import Demo
from app.demo.service import ServiceError
from app.settings import Settings
from app.station.outcome import StationError

_scale = cli.argument(str, "a positive number such as 0.01 or 1/50", lambda text: Fraction(text) > 0)


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the command."""
    demo = cli.add_command(subparsers, "demo", "make up a county and a petition, and let the service count it")
    demo.add_argument("--scale", default="0.01", type=_scale, help="1 is the whole 2022 petition (default: 0.01)")
    demo.add_argument("--seed", default=1, type=int, help="another seed makes another county (default: 1)")
    demo.add_argument("--port", default=8000, type=cli.a_port, help="used if it is free (default: 8000)")
    demo.add_argument("--exit", action="store_true", help="end after the result; not 0 if it differs from the expected")
    demo.set_defaults(run=_run)


def _run(arguments: cli.Arguments) -> int:
    data = Settings.from_environment().data_dir / "demo"
    folder = data / f"scale-{arguments.scale.replace('/', '-')}-seed-{arguments.seed}"
    # A few clerks do in minutes what took hundreds of people weeks: no day's budget is meant for that.
    environment, console = {"DATA_DIR": str(data), "READS_PER_DAY": "1000000000"}, Console(highlight=False)
    demo = Demo(arguments.scale, arguments.seed, folder, environment, arguments.port, console)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the service that it started ends as well
    try:
        return asyncio.run(demo.run(stay=not arguments.exit))
    except (ServiceError, StationError, ValueError) as error:
        raise cli.CommandError(str(error)) from error
