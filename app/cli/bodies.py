"""Texts of arguments and contents of files, read as the API reads a request's."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from app.cli import common as cli
from app.http import problems, wire


def read_body(file: str, model: type[wire.Model]) -> wire.Model:
    """A file's content, or standard input for '-', as the API would read it.

    Raises CommandError if the API would refuse it; it names the fields.
    """
    try:
        return wire.check(model, wire.decode(cli.content_of(file)))
    except problems.Problem as problem:
        wrong = ", ".join(error.path for error in problem.errors)
        detail = problem.detail.replace(" body ", " file ")
        raise cli.CommandError(f"{file}: {detail} {wrong}".rstrip()) from None


def _text(kind: Any) -> Callable[[str], str]:  # noqa: ANN401  # an annotated type
    """How an argument's text is read that the API takes in a field of this type."""
    field: TypeAdapter[str] = TypeAdapter(kind)
    bounds = field.json_schema()
    wanted = f"text without control characters, of {bounds.get('minLength', 0)} to {bounds['maxLength']:,} characters"
    return cli.argument(field.validate_python, wanted)


a_note, a_reason = _text(wire.Note), _text(wire.RequiredNote)
a_title, a_name, a_voter = _text(wire.Title), _text(wire.Name), _text(wire.VoterId)
an_address, a_city, a_zip = _text(wire.Text300), _text(wire.Text100), _text(wire.Text20)
