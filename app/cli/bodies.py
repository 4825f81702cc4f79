"""Files that hold what a request's body would."""

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
        raise cli.CommandError(f"{file}: {problem.detail} {wrong}".rstrip()) from None
