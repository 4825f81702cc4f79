"""Simulated clerks: people who look at the paper, know what is true of it, and say so through the API.

They do what the registrar's staff does: decide what the service left to a person, confirm what needs a person's
confirmation, compare every counted line's signature, and file the withdrawals.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import httpx

from app.demo.service import ServiceError
from app.demo.truth import Truth, TruthFile

_PAGE = 1000
_BUNDLE = 200  # findings of one person that are put on record together
ANY_CLERK = -1
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

    async def pages(self, status: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The lines of a status, page by page."""
        cursor: str | None = None
        while True:
            params = {"status": status, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            page = (await self.call(0, "GET", "/signatures", params=params)).json()
            yield page["signatures"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


async def settle(office: Office, truth: TruthFile, changed: Callable[[Work], None]) -> Work:
    """Let the clerks go through the lines until nothing is left to people. `changed` is told how far they are."""
    work = Work()
    await _withdrawals(office, truth)
    for status in ("review", "invalid", "valid"):
        async for page in office.pages(status):
            todo = [(line, truth[line["place"]]) for line in page]
            said = [_words(office, line, true) for line, true in todo if _kind(line, true)]
            work.by_kind.update(kind for line, true in todo if (kind := _kind(line, true)))
            for turn in zip_longest(*said):  # what comes second on a line is said when the first is on record
                await _put_on_record(office, [word for word in turn if word], work)
                changed(work)
    return work


async def _put_on_record(office: Office, words: Sequence[tuple[int, dict[str, Any]]], work: Work) -> None:
    """Post findings, everybody's in bundles of their own, all people at once."""
    by_person: dict[int, list[dict[str, Any]]] = {}
    for number, (person, finding) in enumerate(words):
        by_person.setdefault(number % office.clerks if person == ANY_CLERK else person, []).append(finding)

    async def post(person: int, findings: list[dict[str, Any]]) -> None:
        for start in range(0, len(findings), _BUNDLE):
            bundle = findings[start : start + _BUNDLE]
            answer = await office.call(person, "POST", "/findings", json={"findings": bundle})
            for result in answer.json()["results"]:
                if "error" in result:
                    raise ServiceError(f"a finding was refused: {result['error']['message']}")
            work.findings += len(bundle)

    async with asyncio.TaskGroup() as group:
        for person, findings in by_person.items():
            group.create_task(post(person, findings))


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


def _words(office: Office, line: Mapping[str, Any], true: Truth) -> list[tuple[int, dict[str, Any]]]:
    """What has to be said of a line, in order, and by whom."""
    finding: dict[str, Any] = {"place": true["place"], "status": "invalid", "reason": true["reason"]}
    if _eligible(true["status"], true["reason"]):
        finding = {"place": true["place"], "status": "valid"}
    if true["voter_id"]:
        finding["voter_id"] = true["voter_id"]
    if true["reason"] != "signature_mismatch":
        return [(ANY_CLERK, finding)]
    compared = [(clerk, finding) for clerk in range(office.clerks)]  # it takes three people (2 CCR 20960)
    if _eligible(line["status"], line["reason"]):
        return compared
    # Whose it is comes first; against a person's finding the doubt is then a supervisor's.
    identity = {"place": true["place"], "status": "valid", "voter_id": true["voter_id"]}
    doubt = {**finding, "note": "compared with the signatures on file"}
    return [(ANY_CLERK, identity), (office.supervisor, doubt), *compared[1:]]
