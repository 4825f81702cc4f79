"""An opinion of a mismatch rests on the signatures that were shown to the person, and not on what is on file unseen."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.errors import FindingRefusedError
from app.law.comparison import check_shown
from app.law.line import Place
from tests.http.test_comparisons import claim, image, pairs
from tests.http.test_duplicates import FIRST, MISMATCH, SECOND, compared, say
from tests.http.test_references import put_on_file
from tests.http.test_rulesets import code_of
from tests.http.world import COMPARISON, World

__all__ = ["compared"]  # a fixture


@pytest.mark.parametrize(
    ("on_file", "shown", "refused"),
    [
        (["r-1"], [["r-1"]], False),
        (["r-1", "r-2"], [["r-2", "r-1"]], False),
        (["r-1", "r-2"], [["r-1"], ["r-1", "r-2"]], False),
        (["r-1"], [], True),
        (["r-1", "r-2"], [["r-1"]], True),
        (["r-1", "r-2"], [["r-1"], ["r-2"]], True),
        (["r-2"], [["r-1"]], True),
    ],
)
def test_all_signatures_on_file_are_shown_at_once(on_file: list[str], shown: list[list[str]], *, refused: bool) -> None:
    """2 CCR 20960: it differs from all of them."""
    if refused:
        with pytest.raises(FindingRefusedError, match="line 1-2-3"):
            check_shown(Place(1, 2, 3), on_file, shown)
    else:
        check_shown(Place(1, 2, 3), on_file, shown)


async def opinion(world: World, *references: str, place: str = FIRST, who: str = "clerk") -> httpx.Response:
    said = COMPARISON | {"references": list(references)}
    return await world.finding(place, who=who, looked_at="signature", **MISMATCH, comparison=said)


async def is_refused(world: World, *references: str, **more: Any) -> None:  # noqa: ANN401  # any of `opinion`
    before = await world.tally()
    answer = await opinion(world, *references, **more)
    assert code_of(answer) == (422, "finding_refused")
    assert f"line {more.get('place', FIRST)}: not all signatures on file were shown" in answer.json()["detail"]
    assert await world.tally() == before


@pytest.fixture
async def on_file(compared: World) -> World:
    await put_on_file(compared, ("V1", "r-1", image(1)), ("V1", "r-2", image(2)))
    return compared


async def test_an_opinion_of_a_person_who_opened_no_page_is_refused(on_file: World) -> None:
    await is_refused(on_file, "r-1", "r-2")
    assert FIRST in await claim(on_file)
    await is_refused(on_file, "r-1", "r-2")
    assert await pairs(on_file)
    assert (await opinion(on_file, "r-1", "r-2")).status_code == 201
    await on_file.recount()


async def test_what_was_shown_to_one_person_was_not_shown_to_another(on_file: World) -> None:
    claimed = (await on_file.verb("/queues/to_compare/claims", limit=10)).json()["claim_id"]
    await pairs(on_file)
    await on_file.call("DELETE", f"/claims/{claimed}", who="clerk")
    await is_refused(on_file, "r-1", "r-2", who="clerk-2")


async def test_what_was_shown_beside_one_line_was_not_shown_beside_another(on_file: World) -> None:
    await claim(on_file)
    shown = (await pairs(on_file, limit=1))[0]["place"]
    await is_refused(on_file, "r-1", "r-2", place={FIRST: SECOND, SECOND: FIRST}[shown])


async def test_a_signature_that_was_put_on_file_since_was_not_shown(on_file: World) -> None:
    await claim(on_file)
    await pairs(on_file)
    await put_on_file(on_file, ("V1", "r-3", image(3)))
    await is_refused(on_file, "r-1", "r-2", "r-3")
    assert code_of(await opinion(on_file, "r-1", "r-2")) == (422, "finding_refused")
    await pairs(on_file)
    assert (await opinion(on_file, "r-1", "r-2", "r-3")).status_code == 201


async def test_the_page_of_another_voter_does_not_count(on_file: World, connection: asyncpg.Connection) -> None:
    """The ids of two voters' signatures may be the same."""
    await put_on_file(on_file, ("V2", "r-1", image(4)), ("V2", "r-2", image(5)))
    await claim(on_file)
    await pairs(on_file)
    await connection.execute("UPDATE pair_shown SET voter_id = 'V2'")
    await is_refused(on_file, "r-1", "r-2")


async def test_in_a_page_of_opinions_each_line_is_refused_by_itself(on_file: World) -> None:
    await claim(on_file)
    shown = (await pairs(on_file, limit=1))[0]["place"]
    said = {**MISMATCH, "looked_at": "signature", "comparison": COMPARISON | {"references": ["r-1", "r-2"]}}
    findings = [{"place": place, **said} for place in (FIRST, SECOND)]
    results = (await on_file.call("POST", "/findings", who="clerk", json={"findings": findings})).json()["results"]
    errors = {one["place"]: one.get("error") for one in results}
    assert errors.pop(shown) is None
    assert [error["code"] for error in errors.values()] == ["finding_refused"]


async def test_a_supervisor_opens_the_pair_of_a_line_that_was_compared_before(on_file: World) -> None:
    await say(on_file, FIRST, status="valid")
    assert await pairs(on_file, who="supervisor") == []
    assert [one["place"] for one in await pairs(on_file, who="supervisor", place=FIRST)] == [FIRST]
    assert (await opinion(on_file, "r-1", "r-2", who="supervisor")).status_code == 201
    await on_file.recount()


async def test_a_clerk_opens_no_pair_of_a_line_that_the_clerk_does_not_hold(on_file: World) -> None:
    assert await pairs(on_file, place=FIRST) == []
    await claim(on_file)
    assert [one["place"] for one in await pairs(on_file, place=FIRST)] == [FIRST]
    answer = await on_file.call("GET", "/comparisons", who="clerk", params={"place": "1-1"})
    assert code_of(answer) == (422, "invalid")


async def test_the_officer_of_confidential_voters_opens_a_pair(on_file: World, connection: asyncpg.Connection) -> None:
    await pairs(on_file, who="confidential", place=FIRST)
    assert await connection.fetchval("SELECT count(*) FROM pair_shown") == 1
    await pairs(on_file, who="confidential", place=FIRST)
    assert await connection.fetchval("SELECT count(*) FROM pair_shown") == 1, "once"
