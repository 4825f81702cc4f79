"""A database that an earlier program wrote is verified, explained, answered from and counted on by this one.

`data/database.sql` has rows of every kind, all made up, as that program stored them at the revision that it names.
`data/requests.json` has requests with an `Idempotency-Key` as they were sent to it, and its answers. Neither file is
ever made again: a change of this program that cannot read them cannot read a county's database either.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.access.keys import KeyParts, KeyRing, issue_key
from app.access.principals import Principal
from app.count.line_queries import get_petition
from app.database.engine import connect_arguments, open_database
from app.database.login_queries import SERVICE_ROLE
from app.database.migrate import upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.errors import InvalidKeyError, KeyLimitError, NameTakenError
from app.examination.explanation import explain
from app.law.line import Place
from app.law.petition import PetitionKey
from app.ledger.evidence import export_bundle
from app.ledger.notes import Signer
from app.main import create_app
from tests.http.conftest import SETTINGS
from tests.http.county import COUNTY, line
from tests.http.world import World
from tests.ledger.test_bundle import DATA as OLD_BUNDLE
from tests.ledger.test_bundle import KEY as VERIFIER_KEY
from tests.ledger.test_bundle import verify_bundle
from tests.servers import a_clone

DATA = Path(__file__).parent / "data"
SENT: dict[str, Any] = json.loads((DATA / "requests.json").read_text())
DUMP = (DATA / "database.sql").read_text()
REVISION = DUMP.partition("at revision ")[2][:4]
TABLE = re.compile(
    r"^COPY (?P<table>\w+) \((?P<columns>[^)]*)\) FROM stdin;\n(?P<rows>.*?)^\\\.$", re.MULTILINE | re.DOTALL
)
# The key that signed its checkpoints.
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"the checkpoint key of tests/database/data").digest())


async def load(connection: asyncpg.Connection) -> None:
    await connection.execute("SET session_replication_role = 'replica'")  # rows come before those that they refer to
    await connection.execute(DUMP.partition("COPY ")[0])
    for table in TABLE.finditer(DUMP):
        rows, columns = BytesIO(table["rows"].encode()), table["columns"].split(", ")
        await connection.copy_to_table(table["table"], source=rows, columns=columns)
    await connection.execute("RESET session_replication_role")


@pytest.fixture(scope="module")
async def old(server: EmbeddedServer, administration: asyncpg.Connection) -> AsyncIterator[str]:
    """The name of a database with the old rows in the old schema, brought to this program's schema afterwards."""
    await administration.execute("CREATE DATABASE old")
    url = server.url(database="old")
    await upgrade(url, REVISION)
    connection = await asyncpg.connect(**connect_arguments(url))
    await load(connection)
    await connection.close()
    await upgrade(url)
    yield "old"
    await administration.execute("DROP DATABASE old WITH (FORCE)")


@pytest.fixture
async def database(server: EmbeddedServer, administration: asyncpg.Connection, old: str) -> AsyncIterator[str]:
    """The URL of this test's own copy of the old database."""
    async with a_clone(administration, old) as name:
        yield server.url(name, SERVICE_ROLE)


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    """The service over that database, with the keys that were issued for it."""
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = tmp_path / "checkpoint.key"
    key.write_bytes(private)
    key.chmod(0o600)
    app = create_app(replace(SETTINGS, data_dir=tmp_path), database)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield World(client, app.state.recall.count, SENT["keys"], SENT["petition_id"])


async def verification(world: World) -> dict[str, Any]:
    answer = await world.call("GET", "/tally/verification", who="auditor")
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def explanation(database: Database, place: Place) -> str:
    async with database.begin() as connection:
        petition = await get_petition(connection, PetitionKey(COUNTY, UUID(SENT["petition_id"])))
    assert petition
    return await explain(database, petition, place)


