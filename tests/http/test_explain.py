"""`explain`: a line's findings, from the paper to what counts, as the service keeps them."""

from datetime import UTC, datetime
from io import BytesIO
from uuid import UUID

import asyncpg
import pytest

from app.count.line_queries import get_petition
from app.errors import UnknownLineError
from app.examination.explanation import explain
from app.law.line import Place
from app.law.petition import PetitionKey
from app.roll.loading import load_roll
from tests.http.county import COUNTY, line, roll_csv, row, voter
from tests.http.world import World


async def explained(world: World, *place: int) -> str:
    async with world.database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(world.petition_id)))
    assert petition
    return await explain(world.database, petition, Place(*place))


async def test_a_match_is_explained_field_by_field(world: World) -> None:
    await world.post(line(7, residence_address=voter(7)["residence_address"] + " APT 4"))
    text = await explained(world, 1, 1, 7)
    for words in (
        "name:    HAROLD ABERNATHY",
        "Finding 1 of 1: valid\n  settled",
        "under ruleset california-local-recall/1, roll version 1, model model-3",
        "voter: V7, registration 7",
        "an unregistered relative or housemate of a voter at this address",
        "candidate 1 of 1: voter V7",
        "no reason to reject (EC 105(a)(2))",
    ):
        assert words in text
    table = [row.split() for row in text.splitlines()]
    assert ["surname", "ABERNATHY", "ABERNATHY"] in [row[:3] for row in table]
    assert ["given", "name", "HAROLD", "HAROLD"] in [row[:4] for row in table]


async def test_a_duplicate_names_the_line_that_counts_instead(world: World) -> None:
    await world.post(line(1, (2, 1, 1)))
    await world.post(line(1, (1, 1, 1)))
    text = await explained(world, 2, 1, 1)
    assert "Finding 1 of 2: valid" in text
    assert "Finding 2 of 2: invalid, duplicate" in text
    assert "line that counts: 1-1-1" in text


async def test_who_decided_and_why_is_shown(world: World) -> None:
    await world.post(line(1))
    await world.finding("1-1-1", status="invalid", reason="illegible", note="the ink has run")
    text = await explained(world, 1, 1, 1)
    assert "decided by clerk-1 at " in text
    assert "confirmed by: clerk-1\n  note: the ink has run" in text


async def test_an_unsigned_line_needs_no_roll(world: World) -> None:
    await world.post(line(8, signed=False))
    text = await explained(world, 1, 1, 8)
    assert "signed:  no" in text
    assert "the line is not signed (EC 100)" in text


async def test_confidential_values_are_neither_shown_nor_kept_as_evidence(
    world: World, database: str, connection: asyncpg.Connection
) -> None:
    secret = {"voter_id": "SECRET999", "middle_name": "XANTHIPPE", "unit_number": "77B"}
    source = BytesIO(roll_csv(row(999, confidential="true", **secret)))
    today = datetime.now(UTC).date()
    await load_roll(database, county_id=COUNTY, source=source, complete_through=today, activate=True)
    await world.post(line(999, (1, 1, 1)))
    text = await explained(world, 1, 1, 1)
    assert "Finding 1 of 1: review" in text
    assert "rule: left to a person" in text
    stored = await connection.fetchval("SELECT content FROM finding")
    for word in ("XANTHIPPE", "77B"):
        assert word not in stored
        assert word not in text
    assert "SECRET999" not in text


async def test_where_no_signature_stands_there_is_nothing_to_explain(world: World) -> None:
    with pytest.raises(UnknownLineError):
        await explained(world, 1, 1, 1)
