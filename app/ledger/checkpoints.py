"""Making checkpoints: the ledger is signed as it grows, and never if it does not continue what was signed before."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.database.pools import Database
from app.errors import CheckpointRefusedError
from app.law.line import canonical_text
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import GENESIS, Frontier
from app.ledger.notes import Checkpoint, NotACheckpointError, Signer, StoredCheckpoint, origin

logger = logging.getLogger("app.checkpoints")

ENTRIES: Final = 100  # a checkpoint is due after so many entries …
ACTIVITY: Final = timedelta(minutes=1)  # … or this long after the last one, if there are any entries
_INTERVAL: Final = 1.0  # seconds between two looks for what is due


async def make_checkpoint(database: Database, signer: Signer, petition: PetitionKey, *, now: datetime) -> str | None:
    """Sign what the ledger holds and store it. Returns the newest checkpoint's note; None if there is nothing to sign.

    Only the entries after the last checkpoint are read: its frontier stands for those that it covers.

    Args:
        database: of the service.
        signer: signs with the service's key.
        petition: whose ledger.
        now: goes into the checkpoint.

    Raises:
        CheckpointRefusedError: the ledger is shorter than the last checkpoint, does not continue it, or time went back.
    """
    async with database.reading() as connection, rows.snapshot(connection):
        last = await rows.last_checkpoint(connection, petition)
        new = await _next(connection, signer, petition, last, now)
    if new:
        async with database.reading() as connection:
            if await rows.add_checkpoint(connection, petition, new):
                return new.note
            last = await rows.last_checkpoint(connection, petition)  # another process was first
    return last.note if last else None


async def _next(
    connection: asyncpg.Connection, signer: Signer, petition: PetitionKey, last: StoredCheckpoint | None, now: datetime
) -> StoredCheckpoint | None:
    head = await rows.read_head(connection, petition)
    try:
        signed = signer.read(last.note, petition) if last else None
    except NotACheckpointError:
        raise CheckpointRefusedError from None
    size, end = (signed.size, signed.head) if signed else (0, GENESIS)
    if head is None or head.version == size:
        return None
    log = Frontier(size, last.frontier if last else b"")
    if head.version < size or (signed and (now < signed.at or log.root() != signed.root)):
        raise CheckpointRefusedError
    async for entry in rows.entries(connection, petition, size):
        if entry.seq != log.size + 1 or not entry.follows(end):
            raise CheckpointRefusedError
        log.append(entry.hash)
        end = entry.hash
    if (log.size, end) != (head.version, head.hash):
        raise CheckpointRefusedError
    number, previous = (signed.number + 1, signed.digest()) if signed else (1, bytes(32))
    tally = canonical_text(head.counts.as_json())
    checkpoint = Checkpoint(origin(petition), log.size, log.root(), number, previous, now, end, tally)
    return StoredCheckpoint(number, log.size, log.dump(), signer.note(checkpoint), now)


async def keep_checkpoints(database: Database, signer: Signer, now: Callable[[], datetime]) -> None:
    """Make checkpoints as they fall due, until cancelled."""
    while True:
        try:
            await make_due_checkpoints(database, signer, now=now())
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
            # The database cannot be reached: the next round tries again. Requests do not wait for checkpoints.
            logger.warning("no checkpoint", extra={"error": type(error).__qualname__})
        await asyncio.sleep(_INTERVAL)


async def make_due_checkpoints(database: Database, signer: Signer, *, now: datetime) -> None:
    """Make the checkpoints that are due. One that is refused is logged each time, until a person has looked into it."""
    async with database.reading() as connection:
        uncovered = await rows.uncovered_petitions(connection)
    for petition, state, new, last_at in uncovered:
        # Fewer entries than the last checkpoint covers: the ledger was shortened, and the checkpoint is to be refused.
        many = not 0 <= new < ENTRIES
        if not (many or state == "closed" or last_at is None or now - last_at >= ACTIVITY):
            continue
        try:
            await make_checkpoint(database, signer, petition, now=now)
        except CheckpointRefusedError:
            where = {"county_id": petition.county_id, "petition_id": str(petition.petition_id)}
            logger.error("checkpoint refused", extra=where)  # noqa: TRY400  # a verification gives the reason
