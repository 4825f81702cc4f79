"""What people put on record besides findings agrees with the ledger, and every tampering with it is found."""

import json
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import asyncpg
import pytest
from fastapi import FastAPI

from app.law.petition import PetitionKey
from app.ledger import evidence
from app.ledger.evidence import export_bundle
from tests.http.county import COUNTY, line
from tests.http.test_defects import find
from tests.http.test_raw_count import confirm, propose
from tests.http.test_registration import a_section, file, register
from tests.http.world import World
from tests.ledger.test_bundle import verify_bundle
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED

# What is done in the database, and the fault (code, where) that must be found.
TAMPERINGS = {
    "an edited claim": (
        "UPDATE section_registration SET lines = 2 WHERE section = 1",
        ("registration", "section 1, registration 1"),
    ),
    "an edited circulator": (
        "UPDATE section_registration SET circulator_name = 'Another' WHERE section = 1",
        ("registration", "section 1, registration 1"),
    ),
    "an edited declaration with its content": (
        (
            "UPDATE section_registration SET circulator_name = 'Another',"
            " content = replace(content, 'Robert Smith', 'Another') WHERE section = 1"
        ),
        ("registration", "section 1, registration 1"),
    ),
    "a deleted registration": ("DELETE FROM section_registration WHERE section = 2", ("registration", "entry 3")),
    "a made-up registration": (
        (
            "INSERT INTO section_registration SELECT county_id, petition_id, 9, registration_no, pages, lines,"
            " circulator_name, circulator_address, signed_from, signed_to, executed_on, executed_at, circulator_signed,"
            " circulator_of_age, declared, registered_by, registered_at, salt, content FROM section_registration"
            " WHERE section = 2"
        ),
        ("registration", "section 9, registration 1"),
    ),
    "edited dates": (
        "UPDATE section SET signed_to = '2022-03-15' WHERE section = 2",
        ("section_dates", "section 2"),
    ),
    "deleted dates": ("DELETE FROM section WHERE section = 2", ("section_dates", "section 2")),
    "made-up dates": (
        "INSERT INTO section VALUES ($1, $2, 2, 2, '2022-03-01', '2022-03-02', 'clerk-1', now())",
        ("section_dates", "section 2"),
    ),
    "a made-up confirmation of dates": (
        "INSERT INTO section_confirmation VALUES ($1, $2, 2, 1, 'clerk-1', now())",
        ("section_dates", "section 2"),
    ),
    "a deleted confirmation of dates": ("DELETE FROM section_confirmation", ("section_dates", "section 1")),
    "an edited note": (
        """UPDATE raw_count_proposal SET notes = '{"1": "another"}'""",
        ("proposal", "proposal 1"),
    ),
    "another list": ("UPDATE raw_count_proposal SET list_hash = sha256('x')", ("proposal", "proposal 1")),
    "a freeze by another person": ("UPDATE raw_count_confirmation SET confirmed_by = 'x'", ("proposal", "proposal 1")),
    "a deleted proposal": ("DELETE FROM raw_count_proposal", ("proposal", "entry 8")),
    "an edited defect": ("UPDATE section_defect SET codes = '{age_missing}'", ("defect", "section 2, act 1")),
    "a defect by another person": ("UPDATE section_defect SET people = '{x}'", ("defect", "section 2, act 1")),
    "a defect out of force": ("UPDATE section_defect SET in_force_from = NULL", ("defect", "section 2, act 1")),
    "a deleted defect": ("DELETE FROM section_defect", ("defect", "entry 6")),
    "an edited change of the ruleset": ("UPDATE ruleset_change SET reason = 'another'", ("ruleset", "changes")),
    "a change by another person": ("UPDATE ruleset_confirmation SET confirmed_by = 'x'", ("ruleset", "changes")),
    "a deleted change": ("DELETE FROM ruleset_confirmation", ("ruleset", "changes")),
    "an edited ruleset": (
        "UPDATE ruleset SET parameters = replace(parameters, 'examination_days\": 30', 'examination_days\": 99')",
        ("ruleset", "entry 1"),
    ),
    "an edited ruleset of a change": (
        "UPDATE ruleset SET parameters = parameters || ' ' WHERE name = 'california-local-recall/2'",
        ("ruleset", "entry 9"),
    ),
}


