"""The command line: every command is there, whether its module is loaded alone or with all."""

import argparse
import sys
from collections.abc import Iterator

import pytest

from app.__main__ import MODULES, main, parser

SUBCOMMANDS = argparse._SubParsersAction  # noqa: SLF001  # argparse has no other way to ask
ID = "0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60"
OPEN = ["petition", "open", "--county", "c", "--title", "t", "--officer", "o", "--filed", "2022-07-06"]


def commands(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in of._actions:  # noqa: SLF001  # as above
        if isinstance(action, SUBCOMMANDS):
            found |= action.choices
    return found


def every_command(of: argparse.ArgumentParser, name: str = "app") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, of
    for word, command in commands(of).items():
        yield from every_command(command, f"{name} {word}")


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_each_module_mounts_the_commands_it_is_listed_for(module: str, names: tuple[str, ...]) -> None:
    assert set(commands(parser(names[0]))) == set(names), module


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        ([], "the following arguments are required: COMMAND"),
        (["explain", "--petition", "7", "1-1-1"], "argument --petition: must be an id such as"),
        (["explain", "--petition", ID, "1-0-1"], "argument PLACE: must be section-page-line, such as 12-3-4"),
        (["section", "--petition", ID, "x"], "argument SECTION: must be a whole number from 1 to"),
        (["petition", "close"], "the following arguments are required: ID"),
        (["finding", "--petition", ID, "--note", "a\0b"], "argument --note: must be text without control characters"),
        (["finding", "--petition", ID, "--by", "the registrar"], "argument --by: set RECALL_KEY to the person's key"),
        (
            ["keys", "create", "--county", "Los Angeles", "--role", "clerk", "--name", "x"],
            "argument --county: must be 1 to",
        ),
        (["petition", "open", "--county", " c"], "argument --county: must be 1 to 32 letters"),
        (
            ["roll", "load", "f", "--county", "", "--complete-through", "2022-07-06"],
            "argument --county: must be 1 to 32",
        ),
        (["aliases", "load", "f", "--county", "c" * 33], "argument --county: must be 1 to 32 letters"),
        (
            ["petition", "open", "--county", "c", "--title", "a\udcffb"],
            "argument --title: must be text without control",
        ),
        (["petition", "open", "--county", "c", "--title", "a" * 201], "control characters, of 1 to 200 characters"),
        (["finding", "--petition", ID, "--note", "a" * 2001], "control characters, of 0 to 2,000 characters"),
        (["withdraw", "--petition", ID, "--voter", "a" * 41], "control characters, of 1 to 40 characters"),
        (["petition", "open", "--county", "c", "--ruleset", "a\nb"], "argument --ruleset: must be text without"),
        (["keys", "revoke", "--county", "c", "\udcff"], "argument prefix: must be text in ASCII"),
        (["serve", "--port", "99999"], "argument --port: must be a whole number from 0 to 65,535"),
        (["demo", "--scale", "1/0"], "argument --scale: must be a positive number such as 0.01 or 1/50"),
        ([*OPEN, "--required", "99999999999"], "argument --required: must be a whole number from 1 to 999,999,999"),
        (["roll", "load", "f", "--county", "c", "--complete-through", "May 1"], "must be a date such as 2022-07-06"),
    ],
)
def test_wrong_arguments_are_one_line_on_standard_error_and_a_failure(
    arguments: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["app", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, errors = capsys.readouterr()
    assert (exit_.value.code, out, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("error: ")
    assert why in errors


def test_every_command_and_argument_is_described() -> None:
    for name, command in every_command(parser()):
        assert command.description, name
        undescribed = [a.dest for a in command._actions if not a.help and not isinstance(a, SUBCOMMANDS)]  # noqa: SLF001  # as above
        assert undescribed == [], name
