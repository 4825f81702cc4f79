"""The yardsticks do the job that the service is compared on: right counts, on the same roll."""

import json
from collections.abc import Sequence

import asyncpg
import httpx
import pytest

from bench import floor, naive
from tests.http.county import COUNTY, line, stranger
from tests.servers import as_owner

UNSIGNED = line(5, (1, 2, 2), signed=False)
AGAIN = line(1, (1, 2, 3))
LINES: Sequence[dict[str, object]] = [*(line(number) for number in range(1, 5)), stranger((1, 2, 1)), UNSIGNED, AGAIN]


@pytest.fixture
def owned(county_database: str) -> str:
    """The county's database with its owner's login: the yardsticks make tables of their own."""
    return as_owner(county_database)


def driver(url: str) -> str:
    return url.replace("+asyncpg", "")


async def test_the_naive_way_finds_counts_and_knows_who_has_signed(owned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await naive.prepare(owned, driver(owned), COUNTY)
    monkeypatch.setenv("NAIVE_DATABASE_URL", owned)

    async with (
        naive.lifespan(naive.app),
        httpx.AsyncClient(transport=httpx.ASGITransport(naive.app), base_url="http://naive") as client,
    ):
        answers = [await client.post("/signatures", json=posted) for posted in LINES]

    assert [answer.json()["status"] for answer in answers] == ["valid"] * 4 + ["invalid"] * 2 + ["duplicate"]
    connection = await asyncpg.connect(driver(owned))
    tally = dict(await connection.fetch("SELECT status, count FROM naive.tally"))
    kept = dict(await connection.fetch("SELECT status, count(*) FROM naive.signature GROUP BY 1"))
    await connection.close()
    assert tally == kept == {"valid": 4, "invalid": 2, "duplicate": 1}


@pytest.mark.parametrize(
    ("name", "address", "written"),
    [
        ("Ana de la Cruz", "12 N Maple St Apt 4", ("CRUZ", "ANA", "12", "MAPLE")),
        ("ANA CRUZ", "12 MAPLE STREET #4", ("CRUZ", "ANA", "12", "MAPLE")),
        ("ANA CRUZ", "12 AVENUE", ("CRUZ", "ANA", "12", "AVENUE")),
        ("", "", ("", "", "", "")),
    ],
)
def test_the_naive_way_splits_what_is_written(name: str, address: str, written: tuple[str, ...]) -> None:
    assert naive.normalise(name, address) == written


@pytest.mark.parametrize("indexes", ["before", "after"])
async def test_the_floor_counts_the_same_and_leaves_the_services_rows_and_indexes(
    owned: str, indexes: floor.Indexes
) -> None:
    dsn = driver(owned)
    await floor.prepare(dsn, COUNTY)
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE floor.sample AS SELECT 0::bigint AS no, repeat('x', 500) AS rest")

    _, counts = await floor.run(
        dsn, floor.copy_text([json.dumps(posted).encode() for posted in LINES]), indexes=indexes
    )

    assert counts == {"valid": 4, "invalid": 3}
    assert await rows(connection) == {
        "signature": 7, "line": 7, "finding": 7, "slot": 4, "ledger": 1, "head": 1, "idempotency": 1,
    }  # fmt: skip
    reasons = "SELECT reason, count(*) FROM floor.line WHERE reason IS NOT NULL GROUP BY 1"
    assert dict(await connection.fetch(reasons)) == {"not_registered": 1, "no_signature": 1, "duplicate": 1}
    assert await connection.fetchval("SELECT length(leaves) FROM floor.ledger") == 7 * 32
    assert await shape(connection, "floor") == await shape(connection, "public") != set()
    await connection.close()


async def rows(connection: asyncpg.Connection) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"SELECT count(*) FROM floor.{table}")  # noqa: S608  # names of ours
        for table in floor.TABLES
    }


async def shape(connection: asyncpg.Connection, schema: str) -> set[str]:
    """The indexes, checks and foreign keys of a schema's tables among the floor's."""
    indexes = await connection.fetch(
        "SELECT regexp_replace(split_part(indexdef, ' USING ', 2), '::text', '', 'g') || tablename FROM pg_indexes"
        " WHERE schemaname = $1 AND tablename = ANY ($2::text[])",
        schema,
        list(floor.TABLES),
    )
    constraints = await connection.fetch(
        "SELECT pg_get_constraintdef(oid) || conrelid::regclass::text FROM pg_constraint"
        " WHERE connamespace = $1::regnamespace AND contype = ANY ('{c,f}')"
        " AND conrelid IN (SELECT oid FROM pg_class WHERE relname = ANY ($2::text[]))",
        schema,
        list(floor.TABLES),
    )
    found = {row[0].replace(f"{schema}.", "") for row in [*indexes, *constraints]}
    return {one for one in found if "REFERENCES petition" not in one and "REFERENCES ruleset" not in one}
