"""`python -m app …`."""

import argparse
import sys
from importlib import import_module
from typing import Final

from app.cli.common import CommandError
from app.database.server import ServerError
from app.errors import RecallError
from app.settings import SettingsError

_EXPECTED = (CommandError, ServerError, SettingsError, RecallError)

# Each module mounts its commands with `add_parser`. Only what is asked for is loaded: a command takes a fraction of a
# second, not the time that the whole service takes to load.
MODULES: Final = {
    "app.cli.serve": ("serve", "migrate"),
    "app.cli.keys": ("keys",),
    "app.cli.rolls": ("roll",),
    "app.cli.aliases": ("aliases",),
    "app.cli.petitions": ("petition", "tally", "explain"),
    "app.cli.lines": ("finding", "revise", "withdraw", "section", "reexamine"),
    "app.station.cli": ("station",),
    "app.cli.verify": ("verify", "bundle", "ledger-key"),
    "app.cli.models": ("model",),
    "app.cli.lookups": ("lookups",),
    "app.cli.openapi": ("openapi",),
    "app.cli.demo": ("demo",),
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """The commands with their options: those of the module that has `command`, or all where none has."""
    result = argparse.ArgumentParser(prog="python -m app", description="Verifies the signatures of a recall petition.")
    commands = result.add_subparsers(required=True, metavar="COMMAND")
    for module in [m for m, names in MODULES.items() if command in names] or MODULES:
        import_module(module).add_parser(commands)
    return result


def main() -> int:
    """Run one command. What is expected to go wrong is one line on standard error and a status that is not 0."""
    arguments = parser(*sys.argv[1:2]).parse_args()
    try:
        status: int = arguments.run(arguments)
    except _EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
