"""The service as its users run it: a process of its own, its commands, and its HTTP interface."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 60
_ATTEMPTS = 5


class ServiceError(Exception):
    """The service or one of its commands failed; the text is its own message."""


@asynccontextmanager
async def running_service(port: int, environment: Mapping[str, str], log: Path) -> AsyncIterator[str]:
    """Run `serve` until the block ends, on this port if it is free; yields its address. Its log goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        serve = ("serve", "--port", str(_free(port)), "--migrate")
        # In a session of its own: Ctrl-C is for the demo, which then stops the service.
        process = await _start(serve, environment, stderr=errors, start_new_session=True)
    try:
        yield await asyncio.wait_for(_address(process, log), _SECONDS_TO_START)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def _free(port: int) -> int:
    """The port if nothing listens there, else 0: any free one."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
    return 0


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    if process.stdout:
        async for line in process.stdout:
            words = line.decode().split()
            if words[:2] == ["listening", "on"]:
                return words[2]
    logged = log.read_text(encoding="utf-8", errors="replace").strip()  # noqa: ASYNC240  the process has ended
    raise ServiceError(f"the service did not start: {''.join(logged.splitlines()[-1:])}")


async def command(*arguments: str, environment: Mapping[str, str], show: bool = False) -> str:
    """Run one of the service's commands, with its progress visible if `show`; returns the last line of its output."""
    process = await _start(arguments, environment, stderr=None if show else asyncio.subprocess.PIPE)
    out, err = await process.communicate()
    if process.returncode:
        raise ServiceError((err or b"").decode().strip() or f"{arguments[0]} failed")
    return "".join(out.decode().splitlines()[-1:])


async def _start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    **options: Any,  # noqa: ANN401  asyncio's own
) -> asyncio.subprocess.Process:
    """Start one of the service's commands; its output can be read."""
    program, env = (sys.executable, "-m", "app", *arguments), {**os.environ, **environment}
    return await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE, env=env, cwd=_ROOT, **options)


@dataclass(slots=True)
class Api:
    """Requests about one petition, each with a user's key."""

    http: httpx.AsyncClient
    keys: Mapping[str, str]  # by user
    petition_id: str = ""

    async def call(self, user: str, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
        """One request; a busy service is asked again. Raises ServiceError if the service refuses it.

        Args:
            user: Whose key to send.
            method: Such as GET.
            path: After the petition's own, such as /tally.
            **content: As for httpx.
        """
        address = f"/v1/petitions/{self.petition_id}{path}".rstrip("/")
        headers = {"Authorization": f"Bearer {self.keys[user]}", **content.pop("headers", {})}
        for attempt in range(_ATTEMPTS):
            response = await self.http.request(method, address, headers=headers, **content)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.2 * 2**attempt)
        if response.is_error:
            raise ServiceError(f"{method} {path} by {user}: {response.status_code}, {response.json().get('detail')}")
        return response
