"""What the stories do over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from app.access.keys import issue_key
from app.access.principals import ROLES, Principal
from app.count.record import Count
from app.database.pools import Database
from app.law.signatures import STANDARD
from tests import recount
from tests.http.county import COUNTY

PETITION = {
    "title": "Recall of the assessor",
    "officer": "The assessor",
    "required": 100,
    "circulation_from": "2022-01-27",
    "circulation_to": "2022-07-06",
    "filed_on": "2022-07-06",
    "ruleset": "california-local-recall/1",  # which settles a match without anyone's look
}


COMPARISON = {
    "references": ["affidavit of 2014"],
    "characteristics": ["slant", "letter_formations"],
    "standard": STANDARD,
}


async def keys_of_each_role(database: Database) -> dict[str, str]:
    """A key for each role of the county."""
    now = datetime.now(UTC)
    return {role: await issue_key(database, Principal(COUNTY, f"{role}-1", role), now=now) for role in ROLES}


@dataclass(frozen=True)
class World:
    """An open petition, the keys of its county, and a client."""

    client: httpx.AsyncClient
    count: Count
    keys: dict[str, str]
    petition_id: str

    @property
    def database(self) -> Database:
        return self.count.database

    @classmethod
    async def make(cls, client: httpx.AsyncClient, count: Count, keys: Mapping[str, str] | None = None) -> "World":
        """With these keys, or new ones."""
        keys = dict(keys or await keys_of_each_role(count.database))
        answer = await client.post("/v1/petitions", json=PETITION, headers={"Authorization": f"Bearer {keys['clerk']}"})
        assert answer.status_code == 201, answer.text
        return cls(client, count, keys, answer.json()["petition_id"])

    async def add_key(self, role: str, name: str) -> None:
        """A key for another person, known by the name."""
        self.keys[name] = await issue_key(self.database, Principal(COUNTY, name, role), now=datetime.now(UTC))  # type: ignore[arg-type]  # roles are text here

    async def call(self, method: str, path: str, *, who: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
        headers = {"Authorization": f"Bearer {self.keys[who]}", **more.pop("headers", {})}
        return await self.client.request(method, f"/v1/petitions/{self.petition_id}{path}", headers=headers, **more)

    async def post(self, line: dict[str, object], *, who: str = "station", key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.call("POST", "/signatures", who=who, json=line, headers=headers)

    async def batch(
        self, lines: list[dict[str, object]], *, who: str = "station", key: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.call("POST", "/signatures/batch", who=who, json={"signatures": lines}, headers=headers)

    async def finding(
        self, place: str, *, who: str = "clerk", note: str = "as the paper shows", **body: object
    ) -> httpx.Response:
        """A finding, with the searches or the comparison without which it is refused."""
        if body.get("reason") == "not_registered":
            await self.search(place)
        if body.get("reason") == "signature_mismatch":
            body = {"comparison": COMPARISON, **body}
        return await self.call("POST", f"/signatures/{place}/findings", who=who, json={"note": note, **body})

    async def search(self, place: str, *, who: str = "clerk", kinds: tuple[str, ...] = ("name", "address")) -> None:
        """Look voters up for a line, by what a stranger wrote."""
        written = {"name": {"printed_name": "ADELINE QUACKENBUSH"}, "address": {"residence_address": "9876 MAPLE AVE"}}
        for kind in kinds:
            asked = {**written[kind], "petition_id": self.petition_id, "place": place}
            headers = {"Authorization": f"Bearer {self.keys[who]}"}
            await self.client.post("/v1/voters/lookup", headers=headers, json=asked)

    async def verb(
        self,
        path: str,
        *,
        who: str = "clerk",
        key: str | None = None,
        method: str = "POST",
        **body: Any,  # noqa: ANN401  # any JSON values
    ) -> httpx.Response:
        """Any verb that takes a JSON body."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.call(method, path, who=who, json=body, headers=headers)

    async def detail(self, place: str) -> dict[str, Any]:
        """A line as a clerk sees it."""
        answer = await self.call("GET", f"/signatures/{place}", who="clerk")
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def recount(self) -> None:
        """The service's verification, as an auditor gets it, and independent SQL find nothing wrong."""
        answer = await self.call("GET", "/tally/verification", who="auditor")
        assert (answer.status_code, answer.json()["faults"]) == (200, []), answer.text
        async with self.database.reading() as connection:
            await recount.check_by_sql(connection, UUID(self.petition_id))

    async def status(self, place: str) -> tuple[str, str | None]:
        answer = await self.call("GET", f"/signatures/{place}", who="clerk")
        assert answer.status_code == 200, answer.text
        return answer.json()["status"], answer.json()["reason"]

    async def tally(self) -> dict[str, Any]:
        answer = await self.call("GET", "/tally", who="monitor")
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result
