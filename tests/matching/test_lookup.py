"""Lines looked up in a roll in PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from io import BytesIO
from typing import Any

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.matching import lookup
from app.matching.blocking import KEY_COLUMNS
from app.matching.frequencies import TermFrequencies
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import _KEYS, _RANGES, SearchedRoll
from app.roll.loading import load_roll
from app.roll.queries import REGISTRATION_COLUMNS

COUNTY = "c"
HEADER = ",".join(REGISTRATION_COLUMNS[1:-1])
GIVEN = ("MARIA", "JOSE", "ROBERT", "LINDA", "MICHAEL", "SUSAN", "DAVID", "KAREN", "JAMES", "PATRICIA")
SURNAMES = ("GARCIA", "SMITH", "NGUYEN", "JOHNSON", "HERNANDEZ-DIAZ", "WILLIAMS", "KIM", "BROWN", "LOPEZ", "DAVIS")
STREETS = ("MAPLE", "JUNIPER", "WASHINGTON", "71ST", "SYCAMORE")
VOTERS = 500


def a_row(number: int) -> str:
    given, surname = GIVEN[number % 10], SURNAMES[number // 10 % 10]
    house, street = 1000 + 7 * number, STREETS[number % 5]
    return (
        f"V{number},{surname},{given},,,19{10 + number % 90}-01-01,{house},,,{street},AVE,,,,LOS ANGELES,90026,"
        f"active,,2015-01-01,2015-01-02,,"
    )


def a_writing(number: int, *, damage: int = 0) -> Signature:
    """A voter's line: undamaged, at another address, with a slip in every word, or of somebody else."""
    given, surname = GIVEN[number % 10], SURNAMES[number // 10 % 10]
    house, street = 1000 + 7 * number, STREETS[number % 5]
    if damage == 1:
        house = 9
    if damage == 2:
        given, surname = given[:-1] + "Q", surname[1:]
    if damage == 3:
        given, surname = "ZELDA", "QUARTERMAINE"
    return Signature(f"{given} {surname}", f"{house} {street} AVE", "LOS ANGELES", "90026")


def to_decide(writing: Signature) -> LineToDecide:
    return LineToDecide(writing, SigningInterval(date(2022, 1, 27), date(2022, 7, 6), date(2022, 7, 6)))


LINES = [to_decide(a_writing(n, damage=n % 4)) for n in range(200)]


@pytest.fixture
async def roll(database: str) -> AsyncIterator[SearchedRoll]:
    """A roll of 500 voters."""
    source = BytesIO("\n".join([HEADER, *(a_row(n) for n in range(VOTERS))]).encode())
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)
    connection = await asyncpg.connect(**connect_arguments(database))
    yield SearchedRoll(connection, COUNTY, 1)
    await connection.close()


async def statements(roll: SearchedRoll, lines: list[LineToDecide]) -> int:
    sent: list[str] = []
    with roll.connection.query_logger(lambda record: sent.append(record.query)):
        await decide_lines(roll, lines)
        await asyncio.sleep(0)  # the logger is called one round of the loop later
    return len(sent)


async def test_a_voters_line_is_found(roll: SearchedRoll) -> None:
    lines = [to_decide(a_writing(n)) for n in range(0, VOTERS, 5)]
    found = await decide_lines(roll, lines)
    assert [d.voter_id for d in found] == [f"V{n}" for n in range(0, VOTERS, 5)]
    assert {d.outcome.status for d in found} == {"valid"}


async def test_a_stranger_is_never_taken_for_a_voter(roll: SearchedRoll) -> None:
    lines = [to_decide(a_writing(n, damage=3)) for n in range(10)]
    found = await decide_lines(roll, lines)
    assert "valid" not in {d.outcome.status for d in found}


async def test_a_misspelled_voter_comes_first_in_review(roll: SearchedRoll) -> None:
    found = await decide_lines(roll, [to_decide(a_writing(n, damage=2)) for n in range(50)])
    assert sum(d.voter_id == f"V{n}" for n, d in enumerate(found)) >= 48


async def test_who_lives_at_the_address_under_a_like_name_is_found_without_a_wide_search(
    roll: SearchedRoll, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[object] = []
    search_widely = lookup._search_widely  # noqa: SLF001  # the step itself, which compiled code lets be replaced

    async def noted(roll: SearchedRoll, terms: TermFrequencies, lookups: list[Any]) -> None:
        searched.extend(lookups)
        await search_widely(roll, terms, lookups)

    monkeypatch.setattr(lookup, "_search_widely", noted)
    stranger = Signature("KAREN BROWN", "1014 WASHINGTON AVE", "LOS ANGELES", "90026")
    slip = Signature("ROBERT GRACIA", "1014 WASHINGTON AVE", "LOS ANGELES", "90026")  # V2, Garcia
    other, found = await decide_lines(roll, [to_decide(stranger), to_decide(slip)])
    assert (found.outcome.status, found.voter_id) == ("valid", "V2")
    assert other.outcome.status != "valid"
    assert len(searched) == 1  # for the stranger


async def test_a_line_is_decided_alone_as_in_a_batch(roll: SearchedRoll) -> None:
    together = await decide_lines(roll, LINES)
    alone = [(await decide_lines(roll, [line]))[0] for line in LINES[:40]]
    assert alone == together[:40]
    backwards = await decide_lines(roll, LINES[::-1])
    assert backwards[::-1] == together


async def test_the_number_of_statements_does_not_depend_on_the_number_of_lines(roll: SearchedRoll) -> None:
    await statements(roll, LINES[:4])  # the roll's facts are read once
    assert [await statements(roll, LINES[:size]) <= 13 for size in (4, 40, 200)] == [True] * 3
    assert await statements(roll, LINES) == await statements(roll, LINES[:40])  # whose terms are all loaded


async def test_the_matches_of_ranges_come_from_the_indexes_alone(roll: SearchedRoll) -> None:
    await roll.connection.execute("SET enable_seqscan = off")  # 500 voters are read faster than any index
    for statement in (_RANGES, _KEYS):
        arguments = ", ".join(["ARRAY[1::bigint], 8"] * len(KEY_COLUMNS))
        await roll.connection.execute(f"PREPARE matches AS {statement.format(partition=roll.partition)}")
        plan = json.loads(await roll.connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE matches({arguments})"))
        await roll.connection.execute("DEALLOCATE matches")
        scans = list(scans_of(plan[0]["Plan"]))
        assert scans.count("Index Only Scan") == len(KEY_COLUMNS) - 1
        assert "Seq Scan" not in scans


def scans_of(plan: dict[str, Any]) -> Iterator[str]:
    """How a plan reads the roll."""
    if plan.get("Relation Name", "").startswith("registration"):
        yield plan["Node Type"]
    for below in plan.get("Plans", ()):
        yield from scans_of(below)


async def test_no_lines_are_no_decisions(roll: SearchedRoll) -> None:
    assert await decide_lines(roll, []) == []


async def test_another_version_of_the_roll_is_not_looked_at(roll: SearchedRoll) -> None:
    found = await decide_lines(roll._replace(roll_version=2), [to_decide(a_writing(1))])
    assert found[0].voter_id is None
