"""Term frequencies are kept for the next batch, up to a bound."""

from datetime import date

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.matching import lookup
from app.matching.lookup import LineToDecide, TermCache, decide_lines
from app.matching.queries import SearchedRoll
from tests.http.county import COUNTY, voter

DAY = date(2022, 7, 6)


def lines(*numbers: int) -> list[LineToDecide]:
    writings = [voter(number) for number in numbers]
    return [
        LineToDecide(
            Signature(w["printed_name"], w["residence_address"], w["city"], w["zip"]), SigningInterval(DAY, DAY, DAY)
        )
        for w in writings
    ]


async def test_loaded_terms_are_kept_up_to_a_bound(county_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await asyncpg.connect(**connect_arguments(county_database))
    cache, roll, numbers = TermCache(), SearchedRoll(connection, COUNTY, 1), (1, 2, 300, 4)
    monkeypatch.setattr(lookup, "TERM_CACHE", cache)
    before = await decide_lines(roll, lines(*numbers))
    loaded = await cache.terms_of(roll)
    cache.max_terms = loaded.size
    assert await cache.terms_of(roll) is loaded
    cache.max_terms = loaded.size - 1
    known = await cache.terms_of(roll)
    assert 0 < known.size == loaded.known_only().size
    cache.max_terms = known.size - 1
    anew = await cache.terms_of(roll)
    assert anew.size == 0
    assert anew.confidential is loaded.confidential, "it takes long to index the names again"
    cache.max_rolls = 1
    await cache.terms_of(SearchedRoll(connection, "another", 1))
    again = await cache.terms_of(roll)
    assert again is not anew
    assert again.confidential is not anew.confidential, "those of one version alone are kept"
    assert await decide_lines(roll, lines(*numbers)) == before
    await connection.close()
