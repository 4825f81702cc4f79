"""`python -m app demo`: the whole job in sight, on made-up data."""

import argparse
import asyncio
from pathlib import Path

from rich.console import Console

from app.cli.common import CommandError, Subparsers
from app.demo.service import ServiceError
from app.demo.show import Stage, fraction, play
from app.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the command."""
    demo = subparsers.add_parser("demo", help="make up a county and a petition, and let the service count it")
    demo.add_argument("--scale", default="0.01", type=fraction, help="1 is the whole 2022 petition (default: 0.01)")
    demo.add_argument("--seed", default=1, type=int, help="another seed, another county (default: 1)")
    demo.add_argument("--port", default=8000, type=int, help="taken if it is free (default: 8000)")
    demo.add_argument("--exit", action="store_true", help="end after the result; not 0 if it differs from the expected")
    demo.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    folder = settings.data_dir / "demo"
    environment = {"DATA_DIR": str(folder)}
    stage = Stage(
        scale=arguments.scale,
        seed=arguments.seed,
        folder=Path(folder) / f"scale-{arguments.scale.replace('/', '-')}-seed-{arguments.seed}",
        environment=environment,
        port=arguments.port,
        console=Console(highlight=False),
    )
    try:
        return asyncio.run(play(stage, stay=not arguments.exit))
    except (ServiceError, ValueError) as error:
        raise CommandError(str(error)) from error
