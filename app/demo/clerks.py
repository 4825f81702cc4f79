"""Simulated clerks, who look at the paper, know the truth about it, and record it through the API.

As the registrar's staff does, they decide the lines that need review, confirm the findings that need a person's
confirmation, compare the signature of every counted line, and file the withdrawals.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from app.demo.petition import Truth, TruthFile
from app.demo.service import Api, ServiceError

CLERKS = ("clerk-1", "clerk-2", "clerk-3")
SUPERVISOR = "supervisor-1"
_ANY_CLERK = ""
_PAGE = 1000  # lines per request
_FINDINGS = 200  # of one person per request
_DECIDED_BY_THE_COUNT = ("duplicate", "withdrawn")

Finding = tuple[str, dict[str, Any]]  # by whom, and the body of the request


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
