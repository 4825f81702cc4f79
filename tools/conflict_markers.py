"""Fail where a tracked text file still holds a merge-conflict marker at the beginning of a line."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MARKER = re.compile(rb"^(<{7}|\|{7}|={7}|>{7})( |\r?$)", re.MULTILINE)


def tracked(folder: Path) -> list[Path]:
    """Return every file below the folder that git tracks."""
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # no input from outside
    return [folder / name.decode() for name in listed.stdout.split(b"\0") if name]


def markers(folder: Path) -> Iterator[str]:
    """Yield `file:line` for every marker in a tracked text file; a file with a zero byte is no text."""
    for path in tracked(folder):
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            for found in MARKER.finditer(content):
                line = content.count(b"\n", 0, found.start()) + 1
                yield f"{path.relative_to(folder)}:{line}"


if __name__ == "__main__":
    if not Path(".git").exists() or not shutil.which("git"):
        print("NOT CHECKED: merge-conflict markers, since this is not a git checkout.")
        sys.exit()
    where = list(markers(Path()))
    for place in where:
        print(f"{place}: merge-conflict marker")
    sys.exit(bool(where))
