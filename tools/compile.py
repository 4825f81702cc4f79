"""Compile the modules in which the time of a line is spent, where this machine can. They decide the same, sooner.

    python tools/compile.py

It needs the development dependencies, a C compiler and Python's header files; whatever is missing is named, and is no
failure: the sources run then. What is built is in .build/compiled, with the digests of all that it was made from.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, from anywhere

from app.compiled import FOLDER, LIBRARY, MANIFEST, PROJECT, digest, is_current, made_from

MODULES: Final = (
    *("law.district", "law.registration"),
    *("matching.addresses", "matching.blocking", "matching.comparison", "matching.confidential", "matching.decision"),
    *("matching.evidence", "matching.frequencies", "matching.model", "matching.names", "matching.parsing"),
    *("matching.scoring", "matching.search"),
)
_PATIENCE: Final = 120.0  # seconds; a core takes half a minute, unless others use it


def missing() -> str:
    """Return what this machine lacks; '' if nothing."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    lacks = {
        "mypyc and setuptools": find_spec("mypyc") is None or find_spec("setuptools") is None,
        f"a C compiler ({compiler})": shutil.which(compiler) is None,
        f"Python's header files ({headers})": not headers.exists(),
    }
    return ", ".join(name for name, is_missing in lacks.items() if is_missing)


def build(into: Path) -> None:
    """Compile all modules into a folder."""
    import setuptools  # noqa: PLC0415 - before mypyc, which looks whether it is there
    from mypyc.build import mypycify  # noqa: PLC0415

    paths = [str(Path("app", *module.split(".")).with_suffix(".py")) for module in MODULES]
    extensions = mypycify(paths, group_name=LIBRARY, opt_level="2", debug_level="0", target_dir=str(into / "made"))
    arguments = ["--quiet", "build_ext", "--build-lib", str(into), "--build-temp", str(into / "made")]
    setuptools.setup(name=LIBRARY, ext_modules=extensions, packages=[], script_args=arguments)
    shutil.rmtree(into / "made")


def _build_apart(into: Path) -> str:
    """Compile in a process of its own; what went wrong, '' if nothing."""
    environment = os.environ | {"COMPILED": "no", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, __file__, str(into)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the C compiler as well
            return f"it took more than {_PATIENCE:.0f} seconds"
    return output.decode(errors="replace")[-2000:] if process.returncode else ""


def main() -> int:
    """Build, unless there is a build of these very sources; 0 also where it cannot be done."""
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
        return 0
    if is_current(FOLDER):
        print(f"{len(MODULES)} modules are compiled already")
        return 0
    if lacks := missing():
        print(f"not compiled, for want of {lacks}; the sources run instead")
        return 0
    print("Compiling the matcher: some 30 seconds, once …", flush=True)
    FOLDER.parent.mkdir(exist_ok=True)
    sources = made_from()
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as name:
        into = Path(name, "compiled")
        into.mkdir()
        if fault := _build_apart(into):
            print(f"not compiled; the sources run instead\n{fault}")
            return 0
        files = {str(path.relative_to(into)): digest(path) for path in sorted(into.rglob("*.so"))}
        (into / MANIFEST).write_text(json.dumps({"made_from": sources, "files": files}, indent=1), "utf-8")
        shutil.rmtree(FOLDER, ignore_errors=True)
        into.rename(FOLDER)
    print(f"{len(MODULES)} modules are compiled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
