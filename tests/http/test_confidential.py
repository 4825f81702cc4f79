"""Nobody is exposed (EC 2166 ff.): one name posted with every address shows nothing, and only the officer decides."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.count.record import Count
from app.database.engine import open_database
from app.examination.actions import reexamine
from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle
from app.ledger.notes import Signer
from app.matching.scoring import Scorer
from app.roll.loading import load_roll
from tests.closing import freeze
from tests.http.conftest import a_process
from tests.http.county import COUNTY, STREETS, VOTERS, a_request, line, roll_csv, row, stranger, voter
from tests.http.exposure import alike, everything_seen, post_all
from tests.http.test_rulesets import open_petition
from tests.http.world import PETITION, World
from tests.ledger.test_bundle import verify_bundle

FEW = 24  # ordinary voters
NAMESAKES = (6, 14, 22)  # those of them who are called Genevieve, too
GENEVIEVE = {
    "voter_id": "SECRET999", "last_name": "DELACROIX", "first_name": "GENEVIEVE", "middle_name": "XANTHIPPE",
    "confidential": "true",
}  # fmt: skip
HOMES = {
    "alone": {"house_number": "7093", "street_name": "SYCAMORE", "unit_number": "77B"},
    "with others": {"house_number": "149", "street_name": "CEDAR", "unit_number": ""},  # where V7 lives
}
# Both words are names of the county, so that with another address nothing but the hold keeps the line from rejection.
NAMES = (
    "GENEVIEVE DELACROIX", "Delacroix, Genevieve X.", "G D", "G. DELACROIX", "DELACROIX", "GENEVIEVE",
    "Delacroix Genny", "GENEVIEVE DELACROX", "GENEVEIVE DELACRIOX", "Xanthippe Delacroix",
)  # fmt: skip
HOUSES = sorted({7093, *(100 + 7 * number for number in range(1, FEW + 1))})
ADDRESSES = [f"{house} {street} AVE" for street in STREETS for house in HOUSES]
LINES = [
    {
        "section": number, "page": at // 40 + 1, "line": at % 40 + 1, "printed_name": name,
        "residence_address": address, "city": "LOS ANGELES", "zip": "90026",
    }
    for number, name in enumerate(NAMES, 1)
    for at, address in enumerate(ADDRESSES)
]  # fmt: skip
HER = {"printed_name": NAMES[0], "residence_address": "7093 SYCAMORE AVE", "city": "LOS ANGELES", "zip": "90026"}
IN_DETAIL = [
    f"{one['section']}-{one['page']}-{one['line']}"
    for one in LINES
    if one["section"] in (1, 3) and str(one["residence_address"]).split()[0] in ("7093", "149")
]


def her_line(*place: int, **changes: object) -> dict[str, object]:
    section, page, number = place
    return {"section": section, "page": page, "line": number, **HER, **changes}


async def use_roll(database: str, *rows: str, few: bool = True, without: frozenset[int] = frozenset()) -> None:
    """The county's next roll: its ordinary voters, and these."""
    left_out = without | (frozenset(range(FEW + 1, VOTERS + 1)) if few else frozenset())
    source = BytesIO(roll_csv(*rows, without=left_out))
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=True)


def genevieve(**changes: str) -> str:
    return row(999, **{**GENEVIEVE, **HOMES["alone"], **changes})


@pytest.fixture
async def her_world(world: World, database: str) -> World:
    """A county with a confidential voter, and an open petition."""
    await use_roll(database, genevieve())
    return world


async def another_petition(world: World) -> World:
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    answer = await world.client.post("/v1/petitions", json=PETITION, headers=headers)
    return replace(world, petition_id=answer.json()["petition_id"])


