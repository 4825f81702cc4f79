"""The service's role may add to what is on record, and can neither change it nor take it away."""

import asyncpg
import pytest

from app.database.login_queries import SERVICE_ROLE
from tests.ledger.counted import Counted

# What the service's role may do with each table, and nothing else. Tables of a roll's versions are made by its load.
ALLOWED = {
    "alembic_version": {"SELECT"},
    "county": {"SELECT", "INSERT"},
    "alias_version": {"SELECT", "INSERT"},
    "county_alias": {"SELECT", "INSERT"},
    "roll": {"SELECT", "INSERT"},
    "roll_token": {"SELECT", "INSERT"},
    "roll_variant": {"SELECT", "INSERT"},
    "registration": {"SELECT"},
    "person": {"SELECT", "INSERT"},
    "confidential_registration": {"SELECT"},
    "confidential_voter": {"SELECT"},
    "held_line": {"SELECT", "INSERT"},
    "held_through": {"SELECT", "INSERT"},
    "api_key": {"SELECT", "INSERT"},
    "petition": {"SELECT", "INSERT"},
    "ruleset": {"SELECT", "INSERT"},
    "ruleset_change": {"SELECT", "INSERT"},
    "ruleset_confirmation": {"SELECT", "INSERT"},
    "lapsed_attempt": {"SELECT", "INSERT"},
    "section": {"SELECT", "INSERT"},
    "section_registration": {"SELECT", "INSERT"},
    "section_confirmation": {"SELECT", "INSERT"},
    "section_defect": {"SELECT", "INSERT"},
    "raw_count_proposal": {"SELECT", "INSERT"},
    "raw_count_confirmation": {"SELECT", "INSERT"},
    "section_assignment": {"SELECT", "INSERT"},
    "signature": {"SELECT", "INSERT"},
    "signature_revision": {"SELECT", "INSERT"},
    "finding": {"SELECT", "INSERT"},
    "withdrawal": {"SELECT", "INSERT"},
    "withdrawal_revocation": {"SELECT", "INSERT"},
    "withdrawal_decision": {"SELECT", "INSERT"},
    "withdrawal_search": {"SELECT", "INSERT"},
    "ledger": {"SELECT", "INSERT"},
    "checkpoint": {"SELECT", "INSERT"},
    "database_history": {"SELECT", "INSERT"},
    "heartbeat": {"SELECT", "INSERT", "UPDATE"},
    "idempotency": {"SELECT", "INSERT"},
    "lookup_audit": {"SELECT", "INSERT"},
    "lookup_budget": {"SELECT", "INSERT"},
    "lookup_seen": {"SELECT", "INSERT", "DELETE"},
    "quality_check": {"SELECT", "INSERT"},
    "signature_reference": {"SELECT", "INSERT"},
    "pair_shown": {"SELECT", "INSERT"},
    "decided_writing": {"SELECT", "INSERT"},
    "line_note": {"SELECT", "INSERT"},
    "bulk_decision": {"SELECT", "INSERT"},
    "bulk_run": {"SELECT", "INSERT"},
    "escalated_line": {"SELECT", "INSERT", "DELETE"},  # and not on record: the notes are
    "lease": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "line": {"SELECT", "INSERT", "UPDATE"},
    "slot": {"SELECT", "INSERT", "UPDATE"},
    "head": {"SELECT", "INSERT", "UPDATE"},
}

# Single columns that change in place.
COLUMNS = {
    ("county", "name"),
    ("county", "aliases_version"),
    ("petition", "sections_version"),
    ("lookup_budget", "used"),
    *(("bulk_run", column) for column in ("done", "left_out", "versions", "finished_at")),
    ("held_line", "decided_by"),
    ("held_line", "decided_at"),
    ("held_through", "roll_version"),
    ("api_key", "revoked_at"),
    ("api_key", "last_used_at"),
    ("api_key", "revoked_by"),
    ("api_key", "expired_at"),
    *(
        ("roll", column)
        for column in (
            "state", "progress_phase", "progress_rows", "registrations", "source_sha256", "failure", "loaded_at",
            "activated_at",
        )
    ),
}  # fmt: skip

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""

UPDATABLE_COLUMNS = """
SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
  AND has_column_privilege($1, pg_class.oid, attnum, 'UPDATE')
  AND NOT has_table_privilege($1, pg_class.oid, 'UPDATE')
"""


async def test_every_verb_on_every_table_is_allowed_or_refused_as_it_is_meant(connection: asyncpg.Connection) -> None:
    tables = [row["relname"] for row in await connection.fetch(TABLES)]
    allowed = {
        table: {
            verb
            for verb in VERBS
            if await connection.fetchval(
                "SELECT has_table_privilege($1, $2, $3)", SERVICE_ROLE, f"public.{table}", verb
            )
        }
        for table in tables
    }
    assert allowed == ALLOWED
    columns = await connection.fetch(UPDATABLE_COLUMNS, SERVICE_ROLE)
    assert {(row["relname"], row["attname"]) for row in columns} == COLUMNS


APPEND_ONLY = sorted(
    table
    for table, verbs in ALLOWED.items()
    if "INSERT" in verbs
    and not verbs & {"UPDATE", "DELETE"}
    and table not in ("county", "roll", "api_key", "database_history")
)


@pytest.mark.parametrize("statement", ["DELETE FROM {0}", "TRUNCATE {0}", "UPDATE {0} SET county_id = county_id"])
async def test_the_service_cannot_change_what_is_on_record(counted: Counted, statement: str) -> None:
    allowed = []
    async with counted.database.reading() as service:
        for table in APPEND_ONLY:
            try:
                await service.execute(statement.format(table))
                allowed.append(table)
            except asyncpg.InsufficientPrivilegeError:
                pass
    assert allowed == []


async def test_the_service_cannot_make_drop_or_alter_tables(counted: Counted) -> None:
    async with counted.database.reading() as service:
        for statement in ("CREATE TABLE mine (a int)", "DROP TABLE ledger", "ALTER TABLE ledger ADD COLUMN a int"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