async def test_owners_of_keys_become_persons_and_lose_nothing(
    server: EmbeddedServer, administration: asyncpg.Connection
) -> None:
    """Keys from before names were compared: three spellings of one, and names that no new person may have."""
    names = ["Clerk-4 ", "clerk-4", "c1erk-4", "clerk-5", "a|b", "machine"]
    await administration.execute("CREATE DATABASE before_persons")
    url = server.url(database="before_persons")
    await upgrade(url, "0011")
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute("INSERT INTO county (county_id, name) VALUES ('c', 'c')")
    day, keys = datetime(2026, 1, 1, tzinfo=UTC), [(f"{number:08}", name) for number, name in enumerate(names)]
    add = "INSERT INTO api_key (county_id, prefix, principal, role, secret_sha256, created_at)"
    for prefix, name in keys:
        row = (prefix, name, sha256(b"s" * 43).digest(), day + timedelta(days=int(prefix)))
        await connection.execute(f"{add} VALUES ('c', $1, $2, 'clerk', $3, $4)", *row)
    await upgrade(url)
    persons = await connection.fetch("SELECT name FROM person ORDER BY added_at")
    assert [name for (name,) in persons] == ["Clerk-4", "clerk-5", "a|b", "machine"]
    of_four = "SELECT count(*) FROM api_key JOIN person USING (county_id, look) WHERE name = 'Clerk-4'"
    assert await connection.fetchval(of_four) == 3
    database = await open_database(url, intake=1, reading=1)
    ring, later = KeyRing(database), datetime(2099, 1, 1, tzinfo=UTC)
    for prefix, name in keys:  # they keep what they were issued for, and have no end
        assert await ring.recognize(KeyParts("c", prefix, "s" * 43), now=later) == Principal("c", name, "clerk")
    await ring.settle()
    for name, refused in (("clerk-4", NameTakenError), ("Clerk-4", KeyLimitError), ("machine", InvalidKeyError)):
        with pytest.raises(refused):
            await issue_key(database, Principal("c", name, "clerk"), now=later)
    await database.close()
    await connection.close()
    await administration.execute("DROP DATABASE before_persons WITH (FORCE)")


def test_the_dump_has_rows_of_every_kind() -> None:
    rows = {table["table"]: table["rows"].count("\n") for table in TABLE.finditer(DUMP)}
    assert all(rows.values()), rows
    entry_types = set(re.findall(r"^sample\t\S+\t\d+\t([a-z]+)\t", DUMP, re.MULTILINE))
    assert entry_types >= {"open", "intake", "finding", "withdrawal", "revision", "section", "reexamination", "close"}


async def test_its_counts_agree_with_their_ledgers(world: World, connection: asyncpg.Connection) -> None:
    for petition_id in await connection.fetch("SELECT petition_id FROM petition"):
        verdict = await verification(replace(world, petition_id=str(petition_id[0])))
        assert verdict["faults"] == []
    verdict = await verification(world)
    assert (verdict["entries"], verdict["findings"], verdict["lines"], verdict["checkpoints"]) == (16, 27, 11, 2)


async def test_tampering_with_it_is_found(world: World, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE finding SET content = replace(content, '\"V6\"', '\"V9\"')")
    found = {(fault["code"], fault["where"]) for fault in (await verification(world))["faults"]}
    assert {("finding", "line 2-1-2, finding 1"), ("line", "line 2-1-2")} <= found


async def test_its_lines_are_explained_by_the_evidence_that_was_stored(world: World) -> None:
    by_machine = await explanation(world.database, Place(2, 1, 1))
    assert "Old Maple Rd" in by_machine
    assert "Finding 4 of 4: valid" in by_machine
    table = [row.split() for row in by_machine.splitlines()]
    assert ["surname", "ABERNATHY", "ABERNATHY"] in [row[:3] for row in table]
    by_person = await explanation(world.database, Place(1, 1, 1))
    assert "decided by supervisor-1" in by_person
    assert "note: look again" in by_person


@pytest.mark.parametrize("sent", SENT["requests"], ids=[sent["key"] for sent in SENT["requests"]])
async def test_a_request_that_it_answered_gets_the_same_answer(world: World, sent: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {SENT['keys'][sent['who']]}", "Idempotency-Key": sent["key"]}
    answer = await world.client.request(sent["method"], sent["path"], json=sent["body"], headers=headers)
    assert (answer.status_code, answer.text) == (sent["status"], sent["answer"])
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert (await world.tally())["version"] == 16


async def test_the_count_goes_on_from_it(world: World, tmp_path: Path) -> None:
    before = await world.tally()
    await world.batch([line(8, (1, 1, 9)), line(11, (4, 1, 1)), line(2, (4, 1, 2))])
    assert [await world.status(place) for place in ("1-1-9", "1-2-2", "4-1-1", "4-1-2")] == [
        ("valid", None),
        ("invalid", "duplicate"),  # the line that counted until now
        ("valid", None),
        ("invalid", "withdrawn"),
    ]
    await world.finding("3-1-1", status="invalid", reason="canceled")
    after = await world.tally()
    assert (after["version"], after["raw"]) == (before["version"] + 2, before["raw"] + 3)
    assert (after["valid"], after["review"]) == (before["valid"] + 1, before["review"] - 1)
    answer = await world.call("POST", "/signatures", who="station", json=line(1, (1, 1, 1)))
    assert (answer.status_code, answer.json()["status"]) == (200, "valid")
    await world.recount()
    verdict = await verification(world)
    assert verdict["faults"] == []
    bundle = tmp_path / "bundle.zip"
    await export_bundle(world.database, PetitionKey(COUNTY, UUID(world.petition_id)), Signer(KEY), bundle)
    status, output = verify_bundle(bundle, VERIFIER_KEY, OLD_BUNDLE / "kept.checkpoint")
    assert (status, output.splitlines()[-1]) == (0, "everything agrees"), output
