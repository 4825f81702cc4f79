"""Verifying a count: every row recounted, the ledger replayed, and both held against what was signed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from app.database.engine import Database
from app.errors import UnknownPetitionError
from app.law.petition import Petition
from app.ledger import queries as rows
from app.ledger.checkpoints import Signer
from app.ledger.entries import Head, leaf_hash
from app.ledger.notes import Checkpoint, NotACheckpointError, origin
from app.ledger.replay import Chain, Fault, Faults, Replay, Witness


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found."""

    version: int  # of the tally that was verified
    entries: int
    findings: int
    lines: int
    destroyed: int  # findings that retention has destroyed; only their hashes are left
    checkpoints: int
    uncovered: int  # entries behind the last checkpoint: nobody outside could show yet that they were changed
    fault_count: int
    faults: Sequence[Fault]  # the first of them

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees."""
        return self.fault_count == 0


async def verify(database: Database, petition: Petition, signer: Signer, *, held: Sequence[str] = ()) -> Verification:
    """Verify a petition's count in one snapshot; memory grows by some 50 bytes a line, and nothing is written.

    Args:
        database: where the rows, the ledger and its checkpoints are.
        petition: as it is in the database now; terms that differ from the opening entry are a fault.
        signer: the key that signed the checkpoints.
        held: notes of checkpoints kept outside: they show a ledger that was shortened or rewritten together with its
            own checkpoints.

    Raises:
        UnknownPetitionError: there is no such petition.
    """
    faults = Faults()
    async with database.reading() as connection, rows.snapshot(connection):
        head = await rows.read_head(connection, petition.key)
        if head is None:
            raise UnknownPetitionError
        stored = await rows.checkpoints(connection, petition.key)
        witnesses = read_checkpoints(signer, petition, stored, faults) + _held(signer, petition, held, faults)
        chain = Chain(faults, witnesses)
        await follow_chain(connection, petition, chain)
        _compare_head(head, petition, chain, faults)
        replay = Replay(chain, faults, await rows.revisions(connection, petition.key))
        await _replay(connection, petition, replay)
        chain.finish()
        await _recount(connection, petition, head, chain, faults)
        await _check_writings(connection, petition, faults)
        await _check_withdrawals(connection, petition, chain, faults)
    return Verification(
        version=head.version,
        entries=chain.seq,
        findings=replay.findings,
        lines=replay.lines,
        destroyed=chain.destroyed,
        checkpoints=len(stored),
        uncovered=max(0, head.version - max((row.size for row in stored), default=0)),
        fault_count=faults.count,
        faults=faults.first,
    )


def read_checkpoints(
    signer: Signer, petition: Petition, stored: Sequence[rows.CheckpointRow], faults: Faults
) -> list[Witness]:
    """The petition's own checkpoints: each signed, numbered, naming the one before, later and longer than it."""
    witnesses: list[Witness] = []
    last: Checkpoint | None = None
    for row in stored:
        name = f"checkpoint {row.number}"
        said = _read(signer, petition, row.note, name, faults)
        if said is None:
            continue
        expected = last.number + 1 if last else 1
        if said.number != expected:
            faults.add(
                "checkpoint_missing", f"checkpoint {expected}", f"the next one there is says it is {said.number}"
            )
        elif said.previous != (last.digest() if last else bytes(32)):
            faults.add("checkpoint", name, "it does not name the checkpoint before it")
        if last and (said.size <= last.size or said.at < last.at):
            faults.add("checkpoint", name, "it shrinks the log or goes back in time")
        if (row.size, row.created_at, row.number) != (said.size, said.at, said.number):
            faults.add("checkpoint", name, "its row says something else")
        witnesses.append(Witness(said, name))
        last = said
    return witnesses


