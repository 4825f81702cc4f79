"""Other names of streets and cities over HTTP and on the command line: loaded, in use at once, told in the evidence."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.examination.actions import reexamine
from tests.http.county import COUNTY, line, voter
from tests.http.test_errors import assert_problem
from tests.http.test_line_commands import run
from tests.http.world import World

HEADER = "kind,alias,name\n"
TABLE = HEADER + "street,Old Maple Rd,Maple Ave\nstreet,Lindenstrasse,Juniper Ave\ncity,Hollywood,Los Angeles\n"
CSV = {"Content-Type": "text/csv"}


async def aliases(world: World, method: str = "GET", **more: Any) -> httpx.Response:  # noqa: ANN401  # as httpx
    headers = {"Authorization": f"Bearer {world.keys['admin']}", **more.pop("headers", {})}
    return await world.client.request(method, "/v1/aliases", headers=headers, **more)


async def load(world: World, content: str = TABLE) -> dict[str, Any]:
    answer = await aliases(world, "POST", content=content.encode(), headers=CSV)
    assert answer.status_code in (200, 201), answer.text
    result: dict[str, Any] = answer.json()
    return result


async def again(world: World) -> int:
    return await reexamine(world.count, COUNTY, now=datetime.now(UTC))


def by_alias(number: int, place: tuple[int, int, int] | None = None, **changes: object) -> dict[str, object]:
    """The voter's signature, with the old name of the street."""
    old = (
        voter(number)["residence_address"].replace("MAPLE AVE", "Old Maple Rd").replace("JUNIPER AVE", "Lindenstrasse")
    )
    assert old != voter(number)["residence_address"]
    return line(number, place, residence_address=old, **changes)


async def test_a_line_with_the_old_name_of_the_street_counts_once_the_county_has_loaded_it(world: World) -> None:
    await world.post(by_alias(5, (1, 1, 1)))
    assert await world.status("1-1-1") == ("review", "possible_move")
    assert "aliases" not in (await world.detail("1-1-1"))["finding"]["evidence"]
    await load(world)
    await world.post(by_alias(5, (1, 1, 2)))
    assert await world.status("1-1-2") == ("valid", None)
    evidence = (await world.detail("1-1-2"))["finding"]["evidence"]
    assert evidence["aliases"] == 1
    assert evidence["read"]["addresses"][1]["alias"] == "Old Maple Rd = Maple Ave"
    assert await again(world) == 1
    assert [await world.status(f"1-1-{n}") for n in (1, 2)] == [("valid", None), ("invalid", "duplicate")]
    await world.recount()


async def test_each_load_is_a_version_and_the_same_again_is_none(world: World) -> None:
    first = await aliases(world, "POST", content=TABLE.encode(), headers=CSV)
    second = await aliases(world, "POST", content=TABLE.encode(), headers=CSV)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (first.json()["aliases_version"], first.json()["streets"], first.json()["cities"]) == (1, 2, 1)
    assert (await load(world, HEADER))["aliases_version"] == 2
    versions = (await aliases(world)).json()["versions"]
    assert [(v["aliases_version"], v["streets"], v["loaded_by"]) for v in versions] == [
        (1, 2, "admin-1"),
        (2, 0, "admin-1"),
    ]


async def test_a_bad_row_refuses_the_file_and_the_version_in_use_stays(world: World) -> None:
    await load(world)
    for content, detail in (
        (HEADER + "street,A St,B St\nvillage,Canaryq7x,Los Angeles\n", "row 2, column kind: not one of street, city"),
        (HEADER + "city,Canaryq7x\n", "row 1: 2 columns where the header has 3"),
        ("canaryq7x\n", "the header must be kind,alias,name"),
    ):
        answer = await aliases(world, "POST", content=content.encode(), headers=CSV)
        assert_problem(answer, 422, "aliases_refused")
        assert answer.json()["detail"] == detail
        assert "canary" not in answer.text.lower()
    assert len((await aliases(world)).json()["versions"]) == 1
    await world.post(by_alias(5))
    assert await world.status("1-1-5") == ("valid", None)


async def test_a_body_that_is_no_csv_or_too_long_is_refused(world: World) -> None:
    for kind in ("application/json", "text/plain", ""):
        answer = await aliases(world, "POST", content=b"{}", headers={"Content-Type": kind})
        assert_problem(answer, 415, "unsupported_media_type")
    packed = await aliases(world, "POST", content=b"x", headers={**CSV, "Content-Encoding": "gzip"})
    assert_problem(packed, 415, "unsupported_media_type")
    assert_problem(await aliases(world, "POST", content=b"x" * 1_000_001, headers=CSV), 413, "content_too_large")


