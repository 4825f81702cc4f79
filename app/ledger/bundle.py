"""The evidence bundle: everything needed to verify a count without its database, in one file."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg

from app.database.engine import Database
from app.errors import UnknownPetitionError
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.notes import Signer, new_private_file

FORMAT: Final = "recall-evidence/1"
_LEVEL = 1  # of compression: hashes cannot be compressed, and the rest compresses well at once


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
            found = await rows.read_petition(connection, petition)
            if found is None:
                raise UnknownPetitionError
            opened, head = found
            holds = {
                "entries": await _stream(bundle, "ledger.ndjson", _entries(connection, petition)),
                "findings": await _stream(bundle, "findings.ndjson", _findings(connection, petition)),
                "checkpoints": await _stream(bundle, "checkpoints.ndjson", _checkpoints(connection, petition)),
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


async def _stream(bundle: ZipFile, name: str, records: AsyncIterator[dict[str, Any]]) -> int:
    """Write records to a file of the bundle, one a line; returns how many."""
    count = 0
    with bundle.open(name, "w", force_zip64=True) as file:
        async for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


async def _entries(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    async for entry in rows.entries(connection, petition):
        hashes = {"leaf_root": entry.leaf_root.hex(), "leaves": entry.leaves.hex()}
        yield {"seq": entry.seq, "type": entry.type, **hashes, "payload": entry.payload, "hash": entry.hash.hex()}


async def _findings(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    async for recorded in rows.recorded(connection, petition):
        for finding in recorded.findings:
            leaf = {"seq": finding.version, "leaf": finding.leaf_no}
            yield {**leaf, "salt": finding.salt.hex(), "content": finding.content}


async def _checkpoints(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    for checkpoint in await rows.checkpoints(connection, petition):
        yield {"note": checkpoint.note}
