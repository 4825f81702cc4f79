"""`python -m app openapi`: the API's document, as the service serves it."""

import json

from app.cli import common as cli
from app.http.openapi import document
from app.main import create_app
from app.settings import Settings


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the command."""
    text = "print the OpenAPI document, of which openapi/openapi.json is a copy"
    cli.add_command(subparsers, "openapi", text).set_defaults(run=_print)


def text() -> str:
    """The document as it is kept: no database is asked for it."""
    app = create_app(Settings.from_environment({}), "postgresql+asyncpg://")
    return json.dumps(document(app), indent=2, ensure_ascii=False) + "\n"


def _print(_: cli.Arguments) -> None:
    print(text(), end="")
