"""Which modules run compiled: those of the newest build, while nothing that it was made from has changed.

`tools/compile.py` translates the modules in which a line's time is spent. They are found here before the sources, in a
folder of their own. Without a build, or with one of other sources, of another Python or that is damaged, the sources
run: they decide the same.
"""

import json
import os
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
FOLDER: Final = PROJECT / ".build" / "compiled"
MANIFEST: Final = "manifest.json"
LIBRARY: Final = "recall"  # of all modules together; the compiler adds `__mypyc`
_ROOMS: Final = ("law", "matching")


def made_from() -> dict[str, str]:
    """Return what a build depends on: Python itself, and the digests of all sources of these rooms.

    Modules that are not compiled are among them, since the compiler relies on what they are.
    """
    sources = [path for room in _ROOMS for path in sorted((PROJECT / "app" / room).glob("*.py"))]
    return {"python": sys.version, **{str(path.relative_to(PROJECT)): digest(path) for path in sources}}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def is_current(folder: Path) -> bool:
    """Whether the build in a folder is whole and made from what runs now."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        whole = all(digest(folder / name) == found for name, found in manifest["files"].items())
        return bool(whole and manifest["made_from"] == made_from())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none, or a manifest of something else
        return False


def _in_use() -> bool:
    if os.environ.get("COMPILED") == "no" or not is_current(FOLDER):
        return False
    sys.path.append(str(FOLDER))
    try:
        import_module(f"{LIBRARY}__mypyc")
    except ImportError:  # made for another machine
        sys.path.remove(str(FOLDER))
        return False
    return True


IN_USE: Final = _in_use()


def folders(room: str) -> list[str]:
    """Return where a room's modules are looked for before its sources."""
    return [str(FOLDER / "app" / room)] if IN_USE else []
