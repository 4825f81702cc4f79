"""What is recorded of the service runs again, word for word."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.count.intake import Answer, GroupCommit
from app.count.record import Count
from app.database.engine import open_database
from bench import replay
from bench.county import samples
from bench.parts import submissions
from bench.service import a_petition
from bench.ungrouped import hand_in_alone
from tests.http.county import COUNTY, line, stranger

MADE = {"required": 100, "circulation": ["2022-01-27", "2022-07-06"], "filed": "2022-07-06"}
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(text=texts, several=st.lists(st.none() | texts), content=st.binary())
async def test_a_literal_is_read_as_what_it_stands_for(
    administration: asyncpg.Connection, text: str, several: list[str | None], content: bytes
) -> None:
    given_ = f"SELECT {replay.literal(text)}::text, {replay.literal(several)}::text[], {replay.literal(content)}::bytea"

    assert tuple(await administration.fetchrow(given_)) == (text, several, content)
    assert "\n" not in given_


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "int"),
        (7, "bigint"),
        (True, "boolean"),
        ([1, None, -3], "int[]"),
        ([True, False], "boolean[]"),
        ([b"\\x", b""], "bytea[]"),
        (date(2022, 7, 6), "date"),
        (datetime(2022, 7, 6, 8, tzinfo=UTC), "timestamptz"),
        (UUID(int=5), "uuid"),
    ],
)
async def test_a_literal_of_any_kind_is_read_back(administration: asyncpg.Connection, value: object, kind: str) -> None:
    assert await administration.fetchval(f"SELECT {replay.literal(value)}::{kind}") == value


async def test_pgbench_counts_another_petition_as_the_service_counted_the_first(
    county_database: str, tmp_path: Path
) -> None:
    database = await open_database(county_database, intake=1, reading=1)
    lines = [line(n) for n in range(1, 40)] + [stranger((2, 1, 1)), line(1, (2, 1, 2)), line(2, (2, 1, 3))]
    posted = [json.dumps(one).encode() for one in lines]
    one, other = [await a_petition(database, COUNTY, MADE) for _ in range(2)]

    calls = await replay.record(database, one, submissions(posted, 10))
    script = replay.script(calls, (one.petition_id, other.petition_id))
    done = replay.run(county_database.replace("+asyncpg", ""), script, tmp_path)

    async with database.intake() as connection:
        await replay.check_same(connection, one, other)
        assert await connection.fetchval("SELECT valid FROM head WHERE petition_id = $1", other.petition_id) == 39
    assert done.calls["COMMIT"] == 5
    assert 0 < done.serial_milliseconds(script.names) < done.seconds * 1000
    await database.close()


def test_samples_follow_each_other_and_begin_again() -> None:
    parts = samples([b"1", b"2", b"3", b"4", b"5"], 2)

    assert [next(parts) for _ in range(3)] == [[b"1", b"2"], [b"3", b"4"], [b"1", b"2"]]


async def test_without_group_commit_a_signature_is_answered_the_same(county_database: str) -> None:
    database = await open_database(county_database, intake=2, reading=1)
    alone, grouped = [await a_petition(database, COUNTY, MADE) for _ in range(2)]
    lines = [json.dumps(one).encode() for one in (line(1), stranger((2, 1, 1)), line(1, (2, 1, 2)))]
    commit = GroupCommit(Count(database), lambda: datetime.now(UTC))

    by_itself = [await hand_in_alone(commit, alone, one) for one in submissions(lines, 1)]
    together = [await commit.hand_in(grouped, one) for one in submissions(lines, 1)]

    assert by_itself == together
    assert [status_of(outcome) for outcome in by_itself] == ["valid", "invalid", "invalid"]
    await database.close()


def status_of(outcome: Answer) -> str:
    assert not isinstance(outcome, Exception)
    ((result,), _) = outcome
    assert result
    return result[0].outcome.status
