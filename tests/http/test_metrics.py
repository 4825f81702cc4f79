"""The measures: by Prometheus's conventions, without personal data, and what is watched by the rules in `deploy`."""

import json
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import yaml
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.database.backup import BaseBackup
from app.http.frame import allow
from tests.http.county import line, stranger
from tests.http.world import World
from tests.waiting import until

DEPLOY = Path(__file__).parents[2] / "deploy"
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
UNITS = ("_seconds", "_bytes", "_total", "_info")


async def families(world: World, who: str | None) -> dict[str, dict[tuple[str, ...], float]]:
    """Every measure: name -> the labels' values -> value."""
    headers = {"Authorization": f"Bearer {world.keys[who]}"} if who else {}
    answer = await world.client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


async def test_requests_are_counted_and_timed_by_route_and_status(world: World) -> None:
    await world.tally()
    await world.client.get("/nothing/canary-q7x")
    found = await families(world, "monitor")
    route = "/v1/petitions/{petition_id}/tally"
    assert found["recall_http_requests_total"]["GET", route, "200"] == 1
    assert found["recall_http_requests_total"]["GET", "unmatched", "404"] == 1
    assert found["recall_http_request_duration_seconds_count"]["GET", route] == 1
    assert found["recall_database_up"][()] == 1
    await until(partial(one_is_idle, world))
    assert found["recall_matchers"] == {("running",): 0, ("silent",): 0, ("ended",): 0}
    assert found["process_resident_memory_bytes"][()] > 0


async def test_without_a_key_of_the_county_no_measure_says_how_much_was_posted(world: World) -> None:
    before = await families(world, None)
    assert (await world.post(line(1))).status_code == 201
    await world.tally()
    for who in (None, "station", "system"):
        found = await families(world, who)
        assert found.keys() == before.keys()
        assert not [
            name for name in found if name.startswith(("recall_http", "recall_petition", "recall_verification"))
        ]
    assert "recall_ready" in found


async def one_is_idle(world: World) -> bool:
    """Whether a connection is idle that writes to the count: the service's own tasks use one now and then."""
    return (await families(world, None))["recall_database_connections"]["intake", "idle"] >= 1


async def test_a_countys_figures_are_those_of_its_tally_and_shown_to_its_keys_alone(world: World) -> None:
    await world.batch([line(1), line(2), line(1, (9, 1, 1)), stranger((8, 1, 1))])
    found, tally = await families(world, "monitor"), await world.tally()
    for status in ("received", "valid", "invalid", "review"):
        assert found["recall_petition_lines"][world.petition_id, status] == tally[status]
    for reason, count in tally["invalid_by_code"].items():
        assert found["recall_petition_invalid_lines"][world.petition_id, reason] == count
    assert found["recall_ledger_height"][world.petition_id,] == tally["version"]
    assert found["recall_petition_unsettled_lines"][world.petition_id,] == tally["unsettled"]
    assert found["recall_roll_version"][()] == 1
    for who in (None, "station", "system"):
        assert not {name for name in await families(world, who) if name.startswith(("recall_petition", "recall_ledg"))}


async def test_a_verifications_result_is_measured(world: World) -> None:
    await world.call("GET", "/tally/verification", who="auditor")
    assert (await families(world, "monitor"))["recall_verification_agrees"][world.petition_id,] == 1


async def test_no_measure_holds_what_was_sent(world: World) -> None:
    await world.client.request("CANARYQ7X", "/canaryq7x?canaryq7x=1", headers={"Authorization": "Bearer canaryq7x"})
    await world.post({**line(1), "printed_name": "CANARYQ7X"})
    answer = await world.client.get("/metrics", headers={"Authorization": f"Bearer {world.keys['monitor']}"})
    assert "canaryq7x" not in answer.text.lower()
    assert "V1" not in answer.text


async def test_the_rules_and_the_dashboard_name_measures_that_exist(world: World, app: FastAPI, tmp_path: Path) -> None:
    app.state.recall.folders["backups"] = tmp_path
    async with world.database.brief() as connection:
        await connection.execute(
            "INSERT INTO database_history VALUES ('1-1', '1-1-a', '2022-07-06')"
        )  # so it was restored
    await world.batch([line(1), line(1, (9, 1, 1)), stranger((8, 1, 1))])
    await world.call("POST", "/signatures/8-1-1/findings", who="clerk", json={"status": "review"})
    await world.call("GET", "/tally/verification", who="auditor")
    names = set(await families(world, "monitor"))
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    dashboard = json.loads((DEPLOY / "dashboard.json").read_text())
    expressions = [rule["expr"] for group in rules for rule in group["rules"]]
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"\b(?:recall|process)_[a-z_]+", text)}
    assert used <= names
    assert len(expressions) >= 30


async def test_every_rule_says_what_happened_and_what_to_do() -> None:
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]:
        for rule in (rule for rule in group["rules"] if "alert" in rule):
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["action"]


