"""The evidence bundle: everything that is needed to verify a count without its database, in one file."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg

from app.database.engine import Database
from app.errors import UnknownPetitionError
from app.law.petition import Petition, PetitionKey
from app.ledger import queries as rows
from app.ledger.checkpoints import Signer

FORMAT: Final = "recall-evidence/1"
_LEVEL = 1  # of compression: hashes do not get smaller, the rest does at once


@dataclass(frozen=True, slots=True)
class Written:
    """How much a bundle holds."""

    entries: int
    findings: int
    checkpoints: int


async def export_bundle(database: Database, petition: Petition, signer: Signer, target: Path) -> Written:
    """Write a petition's evidence to a new ZIP file that its owner alone may read: it holds personal data.

    It is one snapshot, streamed: memory does not grow with the petition. What retention has destroyed is not in it;
    of that the ledger's leaves remain.

    Raises:
        UnknownPetitionError: there is no such petition.
        OSError: the file exists or cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as bundle:
                async with database.reading() as connection, rows.snapshot(connection):
                    written = await _write(bundle, connection, petition, signer)
            os.fsync(file.fileno())
        os.link(draft, target)  # never over a file that is there
    finally:
        draft.unlink(missing_ok=True)
    return written


async def _write(bundle: ZipFile, connection: asyncpg.Connection, petition: Petition, signer: Signer) -> Written:
    written = Written(
        entries=await _stream(bundle, "ledger.ndjson", _entries(connection, petition.key)),
        findings=await _stream(bundle, "findings.ndjson", _findings(connection, petition.key)),
        checkpoints=await _stream(bundle, "checkpoints.ndjson", _checkpoints(connection, petition.key)),
    )
    head = await rows.read_head(connection, petition.key)
    if head is None:
        raise UnknownPetitionError
    manifest = {
        "format": FORMAT,
        "petition": petition.facts(),
        "version": head.version,
        "hash": head.hash.hex(),
        "state": head.state,
        "tally": head.counts.as_json(),
        "key": signer.verifier_key,
        "holds": asdict(written),
    }
    bundle.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return written


async def _stream(bundle: ZipFile, name: str, records: AsyncIterator[dict[str, Any]]) -> int:
    count = 0
    with bundle.open(name, "w", force_zip64=True) as file:
        async for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


async def _entries(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    async for entry in rows.entries(connection, petition):
        yield {
            "seq": entry.seq,
            "type": entry.type,
            "leaf_root": entry.leaf_root.hex(),
            "leaves": entry.leaves.hex(),
            "payload": entry.payload,
            "hash": entry.hash.hex(),
        }


async def _findings(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    async for finding in rows.findings_alone(connection, petition):
        yield {
            "seq": finding.version,
            "leaf": finding.leaf_no,
            "salt": finding.salt.hex(),
            "content": finding.content,
        }


async def _checkpoints(connection: asyncpg.Connection, petition: PetitionKey) -> AsyncIterator[dict[str, Any]]:
    for row in await rows.checkpoints(connection, petition):
        yield {"note": row.note}