@pytest.fixture
async def recorded(world: World) -> World:
    """Two sections, of which one has clipped dates and one is defective, filed, frozen, under another ruleset."""
    await register(world, a_section(1, lines=3, signed_from="2022-01-01"))
    await register(world, a_section(2, lines=1))
    await world.call("POST", "/sections/1/confirmation", who="clerk")
    await world.batch([line(1), line(2, (2, 1, 1))])
    await find(world, 2)
    await file(world)
    await propose(world, notes=[{"section": 1, "note": "two lines were cut off"}])
    await confirm(world, 1)
    change = {"ruleset": CALIFORNIA_COMPARED.name, "reason": "counsel's opinion"}
    assert (await world.verb("/ruleset-changes", **change)).status_code == 201
    answer = await world.call("POST", "/ruleset-changes/1/confirmation", who="supervisor")
    assert answer.status_code == 200, answer.text
    return world


async def faults(world: World) -> set[tuple[str, str]]:
    answer = await world.call("GET", "/tally/verification", who="auditor")
    assert answer.status_code == 200, answer.text
    return {(fault["code"], fault["where"]) for fault in answer.json()["faults"]}


async def test_untouched_records_agree(recorded: World) -> None:
    assert await faults(recorded) == set()


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_with_a_record_is_found(recorded: World, connection: asyncpg.Connection, name: str) -> None:
    statement, expected = TAMPERINGS[name]
    await connection.execute("SET session_replication_role = 'replica'")  # a tamperer may work as the owner
    key = (COUNTY, UUID(recorded.petition_id)) if "$1" in statement else ()
    await connection.execute(statement, *key)
    assert expected in await faults(recorded)


async def test_the_ledger_has_the_hash_of_the_rulesets_parameters(recorded: World) -> None:
    entries = (await recorded.call("GET", "/ledger/entries?limit=1000", who="auditor")).json()["entries"]
    said = [json.loads(entry["payload"]) for entry in entries if entry["type"] in ("open", "ruleset")]
    assert [one["ruleset"] for one in said] == [CALIFORNIA.name, CALIFORNIA_COMPARED.name]
    assert len({one["ruleset_sha256"] for one in said}) == 2


async def test_entries_that_name_nothing_readable_are_a_fault(recorded: World, connection: asyncpg.Connection) -> None:
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute("UPDATE ledger SET payload = regexp_replace(payload, '\"sections\":.*?\\],', '')")
    found = await faults(recorded)
    assert {("payload", "entry 2"), ("entry_hash", "entry 2")} <= found


async def test_the_verifier_of_bundles_compares_the_records_as_well(
    recorded: World, app: FastAPI, tmp_path: Path
) -> None:
    signer, bundle = app.state.recall.signer, tmp_path / "bundle.zip"
    await export_bundle(recorded.database, PetitionKey(COUNTY, UUID(recorded.petition_id)), signer, bundle)
    status, output = verify_bundle(bundle, signer.verifier_key)
    assert (status, "7. records: ok (4 records, 2 rulesets)" in output) == (0, True), output
    with ZipFile(bundle) as files:
        contents = {name: files.read(name).decode() for name in files.namelist()}
    changes = {
        "an edited record": ("records.ndjson", "Robert Smith", "Another"),
        "an edited ruleset": ("manifest.json", '\\"double_check_ppm\\": 10000', '\\"double_check_ppm\\": 0'),
        "a missing record": ("records.ndjson", contents["records.ndjson"].splitlines(keepends=True)[-1], ""),
    }
    for name, (file_name, old, new) in changes.items():
        assert old in contents[file_name], name
        changed = tmp_path / f"{name}.zip"
        with ZipFile(changed, "w") as files:
            for other, text in contents.items():
                files.writestr(other, text.replace(old, new, 1) if other == file_name else text)
        status, output = verify_bundle(changed, signer.verifier_key)
        assert (status, "7. records: ok" in output) == (1, False), output


async def test_without_the_comparison_none_of_it_would_be_found(
    recorded: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: nothing else in a verification looks at these rows."""

    async def nothing(*_: object) -> None:
        pass

    await connection.execute("SET session_replication_role = 'replica'")
    for name in (
        "an edited claim",
        "edited dates",
        "another list",
        "an edited defect",
        "an edited change of the ruleset",
    ):
        await connection.execute(TAMPERINGS[name][0])
    assert len(await faults(recorded)) >= 5
    monkeypatch.setattr(evidence, "_check_records", nothing)
    assert await faults(recorded) == set()
