"""The matcher on a made-up petition whose truth is known: what must not get worse."""

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.demo.generate import generate
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from app.roll.loading import load_roll
from bench import rivals
from bench.score import Score, score

COUNTY, FIRST, LAST = "c", date(2022, 1, 27), date(2022, 7, 6)


@pytest.fixture
async def petition(database: str, tmp_path: Path) -> AsyncIterator[tuple[asyncpg.Connection, list[LineToDecide]]]:
    """A connection to a county's roll of 5,700 voters, and 600 lines."""
    generate("0.001", 5, tmp_path, petition_seed=6, petition_scale="0.00084", hard=True)
    await load_roll(database, county_id=COUNTY, source=tmp_path / "roll.csv", complete_through=LAST, activate=True)
    lines = []
    for text in (tmp_path / "petition.ndjson").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        parts = (line["printed_name"], line["residence_address"], line["city"], line["zip"])
        lines.append(LineToDecide(Signature(*parts, signed=line["signed"]), SigningInterval(FIRST, LAST, LAST)))
    connection = await asyncpg.connect(**connect_arguments(database))
    yield connection, lines
    await connection.close()


async def test_the_matcher_is_as_good_as_promised_on_a_petition_that_it_has_not_seen(
    petition: tuple[asyncpg.Connection, list[LineToDecide]], tmp_path: Path
) -> None:
    connection, lines = petition
    truths = [json.loads(text) for text in (tmp_path / "truth.ndjson").read_text(encoding="utf-8").splitlines()]
    decisions = await decide_lines(SearchedRoll(connection, COUNTY, 1), lines)
    found = score(truths, decisions)
    assert len(lines) >= 600
    assert found.outcomes["wrong match"] - found.juniors == 0
    assert found.legible_false_invalid == 0
    assert found.figures()["decided on validity"] >= 0.88
    assert found.figures()["valid lines found"] >= 0.90
    joined = await _by_exact_join(connection, lines, truths)
    assert found.valid_found > joined.valid_found
    assert joined.legible_false_invalid > found.legible_false_invalid


async def _by_exact_join(
    connection: asyncpg.Connection, lines: list[LineToDecide], truths: list[dict[str, Any]]
) -> Score:
    roll = await rivals.voters(connection, COUNTY, 1, FIRST, LAST)
    return score(truths, await rivals.exact_join(connection, roll, rivals.written(line.writing for line in lines)))
