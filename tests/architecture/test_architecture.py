"""What holds the system together, checked mechanically."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tools.conflict_markers import markers

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("app", "migrations", "tools") for path in (ROOT / folder).rglob("*.py"))
MOST_LINES_OF_A_FILE = 600
MOST_LINES_OF_A_FUNCTION = 40
MEDIAN_LINES_OF_A_FUNCTION = 8
P95_LINES_OF_A_FUNCTION = 25
MOST_UNDOCUMENTED_PARAMETERS = 3
PRIVATE_WORDS = re.compile(r"(?<![.\"])\b(whoever|nobody|somebody|tells?|told)\b(?![\"(])", re.IGNORECASE)
IMPURE = {"asyncio", "asyncpg", "fastapi", "logging", "os", "secrets", "socket", "sqlalchemy", "time"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions() -> Iterator[tuple[str, int]]:
    """Every function with its length in lines, without its docstring."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = len((ast.get_docstring(node, clean=False) or "").splitlines())
                yield f"{name_of(path)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1 - said


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_imports_run_one_way() -> None:
    done = subprocess.run(  # noqa: S603  # our own tool
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        ("app.matching.workers", {"sqlalchemy", "alembic", "pydantic", "fastapi", "cryptography"}),
        ("app.roll.workers", {"sqlalchemy", "alembic", "pydantic", "fastapi", "cryptography"}),
        ("app.cli.serve", {"alembic", "mako", "opentelemetry.sdk"}),
    ],
)
def test_a_process_loads_no_library_that_it_has_no_use_for(module: str, libraries: set[str]) -> None:
    program = "import sys, importlib; importlib.import_module(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program, module], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & libraries == set()


RULES = [*sorted((ROOT / "app/law").glob("*.py")), ROOT / "app/ledger/entries.py", ROOT / "app/ledger/replay.py"]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_the_rules_neither_wait_nor_do_io(path: Path) -> None:
    assert {name.partition(".")[0] for name in imports(path)} & IMPURE == set()
    tree = ast.walk(ast.parse(path.read_text()))
    assert not [node.lineno for node in tree if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.parametrize("folder", ["demo", "station"])
def test_clients_know_the_service_by_its_api_alone(folder: str) -> None:
    for path in (ROOT / "app" / folder).glob("*.py"):
        assert not {n for n in imports(path) if n.startswith(("app.database", "app.count", "app.http", "app.main"))}, (
            path
        )


@pytest.mark.parametrize("folder", ["http", "cli"])
def test_who_speaks_leaves_the_driver_to_the_rooms_below(folder: str) -> None:
    for path in (ROOT / "app" / folder).glob("*.py"):
        assert not {name for name in imports(path) if name.partition(".")[0] == "asyncpg"}, path


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_functions_are_short() -> None:
    lengths = dict(functions())
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
    assert median(lengths.values()) <= MEDIAN_LINES_OF_A_FUNCTION
    assert quantiles(lengths.values(), n=20)[-1] <= P95_LINES_OF_A_FUNCTION


def routers(module: ast.Module) -> set[str]:
    """The names of a module's routers."""
    assigned = [node for node in module.body if isinstance(node, ast.Assign)]
    made = [node for node in assigned if ast.unparse(node.value).startswith("APIRouter(")]
    return {ast.unparse(target) for node in made for target in node.targets}


def is_route(function: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> bool:
    """Whether a function is a route of these routers; the OpenAPI document describes its parameters."""
    return any(ast.unparse(decorator).partition(".")[0] in names for decorator in function.decorator_list)


def test_public_functions_with_many_parameters_document_them() -> None:
    bare = []
    for path in (ROOT / "app").rglob("*.py"):
        module = ast.parse(path.read_text())
        for node in ast.walk(module):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            named = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            taken = [argument for argument in named if argument.arg not in ("self", "cls")]
            described = "Args:" in (ast.get_docstring(node) or "")
            if len(taken) > MOST_UNDOCUMENTED_PARAMETERS and not described and not is_route(node, routers(module)):
                bare.append(f"{name_of(path)} {node.name}")
    assert bare == []


def test_names_have_one_meaning() -> None:
    """A name is of one type in the whole service. The station and the demo are programs of their own."""
    places: dict[str, list[str]] = {}
    for path in (ROOT / "app").rglob("*.py"):
        if path.parent.name in ("station", "demo"):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name_of(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_sentences_use_plain_words() -> None:
    texts = [*(ROOT / "app").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    found = [
        f"{name_of(path)}:{number} {line.strip()}"
        for path in texts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if PRIVATE_WORDS.search(line)
    ]
    assert found == []


def test_sql_is_written_in_the_queries_of_the_rooms() -> None:
    words = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")
    outside = [
        path for path in SOURCES if not path.stem.endswith(("queries", "migrate")) and "migrations" not in path.parts
    ]
    found = [name_of(path) for path in outside if any(f'"{word}' in path.read_text() for word in words)]
    assert found == []


def test_no_tracked_file_holds_a_merge_conflict_marker() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert list(markers(ROOT)) == []


@pytest.mark.parametrize("marker", ["<<<<<<< ours", "||||||| base", "=======", ">>>>>>> theirs"])
def test_a_merge_conflict_marker_at_the_beginning_of_a_line_is_found(tmp_path: Path, marker: str) -> None:
    (tmp_path / "clean.md").write_text(f"a heading\n========\n  {marker}\n")
    (tmp_path / "conflict.md").write_text(f"one\n{marker}\ntwo\n")
    (tmp_path / "image.png").write_bytes(f"\0\n{marker}\n".encode())
    (tmp_path / "untracked.md").write_text(f"{marker}\n")
    for command in (["init", "-q"], ["add", "clean.md", "conflict.md", "image.png"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)  # noqa: S603, S607  # a repository of this test's own
    assert list(markers(tmp_path)) == ["conflict.md:2"]


def test_make_clean_keeps_the_data() -> None:
    # Where make itself runs this test, its own flags would have the inner make print more.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    done = subprocess.run(
        ["make", "-n", "clean"],  # noqa: S607
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("rm -rf .venv ")
    assert all(word.startswith(".") for word in done.stdout.split()[2:])
    assert {".", "..", "./data", "./spool"} & set(done.stdout.split()) == set()
