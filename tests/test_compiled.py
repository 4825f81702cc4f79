"""Compiled modules run only while nothing that they were made from has changed, and decide what the sources decide."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import pytest

from app import compiled
from app.compiled import FOLDER, MANIFEST, PROJECT, digest, is_current, made_from
from tools import compile as compiler

_BUILT = pytest.mark.skipif(not is_current(FOLDER), reason="not compiled: see tools/compile.py")
# Texts that every step reads, and what they are decided to be, with the evidence: printed by either build.
_PROGRAM = """
import sys
from app import compiled
from tests.matching.roll_of_three import ELIZABETH, MARIA, ROBERT, a_line, decided
print(compiled.IN_USE)
names = ["Maria Garcia-Lopez", "GARCIA, MARIA", "Bob Smith Jr.", "R. Smith", "Eliz\u00e1beth Anne O'Brien",
         "Obrlen Lizzie", "Maria", "Xq Zzv", "", "Dr. Robert J. Smith III", "Maria de la Lopez Garcia"]
places = ["123 N Main St Apt 4", "123 Main", "1234 Main St", "12 3 Mian Str", "9 Nowhere Ct", "PO Box 12", "",
          "456 1/2 Elm Ave #2", "71ST ST 456", "Apt 4, 123 Main St", "N\u00ba 123 M4in St / 9 Elm Ave"]
for name in names:
    for place in places:
        for zip_code in ("90026", "9002", "89999", ""):
            print(decided(a_line(name, place, zip_code=zip_code), MARIA, ROBERT, ELIZABETH))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a build of it, and the folder that the build is in."""
    monkeypatch.setattr(compiled, "PROJECT", tmp_path)
    for room in ("law", "matching"):
        (tmp_path / "app" / room).mkdir(parents=True)
        (tmp_path / "app" / room / "rule.py").write_text("RULE = 1\n")
    made = tmp_path / "build"
    made.mkdir()
    (made / "rule.so").write_bytes(b"machine code")
    keep(made, ["rule.so"])
    return made


def keep(folder: Path, files: Iterable[str]) -> None:
    manifest = {"made_from": made_from(), "files": {name: digest(folder / name) for name in files}}
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def test_a_build_of_these_very_sources_is_used(folder: Path) -> None:
    assert is_current(folder)


@pytest.mark.parametrize("name", ["rule.py", "another.py"])
@pytest.mark.parametrize("room", ["law", "matching"])
def test_a_build_is_not_used_once_a_source_is_edited_or_added(folder: Path, room: str, name: str) -> None:
    (folder.parent / "app" / room / name).write_text("RULE = 2\n")
    assert not is_current(folder)


def test_a_build_is_not_used_once_a_source_is_gone(folder: Path) -> None:
    (folder.parent / "app" / "law" / "rule.py").unlink()
    assert not is_current(folder)


def test_a_build_of_another_python_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version", "4.0")
    assert not is_current(folder)


@pytest.mark.parametrize("content", [b"", b"machine"])
def test_a_build_that_is_damaged_or_was_not_finished_is_not_used(folder: Path, content: bytes) -> None:
    (folder / "rule.so").write_bytes(content)
    assert not is_current(folder)
    (folder / "rule.so").unlink()
    assert not is_current(folder)


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"files": {}}', '{"files": [], "made_from": 1}'])
def test_a_folder_without_a_readable_manifest_is_no_build(folder: Path, manifest: str | None) -> None:
    (folder / MANIFEST).unlink()
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    assert not is_current(folder)


def run(*program: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, *program],
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT), **environment}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout


def test_what_is_missing_is_named_and_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert "a C compiler" in compiler.missing()
    assert "Python's header files" in compiler.missing()
    said = run("-c", "import sys; sys.argv = ['']; from tools import compile as c; c.is_current = lambda _: False\n"
               "c.find_spec = lambda _: None; sys.exit(c.main())")  # fmt: skip
    assert said == "not compiled, for want of mypyc and setuptools; the sources run instead\n"


def test_a_compiler_that_fails_is_no_failure(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.argv = ['']; from tools import compile as c\n"
        f"c.FOLDER = Path({str(tmp_path / 'build' / 'compiled')!r})\n"
        "c.missing, c.__file__ = lambda: '', 'nowhere.py'\n"
        "sys.exit(c.main())"
    )
    assert "the sources run instead" in run("-c", program)
    assert list((tmp_path / "build").iterdir()) == []


@_BUILT
def test_both_builds_decide_the_same_with_the_same_evidence() -> None:
    by_build = {run("-c", _PROGRAM, COMPILED=""), run("-c", _PROGRAM, COMPILED="no")}
    in_use, texts = zip(*(said.split("\n", 1) for said in by_build), strict=True)
    assert set(in_use) == {"True", "False"}
    assert len(set(texts)) == 1
    assert len(texts[0]) > 10_000


@_BUILT
def test_what_is_compiled_needs_no_development_dependency() -> None:
    program = "import sys; import app.matching.lookup; print(*sys.modules)"
    loaded = run("-c", program, COMPILED="").split()
    assert "recall__mypyc" in loaded
    assert {"mypy", "mypyc", "mypy_extensions", "librt", "setuptools"}.isdisjoint(loaded)


def test_every_module_that_is_compiled_exists_and_none_that_runs_other_tasks_meanwhile_is() -> None:
    for module in compiler.MODULES:
        source = Path(PROJECT, "app", *module.split(".")).with_suffix(".py").read_text("utf-8")
        assert "async def" not in source
