"""Signatures on file: an administrator says which there are, who compares sees their ids; without any a line waits."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.errors import FindingRefusedError
from app.law.comparison import check_on_file
from app.law.line import LookedAt
from app.law.reasons import VALID, Outcome
from app.law.review import MISMATCH as OTHER_HAND
from app.law.review import PersonFinding
from tests.http.county import line
from tests.http.test_comparisons import claim, image, pairs
from tests.http.test_confidential import her_world
from tests.http.test_duplicates import FIRST, MISMATCH, SECOND, compared, say
from tests.http.test_rulesets import code_of
from tests.http.world import COMPARISON, World

__all__ = ["compared", "her_world"]  # fixtures


async def put_on_file(world: World, *references: tuple[str, str, str], who: str = "admin") -> httpx.Response:
    said = [dict(zip(("voter_id", "reference_id", "image_sha256"), one, strict=True)) for one in references]
    headers = {"Authorization": f"Bearer {world.keys[who]}"}
    return await world.client.post("/v1/voters/references", json={"references": said}, headers=headers)


@pytest.mark.parametrize(
    ("outcome", "looked_at", "refused"),
    [
        (VALID, "both", True),
        (VALID, "signature", True),
        (VALID, "line", False),
        (VALID, None, False),
        (OTHER_HAND, None, True),
        (OTHER_HAND, "signature", True),
        (Outcome("invalid", "illegible"), None, False),
        (Outcome("review"), None, False),
    ],
)
def test_without_a_signature_on_file_none_is_compared(
    outcome: Outcome, looked_at: LookedAt | None, *, refused: bool
) -> None:
    said = PersonFinding(outcome, "V1", "note", looked_at)
    check_on_file(said, ["r-1"])
    if refused:
        with pytest.raises(FindingRefusedError, match="held"):
            check_on_file(said, [])
    else:
        check_on_file(said, [])


@pytest.mark.parametrize("said", [{"status": "valid", "looked_at": "both"}, MISMATCH])
async def test_what_is_on_file_of_a_confidential_voter_shows_in_no_refusal(
    her_world: World, said: dict[str, Any]
) -> None:
    """Else a clerk who names all numbers learns which are confidential (EC 2166)."""
    await put_on_file(her_world, ("SECRET999", "r-1", image(1)))
    await her_world.batch([line(5, (1, 1, 1))])
    refused = [await her_world.finding("1-1-1", voter_id=voter, **said) for voter in ("SECRET999", "NOBODY999")]
    assert [code_of(one) for one in refused] == [(422, "unknown_voter")] * 2


async def test_who_compares_sees_the_ids_of_all_signatures_on_file(compared: World) -> None:
    added = await put_on_file(compared, ("V1", "r-2", image(2)), ("V1", "r-1", image(1)), ("V2", "r-3", image(3)))
    assert (added.status_code, added.json()) == (201, {"added": 3})
    await claim(compared)
    assert {one["place"]: one["references"] for one in await pairs(compared)} == {
        FIRST: ["r-1", "r-2"], SECOND: ["r-1", "r-2"],
    }  # fmt: skip


@pytest.mark.parametrize("said", [{"status": "valid"}, MISMATCH])
async def test_a_line_whose_voter_has_none_on_file_is_held_and_neither_rejected_nor_settled(
    compared: World, said: dict[str, Any]
) -> None:
    await put_on_file(compared, ("V2", "r-1", image(1)))
    refused = await compared.finding(FIRST, looked_at="both", **said)
    assert code_of(refused) == (422, "finding_refused")
    assert (await compared.tally())["unsettled"] == 2
    await put_on_file(compared, ("V1", "r-1", image(1)))
    if said == MISMATCH:
        said = {**said, "comparison": COMPARISON | {"references": ["r-1"]}}
        await claim(compared)
        await pairs(compared)
    await say(compared, FIRST, **said)
    await compared.recount()


@pytest.mark.parametrize("references", [["r-1"], ["r-1", "r-2", "r-3"], ["r-1", "r-3"]])
async def test_an_opinion_names_all_signatures_on_file_and_no_other(compared: World, references: list[str]) -> None:
    """2 CCR 20960: it differs from all of them."""
    await put_on_file(compared, ("V1", "r-1", image(1)), ("V1", "r-2", image(2)), ("V2", "r-3", image(3)))
    await claim(compared)
    await pairs(compared)
    said = COMPARISON | {"references": references}
    refused = await compared.finding(FIRST, looked_at="signature", **MISMATCH, comparison=said)
    assert code_of(refused) == (422, "finding_refused")
    await say(compared, FIRST, **MISMATCH, comparison=COMPARISON | {"references": ["r-2", "r-1"]})
    await compared.recount()


async def test_a_county_that_keeps_them_elsewhere_compares_as_before(compared: World) -> None:
    assert (await say(compared, FIRST, status="valid")).json()["settled"]


async def test_the_same_again_has_no_effect_and_another_image_is_refused_whole(
    world: World, connection: asyncpg.Connection
) -> None:
    await put_on_file(world, ("V1", "r-1", image(1)))
    assert (await put_on_file(world, ("V1", "r-1", image(1)), ("V1", "r-2", image(2)))).json() == {"added": 1}
    for wrong in (
        [("V2", "r-1", image(1)), ("V1", "r-1", image(9))],
        [("V3", "r-1", image(1)), ("V3", "r-1", image(2))],
    ):
        assert code_of(await put_on_file(world, *wrong)) == (409, "reference_conflict")
    assert await connection.fetchval("SELECT count(*) FROM signature_reference") == 2


async def test_a_confidential_voters_line_is_compared_by_the_pseudonym(
    compared: World, connection: asyncpg.Connection
) -> None:
    await connection.execute("INSERT INTO confidential_voter VALUES ('sample', 'V777', 'V1')")
    await put_on_file(compared, ("V777", "r-7", image(7)))
    await claim(compared)
    assert {tuple(one["references"]) for one in await pairs(compared)} == {("r-7",)}


@pytest.mark.parametrize("who", ["clerk", "supervisor", "auditor", "station", "system", "monitor"])
async def test_only_an_administrator_says_what_is_on_file(world: World, who: str) -> None:
    assert (await put_on_file(world, ("V1", "r-1", image(1)), who=who)).status_code == 403
