"""What a count is trusted for: signed checkpoints as the ledger grows, verifications, and exported evidence."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg

from app.database.pools import Database
from app.errors import CheckpointRefusedError
from app.law.line import Tally, canonical_text
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger import record_queries
from app.ledger.entries import GENESIS, Frontier
from app.ledger.notes import Checkpoint, NotACheckpointError, Signer, StoredCheckpoint, new_private_file, origin
from app.ledger.records import Records
from app.ledger.replay import Chain, Replay, Verification, check_checkpoints, check_head, check_withdrawals

logger = logging.getLogger("app.checkpoints")

ENTRIES: Final = 100  # a checkpoint is due after so many entries …
ACTIVITY: Final = timedelta(minutes=1)  # … or this long after the last one, if there are any entries
_INTERVAL: Final = 1.0  # seconds between two looks for what is due


async def make_checkpoint(database: Database, signer: Signer, petition: PetitionKey, *, now: datetime) -> str | None:
    """Sign what the ledger holds and store it. Returns the newest checkpoint's note; None if there is nothing to sign.

    Only the entries after the last checkpoint are read: its frontier stands for those that it covers.

    Checkpoints are in the order of their times: where the clock went back, a checkpoint has the time of the last one.
    Raises CheckpointRefusedError if the ledger is shorter than the last checkpoint or does not continue it.

    Args:
        database: of the service.
        signer: signs with the service's key.
        petition: whose ledger.
        now: goes into the checkpoint.
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
    if head.version < size or (signed and log.root() != signed.root):
        raise CheckpointRefusedError
    async for entry in rows.entries(connection, petition, size):
        if entry.seq != log.size + 1 or not entry.follows(end):
            raise CheckpointRefusedError
        log.append(entry.hash)
        end = entry.hash
    if (log.size, end) != (head.version, head.hash):
        raise CheckpointRefusedError
    number, previous, at = (signed.number + 1, signed.digest(), max(now, signed.at)) if signed else (1, bytes(32), now)
    tally = canonical_text(head.counts.as_json())
    checkpoint = Checkpoint(origin(petition), log.size, log.root(), number, previous, at, end, tally)
    return StoredCheckpoint(number, log.size, log.dump(), signer.note(checkpoint), at)


async def keep_checkpoints(database: Database, signer: Signer, now: Callable[[], datetime]) -> None:
    """Make checkpoints as they fall due, until cancelled."""
    while True:
        try:
            await make_due_checkpoints(database, signer, now=now())
        except Exception as error:  # noqa: BLE001  # such as a lost database, or no memory: the next round tries again
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


FORMAT: Final = "recall-evidence/1"


async def verify(
    connection: asyncpg.Connection, petition: PetitionKey, signer: Signer, *, kept: Sequence[str] = ()
) -> Verification:
    """Verify a petition's count: every line recounted, the ledger replayed, and both compared with the checkpoints.

    It is one snapshot. Memory grows by some 50 bytes a line, and nothing is written. Raises UnknownPetitionError.

    Args:
        connection: for this alone until the verification ends.
        petition: its key.
        signer: the key that signed its checkpoints.
        kept: notes of checkpoints that were kept outside. They show a ledger that was shortened or rewritten together
            with its own checkpoints.
    """
    found = Verification(petition.petition_id)
    async with rows.snapshot(connection):
        opened, head = await rows.read_petition(connection, petition)
        stored = await rows.checkpoints(connection, petition, rows.Span())
        notes = {row.name: row.note for row in stored}
        notes |= {f"kept checkpoint {number}": note for number, note in enumerate(kept, 1)}
        signed: dict[str, Checkpoint] = {}
        for name, note in notes.items():
            try:
                signed[name] = signer.read(note, petition)
            except NotACheckpointError:
                found.fault("checkpoint", name, "it is not a checkpoint of this petition that the key has signed")
        check_checkpoints(found, stored, signed)
        chain = Chain(found, signed)
        async for entry in rows.entries(connection, petition):
            chain.take(entry)
        check_head(chain, opened, head)
        await _check_lines(connection, petition, chain, head)
        withdrawals = await rows.withdrawals(connection, petition)
        check_withdrawals(chain, withdrawals, await rows.withdrawn_slots(connection, petition))
        await _check_records(connection, petition, chain)
    found.version, found.entries, found.destroyed = head.version, chain.seq, chain.destroyed
    found.checkpoints = len(stored)
    found.uncovered = max(0, head.version - max((row.size for row in stored), default=0))
    return found


