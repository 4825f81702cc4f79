"""The service as the demo uses it: processes of its own, and people who speak HTTP with it."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

STATIONS = ("station-1", "station-2", "station-3", "station-4")
CLERKS = tuple(f"clerk-{number}" for number in range(1, 7))
SUPERVISOR = "supervisor-1"
OFFICER = "officer-1"  # decides the lines that confidential voters may have signed
MONITOR = "monitor-1"
ROLES = dict.fromkeys(STATIONS, "station") | dict.fromkeys(CLERKS, "clerk")
ROLES |= {SUPERVISOR: "supervisor", OFFICER: "confidential", MONITOR: "monitor"}
_ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 60
_ATTEMPTS = 5


class ServiceError(Exception):
    """The service or one of its commands failed; the text is its own message, `code` that of a refused request."""

    def __init__(self, message: str, code: str = "") -> None:
        """The code is empty for a command."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Service:
    """The service and its commands, as processes of their own."""

    environment: Mapping[str, str]
    county: str  # a code

    @asynccontextmanager
    async def running(self, port: int, log: Path) -> AsyncIterator[str]:
        """Run `serve` until the block ends, on this port if it is free; yields its address. Its log goes to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:  # something listens there
            port = 0  # any free one
        with log.open("wb") as errors:
            # In a session of its own: Ctrl-C is for the demo, which then stops the service.
            started = self._start("serve", "--port", str(port), "--migrate", stderr=errors, start_new_session=True)
            process = await started
        try:
            yield await asyncio.wait_for(_address(process, log), _SECONDS_TO_START)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()

    async def command(self, *arguments: str, show: bool = False) -> str:
        """Run a command for the county, with its progress visible if `show`; returns the last line of its output."""
        process = await self._start(*arguments, "--county", self.county, stderr=None if show else PIPE)
        out, err = await process.communicate()
        if process.returncode:
            raise ServiceError((err or b"").decode().strip() or f"{arguments[0]} failed")
        return "".join(out.decode().splitlines()[-1:])

    async def _start(self, *arguments: str, **options: Any) -> Process:  # noqa: ANN401  asyncio's own
        program, env = (sys.executable, "-m", "app", *arguments), {**os.environ, "RECALL_KEY": "", **self.environment}
        return await asyncio.create_subprocess_exec(*program, stdout=PIPE, env=env, cwd=_ROOT, **options)


async def _address(process: Process, log: Path) -> str:
    if process.stdout:
        async for line in process.stdout:
            words = line.decode().split()
            if words[:2] == ["listening", "on"]:
                return words[2]
    logged = log.read_text(encoding="utf-8", errors="replace").strip()  # noqa: ASYNC240  the process has ended
    raise ServiceError(f"the service did not start: {''.join(logged.splitlines()[-1:])}")


@dataclass(slots=True)
class Api:
    """Requests about one petition, each with a user's key."""

    http: httpx.AsyncClient
    keys: Mapping[str, str]  # by user
    petition_id: str = ""

    async def call(self, user: str, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
        """One request of a user, `content` as for httpx; the path follows that of the petition.

        A busy service is asked again. Raises ServiceError if the service refuses the request.
        """
        return await self._request(user, method, f"/v1/petitions/{self.petition_id}{path}".rstrip("/"), content)

    async def look_up(self, user: str, asked: Mapping[str, Any]) -> httpx.Response:
        """Look voters up."""
        return await self._request(user, "POST", "/v1/voters/lookup", {"json": asked})

    async def _request(self, user: str, method: str, address: str, content: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[user]}", **content.pop("headers", {})}
        for attempt in range(_ATTEMPTS):
            response = await self.http.request(method, address, headers=headers, **content)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.2 * 2**attempt)
        if response.is_error:
            problem = response.json()
            message = f"{method} {address} by {user}: {response.status_code}, {problem.get('detail')}"
            raise ServiceError(message, problem.get("type", "").rpartition(":")[2])
        return response
