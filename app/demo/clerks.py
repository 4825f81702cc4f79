"""Simulated clerks: people who look at the paper, know what is true of it, and say so through the API.

They do what the registrar's staff does: decide what the service left to a person, confirm what needs a person's
confirmation, compare every counted line's signature, and file the withdrawals.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.demo.service import ServiceError
from app.demo.truth import Truth, TruthFile

_PAGE = 1000
_AT_WORK = 16  # findings under way at once, of all clerks
_LEFT_TO_THE_COUNT = ("duplicate", "withdrawn")
_ATTEMPTS = 5


@dataclass(slots=True)
class Work:
    """What the clerks did."""

    findings: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)  # decided, confirmed, overturned, compared


@dataclass(frozen=True, slots=True)
class Office:
    """The clerks' client: one connection pool, one key a person, the supervisor's last."""

    client: httpx.AsyncClient
    petition_id: str
    keys: Sequence[str]

    @property
    def clerks(self) -> int:
        """How many clerks there are; they are numbered from 0."""
        return len(self.keys) - 1

    @property
    def supervisor(self) -> int:
        """The supervisor's number."""
        return len(self.keys) - 1

    async def call(self, person: int, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
        """One request in a person's name; a busy service is asked again."""
        headers = {"Authorization": f"Bearer {self.keys[person]}"}
        for attempt in range(_ATTEMPTS):
            answer = await self.client.request(
                method, f"/v1/petitions/{self.petition_id}{path}", headers=headers, **more
            )
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.2 * 2**attempt)
        if answer.is_error:
            raise ServiceError(f"{method} of a clerk: {answer.status_code}, {answer.json().get('detail')}")
        return answer

    async def lines(self, status: str) -> AsyncIterator[dict[str, Any]]:
        """Every line of a status, page by page."""
        cursor: str | None = None
        while True:
            params = {"status": status, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            page = (await self.call(0, "GET", "/signatures", params=params)).json()
            for line in page["signatures"]:
                yield line
            cursor = page["next_cursor"]
            if cursor is None:
                return


async def settle(office: Office, truth: TruthFile, changed: Callable[[Work], None]) -> Work:
    """Let the clerks go through the lines until nothing is left to people. `changed` is told how far they are."""
    work, at_work = Work(), asyncio.Semaphore(_AT_WORK)

    async def look(line: Mapping[str, Any], true: Truth, kind: str) -> None:
        try:
            await _say(office, line, true, work)
        finally:
            at_work.release()
        work.by_kind[kind] += 1
        changed(work)

    await _withdrawals(office, truth)
    for status in ("review", "invalid", "valid"):
        async with asyncio.TaskGroup() as group:
            async for line in office.lines(status):
                true = truth[line["place"]]
                if kind := _kind(line, true):
                    await at_work.acquire()
                    group.create_task(look(line, true, kind))
    return work


async def _withdrawals(office: Office, truth: TruthFile) -> None:
    """File the written withdrawals that came in before the petition was filed (EC 11303)."""
    for voter_id in sorted({t["voter_id"] for t in truth if t["reason"] == "withdrawn"}):
        await office.call(0, "POST", "/withdrawals", json={"voter_id": voter_id, "received_on": "2022-07-01"})


def _eligible(status: str, reason: str | None) -> bool:
    return status == "valid" or reason in _LEFT_TO_THE_COUNT


def _kind(line: Mapping[str, Any], true: Truth) -> str | None:
    """What a clerk has to do about a line: None where it is right and settled."""
    if line["status"] == "review":
        return "decided"
    if _eligible(line["status"], line["reason"]) and _eligible(true["status"], true["reason"]):
        return None if line["voter_id"] in true["ok"] else "overturned"
    if (line["status"], line["reason"]) == (true["status"], true["reason"]):
        return None if line["settled"] else "confirmed"
    return "compared" if true["reason"] == "signature_mismatch" else "overturned"


async def _say(office: Office, line: Mapping[str, Any], true: Truth, work: Work) -> None:
    """Say what is true of a line."""
    path = f"/signatures/{true['place']}/findings"
    body: dict[str, Any] = {"status": "invalid", "reason": true["reason"]}
    if _eligible(true["status"], true["reason"]):
        body = {"status": "valid"}
    if true["voter_id"]:
        body["voter_id"] = true["voter_id"]
    people: list[int] = [work.findings % office.clerks]
    if true["reason"] == "signature_mismatch":  # it takes three people (2 CCR 20960)
        people = list(range(office.clerks))
        if not _eligible(line["status"], line["reason"]):
            # Whose it is comes first; against a person's finding the doubt is then a supervisor's.
            await office.call(0, "POST", path, json={"status": "valid", "voter_id": true["voter_id"]})
            work.findings += 1
            people = [office.supervisor, *people[1:]]
    for person in people:
        work.findings += 1
        note = {"note": "compared with the signatures on file"} if person == office.supervisor else {}
        await office.call(person, "POST", path, json={**body, **note})
