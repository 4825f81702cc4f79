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
    """The clerks' client: one connection pool, one key a person."""

    client: httpx.AsyncClient
    petition_id: str
    keys: Sequence[str]

    async def call(self, clerk: int, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
        """One request in a clerk's name; a busy service is asked again."""
        headers = {"Authorization": f"Bearer {self.keys[clerk % len(self.keys)]}"}
        for attempt in range(_ATTEMPTS):
            answer = await self.client.request(
                method, f"/v1/petitions/{self.petition_id}{path}", headers=headers, **more
            )
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.2 * 2**attempt)
        answer.raise_for_status()
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
    work = Work()
    await _withdrawals(office, truth)
    for status in ("review", "invalid", "valid"):
        pending: set[asyncio.Task[None]] = set()
        async for line in office.lines(status):
            kind = _kind(line, truth[line["place"]])
            if kind is None:
                continue
            pending.add(asyncio.create_task(_say(office, truth[line["place"]], work, kind)))
            if len(pending) >= _AT_WORK:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                changed(work)
        await asyncio.gather(*pending)
        changed(work)
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


async def _say(office: Office, true: Truth, work: Work, kind: str) -> None:
    """Say what is true of a line; that a signature is not the voter's takes three people (2 CCR 20960)."""
    body: dict[str, Any] = {"status": "invalid", "reason": true["reason"]}
    if _eligible(true["status"], true["reason"]):
        body = {"status": "valid"}
    if true["voter_id"]:
        body["voter_id"] = true["voter_id"]
    people = 3 if true["reason"] == "signature_mismatch" else 1
    first = work.findings
    work.findings += people
    work.by_kind[kind] += 1
    for person in range(people):
        await office.call(first + person, "POST", f"/signatures/{true['place']}/findings", json=body)