async def test_the_keys_that_are_refused_are_counted_by_what_is_wrong_with_them(world: World) -> None:
    assert (await families(world, None))["recall_refused_keys_total"] == {
        ("unknown",): 0, ("revoked",): 0, ("expired",): 0,
    }  # fmt: skip
    prefix = world.keys["clerk"].split(".")[2]
    revoked = await world.client.delete(
        f"/v1/keys/{prefix}", headers={"Authorization": f"Bearer {world.keys['admin']}"}
    )
    assert revoked.status_code == 204
    for key in (world.keys["clerk"], world.keys["clerk"], world.keys["clerk"][:-1] + "~", "nothing like a key"):
        answer = await world.client.get("/v1/petitions", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401
    assert (await families(world, None))["recall_refused_keys_total"]["revoked",] == 2


async def test_a_counter_is_declared_as_one(world: World) -> None:
    answer = await world.client.get("/metrics", headers={"Authorization": f"Bearer {world.keys['monitor']}"})
    kinds = {
        sample.name: family.type
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("recall_")
    }
    totals = {name for name in kinds if name.endswith("_total")}
    assert totals >= {
        "recall_refused_keys_total",
        "recall_faults_total",
        "recall_matchers_replaced_total",
        "recall_lines_without_matcher_total",
    }
    assert {name for name in totals if kinds[name] != "counter"} == set()


async def test_the_first_500_is_counted(world: World, app: FastAPI) -> None:
    assert (await families(world, None))["recall_faults_total"][()] == 0

    async def explode(_principal: object = allow("clerk")) -> None:
        raise LookupError

    app.add_api_route("/v1/explode", explode)
    answer = await world.client.get("/v1/explode", headers={"Authorization": f"Bearer {world.keys['clerk']}"})
    assert answer.status_code == 500
    assert (await families(world, None))["recall_faults_total"][()] == 1


async def test_backups_disks_and_a_restore_are_measured(world: World, app: FastAPI, tmp_path: Path) -> None:
    assert "recall_backup_timestamp_seconds" not in await families(world, None), "no backups are asked for"
    app.state.recall.folders["backups"] = tmp_path
    found = await families(world, None)
    assert found["recall_backup_timestamp_seconds"][()] == 0
    assert found["recall_backup_log_archived"][()] == 0
    assert 0 < found["recall_disk_free_bytes"]["backups",] <= found["recall_disk_size_bytes"]["backups",]
    history = app.state.recall.history.name
    BaseBackup(tmp_path / history / "base" / "one", history, datetime(2022, 7, 6, tzinfo=UTC), "0009").write()
    BaseBackup(tmp_path / "1-1" / "base" / "one", "1-1", datetime(2022, 8, 6, tzinfo=UTC), "0009").write()
    found = await families(world, None)
    assert found["recall_backup_timestamp_seconds"][()] == datetime(2022, 7, 6, tzinfo=UTC).timestamp()


async def test_a_petitions_deadline_checkpoints_roll_and_stations_are_measured(world: World, app: FastAPI) -> None:
    before = app.state.recall.now().timestamp()
    await world.batch([line(1)])
    found, petition = await families(world, "monitor"), (world.petition_id,)
    assert found["recall_petition_open"][petition] == 1
    # 2022-08-17 is the last of thirty business days after 2022-07-06
    assert (
        found["recall_petition_deadline_timestamp_seconds"][petition] == datetime(2022, 8, 18, tzinfo=UTC).timestamp()
    )
    assert found["recall_petition_roll_gap_days"][petition] == 0, "a correct roll of 2022"
    assert found["recall_checkpoint_entries"][petition] == 0
    assert found["recall_station_last_batch_timestamp_seconds"]["station-1",] >= before
    without_key = await families(world, None)
    assert not {name for name in without_key if name.startswith(("recall_petition", "recall_station", "recall_ledger"))}


async def test_what_each_station_posts_is_measured_by_outcome(world: World) -> None:
    await world.batch([line(1), line(2), stranger((8, 1, 1)), {"section": 1}], key="k")
    await world.batch([line(1), line(2), stranger((8, 1, 1)), {"section": 1}], key="k")  # the stored answer
    await world.batch([line(1), line(2, (1, 1, 1))], who="system")  # one was there already, and one conflicts
    assert (await world.post(line(3, (1, 1, 1)), who="system")).status_code == 409
    assert (await world.post(line(4))).status_code == 201
    assert (await families(world, "monitor"))["recall_station_lines_total"] == {
        ("valid", "station-1"): 3, ("not_registered", "station-1"): 1, ("invalid", "station-1"): 1,
        ("conflict", "system-1"): 2,
    }  # fmt: skip


async def test_the_service_is_not_ready_where_the_database_takes_no_write(
    world: World, app: FastAPI, connection: asyncpg.Connection
) -> None:
    assert (await world.client.get("/health/ready")).json()["status"] == "ready"
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await connection.execute(END_OTHERS)

    async def answers_again() -> bool:
        app.state.recall.readiness = None
        return bool((await world.client.get("/health/ready")).json()["database"])

    await until(answers_again)
    answer = await world.client.get("/health/ready")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["writable"]) == (True, False)
    assert (await families(world, None))["recall_ready"][()] == 0


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left on device'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON heartbeat FOR EACH ROW EXECUTE FUNCTION full_disk()
"""


async def test_the_service_is_not_ready_while_the_database_says_that_its_disk_is_full(
    world: World, connection: asyncpg.Connection
) -> None:
    await connection.execute(FULL_DISK)
    answer = await world.client.get("/health/ready")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["writable"]) == (True, False)
