"""The statements of the hot path ride their indexes with the plan that a connection keeps, whatever the arguments."""

import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from app.count import line_queries, queries
from app.examination import queue_queries
from app.law.queues import Queue

STATEMENTS = vars(queries) | {name: vars(line_queries)[name] for name in ("_LINES", "_SIGNATURES_AT", "_HISTORY")}
HOT = {
    name: text
    for name, text in STATEMENTS.items()
    if isinstance(text, str) and text.lstrip().startswith(("SELECT", "INSERT", "UPDATE"))
}

# What twenty thousand lines leave behind, copied from a line that was counted: a seventh are duplicates.
FILL = """
INSERT INTO signature SELECT county_id, petition_id, 1000 + n / 200, 1 + n / 20 % 10, 1 + n % 20, printed_name,
    name_parts, residence_address, city, zip, signed, image_sha256, writing_sha256, station, received_at
FROM signature, generate_series(0, 19999) AS n WHERE (section, page, line) = (5, 1, 2);
INSERT INTO line SELECT county_id, petition_id, 1000 + n / 200, 1 + n / 20 % 10, 1 + n % 20,
    CASE n % 7 WHEN 0 THEN 'invalid' ELSE 'valid' END, CASE n % 7 WHEN 0 THEN 'duplicate' END,
    'W' || n - CASE n % 7 WHEN 0 THEN -1 ELSE 0 END, settled, finding_no, version, roll_version, people_needed,
    confirmed_by, mismatch_by, station
FROM line, generate_series(0, 19999) AS n WHERE (section, page, line) = (5, 1, 2);
INSERT INTO finding SELECT county_id, petition_id, 1000 + n / 200, 1 + n / 20 % 10, 1 + n % 20, finding_no, version,
    leaf_no, salt, content
FROM finding, generate_series(0, 19999) AS n WHERE (section, page, line) = (5, 1, 2);
INSERT INTO slot SELECT county_id, petition_id, 'W' || n FROM head, generate_series(0, 20000) AS n;
INSERT INTO idempotency SELECT county_id, petition_id, 'station-1', 'key-' || n, sha256('meaning'), '[]', as_of
FROM head, generate_series(0, 19999) AS n
"""


TABLES = {"signature", "line", "finding", "slot", "idempotency"}
PREFIX = {"county_id", "petition_id"}


def whole_reads(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from end to end, or as far as one petition goes."""
    table, condition = plan.get("Relation Name"), plan.get("Index Cond", "")
    columns = set(re.findall(r"\(([a-z_]+) = ", condition))
    if table in TABLES and "Scan" in plan["Node Type"] and columns <= PREFIX:
        yield table
    for below in plan.get("Plans", ()):
        yield from whole_reads(below)


def indexes(plan: dict[str, Any]) -> Iterator[str]:
    """The indexes that a plan rides."""
    if "Index Name" in plan:
        yield plan["Index Name"]
    for below in plan.get("Plans", ()):
        yield from indexes(below)


async def generic_plan(connection: asyncpg.Connection, statement: str) -> dict[str, Any]:
    """The plan of a statement whatever its arguments are."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE hot AS {statement}")
    count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'hot'"
    arguments = ", ".join(["NULL"] * await connection.fetchval(count))
    plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot({arguments})"))
    await connection.execute("DEALLOCATE hot")
    found: dict[str, Any] = plan[0]["Plan"]
    return found


async def read_whole(connection: asyncpg.Connection, statement: str) -> set[str]:
    """What the generic plan of a statement, which a connection may keep for all its life, reads whole."""
    return set(whole_reads(await generic_plan(connection, statement)))


@pytest.mark.usefixtures("counted")
async def test_no_hot_statement_reads_a_grown_petition_from_end_to_end(connection: asyncpg.Connection) -> None:
    await connection.execute(FILL)
    await connection.execute("ANALYZE")
    assert {name: whole for name, text in HOT.items() if (whole := await read_whole(connection, text))} == {}


# What is looked up by place, key or voter is looked up one by one, and so by the whole key, whatever the planner knows.
# Few lines step down: these may be found by reading on through the petition until its tables are analysed for the first
# time, which autovacuum does within a minute.
UNTIL_ANALYSED = {"_STEP_DOWN"}


async def test_a_plan_made_when_the_tables_were_empty_serves_a_grown_petition(connection: asyncpg.Connection) -> None:
    whole = {name for name, text in HOT.items() if await read_whole(connection, text)}
    assert whole <= UNTIL_ANALYSED


async def test_rivals_are_found_by_the_two_indexes_of_eligible_lines(connection: asyncpg.Connection) -> None:
    plan = await generic_plan(connection, HOT["_LOCK_LINES"])
    assert set(indexes(plan)) == {"line_pkey", "line_counts_once", "line_uncounted"}


def test_every_hot_statement_is_looked_at() -> None:
    assert {"_OCCUPIED", "_STORED_ANSWERS", "_LOCK_LINES", "_LINES"} <= HOT.keys()


@pytest.mark.parametrize(
    ("queue", "index"),
    [
        ("to_decide", "line_review"),
        ("to_confirm", "line_to_confirm"),
        ("to_compare", "line_to_compare"),
        ("escalated", "line_pkey"),
        ("confidential", "line_pkey"),
    ],
)
async def test_a_claim_rides_its_queue_and_looks_each_line_up_by_its_keys(
    connection: asyncpg.Connection, queue: Queue, index: str
) -> None:
    """With a plan that was made when the tables were empty, too."""
    keys = {"lease_pkey", "quality_check_pkey", "finding_pkey"}
    found = set(indexes(await generic_plan(connection, queue_queries.claim_statement(queue))))
    assert found >= {index, *keys} - ({"line_pkey"} if queue == "confidential" else set())
    assert "lease_holder" not in found
