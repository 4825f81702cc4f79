"""The service as its users see it: a process of its own, and simulated stations and clerks who speak HTTP with it.

Several stations have some of the sections each, and also send some lines again. As the registrar's staff does, clerks
decide the lines that need review, confirm the findings that need a person's confirmation, compare the signature of
every counted line, and file the withdrawals. They know the truth about the lines.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx

from app.demo.county import Dice
from app.demo.petition import Truth, TruthFile
from app.station.client import Control, Options, Target, post_file, post_signatures
from app.station.outcome import Summary

CLERKS = ("clerk-1", "clerk-2", "clerk-3")
SUPERVISOR = "supervisor-1"
_ANY_CLERK = ""
_ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 60
_ATTEMPTS = 5
_RESENT = 0.02  # of a station's lines are entered by hand and sent again, under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbor too
_OPTIONS = Options(batch=500, in_flight=2)
_PAGE = 1000  # lines per request
_FINDINGS = 200  # of one person per request
_DECIDED_BY_THE_COUNT = ("duplicate", "withdrawn")

Finding = tuple[str, dict[str, Any]]  # by whom, and the body of the request


class ServiceError(Exception):
    """The service or one of its commands failed; the text is its own message."""


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
        program, env = (sys.executable, "-m", "app", *arguments), {**os.environ, **self.environment}
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


@dataclass(slots=True)
class Station:
    """One station: its part of the petition, and its progress."""

    name: str
    file: Path
    lines: int
    target: Target
    posted: int = 0
    again: int = 0


def share_out(petition: Path, folder: Path, names: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Split the petition by section among the stations; returns the file of each and the number of lines in it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.ndjson" for name in names}
    counts = dict.fromkeys(names, 0)
    with ExitStack() as opened:
        files = {name: opened.enter_context(path.open("w", encoding="utf-8")) for name, path in paths.items()}
        for text in opened.enter_context(petition.open(encoding="utf-8")):
            name = names[json.loads(text)["section"] % len(names)]
            files[name].write(text)
            counts[name] += 1
    return {name: (paths[name], counts[name]) for name in names}


async def post_all(stations: Sequence[Station], spool: Path, changed: Callable[[], None]) -> None:
    """Let all stations post at once, with their journals in `spool`; `changed` is called after each step of one."""

    async def post(station: Station, neighbor: Station) -> None:
        def progress(summary: Summary) -> None:
            station.posted = summary.accepted
            changed()

        control = Control(progress=progress)
        await post_file(str(station.file), station.target, options=_OPTIONS, spool=spool, control=control)
        again = _sample(station.file, _RESENT, 1) + _sample(neighbor.file, _SCANNED_TWICE, 2)
        if again:
            station.again = (await post_signatures(again, station.target, options=_OPTIONS)).accepted
            changed()

    await asyncio.gather(*map(post, stations, [*stations[1:], stations[0]]))


def _sample(file: Path, share: float, seed: int) -> list[dict[str, object]]:
    """A seeded share of a station's lines."""
    dice = Dice(seed)
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if dice.chance(share)]


async def settle(api: Api, truth: TruthFile, changed: Callable[[Counter[str]], None]) -> Counter[str]:
    """Let the clerks go through the lines until none needs a person; `changed` is called as they advance.

    Returns the number of findings, and of the lines that they decided, confirmed, overturned and compared.
    """
    work = Counter[str]()
    for voter_id in sorted({line["voter_id"] for line in truth if line["reason"] == "withdrawn"}):
        # in writing, before the petition was filed (EC 11303)
        await api.call(CLERKS[0], "POST", "/withdrawals", json={"voter_id": voter_id, "received_on": "2022-07-01"})
    for status in ("review", "invalid", "valid"):
        async for page in _pages(api, status):
            to_do = [(line, true, kind) for line in page if (kind := _kind(line, true := truth[line["place"]]))]
            work.update(kind for _, _, kind in to_do)
            for turn in zip_longest(*(_findings(line, true) for line, true, _ in to_do)):
                findings = list(filter(None, turn))
                await _record(api, findings)  # before a line's next finding
                work["findings"] += len(findings)
                changed(work)
    return work


async def _pages(api: Api, status: str) -> AsyncIterator[list[dict[str, Any]]]:
    """The lines of a status, page by page."""
    params = {"status": status, "limit": str(_PAGE)}
    while True:
        page = (await api.call(CLERKS[0], "GET", "/signatures", params=params)).json()
        yield page["signatures"]
        if page["next_cursor"] is None:
            return
        params["cursor"] = page["next_cursor"]


async def _record(api: Api, findings: Sequence[Finding]) -> None:
    """Post findings, each person's in requests of their own, all people at the same time."""
    by_person: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, (person, finding) in enumerate(findings):
        by_person[person or CLERKS[number % len(CLERKS)]].append(finding)

    async def post(person: str, theirs: list[dict[str, Any]]) -> None:
        for start in range(0, len(theirs), _FINDINGS):
            content = {"findings": theirs[start : start + _FINDINGS]}
            for result in (await api.call(person, "POST", "/findings", json=content)).json()["results"]:
                if "error" in result:
                    raise ServiceError(f"a finding was refused: {result['error']['message']}")

    await asyncio.gather(*map(post, by_person.keys(), by_person.values()))


def _eligible(line: Mapping[str, Any]) -> bool:
    return line["status"] == "valid" or line["reason"] in _DECIDED_BY_THE_COUNT


def _kind(line: Mapping[str, Any], true: Truth) -> str | None:
    """What a clerk has to do about a line: None if its finding is right and settled."""
    if line["status"] == "review":
        return "decided"
    if _eligible(line) and _eligible(true):
        return None if line["voter_id"] in true["ok"] else "overturned"
    if (line["status"], line["reason"]) == (true["status"], true["reason"]):
        return None if line["settled"] else "confirmed"
    return "compared" if true["reason"] == "signature_mismatch" else "overturned"


def _findings(line: Mapping[str, Any], true: Truth) -> list[Finding]:
    """The findings that a line needs, in order."""
    of_line = {"place": true["place"], **({"voter_id": true["voter_id"]} if true["voter_id"] else {})}
    identity = {**of_line, "status": "valid"}
    if _eligible(true):
        return [(_ANY_CLERK, identity)]
    finding = {**of_line, "status": "invalid", "reason": true["reason"]}
    if true["reason"] != "signature_mismatch":
        return [(_ANY_CLERK, finding)]
    compared: list[Finding] = [(clerk, finding) for clerk in CLERKS]  # it takes three people (2 CCR 20960)
    if _eligible(line):
        return compared
    # The identity comes first; to question another person's finding then takes a supervisor.
    doubt = {**finding, "note": "compared with the signatures on file"}
    return [(_ANY_CLERK, identity), (SUPERVISOR, doubt), *compared[1:]]
