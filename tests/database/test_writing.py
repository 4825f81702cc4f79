"""What writing a line spares: rivals that cannot be, and pages written again that did not change."""

import asyncpg

from app.count.queries import Change, lock_lines, lock_slots
from app.law.line import Place
from tests.ledger.counted import Counted

_GROWING = {"signature", "line", "slot", "finding", "ledger", "idempotency"}


async def test_only_voters_who_had_a_slot_have_rivals(counted: Counted) -> None:
    async with counted.database.intake() as connection, connection.transaction():
        change = Change(connection, counted.petition, counted.now)
        assert await lock_slots(change, ["new-1", "new-2"]) == {}
        known = await lock_slots(change, ["V1", "new-1", "new-3"])
        assert known == {"V1": None, "new-1": None}
        assert await lock_lines(change, [], known)


async def test_no_page_of_a_growing_table_is_marked_while_it_grows(connection: asyncpg.Connection) -> None:
    query = "SELECT relname FROM pg_class WHERE 'autovacuum_vacuum_insert_threshold=-1' = ANY (reloptions)"
    assert {row["relname"] for row in await connection.fetch(query)} == _GROWING


async def test_a_voters_lines_are_in_one_index_or_the_other(counted: Counted) -> None:
    """The one that counts, and those that do not because of it; by the same keys."""
    async with counted.database.intake() as connection, connection.transaction():
        change = Change(connection, counted.petition, counted.now)
        rows = await connection.fetch("SELECT section, page, line, voter_id, status, reason FROM line")
        voters = sorted({row["voter_id"] for row in rows if row["voter_id"]})
        locked = await lock_lines(change, [], await lock_slots(change, voters))
    eligible = {
        Place(*row[:3]) for row in rows if row["status"] == "valid" or row["reason"] in ("duplicate", "withdrawn")
    }
    assert locked.keys() == eligible