async def _check_records(connection: asyncpg.Connection, petition: PetitionKey, chain: Chain) -> None:
    """Compare what people put on record besides findings. What a broken ledger names cannot be compared."""
    records = Records(chain)
    async for record in record_queries.records(connection, petition):
        records.take(record)
    dates = await record_queries.stored_dates(connection, petition)
    changes = await record_queries.confirmed_changes(connection, petition)
    texts = await record_queries.ruleset_texts(connection, petition)
    records.finish(dates, changes, {name: sha256(text.encode()).hexdigest() for name, text in texts.items()})


async def _check_lines(connection: asyncpg.Connection, petition: PetitionKey, chain: Chain, head: Tally) -> None:
    found, replay = chain.found, Replay(chain, await rows.corrections(connection, petition))
    async for recorded in rows.recorded(connection, petition):
        replay.take(recorded)
    replay.finish(head)
    await asyncio.to_thread(chain.finish)  # a million entries take seconds; other tasks get their turn meanwhile
    for kind, place in await rows.without_findings(connection, petition):
        found.fault(kind, f"line {place}", "it has no finding")
    async for place, reason, nth, has_slot, withdrawn in rows.eligible_lines(connection, petition):
        # The first on paper counts, the others are duplicates (EC 105(b)); of who withdrew, none counts (EC 11303).
        follows = reason == "withdrawn" if withdrawn else reason == ("duplicate" if nth > 1 else None)
        # A duplicate may be one of a line that retention has destroyed.
        if not follows and not (chain.destroyed and reason == "duplicate"):
            message = "it does not follow from its voter's other lines: the first one counts, and no other"
            found.fault("voter", f"line {place}", message)
        if not has_slot:
            found.fault("voter", f"line {place}", "its voter has no slot")


async def export_bundle(database: Database, petition: PetitionKey, signer: Signer, target: Path) -> dict[str, int]:
    """Write a petition's evidence to a new ZIP file that only its owner may read: it holds personal data.

    It is one snapshot, streamed: memory does not grow with the petition. Findings that retention has destroyed are not
    in it; only the ledger's leaves are left of them. Returns how many `entries`, `findings` and `checkpoints` it holds.
    Raises UnknownPetitionError, and OSError if the file exists or cannot be written.

    Args:
        database: where the petition is.
        petition: its key.
        signer: the key that signed its checkpoints; the bundle names the public half.
        target: the file, which must not exist.
    """
    # Of level 1, since hashes cannot be compressed, and the rest compresses well at once.
    with new_private_file(target) as file, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as bundle:
        async with database.reading() as connection, rows.snapshot(connection):
            opened, head = await rows.read_petition(connection, petition)
            entries = (entry._asdict() async for entry in rows.entries(connection, petition))
            findings = (
                {"seq": finding.version, "leaf": finding.leaf_no, "salt": finding.salt, "content": finding.content}
                async for recorded in rows.recorded(connection, petition)
                for finding in recorded.findings
            )
            records = (
                {"kind": record.kind, "salt": record.salt, "content": record.content}
                async for record in record_queries.records(connection, petition)
            )
            holds = {
                "entries": await _write(bundle, "ledger.ndjson", entries),
                "findings": await _write(bundle, "findings.ndjson", findings),
                "records": await _write(bundle, "records.ndjson", records),
                "checkpoints": await _write(bundle, "checkpoints.ndjson", _notes(connection, petition)),
            }
            rulesets = await record_queries.ruleset_texts(connection, petition)
        manifest = {
            "format": FORMAT,
            "petition": opened.facts(),
            "version": head.version,
            "hash": head.hash.hex(),
            "state": head.state,
            "ruleset": head.ruleset,
            "rulesets": rulesets,
            "tally": head.counts.as_json(),
            "key": signer.verifier_key,
            "holds": holds,
        }
        bundle.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return holds


async def _notes(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, str]]:
    for checkpoint in await rows.checkpoints(connection, petition, rows.Span()):
        yield {"note": checkpoint.note}


async def _write(bundle: ZipFile, name: str, records: AsyncIterator[dict[str, Any]]) -> int:
    """Write records to a file of the bundle, one a line and bytes in hexadecimal; returns how many."""
    count = 0
    with bundle.open(name, "w", force_zip64=True) as file:
        async for record in records:
            text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=bytes.hex)
            file.write(text.encode() + b"\n")
            count += 1
    return count