def _held(signer: Signer, petition: Petition, held: Sequence[str], faults: Faults) -> list[Witness]:
    names = [f"held checkpoint {number}" for number in range(1, len(held) + 1)]
    read = [_read(signer, petition, note, name, faults) for note, name in zip(held, names, strict=True)]
    return [Witness(said, name) for said, name in zip(read, names, strict=True) if said]


def _read(signer: Signer, petition: Petition, note: str, name: str, faults: Faults) -> Checkpoint | None:
    try:
        said = signer.read(note)
    except NotACheckpointError:
        faults.add("checkpoint", name, "it is not a checkpoint that this key has signed")
        return None
    if said.origin != origin(petition.key):
        faults.add("checkpoint", name, "it is another petition's")
        return None
    return said


async def follow_chain(connection: asyncpg.Connection, petition: Petition, chain: Chain) -> None:
    """Check the entries alone: the chain, their leaves' roots, the checkpoints."""
    async for entry in rows.entries(connection, petition.key):
        chain.take(entry)


def _compare_head(head: Head, petition: Petition, chain: Chain, faults: Faults) -> None:
    if (head.version, head.hash) != (chain.seq, chain.hash):
        faults.add("head", "head", f"it is at version {head.version}, the ledger ends at entry {chain.seq}")
    if head.state != chain.state:
        faults.add("head", "head", "the ledger says otherwise whether the petition is closed")
    if head.counts.as_json() != chain.tally:
        faults.add("head", "head", "its tally is not the last entry's")
    opened = {key: chain.opening.get(key) for key in petition.facts()}
    if opened != petition.facts():
        faults.add("petition", "petition", "its terms are not those it was opened with")


async def _replay(connection: asyncpg.Connection, petition: Petition, replay: Replay) -> None:
    async for chunk in rows.findings(connection, petition.key):
        for finding, line, written in chunk:
            replay.take(finding, line, written)
    replay.finish()


async def _recount(
    connection: asyncpg.Connection, petition: Petition, head: Head, chain: Chain, faults: Faults
) -> None:
    counts = await rows.recount(connection, petition.key)
    if counts != head.counts and not chain.destroyed:
        faults.add("recount", "head", "its tally is not what the lines come to")
    for place in await rows.unfounded_lines(connection, petition.key):
        faults.add("line", f"line {place}", "no finding put it where it stands")
    for place in await rows.unread_signatures(connection, petition.key):
        faults.add("signature", f"line {place}", "a signature stands there that is not in the count")
    for place in await rows.miscounted_lines(connection, petition.key, partly=chain.destroyed > 0):
        faults.add("voter", f"line {place}", "it is not what its voter's lines make of it: one counts, the lowest")


async def _check_writings(connection: asyncpg.Connection, petition: Petition, faults: Faults) -> None:
    for revised in (False, True):
        async for chunk in rows.writings(connection, petition.key, revised=revised):
            for place in (place for place, writing, digest in chunk if writing.fingerprint() != digest):
                faults.add("writing", f"line {place}", "what stands there is not what its hash was made from")


async def _check_withdrawals(connection: asyncpg.Connection, petition: Petition, chain: Chain, faults: Faults) -> None:
    """Each withdrawal and revocation is what an entry names, and the slots say what holds of them."""
    missing = dict(chain.sealed)
    for row in await rows.sealed_withdrawals(connection, petition.key):
        where = f"withdrawal {row.withdrawal_id}"
        if missing.pop(leaf_hash(row.salt, row.content.encode()).hex(), None) is None:
            faults.add("withdrawal", where, "no entry names it as it stands here")
        elif not row.columns.items() <= json.loads(row.content).items():
            faults.add("withdrawal", where, "its row says something else than what was sealed")
    if chain.destroyed:
        return
    for seq in missing.values():
        faults.add("withdrawal", f"entry {seq}", "the withdrawal or revocation that it names is missing")
    if wrong := await rows.misslotted_voters(connection, petition.key):
        faults.add("withdrawal", "slots", f"{wrong} say something else of a withdrawal than what is on record")
