"""The terms of a petition over HTTP and on the command line, and the attempts at one officer."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.access.keys import issue_key
from app.access.principals import Principal
from tests.http.test_keys import app_command
from tests.http.world import PETITION, World

REGISTERED: dict[str, Any] = {
    **{name: value for name, value in PETITION.items() if name != "required"},
    "office": "Assessor",
    "registered_voters": 5_668_569,
    "registration_reported_on": "2022-01-04",
    "registration_source": "Report of Registration",
    "form_approved_on": "2022-01-26",
}
LAPSED: dict[str, Any] = {
    "officer": "The Assessor",
    "title": "An earlier recall of the assessor",
    "circulation_from": "2021-05-20",
    "circulation_to": "2021-10-27",
    "note": "Nothing was submitted.",
}


async def send(world: World, path: str, *, who: str = "clerk", **body: Any) -> httpx.Response:  # noqa: ANN401  # any JSON values
    headers = {"Authorization": f"Bearer {world.keys[who]}"}
    return await world.client.post(path, json=body, headers=headers)


async def entry_payload(world: World, petition_id: str) -> dict[str, Any]:
    path = f"/v1/petitions/{petition_id}/ledger/entries"
    headers = {"Authorization": f"Bearer {world.keys['auditor']}"}
    listed = (await world.client.get(path, headers=headers)).json()["entries"]
    result: dict[str, Any] = json.loads(listed[0]["payload"])
    return result


async def test_the_registration_comes_with_its_date_and_source_and_goes_into_the_ledger(world: World) -> None:
    opened = await send(world, "/v1/petitions", **REGISTERED)
    assert opened.status_code == 201, opened.text
    petition = opened.json()
    assert petition["required"] == 566_857
    payload = await entry_payload(world, petition["petition_id"])
    for name in ("office", "registered_voters", "registration_reported_on", "registration_source", "form_approved_on"):
        assert petition[name] == payload[name] == REGISTERED[name]
    await replace(world, petition_id=petition["petition_id"]).recount()


@pytest.mark.parametrize(
    "changes",
    [
        {"registration_source": None},
        {"registration_reported_on": None},
        {"form_approved_on": None},
        {"circulation_to": "2022-07-07"},
        {"filed_on": "2022-07-07"},
    ],
)
async def test_terms_against_the_law_open_nothing(world: World, changes: dict[str, Any]) -> None:
    answer = await send(world, "/v1/petitions", **{**REGISTERED, **changes})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid_petition")
    assert next(iter(changes)) in answer.json()["detail"]
    async with world.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM petition") == 1


async def test_a_filing_after_the_window_needs_a_reason_which_goes_into_the_ledger(world: World) -> None:
    late = {**REGISTERED, "filed_on": "2022-07-20", "window_exception": "Order of the Superior Court"}
    petition = (await send(world, "/v1/petitions", **late)).json()
    payload = await entry_payload(world, petition["petition_id"])
    assert payload["window_exception"] == petition["window_exception"] == late["window_exception"]


async def test_the_attempts_at_one_officer_stand_together_also_one_that_was_never_filed(world: World) -> None:
    recorded = await send(world, "/v1/attempts", **LAPSED)
    assert (recorded.status_code, recorded.json()["outcome"], recorded.json()["number"]) == (201, "lapsed", 1)
    again = await send(world, "/v1/attempts", **LAPSED)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "attempt_recorded")
    open_still = {**LAPSED, "circulation_to": "2999-01-01"}
    assert (await send(world, "/v1/attempts", **open_still)).status_code == 422
    await send(world, "/v1/petitions", **{**REGISTERED, "officer": "A judge"})
    headers = {"Authorization": f"Bearer {world.keys['auditor']}"}
    listed = (await world.client.get("/v1/attempts", headers=headers)).json()["attempts"]
    assert [(one["officer"], one["number"], one["outcome"]) for one in listed] == [
        ("A judge", 1, "open"), ("The Assessor", 1, "lapsed"), ("The assessor", 2, "open"),
    ]  # fmt: skip
    assert (listed[1]["petition_id"], listed[2]["petition_id"]) == (None, world.petition_id)
    first = (await world.client.get("/v1/attempts?limit=1", headers=headers)).json()
    rest = (await world.client.get(f"/v1/attempts?cursor={first['next_cursor']}", headers=headers)).json()
    assert first["attempts"] + rest["attempts"] == listed


async def test_another_county_sees_no_attempts_of_this_one(world: World) -> None:
    await send(world, "/v1/attempts", **LAPSED)
    key = await issue_key(world.database, Principal("elsewhere", "auditor-1", "auditor"), now=datetime.now(UTC))
    listed = await world.client.get("/v1/attempts", headers={"Authorization": f"Bearer {key}"})
    assert listed.json()["attempts"] == []


async def test_the_command_line_opens_a_petition_with_its_registration(database: str, tmp_path: Path) -> None:
    said = await app_command(
        database, tmp_path, "petition", "open", "--title", "t", "--officer", "o", "--registered", "5668569",
        "--registration-reported-on", "2022-01-04", "--registration-source", "Report of Registration",
        "--form-approved-on", "2022-01-26", "--circulation", "2022-01-27", "2022-07-06", "--filed", "2022-07-06",
    )  # fmt: skip
    opened = json.loads("\n".join(said))
    assert (opened["required"], opened["registration_source"]) == (566_857, "Report of Registration")
