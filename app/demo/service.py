"""The service as a user runs it: a process of its own, and its commands beside it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_STARTING = 60  # seconds


class ServiceError(Exception):
    """The service or one of its commands failed; the text is what it said."""


def free_port(wished: int) -> int:
    """The wished port if nobody listens there, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wished))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def running_service(port: int, environment: Mapping[str, str], log: Path) -> AsyncIterator[str]:
    """Run `serve` until the block ends; gives its address. What it logs goes to `log`.

    Raises:
        ServiceError: it does not start.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve", "--port", str(port), "--migrate"),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
            cwd=_ROOT,
            start_new_session=True,  # Ctrl-C is for the show, which then ends the service in order
        )
    try:
        yield await asyncio.wait_for(_address(process, log), _STARTING)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    if process.stdout:
        async for line in process.stdout:
            words = line.decode().split()
            if words[:2] == ["listening", "on"]:
                return words[2]
    raise ServiceError(f"the service did not start: {_last_line(log)}")


def _last_line(log: Path) -> str:
    return "".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:])


async def command(*arguments: str, environment: Mapping[str, str], show: bool = False) -> str:
    """Run one of the service's commands beside it; returns the last line of its output.

    Args:
        arguments: as on the command line.
        environment: what differs from ours.
        show: let its progress be seen.

    Raises:
        ServiceError: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=None if show else asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
        cwd=_ROOT,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise ServiceError((err or b"").decode().strip() or f"{arguments[0]} failed")
    lines = out.decode().splitlines()
    return lines[-1] if lines else ""
