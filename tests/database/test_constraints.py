"""What the database itself refuses, whatever the program says."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database.engine import connect_arguments, open_database
from app.law.line import Place
from tests.races.acts import Acts, a_petition, signature
from tests.servers import as_owner


@pytest.fixture
async def counted(county_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A petition with two lines of one voter and one of another."""
    database = await open_database(county_database)
    acts = Acts(database, await a_petition(database))
    await acts.submit(*(signature(number, Place(1, 1, line)) for line, number in ((1, 1), (2, 1), (3, 2))))
    await database.close()
    connection = await asyncpg.connect(**connect_arguments(as_owner(county_database)))
    yield connection
    await connection.close()


async def mismatch(connection: asyncpg.Connection, people: list[str], needed: int) -> None:
    await connection.execute(
        "UPDATE line SET status = 'invalid', reason = 'signature_mismatch', confirmed_by = $1, people_needed = $2"
        " WHERE line = 1",
        people,
        needed,
    )


@pytest.mark.parametrize(
    ("people", "needed"),
    [
        ([], 1),
        (["a"], 1),
        ([], 3),
        (["a"], 3),
        (["a", "b"], 3),
        (["a", "a", "a"], 3),
        (["a", "b", "b"], 3),
        ([], 0),
        (["a", "b", "c"], 0),
    ],
)
async def test_no_signature_is_rejected_by_its_look_without_enough_different_people(
    counted: asyncpg.Connection, people: list[str], needed: int
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await mismatch(counted, people, needed)


@pytest.mark.parametrize("people", ["[]", '["a"]', '["a","a"]'])
async def test_no_finding_of_a_signature_mismatch_is_stored_with_fewer_than_two_different_people(
    counted: asyncpg.Connection, people: str
) -> None:
    content = f'{{"confirmed_by":{people},"reason":"signature_mismatch","status":"invalid"}}'
    insert = (
        "INSERT INTO finding SELECT county_id, petition_id, section, page, line, $2, version, leaf_no, salt, $1"
        " FROM finding WHERE line = 1"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await counted.execute(insert, content, 8)
    await counted.execute(insert, content.replace(people, '["a","b"]'), 9)


async def test_three_different_people_may(counted: asyncpg.Connection) -> None:
    await mismatch(counted, ["a", "b", "c"], 3)


async def test_no_voter_counts_twice(counted: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await counted.execute("UPDATE line SET status = 'valid', reason = NULL WHERE line = 2")


async def test_no_line_counts_for_nobody_or_without_a_reason(counted: asyncpg.Connection) -> None:
    for change in (
        "voter_id = NULL",
        "reason = 'illegible'",
        "status = 'invalid'",
        "status = 'review'",
        "status = 'x'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await counted.execute(f"UPDATE line SET {change} WHERE line = 1")  # noqa: S608  # literals of ours
