"""Verifying a count, and exporting the evidence with which others verify it without its database."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg

from app.database.pools import Database
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import Head
from app.ledger.notes import Checkpoint, NotACheckpointError, Signer, new_private_file
from app.ledger.replay import (
    Chain,
    Replay,
    Verification,
    check_checkpoints,
    check_head,
    check_withdrawals,
    expected_reason,
)

FORMAT: Final = "recall-evidence/1"
_LEVEL = 1  # of compression: hashes cannot be compressed, and the rest compresses well at once


async def verify(
    connection: asyncpg.Connection, petition: PetitionKey, signer: Signer, *, kept: Sequence[str] = ()
) -> Verification:
    """Verify a petition's count: every line recounted, the ledger replayed, and both compared with the checkpoints.

    It is one snapshot. Memory grows by some 50 bytes a line, and nothing is written.

    Args:
        connection: for this alone until the verification ends.
        petition: its key.
        signer: the key that signed its checkpoints.
        kept: notes of checkpoints that were kept outside. They show a ledger that was shortened or rewritten together
            with its own checkpoints.

    Raises:
        UnknownPetitionError: there is no such petition.
    """
    found = Verification(petition.petition_id)
    async with rows.snapshot(connection):
        opened, head = await rows.read_petition(connection, petition)
        stored = await rows.checkpoints(connection, petition)
        notes = {row.name: row.note for row in stored}
        notes |= {f"kept checkpoint {number}": note for number, note in enumerate(kept, 1)}
        signed = _read_notes(found, notes, signer, petition)
        check_checkpoints(found, stored, signed)
        chain = Chain(found, signed)
        async for entry in rows.entries(connection, petition):
            chain.take(entry)
        check_head(chain, opened, head)
        await _check_lines(connection, petition, chain, head)
        withdrawals = await rows.withdrawals(connection, petition)
        check_withdrawals(chain, withdrawals, await rows.withdrawn_slots(connection, petition))
    found.version, found.entries, found.destroyed = head.version, chain.seq, chain.destroyed
    found.checkpoints = len(stored)
    found.uncovered = max(0, head.version - max((row.size for row in stored), default=0))
    return found


def _read_notes(
    found: Verification, notes: Mapping[str, str], signer: Signer, petition: PetitionKey
) -> dict[str, Checkpoint]:
    """The checkpoints of the notes, both by name."""
    signed = {}
    for name, note in notes.items():
        try:
            signed[name] = signer.read(note, petition)
        except NotACheckpointError:
            found.fault("checkpoint", name, "it is not a checkpoint of this petition that the key has signed")
    return signed


async def _check_lines(connection: asyncpg.Connection, petition: PetitionKey, chain: Chain, head: Head) -> None:
    found, replay = chain.found, Replay(chain, await rows.corrections(connection, petition))
    async for recorded in rows.recorded(connection, petition):
        replay.take(recorded)
    replay.finish(head)
    await asyncio.to_thread(chain.finish)  # a million entries take seconds; other tasks get their turn meanwhile
    for kind, place in await rows.without_findings(connection, petition):
        found.fault(kind, f"line {place}", "it has no finding")
    async for place, reason, nth, has_slot, withdrawn in rows.eligible_lines(connection, petition):
        # A duplicate may be one of a line that retention has destroyed.
        if reason != expected_reason(nth, withdrawn=withdrawn) and not (chain.destroyed and reason == "duplicate"):
            message = "it does not follow from its voter's other lines: the first one counts, and no other"
            found.fault("voter", f"line {place}", message)
        if not has_slot:
            found.fault("voter", f"line {place}", "its voter has no slot")


async def export_bundle(database: Database, petition: PetitionKey, signer: Signer, target: Path) -> dict[str, int]:
    """Write a petition's evidence to a new ZIP file that only its owner may read: it holds personal data.

    It is one snapshot, streamed: memory does not grow with the petition. Findings that retention has destroyed are not
    in it; only the ledger's leaves are left of them.

    Args:
        database: where the petition is.
        petition: its key.
        signer: the key that signed its checkpoints; the bundle names the public half.
        target: the file, which must not exist.

    Returns:
        How many `entries`, `findings` and `checkpoints` the bundle holds.

    Raises:
        UnknownPetitionError: there is no such petition.
        OSError: the file exists or cannot be written.
    """
    with new_private_file(target) as file, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as bundle:
        async with database.reading() as connection, rows.snapshot(connection):
            opened, head = await rows.read_petition(connection, petition)
            entries = (entry._asdict() async for entry in rows.entries(connection, petition))
            findings = (
                {"seq": finding.version, "leaf": finding.leaf_no, "salt": finding.salt, "content": finding.content}
                async for recorded in rows.recorded(connection, petition)
                for finding in recorded.findings
            )
            holds = {
                "entries": await _write(bundle, "ledger.ndjson", entries),
                "findings": await _write(bundle, "findings.ndjson", findings),
                "checkpoints": await _write(bundle, "checkpoints.ndjson", _notes(connection, petition)),
            }
        manifest = {
            "format": FORMAT,
            "petition": opened.facts(),
            "version": head.version,
            "hash": head.hash.hex(),
            "state": head.state,
            "tally": head.counts.as_json(),
            "key": signer.verifier_key,
            "holds": holds,
        }
        bundle.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return holds


async def _notes(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, str]]:
    for checkpoint in await rows.checkpoints(connection, petition):
        yield {"note": checkpoint.note}


async def _write(bundle: ZipFile, name: str, records: AsyncIterator[dict[str, Any]]) -> int:
    """Write records to a file of the bundle, one a line and bytes in hexadecimal; returns how many."""
    count = 0
    with bundle.open(name, "w", force_zip64=True) as file:
        async for record in records:
            file.write(
                json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=bytes.hex).encode() + b"\n"
            )
            count += 1
    return count
