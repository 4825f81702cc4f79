"""The history that a database is in: whether commits that were once answered may be missing.

A history is what one database cluster lived through, named by its system identifier and its timeline. A restore to a
moment begins a new timeline; so does the promotion of a replica, which may lack the last commits.
"""

from datetime import datetime
from typing import NamedTuple

import asyncpg

# The segment that is written to carries the timeline; pg_control_checkpoint has a new one only after a checkpoint.
_NAME = """
SELECT system_identifier::text || '-' || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
FROM pg_control_system()
"""
_READ = """
SELECT first_seen_at, EXISTS (SELECT FROM database_history other WHERE other.history <> $1) AS restored
FROM database_history WHERE history = $1
"""
_ADD = "INSERT INTO database_history (history) VALUES ($1) ON CONFLICT DO NOTHING"


class DatabaseHistory(NamedTuple):
    """The history that the database is in."""

    name: str
    restored_at: datetime | None  # when the service first saw it; None for the database's first history


async def history_name(connection: asyncpg.Connection) -> str:
    """Return the name of the history that the database cluster is in: its system identifier and timeline."""
    name: str = await connection.fetchval(_NAME)
    return name


async def current_history(connection: asyncpg.Connection) -> DatabaseHistory:
    """Return the history that the database is in, and record it the first time."""
    name = await history_name(connection)
    row = await connection.fetchrow(_READ, name)
    if row is None:
        await connection.execute(_ADD, name)
        row = await connection.fetchrow(_READ, name)
    return DatabaseHistory(name, row["first_seen_at"] if row["restored"] else None)
