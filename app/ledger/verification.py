"""Verifying a count: every line recounted, the ledger replayed, and both compared with the signed checkpoints."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from app.errors import UnknownPetitionError
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import Head
from app.ledger.notes import Checkpoint, NotACheckpointError, Signer
from app.ledger.replay import (
    Chain,
    Replay,
    Verification,
    check_checkpoints,
    check_head,
    check_withdrawals,
    expected_reason,
)


async def verify(
    connection: asyncpg.Connection, petition: PetitionKey, signer: Signer, *, kept: Sequence[str] = ()
) -> Verification:
    """Verify a petition's count in one snapshot. Memory grows by some 50 bytes a line, and nothing is written.

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
        read = await rows.read_petition(connection, petition)
        if read is None:
            raise UnknownPetitionError
        opened, head = read
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
        check_withdrawals(
            chain, await rows.withdrawals(connection, petition), await rows.withdrawn_slots(connection, petition)
        )
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
