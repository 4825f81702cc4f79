"""All that the users of a county can see of a petition, to be compared with what they see of another one."""

import json
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

from app.count.line_queries import get_petition
from app.examination.explanation import explain
from app.law.line import Place
from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle
from app.ledger.notes import Signer
from tests.http.county import COUNTY
from tests.http.world import World

_OF_THE_PETITION = (
    "tally",
    "tally/history",
    "tally/verification",
    "ledger/entries?limit=1000",
    "quality",
    "quality/people",
    "quality/sample?limit=100",
    "withdrawals",
    "queues",
    "queues?section=1",
    "claims",
    "comparisons",
    "control-totals",
    "sections",
    "raw-count",
    "dry-run?ruleset=california-local-recall/3&limit=1000",
    "signatures?settled=false&limit=1000",
)

# What differs from petition to petition: times, random numbers and what is hashed with them, the roll's version.
_CHANGING = tuple(
    re.compile(pattern)
    for pattern in (
        r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)",
        r"roll version \d+",
        r'\\*"seconds_waiting\\*": ?\d+',
        r'\\*"(?:checkpoints|uncovered)\\*": ?\d+',  # one is made every minute
        r'\\*"(?:roll_version|request_id|bulk_id)\\*": ?\\*"?[\w-]*',
        "[0-9a-f]{32,}",
    )
)


def alike(value: object, *names: str) -> str:
    """The value as JSON, without these names and without what differs from petition to petition."""
    text = json.dumps(value)
    for name in names:
        text = text.replace(name, "NAME")
    for pattern in _CHANGING:
        text = pattern.sub("…", text)
    return text


async def post_all(world: World, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to all lines, posted in batches."""
    answers: list[dict[str, Any]] = []
    for start in range(0, len(lines), 500):
        answer = await world.batch(list(lines[start : start + 500]))
        assert answer.status_code == 200, answer.text
        answers += answer.json()["results"]
    return answers


async def everything_seen(world: World, places: Sequence[str], signer: Signer, folder: Path) -> dict[str, str]:
    """All answers, explanations and exports of a petition; the lines at these places in detail."""
    seen: dict[str, object] = {}

    async def see(name: str, path: str, who: str, method: str = "GET", **body: object) -> None:
        answer = await world.call(method, path, who=who, **({"json": body} if body else {}))
        assert answer.is_success, (path, answer.text)
        seen[name] = answer.text

    for who in ("clerk", "supervisor", "auditor", "station"):
        for place in places:
            await see(f"{place} {who}", f"/signatures/{place}", who)
        if who != "station":
            seen[f"lines {who}"] = await _all_lines(world, who)
    for path in _OF_THE_PETITION:
        await see(path, f"/{path}", "supervisor")
    for place, path in product(places, ("history", "earlier-decisions")):
        await see(f"{place} {path}", f"/signatures/{place}/{path}", "clerk")
    for reason in ("different_address", "illegible"):
        said = {"status": "invalid", "reason": reason, "note": "why", "places": list(places)}
        await see(f"bulk {reason}", "/bulk-decisions", "clerk", "POST", **said)
    headers = {"Authorization": f"Bearer {world.keys['monitor']}"}
    metrics = (await world.client.get("/metrics", headers=headers)).text.splitlines()
    timed = ("seconds", "checkpoint")
    seen["metrics"] = [m for m in metrics if world.petition_id in m and not any(word in m for word in timed)]
    seen |= {f"{place} explained": await _explained(world, place) for place in places}
    seen["bundle"] = await _bundled(world, signer, folder)
    return {name: alike(value, world.petition_id) for name, value in seen.items()}


async def _all_lines(world: World, who: str) -> list[Any]:
    lines, query = list[Any](), {"limit": "1000"}
    while True:
        page = (await world.call("GET", "/signatures", who=who, params=query)).json()
        lines += page["signatures"]
        if page["next_cursor"] is None:
            return lines
        query["cursor"] = page["next_cursor"]


async def _explained(world: World, place: str) -> str:
    async with world.database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(world.petition_id)))
    assert petition
    return await explain(world.database, petition, Place(*map(int, place.split("-"))))


async def _bundled(world: World, signer: Signer, folder: Path) -> list[str]:
    path = folder / f"{world.petition_id}.zip"
    path.unlink(missing_ok=True)
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), signer, path)
    with ZipFile(path) as bundle:
        names = ("findings.ndjson", "ledger.ndjson")
        return [line for name in names for line in bundle.read(name).decode().splitlines()]
