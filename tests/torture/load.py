"""Stations that post over HTTP and keep account of what they were told; and the account held against the rows."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from app.ledger.notes import Signer
from tests import recount
from tests.http.county import VOTERS, voter
from tests.torture.service import Service

_TEXT = ("printed_name", "residence_address", "city", "zip")
_OK = (200, 201)


@dataclass
class Sent:
    """One request: its lines, its key, and whether it was acknowledged."""

    key: str
    lines: list[dict[str, Any]]
    acknowledged: bool = False


@dataclass
class Account:
    """What was sent, and how it ended. `faults` counts the requests in flight that a fault really hit."""

    sent: list[Sent] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0

    @property
    def acknowledged(self) -> int:
        """How many requests were acknowledged."""
        return sum(sent.acknowledged for sent in self.sent)


@dataclass
class Stations:
    """Several stations in one process, each posting one request after another until it is told to stop."""

    service: Service
    draw: random.Random
    account: Account = field(default_factory=Account)
    section: int = 0
    fault: str = "none"  # what is being done to the service just now
    stopping: bool = False

    async def post_until_stopped(self, stations: int) -> None:
        """Post new lines; what failed is sent once more by half of the stations, as a station would."""
        self.stopping = False
        limits = httpx.Limits(max_connections=stations)
        async with httpx.AsyncClient(base_url=self.service.url, timeout=20, limits=limits) as client:
            await asyncio.gather(*(self._station(client) for _ in range(stations)))

    async def _station(self, client: httpx.AsyncClient) -> None:
        self.section += 1
        section, number = self.section, 0
        while not self.stopping:
            number += 1
            sent = Sent(f"{section}-{number}", self._lines(section, number))
            self.account.sent.append(sent)
            await self._send(client, sent)

    def _lines(self, section: int, page: int) -> list[dict[str, Any]]:
        """A page of lines; mostly one line, for a request of its own."""
        size = self.draw.choice([1, 1, 1, 20])
        return [
            {"section": section, "page": page, "line": line, **voter(self.draw.randint(1, VOTERS))}
            for line in range(1, size + 1)
        ]

    async def _send(self, client: httpx.AsyncClient, sent: Sent) -> None:
        one = len(sent.lines) == 1
        path = f"/v1/petitions/{self.service.petition_id}/signatures{'' if one else '/batch'}"
        body = sent.lines[0] if one else {"signatures": sent.lines}
        headers = {"Authorization": f"Bearer {self.service.key}", "Idempotency-Key": sent.key}
        self.account.in_flight += 1
        try:
            if self.draw.random() < 0.02:  # the client goes away
                await asyncio.wait_for(client.post(path, json=body, headers=headers), self.draw.random() / 50)
            else:
                answer = await client.post(path, json=body, headers=headers)
                sent.acknowledged = answer.status_code in _OK
                if not sent.acknowledged:
                    self.account.faults[f"{answer.status_code} at {self.fault}"] += 1
        except TimeoutError:
            self.account.faults["given up by the client"] += 1
        except httpx.HTTPError as error:
            self.account.faults[f"{type(error).__name__} at {self.fault}"] += 1
            await asyncio.sleep(0.05)
        finally:
            self.account.in_flight -= 1

    async def repeat(self, *, every: bool = False) -> None:
        """Send half of what was not acknowledged again, or every one of it, with its key."""
        open_ones = [sent for sent in self.account.sent if not sent.acknowledged]
        async with httpx.AsyncClient(base_url=self.service.url, timeout=20) as client:
            for sent in open_ones if every else open_ones[::2]:
                await self._send(client, sent)


async def check(connection: asyncpg.Connection, account: Account, service: Service) -> None:
    """Every acknowledged line is there once, byte for byte; every other request is absent or whole.

    Who could not be served was asked to come back (503), and never told that the service is broken (500).
    """
    assert not [fault for fault in account.faults if fault.startswith("500")]
    rows = await connection.fetch("SELECT * FROM signature WHERE petition_id = $1", service.petition_id)
    there = {(row["section"], row["page"], row["line"]): {name: row[name] for name in _TEXT} for row in rows}
    for sent in account.sent:
        found = [there.pop((line["section"], line["page"], line["line"]), None) for line in sent.lines]
        texts = [{name: line[name] for name in _TEXT} for line in sent.lines]
        if sent.acknowledged:
            assert found == texts, f"request {sent.key} was acknowledged"
        else:
            assert found in (texts, [None] * len(texts)), f"request {sent.key} is torn"
    assert not there, "nothing stands there that nobody sent"
    assert service.petition_id
    signer = Signer.from_file(service.data_dir / "checkpoint.key", create=False)
    await recount.check(connection, service.petition_id, signer)