async def look_up(world: World, body: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    return (await world.client.post("/v1/voters/lookup", json=body, headers=headers)).text


async def exposed(world: World, database: str, home: str, signer: Signer, folder: Path) -> dict[str, str]:
    """All that others see of a petition with all lines, where she lives at this home."""
    await use_roll(database, genevieve(**HOMES[home]))
    petition = await another_petition(world)
    answers = await post_all(petition, LINES)
    seen = {"answers": alike(answers)} | await everything_seen(petition, IN_DETAIL, signer, folder)
    for number, asked in enumerate((HER, {"printed_name": NAMES[0]}, {"residence_address": "7093 SYCAMORE AVE"})):
        seen[f"lookup {number}"] = alike(await look_up(petition, asked), petition.petition_id)
    waiting: dict[str, Any] = {"status": "invalid", "reason": "other", "note": "why", "waiting": {"queue": "to_decide"}}
    seen["bulk to_decide"] = alike((await petition.verb("/bulk-decisions", **waiting)).text, petition.petition_id)
    without_voter = {name: value for name, value in a_request().items() if name != "voter_id"}
    for voter_id in ("SECRET999", "NOBODY999"):
        for path, body in (
            ("/signatures/1-1-1/findings", {"status": "valid"}),
            ("/withdrawals", without_voter),
        ):
            refused = await petition.verb(path, voter_id=voter_id, **body)
            seen[f"{path} {voter_id}"] = alike([refused.status_code, refused.text], voter_id)
    return seen


@pytest.fixture
async def served(database: str, tmp_path: Path) -> AsyncIterator[tuple[World, Signer]]:
    """The service as a process with a matcher of its own, over a socket; and its signer."""
    async with (
        a_process(database, tmp_path, MATCHERS="1") as (_, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        opened = await open_database(database, intake=2, reading=2)
        yield await World.make(client, Count(opened)), Signer.from_file(tmp_path / "checkpoint.key", create=False)
        await opened.close()


async def test_a_name_with_every_street_and_house_shows_the_same_wherever_its_voter_lives(
    served: tuple[World, Signer], database: str, tmp_path: Path
) -> None:
    world, signer = served
    alone, with_others = [await exposed(world, database, home, signer, tmp_path) for home in HOMES]
    assert [name for name in alone if alone[name] != with_others[name]] == []
    for word in ("SECRET999", "77B", '"confidential'):
        assert not [name for name, text in alone.items() if word in text], word
    for path in ("/signatures/1-1-1/findings", "/withdrawals"):
        assert alone[f"{path} SECRET999"] == alone[f"{path} NOBODY999"]


async def test_a_name_gets_one_answer_with_every_street_and_house(her_world: World, database: str) -> None:
    namesakes = {number: voter(number)["residence_address"].split()[1] for number in NAMESAKES}
    # An ordinary Genevieve changes the answers in her own street, where a misread surname may be hers.
    await use_roll(
        database, genevieve(), without=frozenset(n for n, street in namesakes.items() if street == "SYCAMORE")
    )
    answers = await post_all(her_world, LINES)
    assert {(one["status"], one["settled"]) for one in answers} == {("review", False)}
    vacant = [
        f"{one['section']}-{one['page']}-{one['line']}"
        for one in LINES
        if "7093" in str(one["residence_address"])
        and str(one["residence_address"]).split()[1] not in {*namesakes.values()} - {"SYCAMORE"}
    ]
    by_name: dict[int, set[str]] = {}
    for place in vacant:  # no ordinary voter lives in these houses: whether she does, makes no difference
        finding = (await her_world.detail(place))["finding"]
        evidence = {name: value for name, value in finding["evidence"].items() if name not in ("read", "candidates")}
        by_name.setdefault(int(place.split("-")[0]), set()).add(alike([finding["reason"], evidence]))
    assert {name: len(different) for name, different in by_name.items()} == dict.fromkeys(by_name, 1)


async def test_this_file_would_notice_a_hold_that_depends_on_the_address(
    world: World, app: FastAPI, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whatever_address = Scorer.confidential_names_like

    def at_her_address(scorer: Scorer) -> list[int]:
        return whatever_address(scorer) if scorer.line.houses == ("7093",) else []

    monkeypatch.setattr(Scorer, "confidential_names_like", at_her_address)
    await use_roll(database, genevieve())
    assert len({one["status"] for one in await post_all(world, LINES)}) > 1
    signer = app.state.recall.signer
    there = await exposed(world, database, "alone", signer, tmp_path)
    monkeypatch.setattr(Scorer, "confidential_names_like", lambda _: [])
    elsewhere = await exposed(world, database, "with others", signer, tmp_path)
    different = {name for name in there if there[name] != elsewhere[name]}
    assert {"answers", "tally", "metrics", "bundle", "lines clerk", "lookup 0"} <= different


async def queue(world: World) -> dict[str, dict[str, Any]]:
    """The lines that wait for the officer, by place."""
    answer = await world.call("GET", "/confidential", who="confidential", params={"limit": "50"})
    assert answer.status_code == 200, answer.text
    return {one["place"]: one for one in answer.json()["lines"]}


async def officer(world: World, place: str, **finding: object) -> httpx.Response:
    if finding.get("reason") == "not_registered":
        await world.search(place, who="confidential")
    return await world.call("POST", f"/confidential/{place}/findings", who="confidential", json=finding)


async def found(world: World, place: str, **finding: object) -> dict[str, Any]:
    answer = await officer(world, place, **finding)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def test_the_officer_sees_who_may_have_signed_and_where_they_live(her_world: World) -> None:
    await her_world.batch(
        [her_line(1, 1, 1), her_line(1, 1, 2, residence_address="9 ELSEWHERE CT"), line(5, (1, 1, 3))]
    )
    waiting = await queue(her_world)
    assert list(waiting) == ["1-1-1", "1-1-2"]
    best = waiting["1-1-1"]["candidates"][0]
    assert (best["voter_id"], best["confidential"], best["standing"]) == ("SECRET999", True, "registered")
    assert best["residence_address"] == "7093 SYCAMORE AVE 77B"
    assert {field["field"]: field["level"] for field in best["fields"]}["house"] == "the same"
    levels = {field["field"]: field["level"] for field in waiting["1-1-2"]["candidates"][0]["fields"]}
    assert levels["house"] != "the same"


async def test_the_record_of_reads_does_not_say_which_lines_the_officer_read(her_world: World) -> None:
    """The searches that a finding names are shown like a clerk's; other reads of the officer are in no list."""
    world = her_world
    await world.batch([her_line(1, 1, 1), stranger((1, 1, 2))])
    assert list(await queue(world)) == ["1-1-1"]
    await found(world, "1-1-1", status="invalid", reason="not_registered")
    await world.finding("1-1-2", status="invalid", reason="not_registered")
    headers = {"Authorization": f"Bearer {world.keys['auditor']}"}
    reads = (await world.client.get("/v1/voters/reads", headers=headers)).json()["reads"]
    searches = {one["read_id"]: (one["role"], one["kind"], one["places"]) for one in reads if one["kind"] != "line"}
    assert {one["role"] for one in reads} == {"clerk"}
    for place in ("1-1-1", "1-1-2"):
        named = (await world.detail(place))["finding"]["searches"]
        assert sorted(searches[one] for one in named) == [("clerk", "address", [place]), ("clerk", "name", [place])]
    async with world.database.reading() as connection:
        lines = await connection.fetch("SELECT role, counted FROM lookup_audit WHERE kind = 'lines'")
    assert [tuple(one) for one in lines] == [("confidential", 1)]


async def test_the_queue_can_be_read_while_a_section_is_defective(her_world: World) -> None:
    await her_world.batch([her_line(1, 1, 1), her_line(2, 1, 1)])
    assert (await her_world.verb("/sections/1/defect", codes=["signature_missing"])).status_code == 201
    assert "2-1-1" in await queue(her_world)


async def test_the_queue_has_pages(her_world: World) -> None:
    await her_world.batch([her_line(1, 1, number) for number in range(1, 6)])
    first = (await her_world.call("GET", "/confidential", who="confidential", params={"limit": "3"})).json()
    more = {"limit": "3", "cursor": first["next_cursor"]}
    second = (await her_world.call("GET", "/confidential", who="confidential", params=more)).json()
    places = [one["place"] for page in (first, second) for one in page["lines"]]
    assert (places, second["next_cursor"]) == ([f"1-1-{number}" for number in range(1, 6)], None)


async def test_a_confidential_voter_counts_once_under_a_pseudonym_that_others_take_for_a_number(
    her_world: World, app: FastAPI, tmp_path: Path
) -> None:
    world = her_world
    await world.batch([her_line(1, 1, number) for number in (1, 2, 3)])
    assert (await found(world, "1-1-2", status="valid", voter_id="SECRET999"))["status"] == "valid"
    assert (await found(world, "1-1-1", status="valid", voter_id="SECRET999"))["status"] == "valid"
    assert await world.status("1-1-2") == ("invalid", "duplicate")
    pseudonym = (await world.detail("1-1-1"))["finding"]["voter_id"]
    assert pseudonym == (await world.detail("1-1-2"))["finding"]["voter_id"] != "SECRET999"
    assert list(await queue(world)) == ["1-1-3"]
    named = await world.finding("1-1-3", status="valid", voter_id=pseudonym)  # as a clerk does with any voter's number
    assert (named.status_code, named.json()["reason"]) == (201, "duplicate")
    assert (await world.tally())["valid"] == 1
    await world.recount()
    seen = await everything_seen(world, ["1-1-1", "1-1-2"], app.state.recall.signer, tmp_path)
    assert not [name for name, text in seen.items() if "SECRET999" in text or "77B" in text]
    bundle, key = tmp_path / "b.zip", app.state.recall.signer
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), key, bundle)
    status, output = verify_bundle(bundle, key.verifier_key)
    assert (status, output.splitlines()[-1]) == (0, "everything agrees"), output


async def test_a_decided_line_looks_like_any_line_that_a_person_decided(her_world: World) -> None:
    world = her_world
    await world.batch([her_line(1, 1, 1), line(5, (1, 1, 2), residence_address="136 MAPLE AVE")])
    ordinary = await world.detail("1-1-2")
    assert ordinary["status"] == "review", "one digit of the house number is off"
    await world.finding("1-1-2", status="valid", voter_id="V5", note="")
    await found(world, "1-1-1", status="valid", voter_id="SECRET999")
    hers, another = [await world.detail(place) for place in ("1-1-1", "1-1-2")]
    assert hers.keys() == another.keys()
    changing = {"voter_id", "decided_by", "decided_at", "confirmed_by", "evidence"}
    shown = [{k: v for k, v in one["finding"].items() if k not in changing} for one in (hers, another)]
    assert shown[0] == shown[1]
    assert hers["finding"]["evidence"].keys() - {"namesakes_cut"} == another["finding"]["evidence"].keys()


async def test_what_a_clerk_finds_does_not_take_the_line_from_the_officer(her_world: World) -> None:
    world = her_world
    await world.batch([her_line(1, 1, 1), her_line(1, 1, 2)])
    for place in ("1-1-1", "1-1-2"):
        rejected = await world.finding(place, status="invalid", reason="not_registered")
        assert (rejected.status_code, rejected.json()["settled"]) == (201, True), "as for any other line"
    assert list(await queue(world)) == ["1-1-1", "1-1-2"]
    await freeze(world)
    closing = await world.call("POST", "/close", who="supervisor")
    assert (closing.status_code, closing.json()["type"].rpartition(":")[2]) == (409, "undecided_lines")
    refused = await officer(world, "1-1-1", status="valid", voter_id="SECRET999")
    assert refused.json()["type"].rpartition(":")[2] == "finding_refused", "a reversal needs a note"
    await found(world, "1-1-1", status="valid", voter_id="SECRET999", note="compared with the affidavit")
    await found(world, "1-1-2", status="invalid", reason="not_registered")
    assert (await queue(world), (await world.tally())["valid"]) == ({}, 1)
    await world.recount()
    assert (await world.call("POST", "/close", who="supervisor")).status_code == 200


@pytest.mark.parametrize("who", ["confidential", "supervisor"])
async def test_an_undone_finding_gives_the_line_back_to_the_officer(her_world: World, who: str) -> None:
    await her_world.batch([her_line(1, 1, 1)])
    await found(her_world, "1-1-1", status="valid", voter_id="SECRET999")
    assert await queue(her_world) == {}
    if who == "supervisor":
        await her_world.finding("1-1-1", who=who, status="review")
    else:
        await found(her_world, "1-1-1", status="review")
    assert list(await queue(her_world)) == ["1-1-1"]
    assert (await her_world.tally())["valid"] == 0


async def test_a_line_whose_name_is_misread_beyond_likeness_is_referred_to_the_officer(her_world: World) -> None:
    world = her_world
    await world.batch([{**HER, "section": 1, "page": 1, "line": 1, "printed_name": "GHVIEUE OELACROLY"}])
    assert await queue(world) == {}
    before = await world.detail("1-1-1")
    referred = await world.verb("/signatures/1-1-1/referral", note="the house is in the roll, the signer is not")
    assert (referred.status_code, referred.json()["kind"]) == (201, "referral")
    assert (list(await queue(world)), await world.detail("1-1-1")) == (["1-1-1"], before)
    await found(world, "1-1-1", status="valid", voter_id="SECRET999", looked_at="both", note="she signs like this")
    await world.recount()
    assert await queue(world) == {}
    assert (await world.detail("1-1-1"))["status"] == "valid"
    assert (await world.verb("/signatures/9-9-9/referral", note="who?")).status_code == 404


async def test_a_line_that_was_rejected_is_referred_to_the_officer_who_reverses_that(her_world: World) -> None:
    world = her_world
    await world.batch([{**HER, "section": 1, "page": 1, "line": 1, "printed_name": "GHVIEUE OELACROLY"}])
    rejected = await world.finding("1-1-1", status="invalid", reason="not_registered")
    assert rejected.json()["settled"]
    assert (await world.verb("/signatures/1-1-1/referral", note="her daughter asks")).status_code == 201
    await found(world, "1-1-1", status="valid", voter_id="SECRET999", looked_at="both", note="she signs like this")
    await world.recount()
    assert (await world.tally())["valid"] == 1


async def test_a_line_that_the_officer_rejected_is_referred_again(her_world: World) -> None:
    world = her_world
    await world.batch([her_line(1, 1, 1)])
    await found(world, "1-1-1", status="invalid", reason="not_registered")
    assert await queue(world) == {}
    assert (await world.verb("/signatures/1-1-1/referral", note="her daughter asks")).status_code == 201
    assert list(await queue(world)) == ["1-1-1"]
    await found(world, "1-1-1", status="valid", voter_id="SECRET999", looked_at="both", note="she signs like this")
    await world.recount()
    assert (await queue(world), (await world.tally())["valid"]) == ({}, 1)


async def test_a_line_found_a_namesakes_is_referred_while_its_signature_is_not_compared(her_world: World) -> None:
    opened = (await open_petition(her_world)).json()
    world = replace(her_world, petition_id=opened["petition_id"])
    await world.batch([line(5, (1, 1, 1))])
    referral = {"note": "another hand than V5's"}
    assert (await world.verb("/signatures/1-1-1/referral", **referral)).status_code == 201
    assert list(await queue(world)) == ["1-1-1"]
    await world.finding("1-1-1", who="supervisor", status="valid", looked_at="signature")
    assert (await world.verb("/signatures/1-1-1/referral", **referral)).status_code == 409, "it is settled"


async def test_the_officer_decides_held_lines_alone(her_world: World) -> None:
    await her_world.batch([line(5, (1, 1, 1))])
    for place in ("1-1-1", "9-9-9"):
        answer = await officer(her_world, place, status="valid", voter_id="V5")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_place")
    assert (await her_world.finding("1-1-1", who="confidential", status="review")).status_code == 403


async def test_a_confidential_voter_withdraws_through_the_officer(her_world: World) -> None:
    world, body = her_world, a_request("SECRET999")
    assert (await world.verb("/withdrawals", **body)).json()["type"].rpartition(":")[2] == "unknown_voter"
    done = await world.verb("/withdrawals", who="confidential", **body)
    assert (done.status_code, done.json()["voter_id"] != "SECRET999") == (201, True)
    await world.batch([her_line(1, 1, 1)])
    assert (await found(world, "1-1-1", status="valid", voter_id="SECRET999"))["reason"] == "withdrawn"
    await world.recount()


BECOMES = {"voter_id": "V7", "confidential": "true"}


async def test_a_voter_who_becomes_confidential_counts_once(world: World, database: str) -> None:
    await use_roll(database)
    await world.batch([line(7, (1, 1, 2))])
    assert await world.status("1-1-2") == ("valid", None)
    await use_roll(database, row(7, **BECOMES), without=frozenset({7}))
    await world.batch([line(7, (1, 1, 1)), line(7, (2, 1, 1), residence_address="9 ELSEWHERE CT")])
    assert list(await queue(world)) == ["1-1-1", "2-1-1"]
    await found(world, "1-1-1", status="valid", voter_id="V7")
    assert [await world.status(place) for place in ("1-1-1", "1-1-2")] == [("valid", None), ("invalid", "duplicate")]
    await world.recount()


async def test_a_voter_who_ceases_to_be_confidential_counts_once(world: World, database: str) -> None:
    await use_roll(database, row(7, **BECOMES), without=frozenset({7}))
    await world.batch([line(7, (1, 1, 2))])
    await found(world, "1-1-2", status="valid", voter_id="V7")
    await use_roll(database)
    await world.batch([line(7, (1, 1, 1)), line(7, (1, 1, 3))])
    assert await world.status("1-1-1") == ("review", "weak_match"), "the machine counts no such voter"
    await found(world, "1-1-1", status="valid", voter_id="V7")
    await world.finding("1-1-3", status="valid", voter_id="V7")
    assert [await world.status(f"1-1-{n}") for n in (1, 2, 3)] == [
        ("valid", None), ("invalid", "duplicate"), ("invalid", "duplicate"),
    ]  # fmt: skip
    assert (await world.tally())["valid"] == 1
    await world.recount()


async def test_a_line_found_for_the_open_number_before_counts_by_the_pseudonym_if_that_counts_already(
    world: World, database: str
) -> None:
    await use_roll(database)
    await world.batch([line(7, (1, 1, 1), residence_address="9876 MAPLE AVE")])
    await world.finding("1-1-1", status="invalid", reason="different_address", voter_id="V7")
    await use_roll(database, row(7, **BECOMES), without=frozenset({7}))
    await world.batch([line(7, (1, 1, 2))])
    await found(world, "1-1-2", status="valid", voter_id="V7")
    again = await world.finding("1-1-1", who="supervisor", status="valid", note="the address is an old name")
    assert again.status_code == 201, again.text
    assert [await world.status(f"1-1-{n}") for n in (1, 2)] == [("valid", None), ("invalid", "duplicate")]
    await world.recount()


async def test_a_voter_is_counted_once_by_whoever_decides_at_the_same_time(world: World, database: str) -> None:
    several = range(1, 9)
    await use_roll(database)
    await world.batch([line(n, (1, 1, n), residence_address="9876 MAPLE AVE") for n in several])
    for n in several:
        await world.finding(f"1-1-{n}", status="invalid", reason="different_address", voter_id=f"V{n}")
    hidden = [row(n, confidential="true") for n in several]
    await use_roll(database, *hidden, without=frozenset(several))
    await world.batch([line(n, (2, 1, n)) for n in several])
    await world.add_key("supervisor", "second")
    for n in several:
        answers = await asyncio.gather(
            officer(world, f"2-1-{n}", status="valid", voter_id=f"V{n}"),
            world.finding(f"1-1-{n}", who="second", status="valid", note="an old name of the street"),
        )
        assert [answer.status_code for answer in answers] == [201, 201]
    assert (await world.tally())["valid"] == len(several)
    await world.recount()


async def test_a_line_of_before_is_held_when_a_newer_roll_has_a_confidential_voter_of_its_name(
    world: World, database: str
) -> None:
    await use_roll(database)
    one_off = line(5, (1, 1, 2), residence_address="136 MAPLE AVE")  # in review, and found for V5
    await world.batch([her_line(1, 1, 1), one_off, line(6, (1, 1, 3), residence_address="143 JUNIPER AVE")])
    before = [await world.detail(f"1-1-{n}") for n in (2, 3)]
    await use_roll(database, genevieve(), row(5, confidential="true"), without=frozenset({5}))
    await reexamine(world.count, COUNTY, now=datetime.now(UTC))
    assert list(await queue(world)) == ["1-1-1", "1-1-2"]
    assert [await world.detail(f"1-1-{n}") for n in (2, 3)] == before, "others see no difference"
    await found(world, "1-1-2", status="valid", voter_id="V5")
    await world.recount()


async def test_a_correction_and_new_dates_give_the_line_back_to_the_officer(her_world: World) -> None:
    world = her_world
    await world.batch([her_line(1, 1, 1)])
    await found(world, "1-1-1", status="valid", voter_id="SECRET999")
    corrected = {**HER, "residence_address": "7093 SYCAMORE AVENUE"}
    assert (await world.verb("/signatures/1-1-1/revisions", **corrected)).json()["reason"] == "new_writing"
    assert list(await queue(world)) == ["1-1-1"]
    await found(world, "1-1-1", status="valid", voter_id="SECRET999")
    dates = {"signed_from": "2022-02-01", "signed_to": "2022-03-01"}
    await world.verb("/sections/1", method="PUT", **dates)
    assert list(await queue(world)) == ["1-1-1"]
    await found(world, "1-1-1", status="valid", voter_id="SECRET999")
    assert (await world.tally())["valid"] == 1
    await world.recount()


async def test_a_held_line_that_is_to_be_struck_waits_for_the_officer_until_two_people_say_so(
    her_world: World,
) -> None:
    world = her_world
    await world.batch([her_line(1, 1, 1)])
    await found(world, "1-1-1", status="valid", voter_id="SECRET999")
    struck = {**HER, "kind": "struck"}
    assert (await world.verb("/signatures/1-1-1/revisions", **struck)).json()["status"] == "review"
    assert list(await queue(world)) == ["1-1-1"]
    answer = await world.verb("/signatures/1-1-1/revisions", who="supervisor", **struck)
    assert answer.json()["status"] == "struck"
    assert list(await queue(world)) == []
    await world.recount()


SEARCHED = (
    "SELECT kind, token, registrations FROM roll_token WHERE roll_version = $1 ORDER BY kind, token",
    "SELECT kind, variant, token, registrations FROM roll_variant WHERE roll_version = $1 ORDER BY 1, 2, 3",
    "SELECT voter_id, last_name, key_house_street FROM registration WHERE roll_version = $1 ORDER BY voter_id",
    "SELECT registrations FROM roll WHERE roll_version = $1",
)


async def test_a_roll_is_searched_as_if_it_had_no_confidential_voters(
    database: str, connection: asyncpg.Connection
) -> None:
    moved = {
        **GENEVIEVE,
        "confidential": "",
        "effective_to": "2021-01-01",
        "house_number": "12",
        "street_name": "OLDHAM",
    }
    await use_roll(database)
    await use_roll(database, genevieve(), row(998, **moved))
    for query in SEARCHED:
        assert await connection.fetch(query, 2) == await connection.fetch(query, 3)
    apart = await connection.fetch("SELECT street_name FROM confidential_registration ORDER BY street_name")
    assert [one["street_name"] for one in apart] == ["OLDHAM", "SYCAMORE"], "with all registrations of the voter"
