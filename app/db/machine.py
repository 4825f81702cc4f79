"""How much memory this machine has for us, or the container we run in."""

import os
from pathlib import Path
from typing import Final

_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" where there is none
_MEGABYTE: Final = 1 << 20
_LEAST, _MOST = 128, 4096  # megabytes


def memory_limit(limit: Path = _LIMIT) -> int:
    """Return the bytes of memory that may be used."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        allowed = limit.read_text("ascii").strip()
    except OSError:
        return physical
    return min(physical, int(allowed)) if allowed.isdigit() else physical


def database_memory(memory: int) -> dict[str, str]:
    """Return PostgreSQL's settings for so many bytes of memory: a quarter for its own buffers, within what is useful.

    Less has what is looked up again and again copied from the system's cache each time; more than the roll of a large
    county needs gains nothing. The cache is the other thing that holds the roll.
    """
    buffers = min(max(memory // 4 // _MEGABYTE, _LEAST), _MOST)
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{max(memory // 2 // _MEGABYTE, buffers)}MB"}