async def test_another_county_has_its_own(world: World) -> None:
    from app.access.keys import issue_key  # noqa: PLC0415  # only here
    from app.access.principals import Principal  # noqa: PLC0415  # only here

    await load(world)
    key = await issue_key(world.database, Principal("elsewhere", "admin-1", "admin"), now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {key}"}
    assert (await aliases(world, headers=headers)).json() == {"versions": [], "next_cursor": None}
    answer = await aliases(world, "POST", content=HEADER.encode(), headers={**headers, **CSV})
    assert answer.json()["aliases_version"] == 1
    assert [v["streets"] for v in (await aliases(world)).json()["versions"]] == [2]


async def test_a_rejection_is_examined_again_only_where_the_aliases_read_the_line_otherwise(world: World) -> None:
    stranger = {"printed_name": "ADELINE QUACKENBUSH", "city": "LOS ANGELES", "zip": "90026"}
    await world.batch(
        [
            line(1, (1, 1, 1), **{**stranger, "residence_address": "9876 Maple Ave"}),
            line(1, (1, 1, 2), **{**stranger, "residence_address": "9876 Maple Ave", "city": "Hollywood"}),
            line(1, (1, 1, 3), residence_address="9876 Willow Ave"),
            by_alias(5, (1, 1, 4)),
        ]
    )
    before = [(await world.detail(f"1-1-{n}"))["finding"] for n in range(1, 5)]
    await load(world)
    assert await again(world) == 2
    after = [(await world.detail(f"1-1-{n}"))["finding"] for n in range(1, 5)]
    assert [one["evidence"].get("aliases") for one in after] == [None, 1, None, 1]
    assert (before[0], before[2]) == (after[0], after[2])
    assert await world.status("1-1-4") == ("valid", None)
    assert await again(world) == 0
    await load(world, HEADER)
    assert await again(world) == 1  # the neighbourhood again; what counts by an alias goes on counting
    assert (await world.detail("1-1-2"))["finding"]["evidence"]["aliases"] == 2
    await world.recount()


async def test_where_a_person_decided_and_an_alias_says_otherwise_a_person_looks_again(world: World) -> None:
    await world.batch(
        [by_alias(5, (1, 1, 1)), by_alias(1, (1, 1, 2)), line(7, (1, 1, 3), residence_address="1 Elm St")]
    )
    for place, voter_id in (("1-1-1", "V5"), ("1-1-2", "V1"), ("1-1-3", "V7")):
        await world.finding(place, status="invalid", reason="different_address", voter_id=voter_id)
    await load(world, HEADER + "street,Old Maple Rd,Maple Ave\n")
    assert await again(world) == 1
    assert await world.status("1-1-1") == ("review", "new_aliases")
    for place in ("1-1-2", "1-1-3"):
        assert await world.status(place) == ("invalid", "different_address")
    await load(world)
    assert await again(world) == 1
    assert await world.status("1-1-2") == ("review", "new_aliases")
    await world.recount()


async def test_a_lookup_reads_an_address_by_its_aliases(world: World) -> None:
    asked = {k: v for k, v in by_alias(5).items() if k in ("printed_name", "residence_address", "city", "zip")}
    asked |= {"signed_from": "2022-03-01", "signed_to": "2022-03-14"}
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}

    async def decision() -> dict[str, Any]:
        answer = await world.client.post("/v1/voters/lookup", json=asked, headers=headers)
        result: dict[str, Any] = answer.json()["decision"]
        return result

    assert (await decision())["status"] == "review"
    await load(world)
    assert (await decision()) == {"status": "valid", "reason": None, "reason_open": False, "voter_id": "V5"}
    by_address = {**asked, "printed_name": ""}
    found = (await world.client.post("/v1/voters/lookup", json=by_address, headers=headers)).json()["candidates"]
    assert "V5" in [candidate["voter_id"] for candidate in found]


async def test_the_commands_load_list_and_show(world: World, database: str, tmp_path: Path) -> None:
    await world.post(by_alias(5))
    file = tmp_path / "aliases.csv"
    file.write_text(TABLE)
    at = ("--county", COUNTY)
    status, out, errors = await run(database, "aliases", "load", str(file), *at)
    assert (status, errors) == (0, "")
    assert out == "aliases version 1: 2 of streets, 1 of cities, in use\nexamined 1 lines again\n"
    assert await world.status("1-1-5") == ("valid", None)
    assert (await run(database, "aliases", "load", "-", *at, text=TABLE))[1].endswith("in use already\n")
    assert (await run(database, "aliases", "load", "-", *at, text=HEADER))[0] == 0
    listed = (await run(database, "aliases", "list", *at))[1].splitlines()
    assert [row.split()[:4] for row in listed] == [["1", "old", "2", "of"], ["2", "in", "use", "0"]]
    shown = await run(database, "aliases", "show", "1", *at)
    assert (shown[0], sorted(shown[1].splitlines())) == (0, sorted(TABLE.splitlines()))
    explained = (await run(database, "explain", "--petition", world.petition_id, "1-1-5"))[1]
    assert "alias Old Maple Rd = Maple Ave" in explained


async def test_a_command_that_cannot_be_carried_out_says_why_in_one_line(database: str, tmp_path: Path) -> None:
    none, no_version = (
        tmp_path / "none.csv",
        "the county has no such version of aliases: `aliases list` shows the versions",
    )
    bad = HEADER + "street,A St,B St\nstreet,Canaryq7x,\n"
    for arguments, why in (
        (("load", "-", "--county", COUNTY), "row 2, column name: empty"),
        (("load", "-", "--county", "nowhere"), "row 2, column name: empty"),
        (("load", str(none), "--county", COUNTY), f"{none}: No such file or directory"),
        (("show", "1", "--county", COUNTY), no_version),
        (("show", "999999999", "--county", COUNTY), no_version),
    ):
        assert await run(database, "aliases", *arguments, text=bad) == (1, "", f"error: {why}\n")
    unknown = await run(database, "aliases", "load", "-", "--county", "nowhere", text=TABLE)
    assert unknown == (1, "", "error: There is no such county: load its roll first.\n")
    status, out, note = await run(database, "aliases", "list", "--county", "nowhere")
    assert (status, out) == (0, "")
    assert note == "county nowhere has no aliases: check the code, or load a table with `aliases load`\n"
    status, out, errors = await run(database, "aliases", "show", "99999999999", "--county", COUNTY)
    assert (status, out) == (2, "")
    assert "must be a whole number from 1 to 999,999,999" in errors
    assert (await run(database, "aliases", "load", "--help"))[0] == 0
