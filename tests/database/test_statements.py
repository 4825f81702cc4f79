"""How many statements a verb sends does not depend on how many lines it is about."""

from collections.abc import AsyncIterator, Awaitable
from unittest.mock import AsyncMock

import pytest

from app.count.queries import take_places
from app.count.record import Count, record
from app.database.engine import open_database
from app.database.pools import Database
from app.examination import queue_queries
from app.law.line import Finding, Place, Signature
from app.law.petition import Petition
from app.law.reasons import VALID, Outcome
from app.law.review import PersonFinding
from app.roll.aliases import load_aliases
from tests.http.county import COUNTY, voter
from tests.races import pauses
from tests.races.acts import NOW, Acts, a_petition, signature


def batch(section: int, size: int) -> list[Signature]:
    """Lines of few voters, so that many are duplicates, and one of a voter who moved: looked for in every way."""
    moved = Signature(voter(300)["printed_name"], "9876 JUNIPER AVE", "LOS ANGELES", "90026")
    lines = [signature(1 + n % 300, Place(section, 1 + n // 100, 1 + n % 100)) for n in range(size - 1)]
    return [moved.at(Place(section, 100, 1)), *lines]


async def statements_of(verb: Awaitable[object]) -> int:
    """How many statements a verb sent, BEGIN and COMMIT included."""
    counter = pauses.Stop(at=-1)
    token = pauses.STOP.set(counter)
    await verb
    pauses.STOP.reset(token)
    return counter.passed


@pytest.fixture
async def database(county_database: str) -> AsyncIterator[Database]:
    opened = await open_database(county_database)
    yield opened
    await opened.close()


async def test_a_batch_takes_hardly_more_statements_than_a_single_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(database, await a_petition(database))
    await acts.submit(*batch(9, 2))  # whatever is read once for a roll is read now
    pauses.install(monkeypatch)
    for keyed in (None, "key"):
        sent = []
        for section, size in ((1, 1), (2, 10), (3, 1000)):
            number = section if keyed is None else section + 3
            key = f"{keyed}-{number}" if keyed else None
            sent.append(await statements_of(acts.submit(*batch(number, size), key=key)))
        assert max(sent) <= 25, sent  # a single line takes 22: some words were new, and a name was crowded


async def test_aliases_cost_no_statement_of_their_own(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Acts(database, await a_petition(database))
    await acts.submit(*batch(1, 2))
    pauses.install(monkeypatch)
    without = await statements_of(acts.submit(*batch(2, 10)))
    aliases = b"kind,alias,name\nstreet,Juniper,Maple Ave\ncity,Los Angeles,Los Angeles\n"
    await load_aliases(database, COUNTY, aliases, by="admin-1", now=NOW)
    assert await statements_of(acts.submit(*batch(3, 10))) == without + 1  # the table is read once for a version
    assert [await statements_of(acts.submit(*batch(n, 10 ** (n - 3)))) for n in (4, 5, 6)] == [without] * 3


async def recorded(database: Database, petition: Petition, place: Place, outcome: Outcome) -> None:
    """Take one place and put one finding on record."""
    line = signature(1, place)
    voter = "V1" if outcome == VALID else None
    async with database.intake() as connection, Count(database).change(connection, petition, NOW) as change:
        await take_places(change, [(line, "station-1")])
        await record(change, "intake", [Finding(place, outcome, voter, writing_sha256=line.sha256)])


async def test_no_statement_is_about_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    petition = await a_petition(database)
    pauses.install(monkeypatch)
    places = [Place(1, 1, number) for number in (3, 2, 1)]
    outcomes = (Outcome("review", "ambiguous"), VALID, VALID)
    sent = [await statements_of(recorded(database, petition, *one)) for one in zip(places, outcomes, strict=True)]
    # A new voter's slot; a known voter's slot, locked, and lines, of which one steps down.
    assert [number - sent[0] for number in sent] == [0, 1, 4]


async def test_findings_of_a_batch_look_at_leases_twice_however_many_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(database, await a_petition(database))
    await acts.submit(*batch(1, 60))
    said = PersonFinding(Outcome("invalid", "illegible"), note="torn")
    pauses.install(monkeypatch)
    sent = [
        await statements_of(acts.find_all({Place(1, 1, n): said for n in places})) for places in ([1], range(2, 50))
    ]
    assert sent[0] == sent[1]
    for name, result in (("holds_on", {}), ("end_holds", [])):
        monkeypatch.setattr(queue_queries, name, AsyncMock(return_value=result))
    assert await statements_of(acts.find_all({Place(1, 1, 55): said})) == sent[0] - 2


async def test_a_replay_takes_one_statement(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Acts(database, await a_petition(database))
    await acts.submit(*batch(1, 10), key="key")
    pauses.install(monkeypatch)
    assert await statements_of(acts.submit(*batch(1, 10), key="key")) == 1
