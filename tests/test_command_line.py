"""The command line: every command is there, whether its module is loaded alone or with all."""

import argparse
import subprocess
import sys

import pytest

from app.__main__ import MODULES, parser


def commands(of: argparse.ArgumentParser) -> set[str]:
    (choices,) = [action.choices for action in of._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  # argparse has no other way to ask
    return set(choices)


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_each_module_mounts_the_commands_it_is_listed_for(module: str, names: tuple[str, ...]) -> None:
    assert commands(parser(names[0])) == set(names), module


def test_an_unknown_command_is_one_line_on_standard_error_and_a_failure() -> None:
    done = subprocess.run([sys.executable, "-m", "app", "frobnicate"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice" in done.stderr
    assert "Traceback" not in done.stderr
