"""A database with rows of any earlier schema is brought to this program's, and loses none of them.

The rows are those of `data/database.sql`, as far as the schema has their tables and columns; tables that are younger
than that file have theirs here.
"""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.database.migrate import _revisions, current_revision, head_revision, upgrade
from app.database.server import EmbeddedServer
from app.law.petition import PetitionKey
from app.ledger.evidence import verify
from app.ledger.notes import Signer
from tests.database.test_old_database import DUMP, KEY, REVISION, TABLE

YOUNGER = {
    "confidential_registration": "INSERT INTO confidential_registration SELECT * FROM registration LIMIT 1",
    "confidential_voter": "INSERT INTO confidential_voter VALUES ('sample', 'V9', 'c-0a1b2c3d')",
    "held_line": (
        "INSERT INTO held_line SELECT county_id, petition_id, section, page, line FROM signature"
        " ORDER BY petition_id, section, page, line LIMIT 1"
    ),
    "held_through": "INSERT INTO held_through SELECT county_id, petition_id, 1 FROM petition",
    "database_history": "INSERT INTO database_history (cluster, history) VALUES ('1-1', '1-1-0a1b2c3d')",
    "heartbeat": "INSERT INTO heartbeat (beat_at) VALUES (now())",
    "lapsed_attempt": (
        "INSERT INTO lapsed_attempt VALUES ('sample', '01890a5d-ac96-774b-bcce-b302099a8057', 'The assessor',"
        " '2021-01-01', '2021-06-01', 'An attempt', NULL, NULL, 'never filed', 'clerk-1', now())"
    ),
    "lookup_seen": (
        "INSERT INTO lookup_seen VALUES"
        " ('sample', 'clerk-1', '2022-07-07', '01890a5d-ac96-774b-bcce-b302099a8057', '1-1-1')"
    ),
    # Of petitions that there are not: the ledger of one has entries for these.
    "ruleset_change": (
        "INSERT INTO ruleset_change VALUES ('sample', gen_random_uuid(), 1, 'california-local-recall/2', 'r', 'a',"
        " now())"
    ),
    "ruleset_confirmation": (
        "INSERT INTO ruleset_confirmation SELECT county_id, petition_id, 1, 'a', 'b', now() FROM ruleset_change"
    ),
    "raw_count_proposal": (
        "INSERT INTO raw_count_proposal VALUES ('sample', gen_random_uuid(), 1, 'freeze', 0, sha256(''), '', '{}', 'a',"
        " now(), sha256(''), '{}')"
    ),
    "raw_count_confirmation": (
        "INSERT INTO raw_count_confirmation VALUES ('sample', gen_random_uuid(), 1, 'b', now())"
    ),
    "bulk_decision": (
        "INSERT INTO bulk_decision SELECT county_id, petition_id, petition_id, '{}', '{1}', '{1}', '{1}', '{1}',"
        " sha256(''), '{}', 'a', now() FROM petition"
    ),
    "bulk_run": (
        "INSERT INTO bulk_run SELECT county_id, petition_id, petition_id, 'undo', 'a', now(), 'n', 1, 0, '{1}', now()"
        " FROM petition"
    ),
    "lease": (
        "INSERT INTO lease SELECT county_id, petition_id, 1, 1, 1, false, gen_random_uuid(), 'to_decide', 'a', 'a',"
        " now(), now() FROM petition"
    ),
    "escalated_line": "INSERT INTO escalated_line SELECT county_id, petition_id, 1, 1, 1, 'a', now() FROM petition",
    "line_note": (
        "INSERT INTO line_note SELECT county_id, petition_id, 1, 1, 1, 1, 'note', 'n', 'a', now() FROM petition"
    ),
    "section_registration": (
        "INSERT INTO section_registration VALUES ('sample', gen_random_uuid(), 1, 1, 5, 50, 'A', 'B', NULL, NULL, NULL,"
        " '', true, true, true, 'clerk-1', now(), 'salt', '{}')"
    ),
    "section_confirmation": (
        "INSERT INTO section_confirmation VALUES ('sample', gen_random_uuid(), 1, 1, 'clerk-1', now())"
    ),
    "section_defect": (
        "INSERT INTO section_defect VALUES ('sample', gen_random_uuid(), 1, 1, 'found', '{name_missing}', '{clerk-1}',"
        " '', 'clerk-1', now(), NULL, 'salt', '{}')"
    ),
    # As above: the ledger has an entry for each decision.
    "withdrawal_decision": (
        "INSERT INTO withdrawal_decision VALUES"
        " ('sample', gen_random_uuid(), gen_random_uuid(), 'refused', NULL, 'salt', '{}')"
    ),
    "withdrawal_search": (
        "INSERT INTO withdrawal_search SELECT county_id, petition_id, withdrawal_id, 1, NULL, now() FROM withdrawal"
    ),
    "signature_reference": "INSERT INTO signature_reference VALUES ('sample', 'V1', 'r-1', 'a', 'admin-1', now())",
    "pair_shown": "INSERT INTO pair_shown VALUES ('sample', gen_random_uuid(), 'c', 1, 1, 1, 'V1', '{r-1}', now())",
    "decided_writing": ("INSERT INTO decided_writing SELECT county_id, sha256(''), petition_id, 1, 1, 1 FROM petition"),
    "section_assignment": "INSERT INTO section_assignment VALUES ('sample', 's', 1, '{[1,5)}', 'admin-1', now())",
}
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass('public.' || quote_ident($1)) AND attnum > 0 AND NOT attisdropped
"""

Rows = dict[str, list[dict[str, Any]]]


async def rows_of(connection: asyncpg.Connection) -> Rows:
    found: Rows = {}
    for table in await connection.fetch(TABLES):
        texts = await connection.fetch(f'SELECT to_jsonb(t) FROM "{table[0]}" t')  # noqa: S608  # a name of ours
        found[table[0]] = [json.loads(row[0]) for row in texts]
    return found


async def fill(connection: asyncpg.Connection) -> None:
    await connection.execute("SET session_replication_role = 'replica'")  # rows come before those that they refer to
    await connection.execute(DUMP.partition("COPY ")[0])
    for table in TABLE.finditer(DUMP):
        known = {row[0] for row in await connection.fetch(COLUMNS, table["table"])}
        columns = table["columns"].split(", ")
        kept = [at for at, column in enumerate(columns) if column in known]
        values = [row.split("\t") for row in table["rows"].splitlines()]
        text = "".join("\t".join(row[at] for at in kept) + "\n" for row in values)
        if kept:
            names = [columns[at] for at in kept]
            await connection.copy_to_table(table["table"], source=BytesIO(text.encode()), columns=names)
    await connection.execute("RESET session_replication_role")


@pytest.fixture(params=_revisions())
async def old(
    request: pytest.FixtureRequest, server: EmbeddedServer, administration: asyncpg.Connection
) -> AsyncIterator[tuple[str, asyncpg.Connection, Rows]]:
    """A database with rows in each table of an earlier schema: its address, a connection, and the rows."""
    revision, name = request.param, f"at_{request.param}"
    await administration.execute(f"CREATE DATABASE {name}")
    url = server.url(database=name)
    await upgrade(url, min(revision, REVISION))
    connection = await asyncpg.connect(**connect_arguments(url))
    await fill(connection)
    await upgrade(url, revision)
    await connection.execute("SET session_replication_role = 'replica'")
    for table, statement in YOUNGER.items():
        if await connection.fetch(COLUMNS, table):
            await connection.execute(statement)
    await connection.execute("RESET session_replication_role")
    yield url, connection, await rows_of(connection)
    await connection.close()
    await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_database_of_any_earlier_schema_keeps_its_rows(old: tuple[str, asyncpg.Connection, Rows]) -> None:
    url, connection, before = old
    assert [table for table, rows in before.items() if not rows] == [], "a table has no rows: add some to YOUNGER"
    await upgrade(url)
    assert await current_revision(connection) == head_revision()
    after = await rows_of(connection)
    named = {row["name"] for row in before.get("ruleset", [])}
    after["ruleset"] = [row for row in after["ruleset"] if row["name"] in named]  # a migration may add standard ones
    for table in before.keys() - {"alembic_version"}:
        columns = before[table][0].keys() & after[table][0].keys()
        assert values(after[table], columns) == values(before[table], columns), table
    if "petition" in before:
        for petition in before["petition"]:
            key = PetitionKey(petition["county_id"], petition["petition_id"])
            assert (await verify(connection, key, Signer(KEY))).faults == []


def values(rows: list[dict[str, Any]], columns: set[str]) -> list[str]:
    return sorted(json.dumps({column: row[column] for column in sorted(columns)}) for row in rows)


async def test_held_lines_whose_findings_were_undone_are_the_officers_again(
    server: EmbeddedServer, administration: asyncpg.Connection
) -> None:
    await administration.execute("CREATE DATABASE held")
    url = server.url(database="held")
    await upgrade(url, REVISION)
    connection = await asyncpg.connect(**connect_arguments(url))
    await fill(connection)
    await upgrade(url, "0037")
    await connection.execute(
        "UPDATE line SET status = 'review', reason = 'undone', settled = false, confirmed_by = '{}', mismatch_by = '{}'"
        " WHERE status = 'invalid' AND reason NOT IN ('duplicate', 'withdrawn')"
    )
    await connection.execute(
        "INSERT INTO held_line SELECT county_id, petition_id, section, page, line, 'officer', now() FROM line"
    )
    await upgrade(url)
    held = await connection.fetch(
        "SELECT reason, decided_by FROM held_line JOIN line USING (county_id, petition_id, section, page, line)"
    )
    again = {"undone", "quality_check"}
    assert {row["reason"] in again for row in held} == {True, False}
    assert all((row["decided_by"] is None) == (row["reason"] in again) for row in held)
    await connection.close()
    await administration.execute("DROP DATABASE held WITH (FORCE)")
