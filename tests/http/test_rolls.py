"""Rolls over HTTP: uploaded, loaded beside the requests, put into use."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import httpx

from tests.http.county import line, roll_csv, row
from tests.http.world import World


async def admin(world: World, method: str, path: str = "", **more: Any) -> httpx.Response:  # noqa: ANN401  # as httpx
    headers = {"Authorization": f"Bearer {world.keys['admin']}", **more.pop("headers", {})}
    return await world.client.request(method, f"/v1/rolls{path}", headers=headers, **more)


async def load(world: World, content: bytes, kind: str = "text/csv") -> dict[str, Any]:
    """Upload a file and wait until it is loaded or refused; the version as it is listed."""
    answer = await admin(world, "POST", "?complete_through=2022-07-06", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 202, answer.text
    while True:
        rolls = {roll["roll_version"]: roll for roll in (await admin(world, "GET")).json()["rolls"]}
        roll: dict[str, Any] = rolls[answer.json()["roll_version"]]
        if roll["state"] != "loading":
            return roll
        await asyncio.sleep(0.05)


async def test_an_uploaded_roll_is_loaded_and_counts_from_its_activation_on(world: World, tmp_path: Path) -> None:
    newcomer = line(1, (5, 1, 1), printed_name="ZELDA NEWCOMER", residence_address="77 MAPLE AVE")
    await world.post(newcomer)
    assert (await world.status("5-1-1"))[0] != "valid"
    rows = row(1, voter_id="V900", last_name="NEWCOMER", first_name="ZELDA", house_number="77", street_name="MAPLE")
    roll = await load(world, gzip.compress(roll_csv(rows)), "application/gzip")
    assert (roll["state"], roll["registrations"]) == ("loaded", 321)
    assert (await world.status("5-1-1"))[0] != "valid"
    answer = await admin(world, "POST", f"/{roll['roll_version']}/activate", json={})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert not list((tmp_path / "uploads").iterdir())


async def test_a_file_that_is_no_roll_leaves_a_failed_version_and_the_roll_in_use_untouched(world: World) -> None:
    bad = await load(world, roll_csv(row(1, status="canaryq7x")))
    assert bad["state"] == "failed"
    assert "row 321, column status" in bad["failure"]
    assert "canaryq7x" not in str(bad)
    answer = await admin(world, "POST", f"/{bad['roll_version']}/activate", json={})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_roll")
    assert (await world.post(line(1))).status_code == 201


async def test_an_upload_that_is_not_as_documented_is_refused(world: World) -> None:
    csv = {"Content-Type": "text/csv"}
    assert (await admin(world, "POST", "", content=b"x", headers=csv)).status_code == 422
    for query in ("complete_through=2022-02-30", "complete_through=2022-07-06&format=excel", "complete_through=x"):
        assert (await admin(world, "POST", f"?{query}", content=b"x", headers=csv)).status_code == 422
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        good = "?complete_through=2022-07-06"
        assert (await admin(world, "POST", good, content=b"x", headers={"Content-Type": kind})).status_code == 415
    assert len((await admin(world, "GET")).json()["rolls"]) == 1


async def test_what_a_dead_process_left_of_an_upload_is_removed_at_the_next_start(tmp_path: Path) -> None:
    from app.roll.loading import RollUploads  # noqa: PLC0415  # only here

    left = tmp_path / "0.roll"
    left.write_bytes(b"x")
    RollUploads("postgresql+asyncpg://", tmp_path)
    assert not left.exists()
