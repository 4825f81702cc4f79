"""The simulated users of the service: stations that post the petition, and clerks who know the truth about its lines.

Several stations have some of the sections each, and also send some lines again. As the registrar's staff does, clerks
decide the lines that need review, confirm the findings that need a person's confirmation, compare the signature of
every counted line, and file the withdrawals.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from app.demo.petition import Truth, TruthFile
from app.demo.service import Api, ServiceError
from app.station.client import Control, Options, Target, post_file, post_signatures
from app.station.outcome import Summary

_RESENT = 0.02  # of a station's lines are entered by hand and sent again, under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbor too
_OPTIONS = Options(batch=500, in_flight=2)
CLERKS = ("clerk-1", "clerk-2", "clerk-3")
SUPERVISOR = "supervisor-1"
_ANY_CLERK = ""
_PAGE = 1000  # lines per request
_FINDINGS = 200  # of one person per request
_DECIDED_BY_THE_COUNT = ("duplicate", "withdrawn")

Finding = tuple[str, dict[str, Any]]  # by whom, and the body of the request


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
    chance = random.Random(seed)  # noqa: S311  # a simulation
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if chance.random() < share]


@dataclass(slots=True)
class Work:
    """What the clerks did."""

    findings: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)  # lines decided, confirmed, overturned, compared


async def settle(api: Api, truth: TruthFile, changed: Callable[[Work], None]) -> Work:
    """Let the clerks go through the lines until none needs a person; `changed` is called as they advance."""
    work = Work()
    for voter_id in sorted({line["voter_id"] for line in truth if line["reason"] == "withdrawn"}):
        # in writing, before the petition was filed (EC 11303)
        await api.call(CLERKS[0], "POST", "/withdrawals", json={"voter_id": voter_id, "received_on": "2022-07-01"})
    for status in ("review", "invalid", "valid"):
        async for page in _pages(api, status):
            to_do = [(line, true, kind) for line in page if (kind := _kind(line, true := truth[line["place"]]))]
            work.by_kind.update(kind for _, _, kind in to_do)
            for turn in zip_longest(*(_findings(line, true) for line, true, _ in to_do)):
                await _record(api, [finding for finding in turn if finding], work)  # before a line's next finding
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


async def _record(api: Api, findings: Sequence[Finding], work: Work) -> None:
    """Post findings, each person's in requests of their own, all people at the same time."""
    by_person: dict[str, list[dict[str, Any]]] = {}
    for number, (person, finding) in enumerate(findings):
        by_person.setdefault(person or CLERKS[number % len(CLERKS)], []).append(finding)

    async def post(person: str, theirs: list[dict[str, Any]]) -> None:
        for start in range(0, len(theirs), _FINDINGS):
            some = theirs[start : start + _FINDINGS]
            answer = await api.call(person, "POST", "/findings", json={"findings": some})
            for result in answer.json()["results"]:
                if "error" in result:
                    raise ServiceError(f"a finding was refused: {result['error']['message']}")
            work.findings += len(some)

    async with asyncio.TaskGroup() as group:
        for person, theirs in by_person.items():
            group.create_task(post(person, theirs))


def _eligible(status: str, reason: str | None) -> bool:
    return status == "valid" or reason in _DECIDED_BY_THE_COUNT


def _kind(line: Mapping[str, Any], true: Truth) -> str | None:
    """What a clerk has to do about a line: None if its finding is right and settled."""
    if line["status"] == "review":
        return "decided"
    if _eligible(line["status"], line["reason"]) and _eligible(true["status"], true["reason"]):
        return None if line["voter_id"] in true["ok"] else "overturned"
    if (line["status"], line["reason"]) == (true["status"], true["reason"]):
        return None if line["settled"] else "confirmed"
    return "compared" if true["reason"] == "signature_mismatch" else "overturned"


def _findings(line: Mapping[str, Any], true: Truth) -> list[Finding]:
    """The findings that a line needs, in order."""
    voter = {"voter_id": true["voter_id"]} if true["voter_id"] else {}
    identity = {"place": true["place"], "status": "valid", **voter}
    if _eligible(true["status"], true["reason"]):
        return [(_ANY_CLERK, identity)]
    finding = {"place": true["place"], "status": "invalid", "reason": true["reason"], **voter}
    if true["reason"] != "signature_mismatch":
        return [(_ANY_CLERK, finding)]
    compared: list[Finding] = [(clerk, finding) for clerk in CLERKS]  # it takes three people (2 CCR 20960)
    if _eligible(line["status"], line["reason"]):
        return compared
    # The identity comes first; to question another person's finding then takes a supervisor.
    doubt = {**finding, "note": "compared with the signatures on file"}
    return [(_ANY_CLERK, identity), (SUPERVISOR, doubt), *compared[1:]]
