"""What the service asks its database about itself: the history that it is in, and the slot that keeps its log.

A history is what one database cluster lived through. A restore begins a new timeline; so does the promotion of a
replica, which may lack the last commits. Two restores of one backup have the same timeline, so the name of a history
ends with random digits, which are drawn when the database is first seen in that timeline.
"""

from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

BACKUP_SLOT: Final = "recall_backup"  # the replication slot through which the log is copied
# The segment that is written to carries the timeline; pg_control_checkpoint has a new one only after a checkpoint.
_CLUSTER = """
SELECT system_identifier::text || '-' || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
FROM pg_control_system()
"""
_READ = """
SELECT history, first_seen_at, EXISTS (SELECT FROM database_history other WHERE other.cluster <> $1) AS restored
FROM database_history WHERE cluster = $1
"""
_ADD = """
INSERT INTO database_history (cluster, history) VALUES ($1, $1 || '-' || left(gen_random_uuid()::text, 8))
ON CONFLICT DO NOTHING
"""
_BEAT = """
INSERT INTO heartbeat (beat_at) VALUES (clock_timestamp())
ON CONFLICT (only_row) DO UPDATE SET beat_at = excluded.beat_at
"""
# Counted in shared memory, also by base backups, which read every page; a clean restart keeps the number.
_CHECKSUM_FAILURES = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
_SLOT_IS_READ = "SELECT coalesce(bool_or(active), false) FROM pg_replication_slots WHERE slot_name = $1"
_SLOT_IS_LOST = "SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = $1"
_SIZE = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"
_MAKE_SLOT = "SELECT pg_create_physical_replication_slot($1, true)"
_DROP_SLOT = "SELECT pg_drop_replication_slot($1)"


class DatabaseHistory(NamedTuple):
    """The history that the database is in."""

    name: str
    restored_at: datetime | None  # when the service first saw it; None for the database's first history


async def cluster_of(connection: asyncpg.Connection) -> str:
    """Return the system identifier and timeline of the database cluster.

    It is '' where the server does not say: some hosted ones refuse these functions, and a standby has no timeline yet.
    """
    try:
        cluster: str = await connection.fetchval(_CLUSTER)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError):
        return ""
    return cluster


async def current_history(connection: asyncpg.Connection) -> DatabaseHistory:
    """Return the history that the database is in, and record it the first time; '' where the server does not say."""
    cluster = await cluster_of(connection)
    if not cluster:
        return DatabaseHistory("", None)
    row = await connection.fetchrow(_READ, cluster)
    if row is None:
        await connection.execute(_ADD, cluster)
        row = await connection.fetchrow(_READ, cluster)
    return DatabaseHistory(row["history"], row["first_seen_at"] if row["restored"] else None)


async def beat(connection: asyncpg.Connection) -> None:
    """Write one row, as any change would be written: it fails where the disk is full or the database read-only."""
    await connection.execute(_BEAT)


async def checksum_failures(connection: asyncpg.Connection) -> int:
    """How many pages of this database failed their checksum; 0 where the server keeps none."""
    failures: int = await connection.fetchval(_CHECKSUM_FAILURES)
    return failures


async def log_is_archived(connection: asyncpg.Connection) -> bool:
    """Whether a process copies the log to the backups just now."""
    return bool(await connection.fetchval(_SLOT_IS_READ, BACKUP_SLOT))


async def keep_slot(connection: asyncpg.Connection) -> None:
    """Have the server keep the log from here on until it is copied to the backups.

    A slot whose log outgrew the setting `max_slot_wal_keep_size` is of no use any more and is replaced.
    """
    lost = await connection.fetchval(_SLOT_IS_LOST, BACKUP_SLOT)
    if lost:
        await connection.execute(_DROP_SLOT, BACKUP_SLOT)
    if lost is not False:
        await connection.execute(_MAKE_SLOT, BACKUP_SLOT)


async def size_of(connection: asyncpg.Connection) -> int:
    """Return the bytes of all databases of the cluster, without its log."""
    size: int = await connection.fetchval(_SIZE)
    return size
