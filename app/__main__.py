"""`python -m app …`."""

import argparse
import sys
from importlib import import_module
from typing import Final, NoReturn

from app.errors import FileFaults, OperationalError, RecallError

# Each module mounts its commands with `add_parser`. Only what is asked for is loaded: a command takes a fraction of a
# second, not the time that the whole service takes to load.
MODULES: Final = {
    "app.cli.serve": ("serve", "migrate"),
    "app.cli.backups": ("backup", "restore"),
    "app.cli.access": ("keys",),
    "app.cli.reads": ("reads",),
    "app.cli.assignments": ("assignments",),
    "app.cli.rolls": ("roll", "aliases", "reexamine"),
    "app.cli.petitions": ("petition", "tally", "explain", "finding", "revise", "section", "control-totals"),
    "app.cli.withdrawals": ("withdraw", "withdrawals"),
    "app.cli.bulk": ("bulk",),
    "app.cli.references": ("references",),
    "app.cli.queues": ("queue",),
    "app.station.cli": ("station",),
    "app.cli.rulesets": ("ruleset",),
    "app.cli.verify": ("verify", "bundle", "ledger-key"),
    "app.cli.openapi": ("openapi",),
    "app.cli.demo": ("demo",),
}


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def parser(command: str = "") -> argparse.ArgumentParser:
    """The commands with their options: those of the module that has `command`, or all where none has."""
    result = _Parser(prog="python -m app", description="Verifies the signatures of a recall petition.")
    commands = result.add_subparsers(required=True, metavar="COMMAND")
    for module in [m for m, names in MODULES.items() if command in names] or MODULES:
        import_module(module).add_parser(commands)
    return result


def main() -> int:
    """Run one command. What is expected to go wrong is one line on standard error and a status that is not 0."""
    arguments = parser(*sys.argv[1:2]).parse_args()
    try:
        status: int = arguments.run(arguments) or 0  # most commands either raise or succeed
    except FileFaults as error:
        print("error:", *error.faults, sep="\n  " if error.faults[1:] else " ", file=sys.stderr)
        return 1
    except (OperationalError, RecallError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
