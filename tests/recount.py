"""Counting a petition again from its rows, in words of its own: what every story and race must leave behind."""

import hashlib
import json
from collections import Counter, defaultdict

import asyncpg

_ELIGIBLE = {("valid", None), ("invalid", "duplicate"), ("invalid", "withdrawn")}


async def check(connection: asyncpg.Connection, petition_id: object) -> None:
    """Every voter counts once, at the lowest good place; the head and the ledger's replay say the same as the rows."""
    lines = await connection.fetch("SELECT * FROM line WHERE petition_id = $1", petition_id)
    await _check_voters(connection, petition_id, lines)
    await _check_head(connection, petition_id, lines)
    await _check_replay(connection, petition_id, lines)
    await _check_chain(connection, petition_id)


async def _check_voters(connection: asyncpg.Connection, petition_id: object, lines: list[asyncpg.Record]) -> None:
    slots = await connection.fetch("SELECT voter_id, withdrawn_on FROM slot WHERE petition_id = $1", petition_id)
    withdrawn = {slot["voter_id"] for slot in slots if slot["withdrawn_on"]}
    eligible = defaultdict(list)
    for line in lines:
        if (line["status"], line["reason"]) in _ELIGIBLE:
            eligible[line["voter_id"]].append(((line["section"], line["page"], line["line"]), line))
    for voter, places in eligible.items():
        places.sort(key=lambda entry: entry[0])
        expected: list[str | None] = [None, *["duplicate"] * (len(places) - 1)]
        if voter in withdrawn:
            expected = ["withdrawn"] * len(places)
        assert [line["reason"] for _, line in places] == expected, f"{voter}: {expected}"
    # Whoever has no slot is taken to have no lines that compete for one.
    assert eligible.keys() <= {slot["voter_id"] for slot in slots}


async def _check_head(connection: asyncpg.Connection, petition_id: object, lines: list[asyncpg.Record]) -> None:
    head = await connection.fetchrow("SELECT * FROM head WHERE petition_id = $1", petition_id)
    statuses = Counter(line["status"] for line in lines)
    for status in ("received", "valid", "invalid", "review"):
        assert head[status] == statuses[status], status
    assert head["unsettled"] == sum(not line["settled"] for line in lines)
    reasons = Counter(line["reason"] for line in lines if line["status"] == "invalid")
    assert json.loads(head["by_reason"]) == dict(reasons)
    signatures = await connection.fetchval("SELECT count(*) FROM signature WHERE petition_id = $1", petition_id)
    assert signatures == len(lines)


async def _check_replay(connection: asyncpg.Connection, petition_id: object, lines: list[asyncpg.Record]) -> None:
    """The findings in the ledger's order lead to where every line stands."""
    found = await connection.fetch(
        "SELECT content, version, finding_no FROM finding WHERE petition_id = $1 ORDER BY version, leaf_no",
        petition_id,
    )
    last: dict[str, tuple[object, ...]] = {}
    numbers: Counter[str] = Counter()
    for finding in found:
        content = json.loads(finding["content"])
        numbers[content["place"]] += 1
        assert finding["finding_no"] == numbers[content["place"]], "a line's findings follow one another"
        last[content["place"]] = (
            *(content[field] for field in ("status", "reason", "voter_id", "settled", "confirmed_by", "mismatch_by")),
            finding["version"],
        )
    fields = ("status", "reason", "voter_id", "settled", "confirmed_by", "mismatch_by", "version")
    standing = {f"{r['section']}-{r['page']}-{r['line']}": tuple(r[field] for field in fields) for r in lines}
    assert last == standing


async def _check_chain(connection: asyncpg.Connection, petition_id: object) -> None:
    entries = await connection.fetch("SELECT * FROM ledger WHERE petition_id = $1 ORDER BY seq", petition_id)
    previous = bytes(32)
    for number, entry in enumerate(entries, start=1):
        assert entry["seq"] == number
        name, payload = entry["type"].encode(), entry["payload"].encode()
        text = previous + number.to_bytes(8, "big") + bytes([len(name)]) + name + entry["leaf_root"] + payload
        previous = hashlib.sha256(text).digest()
        assert entry["hash"] == previous
    head = await connection.fetchrow("SELECT * FROM head WHERE petition_id = $1", petition_id)
    assert (head["version"], head["hash"]) == (len(entries), previous)
    tally = json.loads(entries[-1]["payload"])["tally"]
    assert [tally[field] for field in ("received", "valid", "invalid", "review", "unsettled")] == [
        head[field] for field in ("received", "valid", "invalid", "review", "unsettled")
    ]
