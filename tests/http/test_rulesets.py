"""Rulesets: stored, named, never edited, the default by the day of filing, and none below the law's limits."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.count.ruleset_queries import list_rulesets
from app.law.ruleset import RegistrationRule
from tests.closing import freeze
from tests.http.county import line
from tests.http.test_keys import app_command
from tests.http.world import PETITION, World
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED, CALIFORNIA_DEFECTS, CALIFORNIA_DUPLICATES

NEW: dict[str, Any] = {"name": "sample/1", "based_on": CALIFORNIA.name, "note": "as county counsel advised"}
UNNAMED: dict[str, Any] = {name: value for name, value in PETITION.items() if name != "ruleset"}


async def add(world: World, **changes: Any) -> httpx.Response:  # noqa: ANN401  # any JSON values
    headers = {"Authorization": f"Bearer {world.keys['admin']}"}
    return await world.client.post("/v1/rulesets", json={**NEW, **changes}, headers=headers)


async def open_petition(world: World, **changes: Any) -> httpx.Response:  # noqa: ANN401  # any JSON values
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    return await world.client.post("/v1/petitions", json={**UNNAMED, **changes}, headers=headers)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"].rpartition(":")[2])


async def test_the_standard_rulesets_are_rows_with_the_numbers_of_the_law(world: World) -> None:
    async with world.database.reading() as connection:
        found = {one.ruleset.name: one.ruleset for one in await list_rulesets(connection, "sample")}
    assert found[CALIFORNIA.name] == CALIFORNIA
    assert found[CALIFORNIA_COMPARED.name] == CALIFORNIA_COMPARED
    for standard in (CALIFORNIA_DUPLICATES, CALIFORNIA_DEFECTS):
        assert found[standard.name] == standard
    assert len(found) == 5


async def test_a_petition_compares_signatures_unless_a_ruleset_without_is_named(world: World) -> None:
    opened = (await open_petition(world)).json()
    assert opened["ruleset"] == CALIFORNIA_DEFECTS.name
    world = replace(world, petition_id=opened["petition_id"])
    assert (await world.post(line(1))).json() == {
        "place": "1-1-1", "status": "valid", "reason": None, "settled": False, "version": 2,
    }  # fmt: skip
    await freeze(world)
    answer = await world.call("POST", "/close", who="supervisor")
    assert answer.json()["state"] == "closed"  # fewer lines than are required are not examined (EC 11222)
    few = (await open_petition(world, required=1)).json()
    world = replace(world, petition_id=few["petition_id"])
    await world.post(line(1))
    assert code_of(await world.call("POST", "/close", who="supervisor")) == (409, "undecided_lines")
    assert (await world.finding("1-1-1", status="valid", looked_at="both")).json()["settled"] is True
    await freeze(world)
    assert (await world.call("POST", "/close", who="supervisor")).status_code == 200


async def test_the_day_of_filing_chooses_the_ruleset(world: World) -> None:
    assert (await open_petition(world, filed_on="2020-09-27", circulation_from="2020-05-01")).json()["ruleset"] == (
        CALIFORNIA.name
    )
    assert (await add(world, valid_from="2022-07-06")).status_code == 201
    assert (await add(world, name="sample/2", valid_from="2022-07-07")).status_code == 201
    assert (await add(world, name="sample/3")).status_code == 201
    assert (await open_petition(world)).json()["ruleset"] == "sample/1"
    assert (await open_petition(world, filed_on="2022-07-05")).json()["ruleset"] == CALIFORNIA_DEFECTS.name
    assert (await open_petition(world, ruleset="sample/3")).json()["ruleset"] == "sample/3"


async def test_a_ruleset_that_is_too_lenient_unknown_or_edited_changes_nothing(world: World) -> None:
    mismatch = {"signature_mismatch": 1}
    assert code_of(await add(world, confirmations=mismatch)) == (422, "ruleset_refused")
    assert code_of(await add(world, confirmations={"illegible": 0})) == (422, "ruleset_refused")
    assert code_of(await add(world, name="elsewhere/1")) == (422, "ruleset_refused")
    assert code_of(await add(world, based_on="none")) == (404, "unknown_ruleset")
    assert code_of(await add(world, registration={"voting_age": 15})) == (422, "ruleset_refused")
    assert code_of(await add(world, registration={"affidavit_signed_by": "filing"})) == (422, "invalid")
    assert (await add(world, confirmations={"signature_mismatch": 2})).status_code == 201
    assert code_of(await add(world, compare_signatures=True)) == (409, "ruleset_exists")
    assert code_of(await open_petition(world, ruleset="none")) == (422, "invalid_petition")
    headers = {"Authorization": f"Bearer {world.keys['auditor']}"}
    listed = (await world.client.get("/v1/rulesets", headers=headers)).json()["rulesets"]
    assert [one["name"] for one in listed if not one["standard"]] == ["sample/1"]
    assert (listed[-1]["compare_signatures"], listed[-1]["confirmations"]["signature_mismatch"]) == (False, 2)
    first = (await world.client.get("/v1/rulesets?limit=2", headers=headers)).json()
    rest = (await world.client.get(f"/v1/rulesets?cursor={first['next_cursor']}", headers=headers)).json()
    assert first["rulesets"] + rest["rulesets"] == listed


@pytest.mark.parametrize(
    ("based_on", "changes", "compared"),
    [
        (CALIFORNIA.name, {}, (False, False)),
        (CALIFORNIA.name, {"compare_signatures": True}, (True, True)),
        (CALIFORNIA.name, {"compare_signatures": True, "compare_duplicates": False}, (True, False)),
        (CALIFORNIA_COMPARED.name, {}, (True, False)),
        (CALIFORNIA_DUPLICATES.name, {}, (True, True)),
        (CALIFORNIA_DUPLICATES.name, {"compare_signatures": False}, (False, False)),
    ],
)
async def test_duplicates_are_compared_where_signatures_are_unless_it_says_otherwise(
    world: World, based_on: str, changes: dict[str, bool], compared: tuple[bool, bool]
) -> None:
    added = (await add(world, based_on=based_on, **changes)).json()
    assert (added["compare_signatures"], added["compare_duplicates"]) == compared


WRONG_RULES: list[dict[str, Any]] = [
    {"inactive_counts": None},
    {"voting_age": 15},
    {"voting_age": 19},
    {"voting_age": None},
    {"age_reached_by": "today"},
    {"affidavit_signed_by": "filing"},
    {"affidavit_days_before_filing": -1},
    {"affidavit_days_before_filing": 367},
    {"undated_cancellation": "canceled"},
]
INSERT = "INSERT INTO ruleset VALUES ($1, $2, NULL, $3, 'n', 'a', now())"


@pytest.mark.parametrize(
    "wrong",
    [
        {"confirmations": {**CALIFORNIA.confirmations, "signature_mismatch": 1}},
        {"confirmations": {"illegible": 1, "other": 1, "not_personally_affixed": 1}},
        {"confirmations": None},
        {"double_check_ppm": 1_000_001},
        {"people_check_ppm": 1_000_001},
        {"people_check_ppm": None},
        {"compare_duplicates": True},
        {"compare_duplicates": None},
        {"mismatch_characteristics": 1},
        {"mismatch_characteristics": None},
        {"closed_days": None},
        {"closed_days": ["2022-04-01"] * 401},
        {"registration": None},
        {"registration": {}},
        *({"registration": {**asdict(RegistrationRule()), **wrong}} for wrong in WRONG_RULES),
    ],
)
async def test_the_database_itself_takes_no_ruleset_below_the_limits(world: World, wrong: dict[str, Any]) -> None:
    async with world.database.reading() as connection:
        good = CALIFORNIA.parameters()
        await connection.execute(INSERT, "sample/good", "sample", json.dumps(good))
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(INSERT, "sample/bad", "sample", json.dumps(good | wrong))


@pytest.mark.parametrize(
    ("name", "owner"),
    [("california-local-recall/9", "sample"), ("sample/9", None), ("elsewhere/9", "sample"), ("", None)],
)
async def test_the_database_keeps_the_names_of_counties_apart(world: World, name: str, owner: str | None) -> None:
    async with world.database.reading() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(INSERT, name, owner, json.dumps(CALIFORNIA.parameters()))


async def test_no_petition_names_a_ruleset_of_another_county_or_none(world: World) -> None:
    async with world.database.reading() as connection:
        await connection.execute("INSERT INTO county VALUES ('elsewhere', 'elsewhere')")
        await connection.execute(INSERT, "elsewhere/1", "elsewhere", json.dumps(CALIFORNIA.parameters()))
        for name, error in (
            ("elsewhere/1", asyncpg.CheckViolationError),
            ("sample/no", asyncpg.ForeignKeyViolationError),
        ):
            with pytest.raises(error):
                await connection.execute(
                    "INSERT INTO petition (county_id, petition_id, title, officer, required, circulation_from,"
                    " circulation_to, filed_on, ruleset, created_by, created_at) VALUES ('sample', gen_random_uuid(),"
                    " 't', 'o', 1, '2022-01-01', '2022-02-01', '2022-02-01', $1, 'c', now())",
                    name,
                )
    assert code_of(await open_petition(world, ruleset="elsewhere/1")) == (422, "invalid_petition")


async def test_the_command_line_adds_and_lists_rulesets(database: str, tmp_path: Path) -> None:
    file = tmp_path / "ruleset.json"
    file.write_text(json.dumps({**NEW, "valid_from": "2026-01-01", "double_check_ppm": 20_000}))
    added = json.loads("\n".join(await app_command(database, tmp_path, "ruleset", "add", str(file))))
    assert (added["name"], added["double_check_ppm"], added["standard"]) == ("sample/1", 20_000, False)
    listed = await app_command(database, tmp_path, "ruleset", "list")
    assert [text.split()[0] for text in listed][-1] == "sample/1"
    assert "filed from 2026-01-01" in listed[-1]
