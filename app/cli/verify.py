"""`python -m app verify`."""

from app.cli.common import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the command."""
