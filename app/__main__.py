"""`python -m app …`."""

import argparse
import sys

from app.cli import demo, keys, lines, openapi, petitions, rolls, serve, verify
from app.cli.common import CommandError
from app.db.server import ServerError
from app.domain.errors import RecallError
from app.domain.roll_errors import RollError
from app.settings import SettingsError
from app.station import cli as station

_EXPECTED = (CommandError, ServerError, SettingsError, RecallError, RollError)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    result = argparse.ArgumentParser(prog="python -m app", description="Verifies the signatures of a recall petition.")
    commands = result.add_subparsers(required=True, metavar="COMMAND")
    for module in (serve, keys, rolls, petitions, lines, station, verify, openapi, demo):
        module.add_parser(commands)
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
